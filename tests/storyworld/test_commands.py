"""What the shell offers."""

import json

import pytest

from slmlib.errors import SlmError
from slmlib.storyworld import tell
from slmlib.storyworld.command import AuditCommand, FloorCommand, StoriesCommand


def test_stories_prints_text_and_facts(capsys):
    StoriesCommand(seed=7, count=2, facts=True).execute()
    printed = capsys.readouterr().out
    assert tell(0, 7).text in printed
    assert tell(1, 7).text in printed
    assert json.loads(printed[printed.index("{") : printed.index("\n}\n") + 2]) == tell(0, 7).facts


def test_stories_refuses_nonsense():
    with pytest.raises(SlmError, match="cannot be printed"):
        StoriesCommand(count=0).execute()


def test_audit_and_floor_report(capsys):
    AuditCommand(count=50).execute()
    assert "50 stories of seed 0: 0 problems" in capsys.readouterr().out
    FloorCommand(count=50).execute()
    assert "bits per byte" in capsys.readouterr().out
