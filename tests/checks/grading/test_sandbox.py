"""What a room shows, and what its limits count."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from checks.grading import sandbox
from checks.grading.sandbox import Sandbox, is_shown, most_processes


@pytest.mark.parametrize("kind", ["root", "user"])
def test_what_lies_below_a_folder_of_programs_is_shown(tmp_path, monkeypatch, kind):
    opt = tmp_path / "opt"
    (opt / "course").mkdir(parents=True)
    (tmp_path / "link").symlink_to(opt / "course")
    monkeypatch.setattr(sandbox, "_system_paths", lambda: (str(opt),))
    room = Sandbox(kind, visible=(str(tmp_path / "stories"),))
    for path in ("opt/course", "link", "opt/not there yet", "stories/in"):
        assert is_shown(tmp_path / path, room)
        assert not is_shown(tmp_path / path, replace(room, kind="plain")), "no walls, which is said"
    for path in ("course", "opt-in", "."):
        assert not is_shown(tmp_path / path, room)
    monkeypatch.undo()
    assert is_shown(Path("/usr/local/course"), room)


def test_the_limit_on_processes_leaves_room_for_those_of_the_instructor(monkeypatch):
    monkeypatch.setattr(sandbox, "python_is_for_all", lambda: False)  # so that root stays who it is
    done = threading.Event()
    threads = [threading.Thread(target=done.wait) for _ in range(40)]
    for thread in threads:
        thread.start()
    try:
        assert most_processes(Sandbox("plain", processes=5)) >= 5 + len(threads)
        assert most_processes(Sandbox("user", processes=5)) == 5
    finally:
        done.set()
        for thread in threads:
            thread.join()
