"""Files and words that a stranger made: whatever they hold, the answer is the right thing or one sentence.

Never a traceback, never a hang (pytest's time limit), never a wrong result. `state.json` is fuzzed where
checkpoints are attacked, configs in test_config.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slmlib import cli
from slmlib.errors import DataError, SlmError
from slmlib.files import read_json
from slmlib.text.cleaning import CleaningReport
from slmlib.text.stream import TokenStream
from slmlib.text.tokenizer import Tokenizer

STORIES = ["Tom saw a cat.", "Ana saw the sun.", "The cat saw Tom and Ana."] * 3
CHECKED = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(10**400)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(STORIES, 270)


@pytest.fixture(scope="module")
def tokenizer_file(tokenizer, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    tokenizer.save(path)
    return path


@pytest.fixture(scope="module")
def stream(tokenizer, tmp_path_factory) -> TokenStream:
    return TokenStream.write(tmp_path_factory.mktemp("stream") / "train.bin", STORIES, tokenizer)


def bytes_damaged(data, content: bytes) -> bytes:
    """Flipped, cut, doubled, or something else altogether."""
    damaged = bytearray(content)
    place = data.draw(st.integers(0, len(content) - 1), "place")
    kind = data.draw(st.sampled_from(["flip", "cut", "insert", "other"]), "kind")
    if kind == "flip":
        damaged[place] ^= data.draw(st.integers(1, 255), "bits")
    elif kind == "cut":
        del damaged[place:]
    elif kind == "insert":
        damaged[place:place] = data.draw(st.binary(min_size=1, max_size=9), "inserted")
    else:
        damaged = bytearray(data.draw(st.binary(max_size=60), "content"))
    return bytes(damaged)


def json_damaged(data, content: dict) -> dict:
    """One entry removed, added or replaced by anything."""
    damaged = dict(content)
    key = data.draw(st.sampled_from(sorted(content)), "key")
    kind = data.draw(st.sampled_from(["remove", "add", "replace"]), "kind")
    if kind == "remove":
        del damaged[key]
    else:
        damaged["more" if kind == "add" else key] = data.draw(json_values, "value")
    return damaged


# --- tokenizer files ---


@CHECKED
@given(data=st.data())
def test_a_tokenizer_file_is_the_same_tokenizer_or_a_sentence(tokenizer, tokenizer_file, tmp_path, data):
    path = tmp_path / "tokenizer.json"
    content = tokenizer_file.read_bytes()
    if data.draw(st.booleans(), "as JSON"):
        path.write_text(json.dumps(json_damaged(data, json.loads(content))))
    else:
        path.write_bytes(bytes_damaged(data, content))
    try:
        loaded = Tokenizer.load(path)
    except DataError as error:
        told = str(error)
    else:
        told = ""
        assert loaded.encode(" ".join(STORIES)) == tokenizer.encode(" ".join(STORIES))
        assert loaded.vocab_size == tokenizer.vocab_size
    assert told == "" or "tokenizer.json" in told


@CHECKED
@given(
    merges=st.lists(st.tuples(st.integers(-2, 300), st.integers(-2, 300)), max_size=8),
    names=st.lists(st.text(max_size=6) | st.just("<|endoftext|>"), max_size=3),
)
def test_any_merges_and_names_are_a_tokenizer_that_round_trips_or_a_sentence(merges, names):
    try:
        made = Tokenizer(tuple(merges), tuple(names))
    except DataError:
        return
    text = "Tom saw – a cat."
    assert made.decode(made.encode(text)) == text


# --- stream sidecars ---


@CHECKED
@given(data=st.data())
def test_a_damaged_stream_or_sidecar_is_the_same_stream_or_a_sentence(stream, tokenizer, tmp_path, data):
    name = data.draw(st.sampled_from(["train.bin", "train.json"]), "file")
    for each in ("train.bin", "train.json"):
        (tmp_path / each).write_bytes(stream.path.with_name(each).read_bytes())
    content = (tmp_path / name).read_bytes()
    if name == "train.json" and data.draw(st.booleans(), "as JSON"):
        (tmp_path / name).write_text(json.dumps(json_damaged(data, json.loads(content))))
    else:
        (tmp_path / name).write_bytes(bytes_damaged(data, content))
    try:
        opened = TokenStream.open(tmp_path / "train.bin", tokenizer)
    except DataError as error:
        assert "train." in str(error)  # noqa: PT017 (what opens is checked below)
        return
    assert np.array_equal(opened.tokens, stream.tokens)
    assert opened.info.num_tokens == stream.info.num_tokens
    assert opened.info.vocab_size == stream.info.vocab_size


# --- reports and any other JSON ---


@CHECKED
@given(value=json_values)
def test_a_cleaning_report_of_anything_is_a_report_or_a_sentence(value):
    try:
        report = CleaningReport.from_dict(value)
    except DataError:
        return
    assert report.to_dict() == {"near_duplicates": 0} | value


@CHECKED
@given(content=st.binary(max_size=40) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_json_file_is_its_value_or_a_sentence(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    try:
        value = read_json(tmp_path / "a.json")
    except SlmError:
        with pytest.raises((ValueError, RecursionError)):
            json.loads(content.decode("utf-8"))
    else:
        assert repr(value) == repr(json.loads(content.decode("utf-8")))  # in words, as nan is not nan


# --- the command line ---

flags = st.sampled_from(
    [
        *("--preset", "--corpus", "--run", "--minutes", "--total-steps", "--batch-size", "--vocab-size"),
        *("--learning-rate", "--micro-batch-size", "--seed", "--device", "--dtype", "--embed-dim", "--gated"),
        *("--prompt", "--model", "--count", "--temperature", "--top-k", "--top-p", "--max-tokens", "--help"),
        *("--no-gated", "--schedule", "--threads", "--norm", "--facts", "--start", "--no-such-flag", "--"),
    ]
)
values = (
    st.integers(-5, 10**30).map(str)
    | st.floats().map(str)
    | st.sampled_from(
        ["auto", "1M", "nan", "inf", "-0", "", "cpu", "float32", "cosine", "shipped", "None", "1e999"]
    )
    | st.text(max_size=6)
)
words = st.lists(flags | values, max_size=5)
commands = st.sampled_from(["train", "generate", "evaluate", "stories", "report", "doctor", "tarin", ""])


def ending(arguments: list[str]) -> int | None:
    """The exit code of a command, None when it returns."""
    try:
        cli.main(arguments)
    except SystemExit as stop:
        return stop.code
    return None


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(command=commands, arguments=words)
def test_any_command_line_is_answered_in_words(monkeypatch, capsys, tmp_path, command, arguments):
    """What is parsed is not carried out here: only whether it is understood or refused."""
    monkeypatch.setenv("SLM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SLM_DEVICE", "cpu")
    executed = []
    kinds = [cli.Train, cli.Generate, cli.Evaluate, cli.Doctor, cli.StoriesCommand]
    kinds += [cli.Report] if hasattr(cli, "Report") else []
    for kind in kinds:
        monkeypatch.setattr(kind, "execute", lambda self: executed.append(self))
    assert ending([command, *arguments]) in (0, 2) or len(executed) == 1
    output = capsys.readouterr()
    assert "Traceback" not in output.out + output.err
    assert not list(tmp_path.rglob("*.jsonl"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["generate", "--max-tokens", "3", "--prompt", "\ud800"],
        ["generate", "--max-tokens", "3", "--prompt", ""],
        ["generate", "--max-tokens", "3", "--prompt", "a<|endoftext|>b"],
        ["generate", "--max-tokens", "3", "--prompt", " " * 200_000],
        ["generate", "--max-tokens", "3", "--seed", "99999999999999999999999999"],
        ["generate", "--max-tokens", "3", "--top-k", "99999999999999999999999999"],
        ["generate", "--model", "x" * 5000],
        ["stories", "--count", "2", "--start", "-5"],
        ["stories", "--count", "1", "--seed", "-1"],
        ["stories", "--count", "1", "--start", "99999999999999999999999999"],
        ["train", "--preset", "0.3M", "--corpus", "x" * 5000],
        ["train", "--preset", "0.3M", "--run", "x" * 5000],
        ["train", "--preset", "0.3M", "--total-steps", "99999999999999999999999999", "--corpus", "nowhere"],
        ["train", "--preset", "0.3M", "--threads", "9999999999999999999", "--corpus", "nowhere"],
        ["train", "--preset", "0.3M", "--embed-dim", "99999999999999999998", "--corpus", "nowhere"],
        ["train", "--preset", "0.3M", "--num-layers", "999999999999", "--corpus", "nowhere"],
        ["report", "x" * 5000],
    ],
)
def test_strange_wishes_that_are_carried_out_end_in_words(monkeypatch, capsys, tmp_path, arguments):
    monkeypatch.setenv("SLM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SLM_DEVICE", "cpu")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("SLM_CORPUS", raising=False)
    monkeypatch.chdir(tmp_path)
    code = ending(arguments) or 0
    output = capsys.readouterr()
    assert code in (0, 2)
    assert "Traceback" not in output.err
    assert code == 0 or output.err.strip()
