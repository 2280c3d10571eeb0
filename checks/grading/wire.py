"""The one channel between the grader and a student's process: frames of plain data, bounded on both ends.

Nothing is unpickled and no code crosses. What arrives is rebuilt from seven kinds of plain value; a frame
that is too long, too deep or too crowded is refused, not understood halfway.
"""

import select
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from checks.plain import MAX_BYTES, MAX_DEPTH

MAX_FRAME = MAX_BYTES + 2**20
MAX_VALUES = 1_000_000
"""Most single values in one frame; an array counts as one."""
MAX_DIGITS = 4000
"""Python refuses to print longer whole numbers, and so does the channel."""
KINDS = "biuf"
_LENGTH = struct.Struct(">Q")
_FLOAT = struct.Struct(">d")


class WireError(Exception):
    """A frame that is no frame, or not plain data."""


class Closed(WireError):
    """The other end is gone."""


class Late(WireError):
    """Nothing whole arrived in time."""


def encode(value: Any) -> bytes:
    """Plain data (see checks.plain) as bytes."""
    parts: list[bytes] = []
    _encode(value, parts)
    return b"".join(parts)


def _encode(value: Any, parts: list[bytes]) -> None:
    kind = type(value)
    if value is None:
        parts.append(b"N")
    elif kind is bool:
        parts.append(b"T" if value else b"F")
    elif kind is int:
        sign, size = value < 0, (value.bit_length() + 7) // 8
        parts.append(_block(b"I", (b"-" if sign else b"+") + abs(value).to_bytes(size, "big")))
    elif kind is float:
        parts.append(b"D" + _FLOAT.pack(value))
    elif kind is str:
        parts.append(_block(b"S", value.encode("utf-8", "surrogatepass")))
    elif kind is bytes:
        parts.append(_block(b"B", value))
    elif kind in (list, tuple):
        parts.append((b"L" if kind is list else b"U") + _LENGTH.pack(len(value)))
        for item in value:
            _encode(item, parts)
    elif kind is dict:
        parts.append(b"M" + _LENGTH.pack(len(value)))
        for key, item in value.items():
            _encode(key, parts)
            _encode(item, parts)
    elif kind is np.ndarray and value.dtype.kind in KINDS:
        head = f"{value.dtype.kind}{value.dtype.itemsize}|{','.join(map(str, value.shape))}|"
        little = value.astype(value.dtype.newbyteorder("<"), copy=False)
        parts.append(_block(b"A", head.encode() + np.ascontiguousarray(little).tobytes()))
    else:
        raise WireError(f"{kind.__name__} is not plain data")


def _block(tag: bytes, body: bytes) -> bytes:
    return tag + _LENGTH.pack(len(body)) + body


def decode(data: bytes) -> Any:
    """The value in a frame; WireError for anything that `encode` would not have written."""
    reader = _Reader(data)
    try:
        value = reader.value(MAX_DEPTH)
    except (struct.error, ValueError, TypeError, OverflowError, IndexError) as error:
        raise WireError(f"a frame that cannot be read ({type(error).__name__})") from None
    if reader.at != len(data):
        raise WireError("bytes after the end of a value")
    return value


class _Reader:
    def __init__(self, data: bytes):
        self.data, self.at, self.count = data, 0, 0

    def value(self, depth: int) -> Any:
        self.count += 1
        if depth == 0 or self.count > MAX_VALUES:
            raise WireError("too deep" if depth == 0 else "too many values")
        tag = self._take(1)
        if tag in b"NTF" and tag:
            return {b"N": None, b"T": True, b"F": False}[tag]
        if tag == b"D":
            return _FLOAT.unpack(self._take(8))[0]
        if tag == b"I":
            return self._integer(self._block())
        if tag == b"S":
            return self._block().decode("utf-8", "surrogatepass")
        if tag == b"B":
            return self._block()
        if tag == b"A":
            return self._array(self._block())
        if tag in (b"L", b"U"):
            items = [self.value(depth - 1) for _ in range(self._length())]
            return items if tag == b"L" else tuple(items)
        if tag == b"M":
            return {self._key(depth - 1): self.value(depth - 1) for _ in range(self._length())}
        raise WireError("an unknown kind of value")

    def _key(self, depth: int) -> Any:
        key = self.value(depth)
        hash(key)  # a list is no key: TypeError
        return key

    def _integer(self, body: bytes) -> int:
        if len(body) > MAX_DIGITS * 0.41:  # bytes that many decimal digits take
            raise WireError(f"a whole number of more than {MAX_DIGITS} digits")
        number = int.from_bytes(body[1:], "big")
        return -number if body[:1] == b"-" else number

    def _array(self, body: bytes) -> np.ndarray:
        head, shape, raw = body.split(b"|", 2)
        kind, size = head[:1].decode(), int(head[1:])
        sizes = tuple(int(one) for one in shape.split(b",") if one)
        if kind not in KINDS or size > 8 or len(sizes) > MAX_DEPTH or min(sizes, default=0) < 0:
            raise WireError("an array of an unknown kind")
        return np.frombuffer(raw, dtype=np.dtype(f"<{kind}{size}")).reshape(sizes).copy()

    def _length(self) -> int:
        length = int(_LENGTH.unpack(self._take(8))[0])
        if length > len(self.data) - self.at:  # every item takes at least a byte
            raise WireError("a length beyond the end")
        return length

    def _block(self) -> bytes:
        return self._take(self._length())

    def _take(self, size: int) -> bytes:
        if size > len(self.data) - self.at:
            raise WireError("a frame that ends too early")
        self.at += size
        return self.data[self.at - size : self.at]


class Channel:
    """Frames over a connected socket. `watch`, called a few times a second, may raise to give up waiting."""

    def __init__(self, connection: socket.socket, watch: Callable[[], None] | None = None):
        self.connection, self.watch = connection, watch
        self._buffer = bytearray()

    def send(self, value: Any, seconds: float | None = None) -> None:
        """Send one value; Late when the other end does not read."""
        data = encode(value)
        if len(data) > MAX_FRAME:
            raise WireError(f"a frame of more than {MAX_FRAME >> 20} MiB")
        self.connection.settimeout(seconds)
        try:
            self.connection.sendall(_LENGTH.pack(len(data)) + data)
        except TimeoutError:
            raise Late("the other end does not read") from None
        except OSError:
            raise Closed("the other end is gone") from None

    def receive(self, deadline: float | None = None) -> Any:
        """The next value; Late after `deadline` (of time.monotonic), Closed when nobody is left to send."""
        while True:
            if len(self._buffer) >= 8:
                length = int(_LENGTH.unpack(bytes(self._buffer[:8]))[0])
                if length > MAX_FRAME:
                    raise WireError(f"a frame of more than {MAX_FRAME >> 20} MiB")
                if len(self._buffer) >= 8 + length:
                    data = bytes(self._buffer[8 : 8 + length])
                    del self._buffer[: 8 + length]
                    return decode(data)
            self._read(deadline)

    def _read(self, deadline: float | None) -> None:
        while True:
            if self.watch is not None:
                self.watch()
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise Late("no answer in time")
            pause = 0.25 if self.watch is not None else left
            ready, _, _ = select.select(
                [self.connection], [], [], min(pause, left) if pause and left else pause
            )
            if ready:
                break
        try:
            data = self.connection.recv(2**20)
        except OSError:
            data = b""
        if not data:
            raise Closed("the other end is gone")
        self._buffer += data
