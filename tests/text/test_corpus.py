import gzip
import socket
import subprocess
import sys
import threading
import time
import types
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from slmlib.errors import DataError, SlmError
from slmlib.files import home
from slmlib.text import tinystories
from slmlib.text.corpus import open_corpus
from slmlib.text.textfiles import TextFiles, read_stories, write_stories
from slmlib.text.tinystories import TinyStories, hub_refusal


@pytest.fixture
def folder(tmp_path):
    """A folder with a training file, a gzipped one, a validation file and a stranger."""
    folder = tmp_path / "stories"
    folder.mkdir()
    (folder / "a-train.txt").write_text(
        "One.\n<|endoftext|>\nTwo.\nStill two.\n<|endoftext|>\n", encoding="utf-8"
    )
    (folder / "b-train.txt.gz").write_bytes(gzip.compress("Drei ist schön.\n<|endoftext|>\n".encode()))
    (folder / "c-valid.txt").write_text("Four.\n<|endoftext|>\nFive.", encoding="utf-8")
    (folder / "notes.md").write_text("not a story")
    return folder


@pytest.fixture
def published(monkeypatch):
    """A stand-in for the datasets library, with 100 stories of 10 bytes a split, and a list of what was asked."""
    asked = []

    def load_dataset(name, split, streaming):
        asked.append((name, split, streaming))
        return ({"text": f"{split[:5]} {number:03}."} for number in range(100))

    monkeypatch.setitem(
        sys.modules,
        "datasets",
        types.SimpleNamespace(load_dataset=load_dataset, config=types.SimpleNamespace()),
    )
    monkeypatch.setattr(tinystories, "hub_refusal", lambda: "")
    monkeypatch.setattr("slmlib.text.corpus.hub_refusal", lambda: "")
    return asked


@pytest.fixture
def storyworld(monkeypatch):
    """A stand-in for StoryWorld."""

    def stories(start, stop, seed):
        for number in range(start, stop):
            yield types.SimpleNamespace(text=f"World {seed}, story {number}.")

    monkeypatch.setattr("slmlib.text.corpus.stories", stories)


# Local files


@pytest.mark.parametrize(
    ("content", "stories"),
    [
        ("One.\n<|endoftext|>\nTwo.\n<|endoftext|>\n", ["One.", "Two."]),
        ("One.\n<|endoftext|>\nTwo.", ["One.", "Two."]),
        ("One.<|endoftext|>Two.<|endoftext|>", ["One.", "Two."]),
        ("One.\r\n<|endoftext|>\r\nTwo\r\nlines.\r\n", ["One.", "Two\r\nlines."]),
        ("\ufeffOne.\n\n<|endoftext|>\n\n Two.", ["One.", "Two."]),
        ("One.\n<|endoftext|>\n<|endoftext|>\nTwo.", ["One.", "", "Two."]),
        ("Only one,\nwithout a mark.\n", ["Only one,\nwithout a mark."]),
        ("", []),
    ],
)
def test_reading_stories(tmp_path, content, stories):
    path = tmp_path / "a.txt"
    path.write_bytes(content.encode())
    assert list(read_stories(path)) == stories
    packed = tmp_path / "a.txt.gz"
    packed.write_bytes(gzip.compress(content.encode()))
    assert list(read_stories(packed)) == stories


def test_written_stories_are_read_back(tmp_path, stories):
    write_stories(tmp_path / "a.txt", stories)
    assert list(read_stories(tmp_path / "a.txt")) == stories


def test_a_folder(folder):
    corpus = open_corpus(str(folder))
    assert list(corpus.train()) == ["One.", "Two.\nStill two.", "Drei ist schön."]
    assert list(corpus.valid()) == ["Four.", "Five."]
    assert list(corpus.train()) == ["One.", "Two.\nStill two.", "Drei ist schön."]
    assert corpus.name == "stories"
    assert str(folder) in corpus.why


def test_a_file(folder):
    corpus = open_corpus(str(folder / "c-valid.txt"))
    assert list(corpus.train()) == ["Four.", "Five."]
    assert corpus.valid() is None


@pytest.mark.parametrize(
    ("name", "is_validation"),
    [
        ("valid.txt", True),
        ("TinyStories-valid.txt", True),
        ("val_2.txt.gz", True),
        ("test.txt", True),
        ("VALIDATION.txt", True),
        ("train.txt", False),
        ("valley.txt", False),
        ("greatest.txt", False),
    ],
)
def test_names_of_validation_files(tmp_path, name, is_validation):
    for each in (name, "other.txt"):
        path = tmp_path / each
        path.write_bytes(gzip.compress(b"A.") if each.endswith("gz") else b"A.")
    assert (tmp_path / name in TextFiles.find(tmp_path).valid_files) == is_validation


def test_only_as_much_as_asked_for(folder):
    assert list(open_corpus(str(folder), max_bytes=4).train()) == ["One."]
    assert list(open_corpus(str(folder), max_bytes=18).train()) == ["One."]
    assert list(open_corpus(str(folder), max_bytes=19).train()) == ["One.", "Two.\nStill two."]
    assert len(list(open_corpus(str(folder), max_bytes=4).valid())) == 2
    with pytest.raises(DataError, match="max_bytes is 0"):
        open_corpus(str(folder), max_bytes=0)


def test_a_first_story_that_is_longer_than_what_is_read_is_one_sentence(folder):
    with pytest.raises(
        DataError, match=r"first story has 4 bytes, and only 3 bytes .* divide them with <\|end"
    ):
        list(open_corpus(str(folder), max_bytes=3).train())


def test_the_fingerprint_follows_the_content(folder):
    before = open_corpus(str(folder)).fingerprint
    assert open_corpus(str(folder)).fingerprint == before
    assert open_corpus(str(folder), max_bytes=10).fingerprint != before
    (folder / "c-valid.txt").rename(folder / "d-valid.txt")
    assert open_corpus(str(folder)).fingerprint == before
    (folder / "d-valid.txt").rename(folder / "d-train.txt")
    assert open_corpus(str(folder)).fingerprint != before


def test_the_expected_size(folder):
    assert open_corpus(str(folder)).expected_bytes is None  # unknown before unpacking
    assert open_corpus(str(folder), max_bytes=7).expected_bytes == 7
    (folder / "b-train.txt.gz").unlink()
    size = sum(path.stat().st_size for path in folder.glob("*.txt"))
    assert open_corpus(str(folder)).expected_bytes == size


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("empty.txt", b"", "is empty"),
        ("nul.txt", b"Once\0upon", "NUL bytes"),
        ("picture.txt", b"\x89PNG\r\n\x1a\n", "byte 0x89 is not UTF-8"),
        ("latin.txt", "schön".encode("latin-1"), "byte 0xf6 is not UTF-8"),
        ("plain.txt.gz", b"not gzipped", "cannot be read"),
        ("cut.txt.gz", gzip.compress(b"Once upon a time." * 100, mtime=0)[:-12], "cannot be read"),
        ("data.parquet", b"PAR1", "not a whole Parquet file"),
        ("data.pdf", b"%PDF", r"not a \.txt, \.jsonl, \.csv or \.parquet file"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=sentence) as caught:
        open_corpus(str(tmp_path / name))
    assert name in str(caught.value)


@pytest.mark.parametrize(("bad", "sentence"), [(b"\0", "NUL bytes"), (b"\xff", "byte 0xff is not UTF-8")])
def test_what_turns_out_late_to_be_no_text_is_refused(tmp_path, bad, sentence):
    path = tmp_path / "long.txt"
    path.write_bytes(b"Once upon a time.\n<|endoftext|>\n" * 10_000 + bad)
    corpus = open_corpus(str(path))
    with pytest.raises(DataError, match=sentence):
        list(corpus.train())


def test_missing_paths_and_folders_without_text_are_refused(tmp_path):
    with pytest.raises(DataError, match="There is no corpus at"):
        open_corpus(str(tmp_path / "missing.txt"))
    with pytest.raises(DataError, match=r"has no \.txt, \.jsonl.* to train on"):
        open_corpus(str(tmp_path))
    with pytest.raises(SlmError, match=r"~nosuchuser/x\.txt begins with the folder of a person"):
        open_corpus("~nosuchuser/x.txt")
    (tmp_path / "valid.txt").write_text("A.")
    with pytest.raises(DataError, match=r"to train on \(valid\.txt is for validation, by its name\)"):
        open_corpus(str(tmp_path))


# The choice


def test_auto_takes_the_path_in_the_environment_first(folder, monkeypatch, published, storyworld):
    monkeypatch.setenv("SLM_CORPUS", str(folder))
    corpus = open_corpus()
    assert corpus.why == f"SLM_CORPUS points to {folder}."
    assert len(list(corpus.train())) == 3
    monkeypatch.setenv("SLM_CORPUS", str(folder / "missing.txt"))
    with pytest.raises(DataError, match="There is no corpus at"):
        open_corpus()
    assert open_corpus("storyworld").name == "StoryWorld"


def test_an_empty_name_is_refused(folder, monkeypatch):
    """`--corpus "$UNSET"` must not mean anything else than the person meant."""
    monkeypatch.setenv("SLM_CORPUS", str(folder))
    with pytest.raises(DataError, match="The name of the corpus is empty"):
        open_corpus("")


def test_auto_takes_tinystories_when_the_hub_answers(published, storyworld):
    corpus = open_corpus()
    assert corpus.name == "TinyStories"
    assert "Hub has TinyStories" in corpus.why
    assert published == []  # nothing is downloaded to say so


def test_auto_takes_storyworld_without_a_network(storyworld):
    corpus = open_corpus(max_bytes=100)
    assert corpus.name == "StoryWorld"
    assert corpus.why == (
        "SLM_CORPUS is not set, TinyStories is not stored here, and HF_HUB_OFFLINE says not to ask the Hugging Face "
        "Hub. To get TinyStories later, begin a new run with --corpus tinystories."
    )
    assert list(corpus.train()) == [
        "World 0, story 0.",
        "World 0, story 1.",
        "World 0, story 2.",
        "World 0, story 3.",
        "World 0, story 4.",
    ]
    assert corpus.valid() is None
    assert corpus.expected_bytes == 100
    assert corpus.fingerprint == open_corpus(max_bytes=100).fingerprint
    assert corpus.fingerprint != open_corpus(max_bytes=99).fingerprint


# TinyStories


def test_tinystories_is_streamed_once_and_only_as_far_as_needed(published, monkeypatch):
    corpus = open_corpus("tinystories", max_bytes=55)
    assert list(corpus.train()) == [f"train {number:03}." for number in range(5)]
    assert len(list(corpus.valid())) == 100
    assert published == [
        ("roneneldan/TinyStories", "validation", True),
        ("roneneldan/TinyStories", "train", True),
    ]
    folder = home() / "corpora" / "tinystories-55"
    assert sorted(path.name for path in folder.iterdir()) == ["train.txt", "valid.txt"]

    monkeypatch.setattr(tinystories, "hub_refusal", lambda: "the Hugging Face Hub does not answer")
    smaller = open_corpus(max_bytes=30)
    assert len(list(smaller.train())) == 3
    assert f"stored in {folder}" in smaller.why
    assert len(published) == 2
    with pytest.raises(DataError, match="does not answer"):
        list(open_corpus("tinystories", max_bytes=56).train())


def test_a_half_finished_download_is_not_taken_for_a_whole_one(published, monkeypatch):
    def breaks(stories, *rest):
        yield from list(stories)[:2]
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tinystories, "story_bar", breaks)
        with pytest.raises(KeyboardInterrupt):
            list(TinyStories(50).train())
    assert TinyStories(50).cached() is None
    assert len(list(TinyStories(50).train())) == 5


def test_a_failing_download_is_one_sentence(published, monkeypatch):
    def load_dataset(name, split, streaming):
        raise ConnectionError("Couldn't reach the Hub.\nAnd a long story.")

    monkeypatch.setitem(
        sys.modules,
        "datasets",
        types.SimpleNamespace(load_dataset=load_dataset, config=types.SimpleNamespace()),
    )
    with pytest.raises(
        DataError, match=r"could not be downloaded \(ConnectionError: Couldn't reach the Hub\)"
    ) as caught:
        list(open_corpus("tinystories").train())
    assert "\n" not in str(caught.value)


def test_what_the_datasets_library_has_stored_is_used_offline(published, monkeypatch, tmp_path):
    monkeypatch.setattr(tinystories, "hub_refusal", lambda: "the Hugging Face Hub does not answer")
    made = tmp_path / "huggingface/datasets/roneneldan___tiny_stories/default/0.0.0/f54c"
    made.mkdir(parents=True)
    (made / "dataset_info.json").touch()
    corpus = open_corpus(max_bytes=20)
    assert "the datasets library has TinyStories stored" in corpus.why
    assert len(list(corpus.train())) == 2
    assert published[-1] == ("roneneldan/TinyStories", "train", False)


def test_what_it_had_only_begun_to_store_is_not_there(storyworld, tmp_path):
    made = tmp_path / "huggingface/datasets/roneneldan___tiny_stories/default/0.0.0/f54c.incomplete"
    made.mkdir(parents=True)
    (made / "dataset_info.json").touch()
    (made.parent / "f54c_builder.lock").touch()
    assert open_corpus(max_bytes=100).name == "StoryWorld"


def test_a_download_first_removes_what_killed_ones_left(published):
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass
    corpora = home() / "corpora"
    for name in ("tinystories-50", "tinystories-70"):
        (corpora / name).mkdir(parents=True)
        (corpora / name / f".train.txt.{dead.pid}-{dead.pid}.tmp").write_text("half")
    assert len(list(TinyStories(50).train())) == 5
    assert sorted(path.name for path in corpora.rglob("*") if path.is_file()) == ["train.txt", "valid.txt"]


@pytest.fixture
def hub(monkeypatch):
    """A Hub on this machine. Calling it with a status makes it answer so; it remembers what it was asked."""
    asked, status = [], [200]

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(status[0])
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.delenv("HF_HUB_OFFLINE")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield types.SimpleNamespace(asked=asked, status=status)
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_hub_is_asked(hub):
    assert hub_refusal() == ""
    assert hub.asked == ["/api/datasets/roneneldan/TinyStories"]
    for status, meaning in ((404, "not found"), (429, "too many requests"), (599, "no known status")):
        hub.status[0] = status
        assert hub_refusal() == f"the Hugging Face Hub answered {status} ({meaning})"


@pytest.mark.parametrize("name", ["HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"])
def test_offline_means_not_even_asking(hub, monkeypatch, name):
    monkeypatch.setenv(name, "1")
    assert hub_refusal() == f"{name} says not to ask the Hugging Face Hub"
    assert hub.asked == []


def test_a_hub_that_is_not_there(hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    assert hub_refusal() == "the Hugging Face Hub does not answer"
    monkeypatch.setenv("HF_ENDPOINT", "not an address")
    assert hub_refusal() == "the Hugging Face Hub does not answer"


def test_what_is_no_hub_does_not_answer(hub, monkeypatch):
    """No thread of ours shows a traceback: neither of another kind of server nor of an address with a space in it."""
    shown = []
    monkeypatch.setattr(threading, "excepthook", shown.append)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet():
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                connection.recv(1 << 16)

        thread = threading.Thread(target=greet)
        thread.start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        assert hub_refusal(timeout=30) == "the Hugging Face Hub does not answer"
        thread.join()
    monkeypatch.setenv("HF_ENDPOINT", "http://bad host")
    assert hub_refusal() == "the Hugging Face Hub does not answer"
    assert shown == []


def test_a_hub_that_never_answers_is_given_up(monkeypatch):
    forever = threading.Event()
    monkeypatch.delenv("HF_HUB_OFFLINE")

    def urlopen(*_, **__):
        forever.wait()
        raise OSError

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    try:
        start = time.monotonic()
        assert hub_refusal(timeout=0.05) == "the Hugging Face Hub does not answer"
        assert time.monotonic() - start < 5
    finally:
        forever.set()
