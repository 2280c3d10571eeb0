"""Find what was handed in: a folder of notebooks in any naming, of folders, of zips, as Canvas and Moodle pack them.

Nothing is ever unpacked to the disk and no link is followed. Whose each file is: whose.py.
"""

import datetime
import io
import re
import stat
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from checks.bundle import MOST_ZIP_BYTES, ZIP_ERRORS, BundleError, is_bundle, lesson_of
from checks.grading.grades import Flag, printable
from checks.grading.naming import attempt_in, lesson_in, stem_of
from checks.grading.reading import MAX_BYTES, Unreadable
from checks.grading.whose import Folders, who
from slmlib.errors import SlmError

SKIPPED_FOLDERS = {"__MACOSX", "__pycache__", "node_modules"}
"""Nobody hands in what lies there, nor in a hidden folder, such as .venv, .git and JupyterLab's trash."""
MOST_ENTRIES = 20_000
"""Of one zip, notebooks and zips counted."""
ZIPS_INSIDE_ZIPS = 2
WHOSE = "The names on its path may be those of two people: whose file is it?"


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
    platform: str = ""
    """As in whose.Who."""
    person: str = ""
    """The learning platform's number for the student."""
    number: str = ""
    """The same, where it stands in the names on the way to the file; a roster knows another one."""
    problem: str = ""
    """Why it cannot even be opened."""
    remarks: tuple[str, ...] = field(default=())
    bundle: bool = False
    """Not a notebook but what `submit` wrote beside it: a zip that is read as a whole."""
    lesson: str = ""
    """Of a bundle; a notebook's is not known before it is read."""
    told_by: str = ""
    without_number: str = ""
    names: tuple[str, ...] = ()
    """All three as in whose.Who."""
    parts: tuple[str, ...] = ()
    """Folders and name on the way to it."""
    doubts: tuple[Flag, ...] = ()
    """What a human has to decide, whatever it earns."""

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
        except ZIP_ERRORS as error:
            raise Unreadable(f"The file cannot be read ({type(error).__name__}: {error}).") from None


def find(folder: Path, skip: Callable[[str], None] = lambda file: None) -> list[Submission]:
    """All that was handed in below a folder (or in one zip), in an order that is always the same.

    skip: is told of each file that is neither a notebook nor a zip.
    """
    if not folder.exists():
        raise SlmError(f"There is no folder {folder}.", "Name the folder with the students' notebooks.")
    root = folder if folder.is_dir() else folder.parent
    paths = _walk(folder) if folder.is_dir() else [folder]
    found: list[Submission] = []
    for path in paths:
        parts = path.relative_to(root).parts
        try:
            problem, when = _not_a_file(path), path.lstat().st_mtime
        except OSError as error:
            problem, when = f"It cannot be looked at ({error.strerror}).", 0.0
        if problem:
            found.append(_placed(parts, str(path), problem=problem))
        elif _is_notebook(path.name):
            found.append(_placed(parts, str(path), when=when))
        elif path.suffix.lower() == ".zip":
            # A zip of the whole class says nothing about who; one of a single student does.
            found += _in_zip(path, parts, folder.is_dir(), skip)
        elif not path.name.startswith("."):
            skip(printable("/".join(parts)))
    if all(one.bundle for one in found):
        raise SlmError(f"There is no notebook in {folder}.", "Looked for .ipynb files and zips of them.")
    folders = Folders.of([one.parts for one in found])
    found = [_of_somebody(one, folders) for one in found]
    return sorted(found, key=lambda one: (one.student.casefold(), one.file))


def _of_somebody(one: Submission, folders: Folders) -> Submission:
    """The same with its student, once all names of the class are known."""
    found = who(one.parts, folders)
    return replace(
        one,
        student=found.student,
        told_by=found.told_by,
        without_number=found.without_number,
        names=found.names,
        platform=found.platform,
        person=found.person,
        number=found.person,
        late=found.late,
        doubts=(Flag("all", WHOSE, found.doubt),) if found.doubt else (),
    )


def _walk(folder: Path) -> Iterator[Path]:
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        yield folder
        return
    for path in paths:
        if _is_skipped(path.name):
            continue
        is_folder = False
        with suppress(OSError):  # a folder that may be listed, but not entered
            is_folder = stat.S_ISDIR(path.lstat().st_mode)
        if is_folder:
            yield from _walk(path)
        else:
            yield path


def _not_a_file(path: Path) -> str:
    """Why this is nothing one can open and read to its end; empty for files, and for links nobody would miss.

    OSError where nobody tells what it is.
    """
    wanted = _is_notebook(path.name) or path.suffix.lower() == ".zip"
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return "It is a link; links are not followed." if wanted or path.is_dir() else ""
    if stat.S_ISDIR(mode):
        return "The folder cannot be opened."
    return "" if stat.S_ISREG(mode) or not wanted else "It is a pipe or a device, not a file."


def _in_zip(
    path: Path, parts: tuple[str, ...], named_by_zip: bool, skip: Callable[[str], None]
) -> list[Submission]:
    whole, parts = parts, (*parts[:-1], stem_of(parts[-1])) if named_by_zip else parts[:-1]
    try:
        with zipfile.ZipFile(path) as archive:
            if is_bundle(archive):
                one = _bundle(archive, _placed(whole, str(path), when=path.stat().st_mtime))
                too_large = path.stat().st_size > MOST_ZIP_BYTES
                problem = f"The bundle has more than {MOST_ZIP_BYTES >> 20} MB." if too_large else one.problem
                return [replace(one, problem=problem)]
            return list(_entries(archive, str(path), parts, (), path.name, skip))
    except ZIP_ERRORS as error:
        return [_placed((*parts, path.name), str(path), problem=f"The zip cannot be opened ({error}).")]


def _bundle(archive: zipfile.ZipFile, one: Submission) -> Submission:
    """The same as a bundle, with the lesson that it says."""
    try:
        return replace(one, bundle=True, lesson=lesson_of(archive))
    except BundleError as error:
        return replace(one, bundle=True, problem=str(error))


def _entries(
    archive: zipfile.ZipFile,
    path: str,
    parts: tuple[str, ...],
    inside: tuple[str, ...],
    label: str,
    skip: Callable[[str], None],
) -> Iterator[Submission]:
    count = 0
    for info in archive.infolist():
        names = re.split(r"[/\\]", _name_of(info))
        if info.is_dir() or any(map(_is_skipped, names)):
            continue
        count += _is_notebook(names[-1]) or names[-1].lower().endswith(".zip")
        if count > MOST_ENTRIES:
            problem = (
                f"The zip holds more than {MOST_ENTRIES:,} files to grade; the others were not looked at."
            )
            yield _placed((*parts, stem_of(label)), path, inside, problem=problem, label=label)
            return
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
            yield _placed(whole, path, where, when, problem, remarks, label)
        elif clean and clean[-1].lower().endswith(".zip") and len(inside) < ZIPS_INSIDE_ZIPS:
            try:
                data = _bounded(archive.open(info).read(MOST_ZIP_BYTES + 1), info.file_size, MOST_ZIP_BYTES)
                with zipfile.ZipFile(io.BytesIO(data)) as inner:
                    if is_bundle(inner):
                        yield _bundle(inner, _placed(whole, path, where, _zip_time(info), label=label))
                        continue
                    stem = (*whole[:-1], stem_of(clean[-1]))
                    yield from _entries(inner, path, stem, where, label, skip)
            except (Unreadable, *ZIP_ERRORS) as error:
                problem = f"The zip cannot be opened ({error})."
                yield _placed(whole, path, where, 0.0, problem, remarks, label)
        elif clean and not clean[-1].startswith("."):
            skip(printable("!".join((label, *where))))


def _is_skipped(name: str) -> bool:
    return name in SKIPPED_FOLDERS or (name.startswith(".") and name not in (".", ".."))


def _name_of(info: zipfile.ZipInfo) -> str:
    """An entry's name. macOS writes it in UTF-8 without saying so, which Python then takes for cp437."""
    if not info.flag_bits & 0x800:
        with suppress(UnicodeError):
            return info.filename.encode("cp437").decode("utf-8")
    return info.filename


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
    """`ada_08.ipynb.txt` is one, as a browser saves it; `ada_08.ipynb.zip` has one in it, as macOS compresses it."""
    name = name.lower()
    return ".ipynb" in name and not name.startswith(".") and not name.endswith(".zip")


def _placed(
    parts: tuple[str, ...],
    path: str,
    inside: tuple[str, ...] = (),
    when: float = 0.0,
    problem: str = "",
    remarks: tuple[str, ...] = (),
    label: str = "",
) -> Submission:
    """A submission that is nobody's yet."""
    # macOS takes an umlaut apart, Windows does not: it is one name.
    parts = tuple(unicodedata.normalize("NFC", part) for part in parts)
    file = printable("/".join(parts) if not label else "!".join((label, *inside)))
    attempt = attempt_in(parts[-1], lesson_in(parts[-1]))
    return Submission("", file, path, inside, attempt, when, problem=problem, remarks=remarks, parts=parts)
