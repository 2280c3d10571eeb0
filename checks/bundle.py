"""What a student hands in beside the notebook: a zip of plain files, the same bytes for the same content.

    facts.json              results of the checks, versions, device, the notebook's hash; the lab's curves and stories
    tokens.safetensors      the first training tokens and the validation tokens of the lab
    checkpoint/             the lab's model as slmlib saves it: weights, tokenizer, state, manifest

Only a lab has the last two. Reading trusts nothing: known names only, sizes bounded before a byte is unpacked,
nothing written, no pickle.
"""

import hashlib
import io
import json
import math
import re
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from checks.course import LESSONS
from slmlib.errors import SlmError
from slmlib.files import atomic_write, home

try:
    from lzma import LZMAError
except ImportError:  # a Python that was built without it raises RuntimeError for such a zip
    LZMAError = RuntimeError  # type: ignore[assignment,misc]

FORMAT = 1
FACTS, TOKENS, CHECKPOINT = "facts.json", "tokens.safetensors", "checkpoint"
MOST_BYTES: dict[str, int] = {
    FACTS: 4 * 2**20,
    TOKENS: 8 * 2**20,
    f"{CHECKPOINT}/manifest.json": 2**16,
    f"{CHECKPOINT}/model.safetensors": 210 * 2**20,  # the lab's 50 million parameters in float32
    f"{CHECKPOINT}/state.json": 2**20,
    f"{CHECKPOINT}/tokenizer.json": 8 * 2**20,
}
"""Every file a bundle may hold, and how large it may be."""
MOST_ZIP_BYTES = 256 * 2**20
MACOS = re.compile(r"(^|/)(__MACOSX/|\._|\.DS_Store$)")
"""What macOS puts into every zip that it makes."""
_DATE = (1980, 1, 1, 0, 0, 0)
"""One date for all entries: the same content is the same file."""

ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    LZMAError,
    RuntimeError,
    NotImplementedError,
    EOFError,
    OSError,
    ValueError,
)
"""What Python raises for a zip that is damaged, locked, or none."""

Facts = dict[str, Any]


class BundleError(SlmError):
    """A bundle that cannot be used, and why."""


def bundle_file(lesson: str, folder: Path | None = None) -> Path:
    """Where the bundle of a lesson goes: `submissions/11_checkpoints_submission.zip` in the work folder."""
    title = LESSONS.get(lesson, "").lower().replace(" ", "_")
    return (folder or home()) / "submissions" / "_".join(filter(None, (lesson, title, "submission.zip")))


def write_bundle(path: Path, facts: Facts, files: Mapping[str, bytes]) -> None:
    """Write the zip, whole or not at all. Numbers that are not finite become null: JSON has no others."""
    text = json.dumps(_finite(facts), indent=1, ensure_ascii=False, sort_keys=True, allow_nan=False)
    entries = {**files, FACTS: text.encode("utf-8", "replace")}
    with atomic_write(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, data in sorted(entries.items()):
            archive.writestr(zipfile.ZipInfo(name, _DATE), data)


def is_bundle(archive: zipfile.ZipFile) -> bool:
    """Whether an open zip is a bundle and not a zip of notebooks."""
    names = [name for name, _ in _named(archive.infolist()[:1000])]
    return FACTS in names and not any(name.lower().endswith(".ipynb") for name in names)


def read_bundle(data: bytes) -> tuple[Facts, dict[str, bytes]]:
    """Facts and the other files of a zip that may hold anything. BundleError in one sentence."""
    if len(data) > MOST_ZIP_BYTES:
        raise BundleError(f"The bundle has more than {MOST_ZIP_BYTES >> 20} MB.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = {name: _entry(archive, name, info) for name, info in _entries(archive)}
    except ZIP_ERRORS as error:
        raise BundleError(f"The bundle is no readable zip ({type(error).__name__}).") from None
    return read_facts(files.pop(FACTS, b"")), files


def lesson_of(archive: zipfile.ZipFile) -> str:
    """Which lesson a bundle, an open zip, says it is of; nothing else is unpacked."""
    try:
        facts = _entry(archive, FACTS, dict(_named(archive.infolist()))[FACTS])
    except (*ZIP_ERRORS, KeyError):
        raise BundleError("The bundle is no readable zip.") from None
    return str(read_facts(facts)["lesson"])


def read_facts(data: bytes) -> Facts:
    """The facts, of this format and with a lesson; BundleError for anything else."""
    try:
        facts = json.loads(data)
    except (ValueError, RecursionError):
        raise BundleError(f"The bundle has no readable {FACTS}.") from None
    if (
        not isinstance(facts, dict)
        or facts.get("format") != FORMAT
        or not isinstance(facts.get("lesson"), str)
    ):
        raise BundleError(f"The bundle's {FACTS} is not one that submit() of this version writes.")
    return facts


def cells_sha256(sources: Iterable[str]) -> str:
    """SHA-256 of a notebook's code cells: outputs, layout of the file and line ends do not matter."""
    text = "\0".join("\n".join(source.splitlines()).strip() for source in sources)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _named(entries: Iterable[zipfile.ZipInfo]) -> list[tuple[str, zipfile.ZipInfo]]:
    """Files by their names in a bundle. Who unpacks and packs again has a folder around them, and macOS adds its own."""
    files = [info for info in entries if not info.is_dir() and not MACOS.search(info.filename)]
    around = {info.filename.partition("/")[0] for info in files}
    inside = len(around) == 1 and all("/" in info.filename for info in files)
    return [(info.filename.partition("/")[2] if inside else info.filename, info) for info in files]


def _entries(archive: zipfile.ZipFile) -> list[tuple[str, zipfile.ZipInfo]]:
    """The files, after a look at their names."""
    entries = _named(archive.infolist())
    names = [name for name, _ in entries]
    unknown = sorted(set(names) - set(MOST_BYTES))
    if unknown:
        raise BundleError(f"The bundle holds {unknown[0][:80]!r}, which does not belong there.")
    if len(names) != len(set(names)):
        raise BundleError("The bundle holds two files of one name.")
    return entries


def _entry(archive: zipfile.ZipFile, name: str, info: zipfile.ZipInfo) -> bytes:
    """One file, never more of it than allowed, whatever its head announces."""
    most = MOST_BYTES[name]
    with archive.open(info) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise BundleError(f"{name} in the bundle has more than {most:,} bytes.")
    return data


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, (list, tuple)) else value
