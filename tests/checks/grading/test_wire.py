"""The channel: what goes in comes out, and nothing else gets in."""

import contextlib
import math
import socket
import struct
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.grading.wire import MAX_FRAME, Channel, Closed, Late, WireError, decode, encode
from checks.plain import same

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.binary()
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.one_of(st.text(), st.integers(), st.tuples(st.integers())), inner, max_size=4),
    ),
    max_leaves=20,
)


@given(values)
def test_plain_data_comes_back_as_it_was(value):
    back = decode(encode(value))
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize("kind", ["f4", "f8", "f2", "i8", "u1", "?", ">i4"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0, 4)])
def test_arrays_come_back_as_they_were(kind, shape):
    array = np.arange(math.prod(shape)).reshape(shape).astype(kind)
    back = decode(encode({"a": array}))["a"]
    assert back.shape == shape
    assert back.dtype.kind == array.dtype.kind
    assert same(array, back)


def test_nan_and_infinity_survive():
    back = decode(encode([float("nan"), float("inf"), -0.0, "\ud800"]))
    assert math.isnan(back[0])
    assert back[1:] == [math.inf, 0.0, "\ud800"]


@given(st.binary(max_size=200))
def test_rubbish_is_refused_and_nothing_worse(data):
    with contextlib.suppress(WireError):
        decode(data)


@given(values, st.data())
def test_a_damaged_frame_is_refused_or_is_another_value(value, data):
    frame = bytearray(encode(value))
    place = data.draw(st.integers(0, len(frame) - 1))
    frame[place] = data.draw(st.integers(0, 255))
    with contextlib.suppress(WireError):
        decode(bytes(frame))


LENGTH = struct.Struct(">Q").pack


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (b"L" + LENGTH(2**60), "beyond the end"),
        ((b"L" + LENGTH(1)) * 40 + b"N", "too deep"),
        (b"L" + LENGTH(1_100_000) + b"N" * 1_100_000, "too many"),
        (b"I" + LENGTH(5000) + b"+" + b"\xff" * 4999, "digits"),
        (b"A" + LENGTH(9) + b"O8|1|abcd", "array"),
        (b"A" + LENGTH(12) + b"f8|99999999|", "cannot be read"),
        (b"M" + LENGTH(1) + b"L" + LENGTH(0) + b"N", "cannot be read"),
        (b"NN", "after the end"),
        (b"Z", "unknown"),
        (b"", "too early"),
    ],
)
def test_every_bound_has_its_words(frame, words):
    with pytest.raises(WireError, match=words):
        decode(frame)


def test_a_subclass_is_not_plain():
    class Mine(int):
        pass

    with pytest.raises(WireError, match="Mine is not plain"):
        encode([Mine(3)])


def test_a_channel_waits_no_longer_than_it_was_told():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        channel = Channel(ours)
        theirs.sendall(LENGTH(100) + b"only a part")
        with pytest.raises(Late):
            channel.receive(time.monotonic() + 0.05)
        with pytest.raises(Late):
            channel.send("x" * 30_000_000, 0.05)


def test_a_channel_refuses_what_is_announced_too_large():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(LENGTH(MAX_FRAME + 1))
        with pytest.raises(WireError, match="more than"):
            Channel(ours).receive(time.monotonic() + 1)


def test_a_channel_says_when_nobody_is_left():
    ours, theirs = socket.socketpair()
    with ours:
        theirs.close()
        with pytest.raises(Closed):
            Channel(ours).receive(time.monotonic() + 1)
        with pytest.raises(Closed):
            Channel(ours).send("x" * 1_000_000, 1)
