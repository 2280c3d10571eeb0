"""Find what was handed in: a folder of notebooks in any naming, of folders, of zips, as Canvas and Moodle pack them.

    ada_08.ipynb   ada/08_training_loop.ipynb   ada.zip
    Canvas  lovelaceada_LATE_4711_90210_08_training_loop-2.ipynb
    Moodle  Ada Lovelace_4711_assignsubmission_file_/08_training_loop.ipynb

Nothing is ever unpacked to the disk and no link is followed.
"""

import datetime
import io
import re
import stat
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from checks.bundle import MOST_ZIP_BYTES, is_bundle
from checks.course import LESSONS
from checks.grading.grades import printable
from checks.grading.reading import MAX_BYTES, Unreadable
from slmlib.errors import SlmError

MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_", re.IGNORECASE)
CANVAS = re.compile(r"(?P<name>[^_]+)_(?P<late>LATE_)?(?P<id>\d+)_(?P<submission>\d+)_(?P<file>.+)")
AGAIN = re.compile(r"[-_ ]?\((\d{1,3})\)$|-(\d{1,2})$")
SKIPPED_FOLDERS = {"__MACOSX", ".ipynb_checkpoints", "__pycache__", ".git"}
COMMON_WORDS = {"lesson", "lab", "homework", "hw", "assignment", "exercise", "exercises", "submission"}
COMMON_WORDS |= {"submissions", "notebook", "notebooks", "final", "solution", "solved", "copy", "of", "ipynb"}
SLUGS = "|".join(title.lower().replace(" ", r"[_\-\s.]+") for title in LESSONS.values())
LESSON_NAME = re.compile(rf"(?<![^_\-\s.])\d\d[_\-\s.]+({SLUGS})(?![^_\-\s.])", re.IGNORECASE)
"""`08_training_loop` in a file's name."""
AGAIN_WORDS = {"final", "copy", "of", "new", "resubmission"}
"""Words of a second file by the same person."""
MOST_ENTRIES = 20_000
ZIPS_INSIDE_ZIPS = 2


@dataclass(frozen=True)
class Submission:
    """One file that was handed in."""

    student: str
    file: str
    """Where it lies below the folder, with `!` between a zip and what is in it."""
    path: str
    inside: tuple[str, ...] = ()
    """Entry names, when it lies in a zip (in a zip)."""
    attempt: int = 1
    when: float = 0.0
    """Seconds since 1970, of the file or the zip entry; 0 when unknown."""
    late: bool = False
    person: str = ""
    """The learning platform's number for the student."""
    problem: str = ""
    """Why it cannot even be opened."""
    remarks: tuple[str, ...] = field(default=())
    bundle: bool = False
    """Not a notebook but what `submit` wrote beside it: a zip that is read as a whole."""
    told_by: str = ""
    """What the student's name was read from: two people must not become one because of what names leave out."""

    def read(self) -> bytes:
        """The file's bytes; Unreadable when it is too large or cannot be read."""
        if self.problem:
            raise Unreadable(self.problem)
        try:
            with open(self.path, "rb") as file:
                if not self.inside:
                    most = MOST_ZIP_BYTES if self.bundle else MAX_BYTES
                    return _bounded(file.read(most + 1), Path(self.path).stat().st_size, most)
                return _entry(file, self.inside)
        except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
            raise Unreadable(f"The file cannot be read ({type(error).__name__}: {error}).") from None


def find(folder: Path) -> list[Submission]:
    """All that was handed in below a folder (or in one zip), in an order that is always the same."""
    if not folder.exists():
        raise SlmError(f"There is no folder {folder}.", "Name the folder with the students' notebooks.")
    root = folder if folder.is_dir() else folder.parent
    paths = _walk(folder) if folder.is_dir() else [folder]
    found: list[Submission] = []
    for path in paths:
        parts = path.relative_to(root).parts
        problem = _not_a_file(path)
        if problem:
            found.append(_named(parts, str(path), problem=problem))
        elif _is_notebook(path.name):
            found.append(_named(parts, str(path), when=path.stat().st_mtime))
        elif path.suffix.lower() == ".zip":
            # A zip of the whole class says nothing about who; one of a single student does.
            found += _in_zip(path, parts, folder.is_dir())
    if all(one.bundle for one in found):
        raise SlmError(f"There is no notebook in {folder}.", "Looked for .ipynb files and zips of them.")
    return sorted(found, key=lambda one: (one.student.casefold(), one.file))


def _walk(folder: Path) -> Iterator[Path]:
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        yield folder
        return
    for path in paths:
        if path.name in SKIPPED_FOLDERS or path.name.startswith("._"):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)
        else:
            yield path


def _not_a_file(path: Path) -> str:
    """Why this is nothing one can open and read to its end; empty for files, and for links nobody would miss."""
    wanted = _is_notebook(path.name) or path.suffix.lower() == ".zip"
    if path.is_symlink():
        return "It is a link; links are not followed." if wanted or path.is_dir() else ""
    if path.is_dir():
        return "The folder cannot be opened."
    return "" if path.is_file() or not wanted else "It is a pipe or a device, not a file."


def _in_zip(path: Path, parts: tuple[str, ...], named_by_zip: bool) -> list[Submission]:
    whole, parts = parts, (*parts[:-1], Path(parts[-1]).stem) if named_by_zip else parts[:-1]
    try:
        with zipfile.ZipFile(path) as archive:
            if is_bundle(archive):
                return [replace(_named(whole, str(path), when=path.stat().st_mtime), bundle=True)]
            return list(_entries(archive, str(path), parts, (), path.name))
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        return [_named((*parts, path.name), str(path), problem=f"The zip cannot be opened ({error}).")]


def _entries(
    archive: zipfile.ZipFile, path: str, parts: tuple[str, ...], inside: tuple[str, ...], label: str
) -> Iterator[Submission]:
    for info in archive.infolist()[:MOST_ENTRIES]:
        names = re.split(r"[/\\]", info.filename)
        if info.is_dir() or SKIPPED_FOLDERS & set(names) or names[-1].startswith("._"):
            continue
        clean = tuple(name for name in names if name not in ("", ".", ".."))
        remarks = ("Its path in the zip points outside; it was only read.",) if ".." in names else ()
        whole, where = (*parts, *clean), (*inside, info.filename)
        if _is_notebook(clean[-1] if clean else ""):
            problem = ""
            if stat.S_ISLNK(info.external_attr >> 16):
                problem = "It is a link inside a zip; links are not followed."
            elif info.flag_bits & 1:
                problem = "The zip is locked with a password."
            elif info.file_size > MAX_BYTES:
                problem = f"The file has {info.file_size / 2**20:.0f} MB; more than {MAX_BYTES >> 20} MB are not read."
            when = _zip_time(info)
            yield _named(whole, path, where, when, problem, remarks, label)
        elif clean and clean[-1].lower().endswith(".zip") and len(inside) < ZIPS_INSIDE_ZIPS:
            try:
                data = _bounded(archive.open(info).read(MOST_ZIP_BYTES + 1), info.file_size, MOST_ZIP_BYTES)
                with zipfile.ZipFile(io.BytesIO(data)) as inner:
                    if is_bundle(inner):
                        yield replace(_named(whole, path, where, _zip_time(info), label=label), bundle=True)
                        continue
                    stem = (*whole[:-1], Path(clean[-1]).stem)
                    yield from _entries(inner, path, stem, where, label)
            except (Unreadable, zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError) as error:
                problem = f"The zip cannot be opened ({error})."
                yield _named(whole, path, where, 0.0, problem, remarks, label)


def _entry(file: io.BufferedReader, inside: Iterable[str]) -> bytes:
    data: bytes = b""
    source: io.BufferedIOBase = file
    for name in inside:
        with zipfile.ZipFile(source) as archive:
            most = MOST_ZIP_BYTES if name.lower().endswith(".zip") else MAX_BYTES
            data = _bounded(archive.open(name).read(most + 1), archive.getinfo(name).file_size, most)
        source = io.BytesIO(data)
    return data


def _bounded(data: bytes, size: int, most: int) -> bytes:
    if len(data) > most:
        raise Unreadable(
            f"The file has {max(size, len(data)) / 2**20:.0f} MB; more than {most >> 20} MB are not read.",
            "Clear all outputs, save, and hand it in again.",
        )
    return data


def _zip_time(info: zipfile.ZipInfo) -> float:
    try:
        return datetime.datetime(*info.date_time).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0


def _is_notebook(name: str) -> bool:
    return ".ipynb" in name.lower() and not name.startswith(".")


def _named(
    parts: tuple[str, ...],
    path: str,
    inside: tuple[str, ...] = (),
    when: float = 0.0,
    problem: str = "",
    remarks: tuple[str, ...] = (),
    label: str = "",
) -> Submission:
    """A submission with its student read from the names on the way to it."""
    file = "/".join(parts) if not label else "!".join((label, *inside))
    student, person, late, attempt, told_by = "", "", False, 1, ""
    for part in parts:
        if match := MOODLE.match(part):
            student, person = match["name"].strip(), match["id"]
            break
    for part in reversed(parts):
        if not student and (match := CANVAS.match(part)):
            student, person, late = match["name"], match["id"], bool(match["late"])
    stem = re.split(r"\.ipynb|\.zip$", parts[-1], flags=re.IGNORECASE)[0]
    if again := AGAIN.search(stem):
        attempt = 1 + int(again.group(1) or again.group(2))
    if not student:
        told_by = next(filter(_person_in, (*parts[:-1], stem)), stem)
        student = _person_in(told_by) or told_by or "unnamed"
        told_by = " ".join(word for word in _words(AGAIN.sub("", told_by)) if word.lower() not in AGAIN_WORDS)
    student, file, told_by = (printable(text) for text in (student[:100], file, told_by))
    return Submission(
        student, file, path, inside, attempt, when, late, person, problem, remarks, told_by=told_by
    )


def _person_in(name: str) -> str:
    """What is left of a name without lesson numbers and the words every submission has."""
    name = AGAIN.sub("", name)
    words = _words(LESSON_NAME.sub(" 00 ", name))
    kept = [word for word in words if word.lower() not in COMMON_WORDS and not re.fullmatch(r"\d{1,2}", word)]
    return " ".join(kept) if len(kept) < len(words) else name.strip()


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[_\-\s.]+", name) if word]


def lesson_in(file: str) -> str:
    """A lesson's number in a file's name, for notebooks that do not say themselves; or an empty string."""
    found = re.findall(r"(?<!\d)(\d\d)(?!\d)", file.replace("\\", "/").rpartition("/")[2])
    known = [number for number in found if number in LESSONS]
    return known[0] if known else ""
