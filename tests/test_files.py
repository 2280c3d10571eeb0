"""Files are whole or not there, and a refusal is one sentence."""

import errno
import hashlib
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from slmlib import files
from slmlib.errors import SlmError
from slmlib.files import (
    atomic_write,
    home,
    read_json,
    remove_leftovers,
    sha256_file,
    write_json,
    write_text,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_write_appears_whole_and_makes_its_folders(tmp_path):
    path = tmp_path / "new" / "deep" / "file.bin"
    with atomic_write(path) as file:
        file.write(b"half")
        assert not path.exists()
        file.write(b" and half")
    assert path.read_bytes() == b"half and half"
    assert names(path.parent) == ["file.bin"]


def test_a_failing_block_leaves_the_old_file_and_no_temporary_one(tmp_path):
    path = tmp_path / "file.txt"
    write_text(path, "old")

    def write_half() -> None:
        with atomic_write(path) as file:
            file.write(b"new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file.txt"]


def test_a_full_disk_is_one_sentence_and_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file.txt"
    write_text(path, "old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(SlmError, match=r"Could not write .*file\.txt: No space left on device\."):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file.txt"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to_is_one_sentence(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(SlmError, match="a folder you may write to"):
            write_text(tmp_path / "file.txt", "new")
    finally:
        tmp_path.chmod(0o700)


def test_a_file_where_a_folder_should_be_is_one_sentence(tmp_path):
    write_text(tmp_path / "file", "")
    with pytest.raises(SlmError, match="A file stands where a folder is needed"):
        write_text(tmp_path / "file" / "below", "")


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.ENOSPC, "Free some disk space, or {} a folder on another disk"),
        (errno.EACCES, "If it is not the disk, {} a folder you may write to"),
    ],
)
def test_a_refusal_names_slm_home_only_where_it_decides(tmp_path, monkeypatch, number, told):
    monkeypatch.setenv("SLM_HOME", str(tmp_path / "home"))
    for path, way in ((home() / "runs" / "a", "set SLM_HOME to"), (tmp_path / "report.html", "choose")):
        with pytest.raises(SlmError) as refusal, files.explain_os_errors(path):
            raise OSError(number, "no")
        assert told.format(way) in refusal.value.fix


@pytest.mark.parametrize("path", ["", ".", "/"])
def test_a_path_without_a_name_is_one_sentence(path, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SlmError, match="is not the name of a file that can be written"):
        write_text(path, "new")


def test_two_threads_that_write_one_path_do_not_meet(tmp_path):
    """Both are in the middle of it at the same time; the later rename wins, whole."""
    path, both_write = tmp_path / "file.bin", threading.Barrier(2, timeout=60)

    def write(letter: bytes) -> None:
        with atomic_write(path) as file:
            both_write.wait()
            file.write(letter * 100_000)
            both_write.wait()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(write, (b"a", b"b")))
    assert path.read_bytes() in (b"a" * 100_000, b"b" * 100_000)
    assert names(tmp_path) == ["file.bin"]


def test_only_what_dead_processes_left_is_removed(tmp_path):
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass
    left = [f".train.txt.{dead.pid}-{dead.pid}.tmp", f".0123456789abcdef.{dead.pid}.tmp"]
    kept = [f".train.txt.{os.getpid()}-1.tmp", f".0123.{os.getpid()}.tmp", ".mine.tmp", f"a.{dead.pid}.tmp"]
    for name in (left[0], kept[0], *kept[2:]):
        (tmp_path / name).write_text("half")
    for name in (left[1], kept[1]):
        (tmp_path / name / "inside").mkdir(parents=True)
    remove_leftovers(tmp_path)
    assert names(tmp_path) == sorted(kept)
    remove_leftovers(tmp_path / "missing")


def test_text_is_utf8_with_plain_line_ends(tmp_path):
    write_text(tmp_path / "story.txt", "Müller\n🐻\n")
    assert (tmp_path / "story.txt").read_bytes() == b"M\xc3\xbcller\n\xf0\x9f\x90\xbb\n"


def test_json_comes_back_and_ends_with_a_line_end(tmp_path):
    value = {"story": "Ünïcode 🐻", "losses": [1.5, None, True], "nested": {"a": []}}
    write_json(tmp_path / "value.json", value)
    assert read_json(tmp_path / "value.json") == value
    assert (tmp_path / "value.json").read_text(encoding="utf-8").endswith("}\n")
    assert "🐻" in (tmp_path / "value.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_json_refuses_what_is_not_json_and_keeps_the_old_file(tmp_path, number):
    path = tmp_path / "value.json"
    write_json(path, 1)
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(path, {"loss": number})
    assert read_json(path) == 1


@pytest.mark.parametrize("content", [b'{"a": 1', b"", b"\xff\xfe", b"[" * 100_000])
def test_damaged_json_is_named(tmp_path, content):
    path = tmp_path / "state.json"
    path.write_bytes(content)
    with pytest.raises(SlmError, match=r"state\.json is not a readable JSON file"):
        read_json(path)


def test_missing_json_is_named(tmp_path):
    with pytest.raises(SlmError, match=r"There is no file .*state\.json"):
        read_json(tmp_path / "state.json")


def test_sha256_is_that_of_the_bytes(tmp_path):
    (tmp_path / "file").write_bytes(b"story" * 1000)
    assert sha256_file(tmp_path / "file") == hashlib.sha256(b"story" * 1000).hexdigest()


def test_home_is_slm_home_then_the_checkout_then_the_users_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "person"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "person"))
    (tmp_path / "course" / "slmlib").mkdir(parents=True)
    monkeypatch.setattr(files, "__file__", str(tmp_path / "course" / "slmlib" / "files.py"))

    monkeypatch.setenv("SLM_HOME", "~/elsewhere")
    assert home() == tmp_path / "person" / "elsewhere"
    monkeypatch.setenv("SLM_HOME", "~nosuchuser/elsewhere")
    with pytest.raises(SlmError, match=r"~nosuchuser/elsewhere begins with the folder of a person"):
        home()
    monkeypatch.setenv("SLM_HOME", "")
    assert home() == tmp_path / "person" / ".slmlib"
    (tmp_path / "course" / "pyproject.toml").touch()
    assert home() == tmp_path / "course" / "work"
