import os
import shutil
import signal
import subprocess
import sys

import pytest
import torch

from slmlib.errors import DataError, SlmError
from slmlib.files import home
from slmlib.text import prepare as module
from slmlib.text.prepare import prepare
from slmlib.text.textfiles import read_stories, write_stories
from slmlib.text.tokenizer import Tokenizer

WORDS = ("cat", "dog", "bird", "sun", "sea", "tree", "ball")


def story(number):
    first, second, third = (WORDS[number // 7**power % 7] for power in range(3))
    return f"The {first} and the {second} met a {third} on day {number}."


@pytest.fixture
def corpus(tmp_path):
    """A folder with 200 training and 20 validation stories, one of them in both."""
    folder = tmp_path / "corpus"
    write_stories(folder / "train.txt", map(story, range(200)))
    write_stories(folder / "valid.txt", map(story, range(199, 219)))
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_from_files_to_streams(corpus):
    data = prepare(str(corpus), vocab_size=300, progress=False)
    assert data.tokenizer.vocab_size == 300
    assert data.corpus_name == "corpus"
    assert str(corpus) in data.corpus_why
    assert (data.report.train_stories, data.report.valid_stories, data.report.leaked) == (199, 20, 1)
    assert data.train.info.num_stories == 199
    assert data.valid.info.num_bytes == data.report.valid_bytes
    text = "".join(story(number) + "<|endoftext|>" for number in range(199))
    assert data.tokenizer.decode(data.train.as_tensor()) == text
    assert list(read_stories(data.folder / "valid.txt")) == [story(number) for number in range(199, 219)]
    assert sorted(contents(data.folder)) == [
        "report.json",
        "tokenizer.json",
        "train.bin",
        "train.json",
        "train.txt",
        "valid.bin",
        "valid.json",
        "valid.txt",
    ]


def test_the_tokenizer_learns_from_the_training_split_only(corpus, tmp_path):
    write_stories(corpus / "valid.txt", ["Xylophone xylophone xylophone quizzes."] * 2 + [story(999)])
    learned = prepare(str(corpus), vocab_size=320, progress=False).tokenizer
    assert learned == Tokenizer.train(map(story, range(200)), 320)


def test_the_second_call_only_opens(corpus, monkeypatch):
    first = prepare(str(corpus), vocab_size=300, progress=False)
    monkeypatch.setattr(module, "_build", None)
    second = prepare(str(corpus), vocab_size=300, progress=False)
    assert second.folder == first.folder
    assert second.tokenizer == first.tokenizer
    assert second.report == first.report
    assert torch.equal(second.train.as_tensor(), first.train.as_tensor())
    assert second.folder.parent == home() / "data"


def test_whatever_matters_makes_another_folder(corpus, tmp_path, tokenizer):
    folders = [
        prepare(str(corpus), vocab_size=300, progress=False).folder,
        prepare(str(corpus), vocab_size=301, progress=False).folder,
        prepare(str(corpus), vocab_size=300, max_bytes=3000, progress=False).folder,
        prepare(str(corpus), tokenizer=tokenizer, progress=False).folder,
        prepare(str(corpus / "train.txt"), vocab_size=300, progress=False).folder,
    ]
    assert len(set(folders)) == 5
    assert prepare(str(corpus), vocab_size=999, tokenizer=tokenizer, progress=False).folder == folders[3]
    assert (
        prepare(str(corpus), vocab_size=300, folder=tmp_path / "x", progress=False).folder.parent
        == tmp_path / "x"
    )


def test_a_given_tokenizer_is_used(corpus, tokenizer):
    data = prepare(str(corpus), tokenizer=tokenizer, progress=False)
    assert data.tokenizer == tokenizer
    assert data.train.info.tokenizer == tokenizer.fingerprint


def test_without_a_validation_file_the_split_is_made(corpus):
    data = prepare(str(corpus / "train.txt"), vocab_size=300, progress=False)
    assert data.report.train_stories + data.report.valid_stories == 200
    assert 1 <= data.report.valid_stories <= 30
    train, valid = (set(read_stories(data.folder / name)) for name in ("train.txt", "valid.txt"))
    assert not train & valid


@pytest.mark.parametrize("name", ["tokenizer.json", "train.bin", "valid.json", "report.json"])
def test_a_damaged_result_is_made_again(corpus, name):
    first = prepare(str(corpus), vocab_size=300, progress=False)
    good = contents(first.folder)
    (first.folder / name).write_bytes(b"damage")
    second = prepare(str(corpus), vocab_size=300, progress=False)
    assert contents(second.folder) == good


def test_a_killed_process_leaves_nothing_that_is_taken_for_a_result(corpus):
    """The child is killed between its two streams; the next call redoes the work and sweeps up."""
    script = (
        "import os, signal, sys\n"
        "from slmlib.text import prepare as module\n"
        "write = module.TokenStream.write\n"
        "def killed_at_the_second(path, *rest, **options):\n"
        "    if path.name == 'valid.bin': os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return write(path, *rest, **options)\n"
        "module.TokenStream.write = killed_at_the_second\n"
        "module.prepare(sys.argv[1], vocab_size=300, progress=False)\n"
    )
    child = subprocess.run([sys.executable, "-c", script, str(corpus)], env=dict(os.environ), check=False)
    assert child.returncode == -signal.SIGKILL
    left = list((home() / "data").iterdir())
    assert [path.name.endswith(f".{path.suffixes[-2][1:]}.tmp") for path in left] == [True]
    data = prepare(str(corpus), vocab_size=300, progress=False)
    assert list((home() / "data").iterdir()) == [data.folder]


def test_the_work_of_a_living_process_is_left_alone(corpus):
    other = home() / "data" / f".0123456789abcdef.{os.getppid()}.tmp"
    other.mkdir(parents=True)
    prepare(str(corpus), vocab_size=300, progress=False)
    assert other.exists()


@pytest.mark.parametrize("there", ["nothing", "damage"])
@pytest.mark.parametrize("when", ["while it builds", "at the last moment"])
def test_what_another_process_made_meanwhile_is_used_and_not_touched(corpus, monkeypatch, there, when):
    """The other one may be reading it: `train --run a & train --run b`."""
    name = prepare(str(corpus), vocab_size=300, progress=False).folder.name
    target = home() / "data" / name
    others = shutil.move(target, corpus.parent / "others")
    if there == "damage":
        target.mkdir()
        (target / "tokenizer.json").write_text("damage")

    def other_process():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(others, target)
        (target / "read_by_another").touch()

    build, replace = module._build, os.replace

    def build_meanwhile(*arguments):
        build(*arguments)
        other_process()

    def replace_too_late(source, destination):
        if destination == target:
            other_process()
        replace(source, destination)

    if when == "while it builds":
        monkeypatch.setattr(module, "_build", build_meanwhile)
    else:
        monkeypatch.setattr(os, "replace", replace_too_late)
    data = prepare(str(corpus), vocab_size=300, progress=False)
    assert (data.folder / "read_by_another").exists()
    assert data.train.info.num_stories == 199
    assert list((home() / "data").iterdir()) == [target], "nothing is left lying about"


def test_an_error_leaves_nothing_behind(corpus, monkeypatch):
    write_stories(corpus / "train.txt", ["cut off in the", ""])
    with pytest.raises(DataError, match="Of 22 stories in corpus, cleaning left none for train"):
        prepare(str(corpus), vocab_size=300, progress=False)
    assert list((home() / "data").iterdir()) == []


def test_too_few_stories_to_validate_on(tmp_path):
    (tmp_path / "one.txt").write_text("A single story.")
    with pytest.raises(
        DataError, match=r"Of 1 stories in one\.txt, none is left for validation.*Use 100 stories or more"
    ):
        prepare(str(tmp_path / "one.txt"), vocab_size=300, progress=False)


def test_a_folder_that_cannot_be_written_is_one_sentence(corpus, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SlmError, match="Could not write"):
        prepare(str(corpus), vocab_size=300, folder=tmp_path / "file", progress=False)


def test_progress_is_shown_with_the_time_left(corpus, capsys):
    prepare(str(corpus), vocab_size=300, progress=True)
    shown = capsys.readouterr().err
    for label in ("cleaning corpus", "counting words", "learning merges", "encoding train", "encoding valid"):
        assert label in shown
    prepare(str(corpus), vocab_size=310, progress=False)
    assert capsys.readouterr().err == ""


def test_the_real_corpus(real_folder):
    data = prepare(str(real_folder), progress=False)
    assert data.tokenizer.vocab_size == 4096
    assert len(data.train) > 2_000_000
    assert data.train.info.num_bytes / data.train.info.num_tokens > 3.9  # bytes a token
    tokens = data.valid.as_tensor()
    assert data.valid.info.num_stories == int((tokens == data.tokenizer.end_of_text).sum())
