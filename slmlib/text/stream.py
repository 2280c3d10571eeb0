"""The token stream: all stories as one long row of token ids on disk, and the batches cut from it.

A stream is a file of numbers, `name.bin` (little-endian uint16, or uint32 for a vocabulary over 65,536), with
everything worth knowing about it beside it in `name.json`. End-of-text follows each story. The file is
memory-mapped, so a stream may be larger than memory.

The batch of a step is a pure function of (stream, seed, step): there is no loader whose place could be lost,
and any number of ranks sees the same global batch.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from slmlib.errors import ConfigError, DataError, SlmError
from slmlib.files import atomic_write, read_json, sha256_file, write_json
from slmlib.text.base_tokenizer import BaseTokenizer
from slmlib.text.progress import story_bar

if TYPE_CHECKING:
    from torch import Tensor

_VERSION = 1
_STORIES_AT_ONCE = 4096
_AGAIN = "Prepare the data again."


@dataclass(frozen=True)
class StreamInfo:
    """The sidecar of a stream.

    num_bytes: UTF-8 bytes of story text, without end-of-text: what bits per byte divides by.
    tokenizer: fingerprint of the tokenizer. sha256: of the .bin file. source_sha256: of the stories' text.
    """

    dtype: str
    vocab_size: int
    num_tokens: int
    num_stories: int
    num_bytes: int
    tokenizer: str
    sha256: str
    source_sha256: str
    corpus_name: str
    format_version: int = _VERSION


class TokenStream:
    """A 1-D stream of token ids in a file. Make one with `write`, or `open` one that is there.

    path: the .bin file. info: what the sidecar says. tokens: (num_tokens,), memory-mapped, read-only.
    """

    def __init__(self, path: Path, info: StreamInfo):
        self.path, self.info = path, info
        self.tokens: NDArray[Any] = np.memmap(path, dtype=info.dtype, mode="r")
        self._epochs: dict[tuple[int, int, int], NDArray[np.int64]] = {}  # at most two; see _epoch_starts

    def __len__(self) -> int:
        return self.info.num_tokens

    def __repr__(self) -> str:
        return f"TokenStream({str(self.path)!r}, {len(self):,} tokens, {self.info.num_stories:,} stories)"

    @classmethod
    def write(
        cls,
        path: Path | str,
        stories: Iterable[str],
        tokenizer: BaseTokenizer,
        *,
        corpus_name: str = "",
        expected_bytes: int | None = None,
        progress: bool = False,
    ) -> Self:
        """Encode stories in parallel into `path` (a name ending in .bin) and open the result.

        expected_bytes: how much text is coming, if known, so that the progress bar can tell the time left.
        Raises DataError when there is no story, or one that the tokenizer refuses.
        """
        path = _stream_path(path)
        dtype = "<u2" if tokenizer.vocab_size <= 2**16 else "<u4"
        num_tokens = num_stories = num_bytes = 0
        file_hash, source_hash = hashlib.sha256(), hashlib.sha256()
        remaining = story_bar(stories, f"encoding {path.stem}", expected_bytes, progress)
        with atomic_write(path) as file:
            while chunk := list(islice(remaining, _STORIES_AT_ONCE)):
                row = tokenizer.encode_row(chunk)
                content = row.astype(dtype).tobytes()
                file.write(content)
                file_hash.update(content)
                for story in chunk:
                    text = story.encode("utf-8")
                    source_hash.update(b"%d:%s" % (len(text), text))
                    num_bytes += len(text)
                num_tokens += len(row)
                num_stories += len(chunk)
            if num_stories == 0:
                raise DataError(f"There is no story to write into {path}.", "Check the corpus.")
        info = StreamInfo(
            dtype=dtype,
            vocab_size=tokenizer.vocab_size,
            num_tokens=num_tokens,
            num_stories=num_stories,
            num_bytes=num_bytes,
            tokenizer=tokenizer.fingerprint,
            sha256=file_hash.hexdigest(),
            source_sha256=source_hash.hexdigest(),
            corpus_name=corpus_name,
        )
        write_json(path.with_suffix(".json"), asdict(info))
        return cls(path, info)

    @classmethod
    def open(cls, path: Path | str, tokenizer: BaseTokenizer | None = None, *, verify: bool = True) -> Self:
        """Open a stream and check it: against its sidecar, its hash, and the tokenizer if one is given.

        verify=False skips the hash, which reads the whole file once. Raises DataError.
        """
        path = _stream_path(path)
        info = _read_info(path.with_suffix(".json"))
        if tokenizer is not None and tokenizer.fingerprint != info.tokenizer:
            raise DataError(
                f"{path} was written with another tokenizer ({info.tokenizer[:12]}, not {tokenizer.fingerprint[:12]}).",
                "Use the tokenizer it was prepared with, or prepare the data again.",
            )
        if not path.exists():
            raise DataError(f"There is no file {path}.", _AGAIN)
        expected, found = info.num_tokens * np.dtype(info.dtype).itemsize, path.stat().st_size
        if found != expected:
            raise DataError(
                f"{path} has {found:,} bytes instead of {expected:,}; it was cut off or damaged.", _AGAIN
            )
        if verify and sha256_file(path) != info.sha256:
            raise DataError(f"{path} does not match the hash in its sidecar; it was damaged.", _AGAIN)
        return cls(path, info)

    def as_tensor(self) -> "Tensor":
        """The whole stream as a 1-D int64 tensor, copied into memory (8 bytes a token)."""
        import torch

        return torch.from_numpy(self.tokens.astype(np.int64))

    def windows_per_epoch(self, context_length: int) -> int:
        """How many windows of `context_length` tokens fit into the stream without overlap."""
        if context_length < 1:
            raise ConfigError(f"context_length is {context_length}.", "It must be at least 1.")
        if len(self) <= context_length:
            raise DataError(
                f"{self.path} has {len(self):,} tokens, too few for one window of {context_length:,} and the next token.",
                "Use more text or a shorter context_length.",
            )
        return len(self) // context_length

    def batch(
        self,
        step: int,
        *,
        batch_size: int,
        context_length: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
    ) -> tuple["Tensor", "Tensor"]:
        """Inputs and targets of one step, each int64 of shape (batch_size // world_size, context_length).

        targets[b, t] is the token that follows inputs[b, t]. Concatenated over the ranks, the slices are the
        batch of a single rank.
        """
        import torch

        starts = self.window_starts(
            step,
            batch_size=batch_size,
            context_length=context_length,
            seed=seed,
            rank=rank,
            world_size=world_size,
        )
        last = len(self) - context_length - 1
        windows = sliding_window_view(self.tokens, context_length + 1)[np.minimum(starts, last)]
        for row in np.flatnonzero(starts > last):  # at most one an epoch runs over the end of the ring
            ring = np.arange(starts[row], starts[row] + context_length + 1)
            windows[row] = self.tokens.take(ring, mode="wrap")
        inputs, targets = windows[:, :-1].astype(np.int64), windows[:, 1:].astype(np.int64)
        return torch.from_numpy(inputs), torch.from_numpy(targets)

    def window_starts(
        self,
        step: int,
        *,
        batch_size: int,
        context_length: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
    ) -> NDArray[np.int64]:
        """Where the windows of one step begin, shape (batch_size // world_size,): all that a batch depends on.

        The stream is a ring. In each epoch it is cut into windows from another random place on, so that they
        differ between epochs, and they come in random order, each exactly once. The few tokens that do not
        fill a last window are left out, others each time. A batch may run over the end of an epoch.
        """
        if batch_size < 1 or batch_size % world_size:
            raise ConfigError(
                f"A batch of {batch_size} windows cannot be shared evenly by {world_size} ranks.",
                f"Make batch_size a multiple of {world_size}.",
            )
        if not 0 <= rank < world_size or step < 0 or seed < 0:
            raise ConfigError(
                f"Step {step}, seed {seed} and rank {rank} of {world_size} do not name a batch.",
                "Steps, seeds and ranks count from 0.",
            )
        num_windows, share = self.windows_per_epoch(context_length), batch_size // world_size
        places = step * batch_size + rank * share + np.arange(share)  # among all windows of all epochs
        epochs = places // num_windows
        starts = np.empty(share, dtype=np.int64)
        for epoch in range(epochs[0], epochs[-1] + 1):
            here = epochs == epoch
            starts[here] = self._epoch_starts(epoch, context_length, seed)[places[here] % num_windows]
        return starts

    def evaluation_windows(
        self, context_length: int, max_tokens: int | None = None, *, rank: int = 0, world_size: int = 1
    ) -> Iterator[tuple["Tensor", "Tensor"]]:
        """The stream once, in order, as (inputs, targets), each 1-D int64 of context_length, the last shorter.

        Each token but the first is a target exactly once. max_tokens: stop after so many targets. With several
        ranks each gets every world_size-th window: together they get all, each once.
        """
        import torch

        self.windows_per_epoch(min(context_length, 1))  # refuses what cannot give a single target
        end = len(self) - 1 if max_tokens is None else min(len(self) - 1, max_tokens)
        for start in range(rank * context_length, end, world_size * context_length):
            window = torch.from_numpy(
                self.tokens[start : min(start + context_length, end) + 1].astype(np.int64)
            )
            yield window[:-1], window[1:]

    def _epoch_starts(self, epoch: int, context_length: int, seed: int) -> NDArray[np.int64]:
        """Where the windows of one epoch begin, in their order. The last two epochs asked for are kept."""
        key = (epoch, context_length, seed)
        if key not in self._epochs:
            # The raw bits of PCG64 never change between numpy versions (NEP 19); Generator's methods may.
            bits = np.random.PCG64(np.random.SeedSequence([seed, epoch]))
            random = bits.random_raw(1 + self.windows_per_epoch(context_length))
            phase, order = int(random[0] % len(self)), np.argsort(random[1:], kind="stable")
            if len(self._epochs) == 2:
                del self._epochs[next(iter(self._epochs))]
            self._epochs[key] = (phase + order * context_length) % len(self)
        return self._epochs[key]


def _stream_path(path: Path | str) -> Path:
    """The path of a .bin file, so that its sidecar cannot be the same file."""
    path = Path(path)
    if path.suffix != ".bin":
        raise DataError(f"A token stream is a .bin file, and {path} is not.", "Name it like train.bin.")
    return path


def _read_info(path: Path) -> StreamInfo:
    """The sidecar, strictly checked."""
    try:
        content = read_json(path)
    except SlmError as error:
        raise DataError(f"This token stream has no usable sidecar: {error.problem}", _AGAIN) from None
    if not isinstance(content, dict) or content.get("format_version") != _VERSION:
        raise DataError(f"{path} does not describe a token stream of version {_VERSION}.", _AGAIN)
    expected = {field.name: field.type for field in fields(StreamInfo)}
    if {name: type(value) for name, value in content.items()} != expected or content["dtype"] not in (
        "<u2",
        "<u4",
    ):
        raise DataError(f"{path} has missing, unknown or misshapen entries.", _AGAIN)
    return StreamInfo(**content)
