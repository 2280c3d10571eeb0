"""`submit`: what it writes, what it says, and what it never does."""

import json
import os
import zipfile

import nbformat
import pytest
import torch

from checks.bundle import (
    CHECKPOINT,
    FACTS,
    MOST_BYTES,
    TOKENS,
    BundleError,
    bundle_file,
    cells_sha256,
    is_bundle,
    lesson_of,
    read_bundle,
    write_bundle,
)
from checks.submitting import MOST_VALID_TOKENS
from slmlib.config import ModelConfig, Sampling
from slmlib.generation import generate
from slmlib.model.decoder import Decoder
from slmlib.shipped import load_model
from slmlib.training.checkpoint import load_checkpoint


@pytest.fixture
def student(kernel):
    """The demonstration's kernel, with `submit` imported as the last cell does."""
    exec("from checks import submit", kernel.names)
    return kernel


def written(home):
    return read_bundle((home / "submissions" / "98_submission.zip").read_bytes())


@pytest.mark.parametrize("around", ["", "11_checkpoints_submission/"])
def test_a_bundle_that_macos_unpacked_and_packed_again_is_the_same(tmp_path, around):
    write_bundle(tmp_path / "as_written.zip", {"format": 1, "lesson": "98"}, {TOKENS: b"numbers"})
    with (
        zipfile.ZipFile(tmp_path / "as_written.zip") as old,
        zipfile.ZipFile(tmp_path / "again.zip", "w", zipfile.ZIP_DEFLATED) as new,
    ):
        new.writestr(f"{around}.DS_Store", "rubbish")
        for name in old.namelist():
            new.writestr(around + name, old.read(name))
            new.writestr(f"__MACOSX/{around}._{name}", "rubbish")
    with zipfile.ZipFile(tmp_path / "again.zip") as archive:
        assert is_bundle(archive)
        assert lesson_of(archive) == "98"
    data = (tmp_path / "again.zip").read_bytes()
    assert read_bundle(data) == read_bundle((tmp_path / "as_written.zip").read_bytes())


def test_everything_done_is_said_and_written_twice_the_same(student, tmp_path):
    student.run('check("98")')
    receipt = student.run('submit("98")')
    assert repr(receipt) == (
        "Wrote submissions/98_submission.zip in the course's work folder.\n"
        "All exercises pass.\n"
        "Save this notebook (Ctrl+S), then hand in both: the notebook and submissions/98_submission.zip."
    )
    path = tmp_path / "home" / "submissions" / "98_submission.zip"
    before = path.read_bytes()
    facts, files = read_bundle(before)
    assert files == {}
    assert facts["results"]["98.1"] == {"state": "pass", "earned": 3, "points": 3}
    assert facts["versions"]["torch"] == str(torch.__version__)
    student.run('submit("98")')
    assert path.read_bytes() == before
    assert not list(path.parent.glob(".*"))


def test_what_is_open_is_said_and_the_bundle_written_all_the_same(student, tmp_path):
    student.run("def count_pairs(ids):\n    return {}")
    student.run('check("98.2")')
    words = repr(student.run('submit("98")'))
    assert "Not done yet, or not checked since the kernel started: 98.1, 98.2. Go on there" in words
    assert "hand in what you have" in words
    facts, _ = written(tmp_path / "home")
    assert facts["results"] == {"98.2": {"state": "fail", "earned": 0.0, "points": 2}}


@pytest.mark.parametrize("name", ["SLM_CHECKS", "NBGRADER_EXECUTION"])
def test_a_build_and_a_grader_replace_nobodys_bundle(student, tmp_path, monkeypatch, name):
    monkeypatch.setenv(name, "strict")
    receipt = student.run('submit("98")')
    assert receipt.file == "submissions/98_submission.zip"
    assert not (tmp_path / "home").exists()


def test_a_disk_that_refuses_is_a_sentence(student, tmp_path):
    (tmp_path / "home").write_text("a file where the folder should be")
    words = repr(student.run('submit("98")'))
    assert words.startswith("The bundle could not be written: Could not write")
    assert "Hand in this notebook all the same" in words


def test_the_notebooks_cells_are_hashed_where_the_kernel_knows_its_file(student, tmp_path, monkeypatch):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    student.run('submit("98")')
    assert written(tmp_path / "home")[0]["notebook"] is None
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("# A"), nbformat.v4.new_code_cell("a = 1\r\nb = 2")]
    )
    path = tmp_path / "mine.ipynb"
    nbformat.write(notebook, path)
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    student.run('submit("98")')
    facts, _ = written(tmp_path / "home")
    assert facts["notebook"] == {"name": "mine.ipynb", "cells_sha256": cells_sha256(["a = 1\nb = 2"])}
    assert str(tmp_path) not in json.dumps(facts)


@pytest.fixture(scope="module")
def lab():
    """What a lab leaves in a kernel; the model is the shipped one, so nothing is trained."""
    shipped = load_model()
    model, tokenizer = shipped.model, shipped.tokenizer
    telling = Sampling(temperature=0.7, top_k=50, seed=1, max_tokens=40)
    optimizer = torch.optim.AdamW(model.parameters())
    row = torch.tensor(tokenizer.encode("Once upon a time there was a cat. " * 30))
    return {
        "train_tokens": row.repeat(100_000 // len(row) + 1),
        "vocab_size": tokenizer.vocab_size,
        "model": model,
        "optimizer": optimizer,
        "scheduler": torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0),
        "losses": [8.0] * 10 + [3.0] * 10 + [float("nan")],
        "val_losses": [8.0, 3.0],
        "story_before": "Once upon a time zq",
        "story_after": generate(model, tokenizer, "Once upon a time", telling)[0],
        "checkpoint_ok": True,
        "tokenizer": tokenizer,
        "telling": telling,
    }


def submitted_lab(student, lab, tmp_path, **changes):
    student.names |= lab | changes
    receipt = student.run('submit("98", lab=True)')
    return (receipt, *written(tmp_path / "home"))


def test_the_lab_takes_its_model_tokens_and_story_along(student, lab, tmp_path):
    receipt, facts, files = submitted_lab(student, lab, tmp_path)
    assert receipt.notes == ()
    assert set(files) == set(MOST_BYTES) - {FACTS}
    assert facts["lab"]["telling"] == {"prompt": "Once upon a time", "sampling": lab["telling"].to_dict()}
    assert facts["lab"]["training"]["losses"][-1] is None
    assert facts["lab"]["model"]["in_optimizer"] == facts["lab"]["model"]["trainable"]
    assert len(files[TOKENS]) < 2 * (100_000 + MOST_VALID_TOKENS) + 1000
    folder = tmp_path / "unpacked" / CHECKPOINT
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder.parent / name).write_bytes(data)
    loaded = load_checkpoint(folder)
    for name, tensor in lab["model"].state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], tensor)


def test_a_model_of_ones_own_is_left_to_the_instructor(student, lab, tmp_path):
    receipt, facts, files = submitted_lab(student, lab, tmp_path, model=torch.nn.Linear(2, 2))
    assert "Your `model` is not slmlib's" in receipt.notes[0]
    assert files == {}
    assert facts["lab"]["training"]["val_losses"] == [8.0, 3.0]


def test_a_lab_that_is_not_there_yet_is_said(student, tmp_path):
    receipt = student.run('submit("98", lab=True)')
    assert receipt.notes == (
        "There is no `model` in this kernel yet. Run the lab's cells, then this one again.",
    )
    assert written(tmp_path / "home")[0]["lab"]["tokens"]["type"] == "NoneType"


def test_a_model_with_broken_weights_is_said(student, lab, tmp_path):
    broken = Decoder(
        ModelConfig(vocab_size=lab["vocab_size"], context_length=64, embed_dim=16, num_layers=1, num_heads=2)
    )
    torch.nn.init.constant_(broken.embedding.weight, float("nan"))
    receipt, _, files = submitted_lab(student, lab, tmp_path, model=broken)
    assert "no longer good" in receipt.notes[0]
    assert files == {}


def zipped(path, entries, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return path.read_bytes()


GOOD = json.dumps({"format": 1, "lesson": "98"})
BAD = {
    "does not belong there": [(FACTS, GOOD), ("../outside.json", "x")],
    "two files of one name": [(FACTS, GOOD), (FACTS, GOOD)],
    "has more than": [(FACTS, GOOD), (f"{CHECKPOINT}/manifest.json", "0" * 2**17)],
    "no readable facts": [(FACTS, "[" * 100_000)],
    "is not one that submit": [(FACTS, json.dumps({"format": 2, "lesson": "98"}))],
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("words", BAD)
def test_a_bundle_that_may_hold_anything_is_refused_in_a_sentence(tmp_path, words):
    data = zipped(tmp_path / "a.zip", BAD[words], zipfile.ZIP_DEFLATED)
    with pytest.raises(BundleError, match=words):
        read_bundle(data)


def test_damage_is_refused_in_a_sentence(tmp_path):
    path = bundle_file("98", tmp_path)
    write_bundle(path, {"format": 1, "lesson": "98"}, {TOKENS: os.urandom(1000)})
    data = path.read_bytes()
    for cut in (b"", data[:50], data[:-30], data[:200] + b"\0" + data[201:]):
        with pytest.raises(BundleError):
            read_bundle(cut)


def test_a_file_is_never_unpacked_beyond_its_bound(tmp_path):
    huge = [(FACTS, GOOD), (f"{CHECKPOINT}/state.json", b"\0" * (50 * 2**20))]
    data = zipped(tmp_path / "bomb.zip", huge, zipfile.ZIP_DEFLATED)
    assert len(data) < 2**17
    with pytest.raises(BundleError, match=r"state\.json in the bundle has more than"):
        read_bundle(data)
