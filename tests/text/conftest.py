"""What the tests of the text room share: the real corpus where there is one, and a world without a network."""

import os
from pathlib import Path

import pytest

from slmlib.text.textfiles import read_stories
from slmlib.text.tokenizer import Tokenizer

_CORPUS = os.environ.get("SLM_CORPUS", "")


@pytest.fixture(autouse=True)
def isolated(monkeypatch, tmp_path):
    """No corpus from outside, an empty home, and no Hub."""
    monkeypatch.delenv("SLM_CORPUS", raising=False)
    monkeypatch.setenv("SLM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "huggingface"))
    monkeypatch.delenv("HF_DATASETS_CACHE", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def real_folder() -> Path:
    """The folder with TinyStories' train.txt and valid.txt."""
    if not (_CORPUS and (Path(_CORPUS) / "train.txt").exists()):
        pytest.skip("set SLM_CORPUS to a folder with TinyStories' train.txt and valid.txt")
    return Path(_CORPUS)


@pytest.fixture(scope="session")
def real_stories(real_folder) -> list[str]:
    return list(read_stories(real_folder / "train.txt"))


STORIES = [
    "Once upon a time, there was a cat. The cat's name was Tom!\nTom liked naïve fish.",
    'Lily said, "I can\'t find my ball." She looked here and there.',
    "One day, 12 dogs ran  to the park. They were very, very happy.",
] + [
    f"The {animal} saw the {thing} and was happy."
    for animal in ("dog", "cat", "bird")
    for thing in ("sun", "sea")
]


@pytest.fixture(scope="session")
def stories() -> list[str]:
    """Nine small different stories."""
    return list(STORIES)


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    """A tokenizer of 320 tokens, learned from `stories`."""
    return Tokenizer.train(STORIES, 320)
