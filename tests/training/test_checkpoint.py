"""A checkpoint proves itself: whatever was changed, removed or swapped is named in one sentence."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from slmlib.errors import CheckpointError, SlmError
from slmlib.files import sha256_file, write_json
from slmlib.generation import generate
from slmlib.model.decoder import Decoder
from slmlib.text.tokenizer import Tokenizer
from slmlib.training.checkpoint import (
    checkpoint_folders,
    load_checkpoint,
    newest_checkpoint,
    prune,
    save_checkpoint,
    step_folder,
)
from tests.training.conftest import tiny_stories


@pytest.fixture(scope="module")
def trained(shared_world):
    """A run of 12 steps with checkpoints."""
    trainer = shared_world.trainer("run")
    trainer.run()
    return trainer


@pytest.fixture
def saved(trained, tmp_path):
    """The run's trainer and the last checkpoint's folder, in a copy that a test may damage."""
    folder = tmp_path / "checkpoints"
    shutil.copytree(trained.folder / "checkpoints", folder)
    return trained, step_folder(folder, 12)


def sign_again(folder) -> None:
    """What a careful forger would do: make the manifest fit the changed files."""
    write_json(
        folder / "manifest.json",
        {p.name: sha256_file(p) for p in folder.iterdir() if p.name != "manifest.json"},
    )


def edit_state(folder, change) -> None:
    state = json.loads((folder / "state.json").read_text())
    change(state)
    write_json(folder / "state.json", state)
    sign_again(folder)


def edit_tensors(folder, change, name="model.safetensors") -> None:
    tensors = {key: value.clone() for key, value in load_file(folder / name).items()}
    change(tensors)
    save_file(tensors, folder / name)
    sign_again(folder)


def test_round_trip_is_exact_and_tells_the_same_story(saved):
    trainer, folder = saved
    loaded = load_checkpoint(folder)
    for name, tensor in trainer.model.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], tensor)
    assert loaded.model.head.weight is loaded.model.embedding.weight
    assert loaded.progress == trainer.progress()
    stories = [generate(model, trainer.tokenizer, "Tom") for model in (trainer.model, loaded.model)]
    assert stories[0] == stories[1]


@pytest.mark.parametrize(
    "name", ["model.safetensors", "optimizer.safetensors", "state.json", "tokenizer.json", "manifest.json"]
)
@pytest.mark.parametrize("damage", ["flip", "truncate", "remove", "empty"])
def test_damage_to_any_file_is_found(saved, name, damage):
    _, folder = saved
    path = folder / name
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 0x55
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes({"flip": bytes(content), "truncate": bytes(content[:-7]), "empty": b""}[damage])
    with pytest.raises(
        SlmError, match=name if damage != "flip" or name != "manifest.json" else "manifest|differs|lacks"
    ):
        load_checkpoint(folder)


def test_the_newest_good_one_is_used_and_the_bad_ones_are_named(saved):
    _, newest = saved
    folders = checkpoint_folders(newest.parent)
    (newest / "model.safetensors").write_bytes(b"not tensors")
    (folders[-2] / "state.json").unlink()
    said: list[str] = []
    assert newest_checkpoint(newest.parent, said.append).folder == folders[-3]
    assert len(said) == 2
    assert "model.safetensors" in said[0]
    assert "state.json" in said[1]


def test_no_checkpoint_and_only_bad_ones_are_different_things(saved, tmp_path):
    _, newest = saved
    assert newest_checkpoint(tmp_path / "nothing") is None
    for folder in checkpoint_folders(newest.parent):
        (folder / "manifest.json").unlink()
    with pytest.raises(CheckpointError, match="No checkpoint"):
        newest_checkpoint(newest.parent)


def test_another_tokenizer_is_refused(saved):
    _, folder = saved
    Tokenizer.train(tiny_stories(5), 280).save(folder / "tokenizer.json")
    sign_again(folder)
    with pytest.raises(CheckpointError, match="another tokenizer"):
        load_checkpoint(folder)


def test_other_weights_of_the_right_shape_are_refused(saved, world):
    _, folder = saved
    edit_tensors(folder, lambda tensors: tensors["embedding.weight"].mul_(1.01))
    with pytest.raises(CheckpointError, match="probe tokens"):
        load_checkpoint(folder)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.pop("embedding.weight"), r"lacks embedding\.weight"),
        (lambda t: t.update({"head.weight": t["embedding.weight"] * 1.0}), r"unknown head\.weight"),
        (lambda t: t.update({"embedding.weight": t["embedding.weight"].bfloat16()}), r"bfloat16.*float32"),
        (
            lambda t: t.update({"embedding.weight": t["embedding.weight"][:-1].clone()}),
            r"\(279, 16\).*\(280, 16\)",
        ),
        (lambda t: t.update({"_orig_mod.x": torch.zeros(1)}), r"unknown _orig_mod\.x"),
    ],
    ids=["missing", "tie", "dtype", "shape", "wrapper"],
)
def test_tensors_that_do_not_fit_the_config_are_named(saved, change, sentence):
    _, folder = saved
    edit_tensors(folder, change)
    with pytest.raises(CheckpointError, match=sentence):
        load_checkpoint(folder)


@pytest.mark.parametrize(
    ("wrapped", "sentence"),
    [
        (torch.compile, r"got OptimizedModule around a Decoder\. Save the model itself"),
        (torch.nn.DataParallel, r"got DataParallel around a Decoder\. Save the model itself"),
        (
            lambda _: torch.nn.Linear(2, 2),
            r"^Linear is not a model of slmlib: .*torch\.save\(model\.state_dict\(\)",
        ),
        (lambda _: {}, "^dict is not a model of slmlib"),
    ],
)
def test_what_is_no_plain_model_is_told_what_it_is(trained, tmp_path, wrapped, sentence):
    with pytest.raises(CheckpointError, match=sentence):
        save_checkpoint(tmp_path / "new", wrapped(trained.model), trained.tokenizer, trained.progress())
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda s: s.update(format_version=99), "format .99"),
        (lambda s: s.pop("model"), "does not describe a run"),
        (lambda s: s["model"].update(num_layers="two"), "num_layers"),
        (lambda s: s["model"].update(layers=2), "no field layers"),
        (lambda s: s["model"].update(num_layers=3), r"lacks blocks\.2"),
        (lambda s: s["model"].update(tie_embeddings=False), r"lacks head\.weight"),
        (lambda s: s["model"].update(activation="gelu"), "probe tokens"),
        (lambda s: s["progress"].pop("step"), "does not describe a run"),
        (lambda s: s.update(probe_loss=None), "does not describe a run"),
        (lambda s: s["progress"].update(probe_tokens=[5000, 1, 2]), "probe tokens|does not describe a run"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(saved, change, sentence):
    _, folder = saved
    edit_state(folder, change)
    with pytest.raises(SlmError, match=sentence):
        load_checkpoint(folder)


def test_a_file_from_another_checkpoint_is_refused(saved):
    _, folder = saved
    other = checkpoint_folders(folder.parent)[0]
    shutil.copy(other / "model.safetensors", folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="SHA-256 differs"):
        load_checkpoint(folder)
    sign_again(folder)
    with pytest.raises(CheckpointError, match="probe tokens"):
        load_checkpoint(folder)


def test_only_the_plain_model_is_saved(saved, tmp_path):
    trainer, _ = saved
    with pytest.raises(CheckpointError, match="OptimizedModule"):
        save_checkpoint(tmp_path / "x", torch.compile(trainer.model), trainer.tokenizer, trainer.progress())


def test_a_model_without_optimizer_is_for_use_only(saved, world, tmp_path):
    trainer, _ = saved
    folder = save_checkpoint(tmp_path / "for-use", trainer.model, trainer.tokenizer, trainer.progress())
    assert load_checkpoint(folder).progress.step == 12
    with pytest.raises(CheckpointError, match="no optimizer state"):
        world.trainer("again", resume=load_checkpoint(folder))


def test_a_failing_save_leaves_what_was_there(saved, monkeypatch):
    trainer, folder = saved
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def no_space(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("slmlib.files.os.fsync", no_space)
    with pytest.raises(SlmError, match=r"No space left on device.*Free some disk space"):
        save_checkpoint(folder, trainer.model, trainer.tokenizer, trainer.progress(), trainer.optimizer)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path for path in folder.parent.iterdir() if path.name.startswith(".")] == []


def test_keep_and_best(world):
    trainer = world.trainer("kept", keep_checkpoints=2)
    trainer.run()
    steps = [int(path.name[5:]) for path in checkpoint_folders(trainer.folder / "checkpoints")]
    assert steps[-2:] == [9, 12]
    best = min(trainer.history, key=lambda entry: entry["nats"])["step"]
    assert best in steps
    assert len(steps) <= 3


def test_what_was_just_saved_is_kept_whatever_lies_beside_it(world):
    """A run goes on before a damaged checkpoint; somebody has made a copy for himself."""
    trainer = world.trainer("beside", keep_checkpoints=1)
    trainer.run()
    folder = trainer.folder / "checkpoints"
    for name in ("step-00000600", "step-00000700", "step-00000002-mine"):
        (folder / name).mkdir()
    trainer.save()
    assert {"step-00000012", "step-00000600", "step-00000700", "step-00000002-mine"} <= {
        path.name for path in folder.iterdir()
    }
    prune(folder, 1, 12, 700)
    assert {path.name for path in folder.iterdir()} == {
        "step-00000012",
        "step-00000700",
        "step-00000002-mine",
    }


def test_nothing_in_a_checkpoint_is_a_pickle(saved):
    _, folder = saved
    for path in folder.iterdir():
        assert path.suffix in (".json", ".safetensors")
        assert not path.read_bytes().startswith((b"PK", b"\x80"))


def test_untied_and_biased_models_round_trip(world, tmp_path):
    config = world.model_config.change(
        dict(tie_embeddings=False, qkv_bias=True, norm_gain=True, position="learned")
    )
    trainer = world.trainer("untied", model=Decoder(config, seed=1))
    folder = save_checkpoint(tmp_path / "untied", trainer.model, trainer.tokenizer, trainer.progress())
    loaded = load_checkpoint(folder).model
    assert loaded.config == config
    for name, tensor in trainer.model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)
