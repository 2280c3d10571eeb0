"""Who handed in a file, read from the names on the way to it.

    ada_08.ipynb   ada/08_training_loop.ipynb   section_A/ada_08.ipynb   week2/ada/08.ipynb
    Canvas  lovelaceada_LATE_4711_90210_08_training_loop-2.ipynb
    Moodle  Ada Lovelace_4711_assignsubmission_file_/08_training_loop.ipynb

The part nearest to the file that names somebody wins. A folder that holds several names is a section or a class.
"""

import functools
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from checks.course import LESSONS, Course
from checks.grading.grades import printable

MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_", re.IGNORECASE)
CANVAS = re.compile(r"(?P<name>[^_]+)_(?P<late>LATE_)?(?P<id>\d+)_(?P<submission>\d+)_(?P<file>.+)")
AGAIN = re.compile(r"[-_ ]?\((\d{1,3})\)$|-(\d{1,2})$")
AGAIN_WORDS = {"final", "copy", "of", "new", "resubmission"}
"""Words of a second file by the same person."""
COMMON_WORDS = {"lesson", "lab", "homework", "hw", "assignment", "exercise", "exercises", "submission"}
COMMON_WORDS |= {"submissions", "notebook", "notebooks", "final", "solution", "solved", "copy", "of", "ipynb"}
GROUPS = "section|group|week|team|class|tutorial|cohort|unit|part|day|late|hw|homework|lab|lesson|assignment|exercise"
HABITS = r"my|mine|work|attempt|try|draft|new|old|fixed|done|resubmission|untitled|test|answers?|v\d+"


@dataclass(frozen=True)
class Who:
    """A student, as far as names tell."""

    student: str
    told_by: str = ""
    """What the name was read from: two people must not become one because of what names leave out."""
    names: tuple[str, ...] = ()
    """All that could be a name on the way to the file, the likeliest first."""
    person: str = ""
    """The learning platform's number for the student."""
    late: bool = False
    doubt: str = ""
    """What a human has to look at: folder and file seem to name two people."""


@dataclass(frozen=True)
class Folders:
    """What the files of a class, taken together, tell about the folders they lie in."""

    crowds: frozenset[tuple[str, ...]] = frozenset()
    """Those below which files of one lesson go by several different names: `section_A` with ada's and bob's in it."""
    levels: frozenset[int] = frozenset()
    """Depths at which folders are people: one of them is all that names some file."""
    unclear: frozenset[tuple[str, ...]] = frozenset()
    """Those whose files go by other names than theirs, now one, now another, or one that other folders have, too."""

    @classmethod
    def of(cls, files: Iterable[tuple[str, ...]]) -> "Folders":
        """Of the folders and names on the way to each file."""
        below: dict[tuple[tuple[str, ...], str], set[str]] = defaultdict(set)
        alone: set[tuple[str, ...]] = set()
        names_in: dict[tuple[str, ...], set[str]] = defaultdict(set)
        folders_of: dict[str, set[tuple[str, ...]]] = defaultdict(set)
        for parts in files:
            nearest, lesson, last, own = "", lesson_in(parts[-1]), len(parts) - 1, _handed_in_as(parts)
            for place in reversed(range(len(parts))):
                part, folder = stem_of(parts[place]) if place == last else parts[place], parts[: place + 1]
                if nearest and differ(part, nearest):  # ada/ada_lovelace_02.ipynb is one name
                    below[folder, lesson].add(nearest)
                if not (person_in(part) and _says_who(part)):
                    continue
                if place < last and not nearest:
                    alone.add(folder)
                if place < last and own and differ(part, own):
                    names_in[folder].add(own.casefold())
                    folders_of[own.casefold()].add(folder)
                nearest = nearest or person_in(part).casefold()
        crowds = frozenset(folder for (folder, _), names in below.items() if len(names) > 1)
        shared = {one for same in folders_of.values() if len(same - crowds) > 1 for one in same}
        several = {folder for folder, names in names_in.items() if len(names) > 1}
        return cls(
            crowds,
            frozenset(len(folder) for folder in alone - crowds),
            frozenset((shared | several) - crowds),
        )

    def doubt(self, parts: tuple[str, ...]) -> str:
        """Why it is not clear whose file this is; empty where it is."""
        own = _handed_in_as(parts)
        for place in reversed(range(len(parts) - 1)):
            part, folder = parts[place], parts[: place + 1]
            people = folder in self.unclear or len(folder) in self.levels
            if own and people and _says_who(part) and differ(part, own):
                return f"The folder is called {printable(part)}, the file {printable(parts[-1])}."
        return ""


def differ(one: str, other: str) -> bool:
    """Whether two names have no word in common."""
    return not set(_words(one.casefold())) & set(_words(other.casefold()))


@functools.cache
def _patterns(root: Path) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What is no name: `08_training_loop`; and `section_A`, `week2`, `my attempt`, `tokenizer`, unless nothing else is."""
    titles = [title.lower() for title in LESSONS.values()]
    titles += [path.stem[3:].replace("_", " ") for path in (root / "solutions").glob("[0-9][0-9]_*.py")]
    slugs = "|".join(r"[_\-\s.]+".join(map(re.escape, title.split())) for title in dict.fromkeys(titles))
    start, end = r"(?<![^_\-\s.])", r"(?![^_\-\s.])"
    group = rf"(?:{GROUPS})[_\-\s.]*(?:[a-z]|\d{{1,3}})?"
    return (
        re.compile(rf"{start}\d\d[_\-\s.]+(?:{slugs}){end}", re.IGNORECASE),
        re.compile(rf"{start}(?:{group}|(?:{HABITS})\d*|{slugs}){end}", re.IGNORECASE),
    )


def without_lesson_names(text: str, instead: str = " ") -> str:
    """The same without `08_training_loop`, of the map or of a course of one's own."""
    return _patterns(Course.here().root)[0].sub(instead, text)


def who(parts: tuple[str, ...], folders: Folders = Folders()) -> Who:
    """The student of the file at `parts`, a folder each and its own name."""
    for part in parts:
        if match := MOODLE.match(part):
            name = match["name"].strip()
            return Who(_short(name), names=(name,), person=match["id"])
    for part in reversed(parts):
        if match := CANVAS.match(part):
            return Who(
                _short(match["name"]), names=(match["name"],), person=match["id"], late=bool(match["late"])
            )
    above, stem = parts[:-1], stem_of(parts[-1])
    names = [
        (
            not _says_who(part),
            parts[: place + 1] in folders.crowds,
            place + 1 not in folders.levels,
            0,
            -place,
            part,
        )
        for place, part in enumerate(above)
        if person_in(part)
    ]
    if person_in(stem):
        names.append(
            (not _says_who(stem), False, True, int(not _was_named_for_handing_in(stem)), -len(above), stem)
        )
    likeliest = [part for *_, part in sorted(names)] or [stem]
    words = _words(AGAIN.sub("", likeliest[0]) if likeliest[0] == stem else likeliest[0])
    told_by = " ".join(word for word in words if word.lower() not in AGAIN_WORDS)
    # A file called `02_my_attempt` differs from `02_tokenizer`, but not in who wrote it.
    telling = [part for part in likeliest if part in above or _says_who(part)]
    likely = likeliest[0]
    if likely == stem or _says_who(likely):
        likely = person_in(likely) or likely
    return Who(
        _short(likely or "unnamed"),  # a folder `group 3` is a name with its number
        printable(told_by),
        tuple(dict.fromkeys(printable(person_in(part) or part) for part in telling)),
        doubt=folders.doubt(parts),
    )


def person_in(name: str) -> str:
    """What is left of a name without lesson numbers and the words every submission has."""
    name = AGAIN.sub("", name)
    words = _words(without_lesson_names(name, " 00 "))
    kept = [word for word in words if word.lower() not in COMMON_WORDS and not re.fullmatch(r"\d{1,2}", word)]
    return " ".join(kept) if len(kept) < len(words) else name.strip()


def without_lesson(told_by: str, lesson: str) -> str:
    """The same without the lesson: `ada 02` and `02 tokenizer ada` are ada, `student 2 02` is student 2."""
    words = _words(without_lesson_names(told_by))
    number = lesson if lesson in words else lesson.lstrip("0")
    return " ".join(word for word in words if word != number) or told_by


def attempt_in(file: str, lesson: str) -> int:
    """1, or what `(1)` and `-1` at the end of a file's name say. `ada-08` is lesson 08, not a ninth attempt."""
    stem = stem_of(re.split(r"[/\\!]", file)[-1])
    again = AGAIN.search(stem)
    if again is None:
        return 1
    said = re.findall(r"(?<!\d)\d\d(?!\d)", stem[: again.start()])
    if again[2] is not None and again[2] == lesson and lesson not in said:
        return 1
    return 1 + int(again[1] or again[2])


def lesson_in(file: str) -> str:
    """A lesson's number in a file's name, for notebooks that do not say themselves; or an empty string."""
    found = re.findall(r"(?<!\d)(\d\d)(?!\d)", file.replace("\\", "/").rpartition("/")[2])
    known = [number for number in found if number in LESSONS]
    return known[0] if known else ""


def stem_of(name: str) -> str:
    """A file's name without what says that it is a notebook or a zip."""
    return re.split(r"\.ipynb|\.zip$", name, flags=re.IGNORECASE)[0]


def _says_who(part: str) -> bool:
    """Whether it names somebody in more than words like `week2`, `tokenizer`, `my attempt`."""
    left = _patterns(Course.here().root)[1].sub(" ", without_lesson_names(AGAIN.sub("", part)))
    return any(
        word.lower() not in COMMON_WORDS and not re.fullmatch(r"\d{1,2}", word) for word in _words(left)
    )


def _handed_in_as(parts: tuple[str, ...]) -> str:
    """The name in a file's own name, where it looks like one for handing in; or an empty string."""
    stem = stem_of(parts[-1])
    return person_in(stem) if _says_who(stem) and _was_named_for_handing_in(stem) else ""


def _was_named_for_handing_in(stem: str) -> bool:
    """`ada_08` and `08_training_loop_ada` are; a plain `bpe` or `08_bpe` in ada's folder says less than the folder."""
    return bool(re.search(r"\D(?<!\d)\d{1,2}(?!\d)", stem)) or without_lesson_names(stem) != stem


def _short(name: str) -> str:
    return printable(name[:100])


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[_\-\s.]+", name) if word]
