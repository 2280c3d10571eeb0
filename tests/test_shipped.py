"""The model that comes with the package: whole, small, and telling the same story as on the day it was shipped."""

import re
from pathlib import Path

import pytest
import torch

from slmlib.config import Sampling
from slmlib.errors import CheckpointError
from slmlib.generation import generate, stream
from slmlib.shipped import SHIPPED, load_model

README = Path(__file__).resolve().parent.parent / "README.md"
GOLDEN = "Once upon a time, there was a little girl named Lily. She loved to play outside in the sun. One day, she saw a big, red ball in the park. She wanted to play with it, but she was too small.\nLily's mom said, \"Lily, you need to clean up the"


def test_the_golden_story():
    shipped = load_model()
    greedy = Sampling(temperature=0.0, max_tokens=60)
    assert generate(shipped.model, shipped.tokenizer, "Once upon a time", greedy) == [GOLDEN]


def test_another_weight_tells_another_story():
    shipped = load_model()
    with torch.no_grad():
        shipped.model.blocks[0].feedforward.up.weight.mul_(1.2)
    greedy = Sampling(temperature=0.0, max_tokens=60)
    assert generate(shipped.model, shipped.tokenizer, "Once upon a time", greedy) != [GOLDEN]


def test_it_is_small_and_has_a_card():
    size = sum(path.stat().st_size for path in SHIPPED.iterdir())
    assert size < 8_000_000
    assert "validation set" in (SHIPPED / "README.md").read_text(encoding="utf-8")


def test_streaming_tells_the_same_story():
    shipped = load_model()
    pieces = list(stream(shipped.model, shipped.tokenizer, "One day", Sampling(seed=3, max_tokens=40)))
    whole = generate(shipped.model, shipped.tokenizer, "One day", Sampling(seed=3, max_tokens=40))[0]
    assert "One day" + "".join(pieces) == whole


def test_the_validation_loss_it_claims_is_the_one_it_has():
    """On the stories the card was measured on, where they are at hand."""
    import os

    from slmlib.evaluation import evaluate
    from slmlib.text.prepare import prepare
    from slmlib.training.budget import SMALLEST_TEXT

    if not os.environ.get("SLM_CORPUS"):
        pytest.skip("SLM_CORPUS is not set: the stories that the card was measured on are not at hand")
    shipped = load_model()
    data = prepare("auto", tokenizer=shipped.tokenizer, max_bytes=SMALLEST_TEXT, progress=False)
    if data.valid.info.sha256 != shipped.progress.valid_sha256:
        pytest.skip("SLM_CORPUS holds other stories than the card was measured on")
    last = shipped.progress.history[-1]
    assert evaluate(shipped.model, data.valid).nats == pytest.approx(last["nats"], rel=2e-3)


def test_a_path_without_a_model_is_one_sentence(tmp_path):
    with pytest.raises(CheckpointError, match="There is no folder"):
        load_model(str(tmp_path / "nothing"))
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        load_model(str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(CheckpointError, match="has no checkpoint yet"):
        load_model(str(tmp_path))
    with pytest.raises(CheckpointError, match='To begin a story with these words: --prompt "Tom had a ball"'):
        load_model("Tom had a ball")
    for name, model in (("config.json", "exported"), ("model.bin", "exported/model.bin")):
        exported = tmp_path / name / "exported"
        exported.mkdir(parents=True)
        (exported / name).touch()
        with pytest.raises(CheckpointError, match=f"python -m slmlib import .*/{model} makes a checkpoint"):
            load_model(str(exported))
    with pytest.raises(CheckpointError, match="The name of the model is empty"):
        load_model("")


def test_the_folder_of_all_checkpoints_names_the_run(tmp_path):
    inside = tmp_path / "run" / "checkpoints"
    for step in (3, 12):
        (inside / f"step-{step:08d}").mkdir(parents=True)
    with pytest.raises(CheckpointError) as refused:
        load_model(str(inside))
    assert str(refused.value) == (
        f"{inside} holds the checkpoints of a run. Give the run, {inside.parent}, or one of them, "
        f"{inside / 'step-00000012'}."
    )


@pytest.mark.parametrize(("page", "seed"), [(README, 0), (SHIPPED / "README.md", 1)], ids=["README", "card"])
def test_a_quoted_story_is_what_its_command_tells(page, seed):
    shipped = load_model()
    told = generate(shipped.model, shipped.tokenizer, "Once upon a time", Sampling(seed=seed))[0]
    quoted = re.findall(r"(?m)^> (.+)", page.read_text(encoding="utf-8"))
    assert quoted == [line for line in told.splitlines() if line.strip()]
