"""Checkpoints under attack: whatever is done to one is found, told in a sentence, and an older good one is used.

Damage is drawn by hypothesis, so that no byte and no moment is special.
"""

import errno
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from slmlib.errors import CheckpointError, SlmError
from slmlib.files import sha256_file, write_json
from slmlib.model.decoder import Decoder
from slmlib.text.tokenizer import Tokenizer
from slmlib.training.checkpoint import (
    TEMPORARY,
    checkpoint_folders,
    load_checkpoint,
    load_optimizer,
    newest_checkpoint,
    prune,
    restore_replaced,
    save_checkpoint,
    step_folder,
)
from slmlib.training.optimizers import build_optimizer
from tests.training.conftest import tiny_stories

FILES = ("model.safetensors", "optimizer.safetensors", "state.json", "tokenizer.json", "manifest.json")
drawn = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def run(shared_world):
    """A finished run of 12 steps; tests copy it."""
    trainer = shared_world.trainer("attacked")
    trainer.run()
    return trainer


@pytest.fixture
def checkpoints(run, tmp_path) -> Path:
    return fresh_copy(run, tmp_path)


def fresh_copy(run, folder: Path) -> Path:
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    return Path(shutil.copytree(run.folder / "checkpoints", folder / "checkpoints"))


def sign_again(folder: Path) -> None:
    """Make the manifest fit the changed files, so that the checks behind it are reached."""
    names = [path.name for path in folder.iterdir() if path.name != "manifest.json"]
    write_json(folder / "manifest.json", {name: sha256_file(folder / name) for name in names})


def assert_falls_back(checkpoints: Path, expected_step: int) -> list[str]:
    """The newest good one is used, and what was passed over is told."""
    said: list[str] = []
    found = newest_checkpoint(checkpoints, said.append)
    assert found is not None
    assert found.progress.step == expected_step
    return said


# --- damage to files ---


@drawn
@given(data=st.data(), name=st.sampled_from(FILES))
def test_a_flipped_bit_or_a_cut_anywhere_is_found_and_the_file_named(run, tmp_path, data, name):
    checkpoints = fresh_copy(run, tmp_path)
    path = step_folder(checkpoints, 12) / name
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1), "place")
    if data.draw(st.booleans(), "flip"):
        content[place] ^= 1 << data.draw(st.integers(0, 7), "bit")
    else:
        del content[place:]
    unharmed = name == "manifest.json" and json_or_none(bytes(content)) == json.loads(path.read_bytes())
    path.write_bytes(bytes(content))
    if unharmed:  # such as the last line end: the manifest still says the same
        assert assert_falls_back(checkpoints, 12) == []
        return
    said = assert_falls_back(checkpoints, 9)
    assert len(said) == 1
    assert "step-00000012" in said[0]
    assert name == "manifest.json" or name in said[0]


def json_or_none(content: bytes) -> object:
    try:
        return json.loads(content)
    except ValueError:
        return None


@drawn
@given(name=st.sampled_from(FILES), other=st.sampled_from(FILES), source=st.sampled_from([3, 6, 9, 12]))
def test_any_swap_of_files_within_or_between_checkpoints_is_found(run, tmp_path, name, other, source):
    checkpoints = fresh_copy(run, tmp_path)
    target = step_folder(checkpoints, 12) / name
    replacement = (step_folder(checkpoints, source) / other).read_bytes()
    same = replacement == target.read_bytes()
    target.write_bytes(replacement)
    assert len(assert_falls_back(checkpoints, 12 if same else 9)) == (not same)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("attack", ["remove", "rename", "folder", "link to nothing", "endless"])
def test_a_file_that_is_gone_or_something_else_is_found(checkpoints, name, attack):
    path = step_folder(checkpoints, 12) / name
    content = path.read_bytes()
    path.rename(path.with_name("renamed")) if attack == "rename" else path.unlink()
    if attack == "folder":
        path.mkdir()
    if attack == "link to nothing":
        path.symlink_to(path.parent / "nowhere")
    if attack == "endless":
        path.write_bytes(content * 3)
    said = assert_falls_back(checkpoints, 9)
    assert name in said[0]


def test_a_whole_checkpoint_under_another_name_is_found(checkpoints):
    step_folder(checkpoints, 9).rename(step_folder(checkpoints, 99))
    said = assert_falls_back(checkpoints, 12)
    assert "step-00000099 holds step 9" in said[0]


def test_strangers_in_the_folder_do_no_harm(checkpoints):
    (checkpoints / "step-99999999").mkdir()
    (checkpoints / "step-last").write_text("not a folder")
    (step_folder(checkpoints, 12) / "notes.txt").write_text("mine")
    assert "has no manifest.json" in assert_falls_back(checkpoints, 12)[0]


# --- forged checkpoints: every hash is right, the content is not ---


def test_the_optimizer_of_another_checkpoint_is_refused(run, checkpoints, world):
    newest = step_folder(checkpoints, 12)
    shutil.copy(step_folder(checkpoints, 9) / "optimizer.safetensors", newest)
    sign_again(newest)
    with pytest.raises(CheckpointError, match=r"has seen \[9\.0\] steps, the run has done 12"):
        world.trainer("forged", resume=load_checkpoint(newest))


@pytest.mark.parametrize("change", ["shape", "dtype", "missing", "extra", "steps"])
def test_an_optimizer_that_does_not_fit_is_refused_by_name(checkpoints, change):
    newest = step_folder(checkpoints, 12)
    tensors = {name: tensor.clone() for name, tensor in load_file(newest / "optimizer.safetensors").items()}
    name = "exp_avg.embedding.weight"
    if change == "shape":
        tensors[name] = tensors[name][:-1].clone()
    elif change == "dtype":
        tensors[name] = tensors[name].bfloat16()
    elif change == "missing":
        del tensors[name]
    elif change == "extra":
        name = "exp_avg.module.weight"
        tensors[name] = torch.zeros(1)
    else:
        name = "has seen"
        tensors["step.embedding.weight"] += 1
    save_file(tensors, newest / "optimizer.safetensors")
    sign_again(newest)
    checkpoint = load_checkpoint(newest)
    optimizer = build_optimizer(checkpoint.model, checkpoint.progress.decided)
    with pytest.raises(CheckpointError, match=name):
        load_optimizer(checkpoint, checkpoint.model, optimizer)


@pytest.mark.parametrize("version", [0, 2, "1", None, [], 1.5, {"": 10**400}])
def test_another_format_is_refused_in_words(checkpoints, version):
    """There has been one format so far, so an older one cannot be migrated: it is refused, and nothing is guessed."""
    newest = step_folder(checkpoints, 12)
    state = json.loads((newest / "state.json").read_text())
    state["format_version"] = version
    write_json(newest / "state.json", state)
    sign_again(newest)
    with pytest.raises(CheckpointError, match=r"has checkpoint format .*this slmlib reads 1.*versions"):
        load_checkpoint(newest)


def test_a_config_from_before_a_setting_existed_gets_its_default(checkpoints):
    newest = step_folder(checkpoints, 12)
    state = json.loads((newest / "state.json").read_text())
    for config in ("asked", "decided"):
        del state["progress"][config]["embedding_rate_factor"]
    write_json(newest / "state.json", state)
    sign_again(newest)
    assert load_checkpoint(newest).progress.decided.embedding_rate_factor == 1.0


def test_other_families_of_the_same_weights_are_refused(checkpoints):
    """Another tie, another tokenizer, another shape, another dtype: one sentence each."""
    newest = step_folder(checkpoints, 12)
    Tokenizer.train(tiny_stories(5), 280).save(newest / "tokenizer.json")
    sign_again(newest)
    assert "another tokenizer" in assert_falls_back(checkpoints, 9)[0]


# --- the disk: full before, during and after a save; read-only ---


class Refusing:
    """Lets so many calls of the operating system through and then has no space left."""

    def __init__(self, monkeypatch, allowed: int):
        self.allowed, self.calls = allowed, 0
        for name in ("fsync", "replace", "mkdir"):
            monkeypatch.setattr(os, name, self.limited(getattr(os, name)))

    def limited(self, real):
        def call(*arguments, **options):
            self.calls += 1
            if self.calls > self.allowed:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*arguments, **options)

        return call


def test_a_disk_that_fills_up_at_any_moment_of_a_save_loses_nothing(run, checkpoints, monkeypatch):
    newest, saved = step_folder(checkpoints, 12), step_folder(checkpoints, 13)
    before = {path: path.read_bytes() for path in newest.iterdir()}
    for target in (saved, newest):
        outcomes = []
        for allowed in range(100):
            with monkeypatch.context() as patch:
                disk = Refusing(patch, allowed)
                try:
                    save_checkpoint(target, run.model, run.tokenizer, run.progress(), run.optimizer)
                except SlmError as error:
                    outcomes.append(str(error))
                else:
                    break
            restore_replaced(checkpoints)
            assert load_checkpoint(newest).progress.step == 12
            assert {path: path.read_bytes() for path in before} == before
            assert not list(checkpoints.glob(f"{TEMPORARY}*"))
        assert disk.calls == len(outcomes) >= 15
        assert all("No space left on device. Free some disk space" in told for told in outcomes)
        assert load_checkpoint(target).progress == run.progress()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_every_moment_of_a_save_one_good_checkpoint_stays(run, checkpoints, monkeypatch):
    """Nothing is cleaned up: the process is gone. Overwriting a checkpoint is the hardest case."""
    newest = step_folder(checkpoints, 12)
    for path in checkpoint_folders(checkpoints)[:-1]:
        shutil.rmtree(path)
    for allowed in range(100):
        child = os.fork()
        if child == 0:
            for name in ("fsync", "replace", "mkdir"):
                monkeypatch.setattr(os, name, dying_after(allowed, getattr(os, name)))
            save_checkpoint(newest, run.model, run.tokenizer, run.progress(), run.optimizer)
            os._exit(0)
        survived = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        restore_replaced(checkpoints)
        assert load_checkpoint(newest).progress.step == 12
        prune(checkpoints, 2, 12, 12)
        assert [path.name for path in checkpoints.iterdir()] == [newest.name]
        if survived:
            break
    assert allowed >= 15


calls_left = [0]


def dying_after(allowed: int, real):
    calls_left[0] = allowed

    def call(*arguments, **options):
        calls_left[0] -= 1
        if calls_left[0] < 0:
            os._exit(9)
        return real(*arguments, **options)

    return call


def test_a_disk_that_is_full_stops_the_run_in_words_and_with_space_it_goes_on(world, run, monkeypatch):
    """Full before the first save, during one, and after one, when only the log cannot be written."""
    for allowed in (0, 30, 47):
        name = f"full-{allowed}"
        with monkeypatch.context() as patch:
            Refusing(patch, allowed)
            with pytest.raises(SlmError, match="No space left on device"):
                world.trainer(name).run()
        resume = newest_checkpoint(world.folder / name / "checkpoints")
        resumed = world.trainer(name, resume=resume)
        resumed.run()
        assert torch.equal(resumed.model.embedding.weight, run.model.embedding.weight)


SCRIPT = """
import sys
from pathlib import Path
from slmlib.errors import SlmError
from slmlib.training.checkpoint import load_checkpoint, save_checkpoint
good = load_checkpoint(sys.argv[1])
try:
    for number in range(1000):
        save_checkpoint(Path(sys.argv[2]) / f"step-{number:08d}", good.model, good.tokenizer, good.progress)
except SlmError as error:
    print(number, error)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_the_command_that_kills_a_run_finds_it_identical(tmp_path, monkeypatch):
    """`python benchmarks/kill_a_run.py` does it a hundred times."""
    monkeypatch.setenv("SLM_HOME", str(tmp_path / "home"))
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "kill_a_run.py"
    spec = importlib.util.spec_from_file_location("kill_a_run", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "kill_a_run", module)
    spec.loader.exec_module(module)
    outcome = module.kill_again_and_again(tmp_path, kills=2, steps=40)
    assert outcome.kills == 2
    assert outcome.identical
    assert outcome.every_step_once
    assert "bit-identical" in str(outcome)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may mount")
def test_a_really_full_disk_keeps_every_checkpoint_that_was_saved(run, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(small)], check=False)
    if mounted.returncode:
        pytest.skip("this root may not mount")
    try:
        newest = step_folder(run.folder / "checkpoints", 12)
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(newest), str(small)], capture_output=True, text=True
        )
        assert "No space left on device" in done.stdout, done.stderr
        saved = int(done.stdout.split()[0])
        assert 1 <= saved < 10
        assert sorted(path.name for path in small.iterdir()) == [f"step-{i:08d}" for i in range(saved)]
        for path in small.iterdir():
            load_checkpoint(path)
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_place_that_refuses_to_be_written_to_is_one_sentence(run, tmp_path, monkeypatch):
    """Root may write anywhere, so the refusal is the operating system's, pretended."""

    def read_only(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "mkdir", read_only)
    with pytest.raises(SlmError, match="Read-only file system"):
        save_checkpoint(tmp_path / "new" / "step-00000001", run.model, run.tokenizer, run.progress())


# --- state.json holding anything at all: fuzzing behind right hashes ---

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_state_that_holds_anything_is_a_sentence_or_the_same_run(run, tmp_path, data):
    """Never a traceback, never a hang; and what loads computes what was saved."""
    folder = tmp_path / "fuzzed"
    if not folder.exists():
        shutil.copytree(step_folder(run.folder / "checkpoints", 12), folder)
    state = json.loads((step_folder(run.folder / "checkpoints", 12) / "state.json").read_text())
    place = state
    for _ in range(data.draw(st.integers(0, 3))):
        below = [key for key, value in place.items() if isinstance(value, dict) and value]
        if not below:
            break
        place = place[data.draw(st.sampled_from(below))]
    key = data.draw(st.sampled_from(sorted(place)) | st.text(max_size=3))
    place[key] = data.draw(anything)
    (folder / "state.json").write_text(json.dumps(state))
    sign_again(folder)
    try:
        checkpoint = load_checkpoint(folder)
    except SlmError as error:
        told = str(error)
        checkpoint = None
    if checkpoint is None:
        assert told.endswith((".", ")"))
        return
    inputs, targets = run.batch(0)
    with torch.no_grad():
        both = [model.eval().loss(inputs, targets).item() for model in (checkpoint.model, run.model)]
    assert both[0] == pytest.approx(both[1], abs=1e-3)
    optimizer = build_optimizer(checkpoint.model, checkpoint.progress.decided)
    load_optimizer(checkpoint, checkpoint.model, optimizer)


def test_absurd_sizes_are_refused_before_anything_is_allocated(checkpoints, monkeypatch):
    monkeypatch.setattr(Decoder, "__init__", lambda *_: pytest.fail("a model was built"))
    newest = step_folder(checkpoints, 12)
    original = (newest / "state.json").read_text()
    for name in ("vocab_size", "embed_dim", "num_layers", "ffn_dim"):
        state = json.loads(original)
        state["model"] |= {name: 10**12}
        (newest / "state.json").write_text(json.dumps(state))
        sign_again(newest)
        with pytest.raises(CheckpointError, match="does not describe a run"):
            load_checkpoint(newest)
