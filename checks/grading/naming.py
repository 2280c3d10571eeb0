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
GROUPS = "section|group|week|team|class|tutorial|cohort|unit|part|day|late"
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


def who(parts: tuple[str, ...], crowds: frozenset[tuple[str, ...]] = frozenset()) -> Who:
    """The student of the file at `parts`. crowds: folders that hold several different names."""
    for part in parts:
        if match := MOODLE.match(part):
            name = match["name"].strip()
            return Who(_short(name), names=(name,), person=match["id"])
    for part in reversed(parts):
        if match := CANVAS.match(part):
            return Who(
                _short(match["name"]), names=(match["name"],), person=match["id"], late=bool(match["late"])
            )
    folders, stem = parts[:-1], stem_of(parts[-1])
    names = [
        (not _says_who(part), parts[: place + 1] in crowds, 0, -place, part)
        for place, part in enumerate(folders)
        if person_in(part)
    ]
    if person_in(stem):
        names.append(
            (not _says_who(stem), False, int(not _was_named_for_handing_in(stem)), -len(folders), stem)
        )
    likeliest = [part for *_, part in sorted(names)] or [stem]
    words = _words(AGAIN.sub("", likeliest[0]) if likeliest[0] == stem else likeliest[0])
    told_by = " ".join(word for word in words if word.lower() not in AGAIN_WORDS)
    # A file called `02_my_attempt` differs from `02_tokenizer`, but not in who wrote it.
    telling = [part for part in likeliest if part in folders or _says_who(part)]
    likely = likeliest[0]
    if likely == stem or _says_who(likely):
        likely = person_in(likely) or likely
    return Who(
        _short(likely or "unnamed"),  # a folder `group 3` is a name with its number
        printable(told_by),
        tuple(dict.fromkeys(printable(person_in(part) or part) for part in telling)),
    )


def crowds_in(files: Iterable[tuple[str, ...]]) -> frozenset[tuple[str, ...]]:
    """Folders below which files of one lesson go by several different names: `section_A` with ada's and bob's in it."""
    below: dict[tuple[tuple[str, ...], str], set[str]] = defaultdict(set)
    for parts in files:
        nearest, lesson = "", lesson_in(parts[-1])
        for place in reversed(range(len(parts))):
            part = stem_of(parts[place]) if place == len(parts) - 1 else parts[place]
            own = set(_words(part.casefold()))
            if nearest and not own & set(_words(nearest)):  # ada/ada_lovelace_02.ipynb is one name
                below[parts[: place + 1], lesson].add(nearest)
            if not nearest and person_in(part) and _says_who(part):
                nearest = person_in(part).casefold()
    return frozenset(folder for (folder, _), names in below.items() if len(names) > 1)


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


def _was_named_for_handing_in(stem: str) -> bool:
    """`ada_08` and `08_training_loop_ada` are; a plain `bpe` or `08_bpe` in ada's folder says less than the folder."""
    return bool(re.search(r"\D(?<!\d)\d{1,2}(?!\d)", stem)) or without_lesson_names(stem) != stem


def _short(name: str) -> str:
    return printable(name[:100])


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[_\-\s.]+", name) if word]
