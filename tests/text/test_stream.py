import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from slmlib.errors import ConfigError, DataError
from slmlib.text.stream import TokenStream
from slmlib.text.tokenizer import END_OF_TEXT, Tokenizer


@pytest.fixture
def stream(tmp_path, stories, tokenizer):
    return TokenStream.write(tmp_path / "train.bin", stories, tokenizer, corpus_name="nine stories")


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    """A function that makes a stream of n tokens, all different, so that a token tells its place."""
    folder, made = tmp_path_factory.mktemp("numbers"), {}

    def make(num_tokens):
        if num_tokens not in made:
            path = folder / f"{num_tokens}.bin"
            byte = "a"  # one story of n - 1 single letters and an end-of-text, then overwritten with places
            stream = TokenStream.write(path, [byte * (num_tokens - 1)], Tokenizer(()))
            np.arange(num_tokens, dtype=stream.info.dtype).tofile(path)
            made[num_tokens] = TokenStream.open(path, verify=False)
        return made[num_tokens]

    return make


def test_the_file_holds_the_stories_and_end_of_text_after_each(stream, stories, tokenizer):
    expected = [index for story in stories for index in [*tokenizer.encode(story), tokenizer.end_of_text]]
    assert np.fromfile(stream.path, dtype="<u2").tolist() == expected
    assert len(stream) == len(expected)
    assert tokenizer.decode(stream.as_tensor()) == "".join(story + END_OF_TEXT for story in stories)
    assert stream.as_tensor().dtype == torch.int64
    assert stream.as_tensor().shape == (len(expected),)


def test_the_sidecar(stream, stories, tokenizer):
    info = json.loads(stream.path.with_suffix(".json").read_text())
    assert info["dtype"] == "<u2"
    assert info["num_stories"] == 9
    assert info["num_bytes"] == sum(len(story.encode()) for story in stories)
    assert info["num_tokens"] == stream.path.stat().st_size // 2
    assert info["tokenizer"] == tokenizer.fingerprint
    assert info["vocab_size"] == 320
    assert info["corpus_name"] == "nine stories"


def test_the_source_hash_is_that_of_the_stories(tmp_path, tokenizer):
    def source_hash(*stories):
        return TokenStream.write(tmp_path / "a.bin", stories, tokenizer).info.source_sha256

    assert source_hash("one", "two") == source_hash("one", "two")
    assert len({source_hash("one", "two"), source_hash("two", "one"), source_hash("onet", "wo")}) == 3


def test_many_chunks_equal_one(tmp_path, tokenizer, monkeypatch, stories):
    whole = TokenStream.write(tmp_path / "whole.bin", stories, tokenizer).info
    monkeypatch.setattr("slmlib.text.stream._STORIES_AT_ONCE", 2)
    assert TokenStream.write(tmp_path / "pieces.bin", iter(stories), tokenizer).info == whole


def test_large_vocabularies_take_four_bytes(tmp_path):
    pairs = [(first, second) for first in range(256) for second in range(256)]
    small = Tokenizer(tuple(pairs[: 65536 - 257]))
    large = Tokenizer(tuple(pairs[: 65536 - 256]))
    assert small.vocab_size == 65536
    for tokenizer, dtype, size in ((small, "<u2", 2), (large, "<u4", 4)):
        stream = TokenStream.write(tmp_path / "x.bin", ["ab"], tokenizer)
        assert stream.info.dtype == dtype
        assert stream.path.stat().st_size == size * len(stream)
        assert stream.as_tensor()[-1] == tokenizer.end_of_text


def test_progress_is_shown_when_asked(tmp_path, stories, tokenizer, capsys):
    TokenStream.write(tmp_path / "train.bin", stories, tokenizer, expected_bytes=700, progress=True)
    assert "encoding train" in capsys.readouterr().err
    TokenStream.write(tmp_path / "train.bin", stories, tokenizer)
    assert capsys.readouterr().err == ""


def test_open_gives_the_same_stream(stream, tokenizer):
    again = TokenStream.open(stream.path, tokenizer)
    assert again.info == stream.info
    assert torch.equal(again.as_tensor(), stream.as_tensor())


def test_another_tokenizer_is_refused(stream, tokenizer):
    with pytest.raises(DataError, match="written with another tokenizer"):
        TokenStream.open(stream.path, Tokenizer(tokenizer.merges[:-1]))


def test_a_damaged_file_is_refused(stream):
    content = bytearray(stream.path.read_bytes())
    content[10] ^= 1
    stream.path.write_bytes(content)
    with pytest.raises(DataError, match="does not match the hash"):
        TokenStream.open(stream.path)
    assert len(TokenStream.open(stream.path, verify=False)) == len(stream)


@pytest.mark.parametrize("change", [-1, -2, 2])
def test_a_cut_file_is_refused_even_unverified(stream, change):
    content = stream.path.read_bytes()
    stream.path.write_bytes(content[:change] if change < 0 else content + b"\0" * change)
    with pytest.raises(DataError, match="cut off or damaged"):
        TokenStream.open(stream.path, verify=False)


def test_missing_files_are_refused(stream, tmp_path):
    with pytest.raises(DataError, match=r"no usable sidecar: There is no file .*other\.json"):
        TokenStream.open(tmp_path / "other.bin")
    stream.path.unlink()
    with pytest.raises(DataError, match=r"There is no file .*train\.bin"):
        TokenStream.open(stream.path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda info: info.update(format_version=2),
        lambda info: info.update(num_tokens="7"),
        lambda info: info.update(dtype="object"),
        lambda info: info.update(extra=1),
        lambda info: info.pop("sha256"),
    ],
)
def test_a_damaged_sidecar_is_refused(stream, damage):
    path = stream.path.with_suffix(".json")
    info = json.loads(path.read_text())
    damage(info)
    path.write_text(json.dumps(info))
    with pytest.raises(DataError, match=r"train\.json"):
        TokenStream.open(stream.path)


def test_no_story_and_no_bin_name_are_refused_and_leave_nothing(tmp_path, tokenizer):
    with pytest.raises(DataError, match="no story"):
        TokenStream.write(tmp_path / "train.bin", [], tokenizer)
    with pytest.raises(DataError, match=r"is a \.bin file"):
        TokenStream.write(tmp_path / "train.json", ["story"], tokenizer)
    assert list(tmp_path.iterdir()) == []


def test_a_refused_story_leaves_the_earlier_stream_whole(stream, tokenizer):
    before = stream.path.read_bytes()
    with pytest.raises(DataError, match="special token"):
        TokenStream.write(stream.path, ["fine", f"not{END_OF_TEXT}fine"], tokenizer)
    assert stream.path.read_bytes() == before
    TokenStream.open(stream.path)


# Batches. In `numbers(n)` the token at place p is p.


def test_shapes_types_and_the_shift(numbers):
    inputs, targets = numbers(1000).batch(3, batch_size=4, context_length=16, seed=1)
    assert inputs.shape == targets.shape == (4, 16)
    assert inputs.dtype == targets.dtype == torch.int64
    assert inputs.is_contiguous()
    assert targets.is_contiguous()
    assert torch.equal(targets, (inputs + 1) % 1000)
    assert torch.equal(inputs, (inputs[:, :1] + torch.arange(16)) % 1000)


@given(
    num_tokens=st.sampled_from([9, 64, 65, 100]),
    context_length=st.integers(1, 8),
    batch_size=st.integers(1, 7),
    seed=st.integers(0, 2**70),
    epoch=st.integers(0, 3),
)
def test_an_epoch_sees_each_window_exactly_once(numbers, num_tokens, context_length, batch_size, seed, epoch):
    stream = numbers(num_tokens)
    num_windows = stream.windows_per_epoch(context_length)
    assert num_windows == num_tokens // context_length
    # Read the windows of one epoch out of batches that run over its ends.
    first, last = epoch * num_windows, (epoch + 1) * num_windows
    rows = []
    for step in range(first // batch_size, last // batch_size + 1):
        inputs, _ = stream.batch(step, batch_size=batch_size, context_length=context_length, seed=seed)
        rows += [row for place, row in enumerate(inputs, step * batch_size) if first <= place < last]
    tokens = torch.stack(rows).flatten()
    assert len(tokens) == num_windows * context_length
    assert len(tokens.unique()) == len(tokens)  # nothing twice; only the remainder is left out


def test_windows_and_their_order_differ_between_epochs_and_seeds(numbers):
    stream = numbers(1000)

    def starts(seed, epoch):
        return stream.window_starts(epoch, batch_size=100, context_length=10, seed=seed)

    assert len({int(starts(0, epoch).min()) for epoch in range(20)}) > 5  # the phase shifts
    assert not np.array_equal(np.argsort(starts(0, 0)), np.argsort(starts(0, 1)))
    assert not np.array_equal(starts(0, 0), starts(1, 0))
    assert not np.array_equal(np.sort(starts(0, 0)), starts(0, 0))


def test_the_batch_is_a_pure_function(numbers):
    """The same on a fresh stream, whatever was asked before, in any order."""
    sizes = {"batch_size": 3, "context_length": 10, "seed": 5}
    used, fresh = numbers(100), TokenStream(numbers(100).path, numbers(100).info)
    forward = [used.batch(step, **sizes) for step in range(12)]
    used.batch(7, batch_size=5, context_length=7, seed=9)
    for step in reversed(range(12)):
        for a, b, c in zip(forward[step], fresh.batch(step, **sizes), used.batch(step, **sizes), strict=True):
            assert torch.equal(a, b)
            assert torch.equal(a, c)


def test_the_batch_never_changes_between_versions(numbers):
    """Resuming an old run depends on these numbers; they may never change."""
    starts = numbers(1000).window_starts(0, batch_size=6, context_length=64, seed=1234)
    assert starts.tolist() == [146, 210, 18, 402, 274, 82]


@pytest.mark.parametrize("world_size", [1, 2, 3, 6])
def test_the_ranks_share_the_global_batch(numbers, world_size):
    stream = numbers(100)
    for step in range(5):  # 10 windows an epoch, 6 a batch: epochs end inside batches and inside slices
        whole = stream.batch(step, batch_size=6, context_length=10, seed=2)
        slices = [
            stream.batch(step, batch_size=6, context_length=10, seed=2, rank=rank, world_size=world_size)
            for rank in range(world_size)
        ]
        for index in (0, 1):
            assert slices[0][index].shape == (6 // world_size, 10)
            assert torch.equal(torch.cat([part[index] for part in slices]), whole[index])


def test_a_batch_may_span_several_epochs(numbers):
    stream = numbers(64)
    starts = stream.window_starts(0, batch_size=8, context_length=32, seed=0)
    assert len(starts) == 8
    for epoch in range(4):
        assert abs(int(starts[2 * epoch] - starts[2 * epoch + 1])) == 32


def test_a_changed_batch_does_not_change_the_stream(numbers):
    stream = numbers(1000)
    inputs, _ = stream.batch(0, batch_size=2, context_length=8, seed=0)
    inputs.zero_()
    assert torch.equal(stream.as_tensor(), torch.arange(1000))
    again, _ = stream.batch(0, batch_size=2, context_length=8, seed=0)
    assert again.sum() > 0


def test_bad_batches_are_refused(numbers):
    stream = numbers(64)
    with pytest.raises(DataError, match="64 tokens, too few for one window of 64"):
        stream.batch(0, batch_size=1, context_length=64, seed=0)
    assert stream.batch(0, batch_size=1, context_length=63, seed=0)[0].shape == (1, 63)
    with pytest.raises(ConfigError, match="4 windows cannot be shared evenly by 3"):
        stream.batch(0, batch_size=4, context_length=8, seed=0, rank=0, world_size=3)
    with pytest.raises(ConfigError, match="0 windows"):
        stream.batch(0, batch_size=0, context_length=8, seed=0)
    with pytest.raises(ConfigError, match="rank 2 of 2"):
        stream.batch(0, batch_size=4, context_length=8, seed=0, rank=2, world_size=2)
    for step, seed in ((-1, 0), (0, -1)):
        with pytest.raises(ConfigError, match="do not name a batch"):
            stream.batch(step, batch_size=4, context_length=8, seed=seed)
    with pytest.raises(ConfigError, match="context_length is 0"):
        stream.batch(0, batch_size=4, context_length=0, seed=0)


@given(
    num_tokens=st.sampled_from([2, 9, 64, 65]),
    context_length=st.integers(1, 70),
    max_tokens=st.integers(1, 70) | st.none(),
)
def test_evaluation_counts_each_target_once(numbers, num_tokens, context_length, max_tokens):
    windows = list(numbers(num_tokens).evaluation_windows(context_length, max_tokens))
    expected = num_tokens - 1 if max_tokens is None else min(max_tokens, num_tokens - 1)
    assert torch.equal(torch.cat([targets for _, targets in windows]), torch.arange(1, expected + 1))
    for inputs, targets in windows:
        assert torch.equal(inputs + 1, targets)
    assert all(len(inputs) == context_length for inputs, _ in windows[:-1])
    assert 1 <= len(windows[-1][0]) <= context_length


def test_evaluation_of_a_single_token_is_refused(numbers):
    with pytest.raises(DataError, match="1 tokens, too few"):
        list(numbers(1).evaluation_windows(8))
    with pytest.raises(ConfigError, match="context_length is 0"):
        list(numbers(64).evaluation_windows(0))
