"""Grading from what was handed in: an honest bundle earns the lab, a forged one does not, and nothing is trained."""

import hashlib
import io
import json
import pickle
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays
from safetensors.torch import load, save

from checks.building.build import Lesson
from checks.bundle import CHECKPOINT, FACTS, TOKENS, read_bundle, write_bundle
from checks.course import Course
from checks.grading import Settings
from checks.grading.batch import grade_folder
from checks.grading.cli import _grade
from checks.grading.from_state import judge_state, read_state, remarks_of, state_flags, without_computing
from checks.grading.reading import CodeCell, Notebook
from checks.grading.session import Zygote, best_kind
from checks.submitting import lab_facts
from slmlib.config import Sampling
from slmlib.errors import SlmError
from slmlib.generation import generate
from slmlib.model.decoder import Decoder
from slmlib.shipped import load_model

from ..conftest import DEMO

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from book import Book  # noqa: E402

HOME = Course(HERE.parents[2])
LAB = HOME.exercises("lab")
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the rooms' walls are Linux'"),
    pytest.mark.timeout(600),
]
STORY = "Once upon a time there was a little cat. The cat liked to play in the garden with her friend. "
WEIGHTS, STATE = f"{CHECKPOINT}/model.safetensors", f"{CHECKPOINT}/state.json"


class Stream:
    """As much of a token stream as `submit` looks at."""

    def __init__(self, tokens):
        self.tokens = tokens


@pytest.fixture(scope="module")
def kernel():
    """What an honest lab leaves behind: the shipped model, changed as much as another seed's last steps would."""
    shipped = load_model()
    model, tokenizer = shipped.model, shipped.tokenizer
    noise = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for part in model.parameters():
            part += 0.05 * part.std(correction=0) * torch.randn(part.shape, generator=noise)
    row = torch.tensor(tokenizer.encode(STORY))
    optimizer = torch.optim.AdamW(model.parameters())
    telling = Sampling(temperature=0.7, top_k=50, seed=1, max_tokens=60)
    return {
        "train_tokens": row.repeat(100_000 // len(row) + 1),
        "vocab_size": tokenizer.vocab_size,
        "model": model,
        "tokenizer": tokenizer,
        "optimizer": optimizer,
        "scheduler": torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0),
        "valid": Stream(row.repeat(10).numpy()),
        "losses": [8.0] * 10 + [2.0] * 10,
        "val_losses": [8.3, 0.0],
        "story_before": "Once upon a time zq zq",
        "story_after": generate(model, tokenizer, "Once upon a time", telling)[0],
        "checkpoint_ok": True,
        "telling": telling,
    }


def facts_of(names):
    """Facts and files as `submit` makes them."""
    told, files = lab_facts(names)
    return {"format": 1, "lesson": "98", "notebook": None, "lab": told}, files


@pytest.fixture(scope="module")
def grader(kernel):
    """Grade facts and files in a room of this machine."""
    settings = Settings()
    with Zygote(settings.environment()) as zygote:
        sandbox = settings.sandbox(best_kind(zygote, settings.sandbox("plain")))

        def state_of(facts, files):
            path = Path(zygote.folder) / "made.zip"
            write_bundle(path, facts, files)
            return read_state(path.read_bytes(), "98", zygote, sandbox)

        # The loss an honest student would have measured is what our own code measures.
        kernel["val_losses"][-1] = state_of(*facts_of(kernel)).measured["validation"]
        yield state_of


@pytest.fixture
def honest(kernel, grader):
    """A fresh copy of an honest bundle's facts and files."""
    facts, files = facts_of(kernel)
    return json.loads(json.dumps(facts)), files


def points(state, require_cuda=False):
    """Exercise -> whether it passed."""
    return {found.id: found.state == "pass" for found in judge_state(state, LAB, require_cuda)}


ALL = {f"lab.{number}": True for number in range(1, 6)}


def test_an_honest_bundle_earns_the_lab(honest, grader):
    state = grader(*honest)
    assert points(state) == ALL
    assert state.measured["story"]["again"]
    assert state_flags(state) == []
    (remark,) = remarks_of(state, Notebook((), "98", "", ()))
    assert "Measured again from the checkpoint: validation" in remark


def sealed(files):
    """The checkpoint's own hashes put right, as a forger would."""
    manifest = {
        name.partition("/")[2]: hashlib.sha256(data).hexdigest()
        for name, data in files.items()
        if name.startswith(CHECKPOINT) and not name.endswith("manifest.json")
    }
    files[f"{CHECKPOINT}/manifest.json"] = json.dumps(manifest).encode()


def reweigh(files, change):
    """Other weights, with hashes and probe loss that fit them."""
    tensors = load(files[WEIGHTS])
    change(tensors)
    files[WEIGHTS] = save(tensors)
    state = json.loads(files[STATE])
    config = load_model().model.config
    model = Decoder(config)
    own = model.state_dict()
    for name, tensor in tensors.items():
        own[name].copy_(tensor)
    row = torch.tensor([state["progress"]["probe_tokens"]])
    with torch.no_grad():
        state["probe_loss"] = model.eval().loss(row[:, :-1], row[:, 1:]).item()
    files[STATE] = json.dumps(state).encode()
    sealed(files)


def swap(tensors):
    """Two layers in each other's place."""
    names = [name for name in tensors if ".0." in name]
    for name in names:
        other = name.replace(".0.", ".1.")
        tensors[name], tensors[other] = tensors[other], tensors[name]


def untrained(tensors):
    """The weights of before the first step."""
    fresh = Decoder(load_model().model.config, seed=0).state_dict()
    tensors.update({name: fresh[name].clone() for name in tensors})


def with_nan(tensors):
    """One weight that is not a number."""
    next(iter(tensors.values())).view(-1)[0] = float("nan")


class Canary:
    """Says so when it is unpickled."""

    def __reduce__(self):
        return exec, ("raise SystemExit('unpickled')",)


def huge_shape(facts, files):
    """A header that asks for a million million numbers."""
    head = json.dumps(
        {"embedding.weight": {"dtype": "F32", "shape": [2**20, 2**20], "data_offsets": [0, 2**42]}}
    )
    files[WEIGHTS] = len(head).to_bytes(8, "little") + head.encode()
    sealed(files)


def huge_config(facts, files):
    """A config of a trillion parameters beside a small file."""
    state = json.loads(files[STATE])
    state["model"] |= {"num_layers": 1000, "embed_dim": 2**15}
    files[STATE] = json.dumps(state).encode()
    sealed(files)


def tokens_of(files, **rows):
    """Other token rows."""
    files[TOKENS] = save_arrays(
        load_arrays(files[TOKENS]) | {name: np.asarray(row) for name, row in rows.items()}
    )


def edit(*path, value):
    """Facts with one value changed."""

    def change(facts, files):
        place = facts["lab"]
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value

    return change


LATIN = (
    "Gallia est omnis divisa in partes tres, quarum unam incolunt Belgae, aliam Aquitani, tertiam qui Celtae."
)
FORGED = {
    "a validation loss that was not measured": (
        edit("training", "val_losses", value=[8.0, 0.4]),
        {"lab.3": "does not have the validation loss"},
    ),
    "losses that are a dict": (
        edit("training", "losses", value={"a": 1}),
        {"lab.3": "not a list of numbers"},
    ),
    "a story the model did not write": (
        edit("story", "story", value=LATIN),
        {"lab.4": "does not write this story"},
    ),
    "a story that never ends": (
        edit("telling", "sampling", "max_tokens", value=10**9),
        {},
    ),
    "another device's optimizer": (edit("model", "in_optimizer", value=0), {"lab.2": "does not hold all"}),
    "facts of other types": (edit("model", value=[1, 2]), {"lab.2": "do not have the form"}),
    "a checkpoint that was not looked at": (
        edit("checkpoint_ok", value=1),
        {"lab.5": "checkpoint_ok is not True"},
    ),
    "other greedy tokens": (edit("greedy", value=[0] * 24), {"lab.5": "writes other tokens"}),
    "swapped layers": (
        lambda facts, files: reweigh(files, swap),
        {"lab.3": "does not have the validation loss"},
    ),
    "an untrained model": (
        lambda facts, files: reweigh(files, untrained),
        {"lab.3": "does not have the validation loss", "lab.4": "", "lab.5": ""},
    ),
    "too few tokens": (lambda facts, files: tokens_of(files, train=[1, 2, 3]), {"lab.1": "Too few tokens"}),
    "tokens of another vocabulary": (
        lambda facts, files: tokens_of(files, train=np.full(100_000, 60_000, np.uint16)),
        {"lab.1": "not in the vocabulary"},
    ),
    "no validation tokens": (
        lambda facts, files: tokens_of(files, valid=np.zeros(0, np.uint16)),
        {"lab.3": "has no validation tokens"},
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_bundle_does_not_pay(honest, grader, name):
    facts, files = honest
    change, wrong = FORGED[name]
    change(facts, files)
    state = grader(facts, files)
    assert state.problem == ""
    found = {one.id: one for one in judge_state(state, LAB, False)}
    for exercise, words in wrong.items():
        assert found[exercise].state == "fail", exercise
        assert words in found[exercise].problem
    for exercise in {"lab.1", "lab.3"} - set(wrong) if "tokens" not in name else ():
        assert found[exercise].state == "pass", found[exercise].problem


UNREADABLE = {
    "weights changed behind the hashes": (
        lambda facts, files: files.update({WEIGHTS: files[WEIGHTS][:-4] + b"\0\0\0\1"}),
        "SHA-256 differs",
    ),
    "weights that are not numbers": (lambda facts, files: reweigh_nan(files), "not"),
    "a pickle": (
        lambda facts, files: (files.update({WEIGHTS: pickle.dumps(Canary())}), sealed(files)),
        "not a readable safetensors file",
    ),
    "a huge shape": (huge_shape, "not a readable safetensors file"),
    "a huge config": (huge_config, "does not describe a run"),
    "no tokenizer": (
        lambda facts, files: files.pop(f"{CHECKPOINT}/tokenizer.json"),
        "lacks checkpoint/tokenizer.json",
    ),
    "tokens that are none": (lambda facts, files: files.update({TOKENS: b"x" * 100}), "cannot be read"),
    "another lesson": (lambda facts, files: facts.update(lesson="11"), "is of lesson '11'"),
    "no lab": (lambda facts, files: (facts.pop("lab"), files.clear()), "holds no lab"),
}


def reweigh_nan(files):
    """NaN weights; the probe loss cannot be written as JSON, so a forger leaves the old one."""
    tensors = load(files[WEIGHTS])
    with_nan(tensors)
    files[WEIGHTS] = save(tensors)
    sealed(files)


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_model_earns_nothing_and_says_why(honest, grader, name):
    facts, files = honest
    change, words = UNREADABLE[name]
    change(facts, files)
    state = grader(facts, files)
    assert words in state.problem
    assert "/student" not in state.problem
    assert not any(points(state).values())


def test_the_shipped_model_is_flagged_and_a_hair_of_noise_does_not_hide_it(honest, grader):
    facts, files = honest
    shipped = load_model().model.state_dict()

    def copied(tensors):
        for name in tensors:
            tensors[name] = shipped[name] + 1e-4 * shipped[name].std(correction=0)

    reweigh(files, copied)
    flags = state_flags(grader(facts, files))
    assert "comes with the course" in flags[0].sentence


def test_cuda_can_be_demanded_and_is_the_kernels_word(honest, grader):
    facts, files = honest
    state = grader(facts, files)
    assert points(state, require_cuda=True) == ALL | {"lab.2": False}
    facts["lab"]["model"]["devices"] = ["cuda"]
    facts["lab"]["device"] = {"type": "cuda", "name": "NVIDIA H200", "dtype": "torch.float32"}
    state = grader(facts, files)
    assert points(state, require_cuda=True) == ALL
    assert state.device == "cuda, NVIDIA H200"


def test_a_model_of_ones_own_is_left_to_the_notebooks_run(kernel, grader):
    state = grader(*facts_of(kernel | {"model": torch.nn.Linear(2, 2)}))
    assert state.without_model
    assert judge_state(state, LAB, False) == []
    assert "points come from the notebook's run" in state_flags(state)[0].sentence
    assert "`model` is not slmlib's" in state_flags(state)[0].evidence


def test_cuda_is_demanded_of_a_bundle_without_a_model_too(kernel, grader):
    facts, files = facts_of({name: value for name, value in kernel.items() if name != "tokenizer"})
    state = grader(facts, files)
    assert "no `tokenizer` in this kernel" in state_flags(state)[0].evidence
    (found,) = judge_state(state, LAB, True)
    assert (found.id, found.state, found.got) == ("lab.2", "fail", "cpu")
    for devices in ([], None, ["cpu", "cuda"], "cuda"):
        facts["lab"]["model"]["devices"] = devices
        assert [one.id for one in judge_state(grader(facts, files), LAB, True)] == ["lab.2"]
    facts["lab"]["model"]["devices"] = ["cuda"]
    assert judge_state(grader(facts, files), LAB, True) == []


def test_without_a_bundle_the_lab_earns_nothing():
    assert not any(points(None).values())


def test_cuda_needs_the_bundles(capsys):
    from types import SimpleNamespace

    with pytest.raises(SlmError, match="--require-cuda needs --from-state"):
        _grade(SimpleNamespace(require_cuda=True, from_state=False))


def test_only_what_defines_is_kept_and_a_loan_must_be_seen():
    cell = CodeCell(1, "a", "import os\nSIZE = 3\nlosses = train()\ndef f():\n    return SIZE\nf()")
    kept = without_computing(Notebook((cell,), "98", "", ()))
    assert kept.cells[0].source == "import os\nSIZE = 3\ndef f():\n    return SIZE"
    lent = CodeCell(1, "a", 'reference("98.1")')
    assert without_computing(Notebook((lent,), "98", "", ())) is None


LAB_CELLS = """
# %% [markdown]
# ## 3. The lab

# %%
from slmlib.shipped import load_model
from slmlib.generation import generate
from slmlib.config import Sampling
from slmlib.training.optimizers import build_optimizer
from slmlib.training.schedules import build_scheduler
from slmlib.config import TrainConfig

TRAINED = []
shipped = load_model()
model, tokenizer, reloaded = shipped.model, shipped.tokenizer, load_model()
train_tokens = torch.zeros(100_000, dtype=torch.long)
vocab_size = tokenizer.vocab_size
optimizer = torch.optim.AdamW(model.parameters())
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
losses, val_losses = [8.0 - step * 0.2 for step in range(30)], [8.0, 2.0]
story_before, story_after = "zq", "Once upon a time there was a cat who liked to run."
checkpoint_ok = True

# %%
check("lab")
"""


def test_a_class_is_graded_without_running_a_cell_that_computes(tmp_path, monkeypatch, honest, grader):
    root = tmp_path / "course"
    shutil.copytree(DEMO, root, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HOME.exercise_file("lab"), root / "checks" / "exercises")
    source = root / "solutions" / "98_demo.py"
    source.write_text(source.read_text() + LAB_CELLS)
    monkeypatch.setenv("SLM_COURSE", str(root))
    book = Book(Lesson.read(Course(root), "98"))
    book.last("import os\nos._exit(1)  # the grader would hear of it if this ran")
    handed_in = tmp_path / "in"
    for student in ("ada", "eve", "bob"):
        (handed_in / student).mkdir(parents=True)
        (handed_in / student / "98_demo.ipynb").write_bytes(book.bytes())
    facts, files = honest
    for student in ("ada", "eve"):  # one handed in the other's
        write_bundle(handed_in / student / "98_submission.zip", facts, files)
    write_bundle(handed_in / "zoe" / "98_submission.zip", facts, files)
    batch = grade_folder(handed_in, tmp_path / "out", Settings(from_state=True), 1, say=lambda line: None)
    rows = {row.submission.student: row for row in batch.rows}
    assert {name: row.grades.points for name, row in rows.items()} == {
        "ada": 20,
        "eve": 20,
        "bob": 5,
        "zoe": 0,
    }
    assert rows["zoe"].grades.state == "no notebook"
    assert "No bundle was handed in" in rows["bob"].grades.outcomes[-1].problem
    assert not any("kernel" in remark and "ended" in remark for remark in rows["ada"].grades.remarks)
    assert any("handed-in model is that of eve" in flag.sentence for flag in rows["ada"].grades.flags)


def test_facts_and_files_come_back_as_they_were(honest, tmp_path):
    facts, files = honest
    write_bundle(tmp_path / "a.zip", facts, files)
    again, same = read_bundle((tmp_path / "a.zip").read_bytes())
    assert (again, same) == (facts, files)
    names = zipfile.ZipFile(io.BytesIO((tmp_path / "a.zip").read_bytes())).namelist()
    assert FACTS in names
