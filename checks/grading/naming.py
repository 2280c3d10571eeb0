"""What names of files and folders say: a person, a lesson, an attempt. Whose a file is by all of them: whose.py."""

import functools
import re
import unicodedata
from pathlib import Path

from checks.course import LESSONS, Course

DOWNLOADED = re.compile(r"[-_ ]?\((\d{1,3})\)$")
"""`(1)` at a name's end, as browsers write it: a further file of one name."""
AGAIN = re.compile(rf"{DOWNLOADED.pattern}|(?<!20\d\d)(?<!20\d\d-\d\d)-(\d{{1,2}})$")
"""The same, or `-1`, where that does not end a date. `team-1` and `team-2` may be two people: see people.py."""
COMMON_WORDS = {"lesson", "lab", "homework", "hw", "assignment", "exercise", "exercises", "submission"}
COMMON_WORDS |= {"submissions", "notebook", "notebooks", "final", "solution", "solved", "copy", "of", "ipynb"}
GROUPS = "section|group|week|team|class|tutorial|cohort|unit|part|day|late|hw|homework|lab|lesson|assignment|exercise"
TRIES = re.compile(
    r"(?:copy|final|v)\d+|new|resubmission|late|fixed|corrected|revised|updated|(?:hw|homework|lab|lesson|week|assignment)\d{1,3}",
    re.IGNORECASE,
)
"""Words beside a name that say which of its files this is; alone, they may be a name."""
HABITS = (
    r"my|mine|work|attempt|try|draft|new|old|fixed|done|resubmission|untitled|test|answers?|copy|final|v\d+"
    r"|20\d\d[-_.]\d\d(?:[-_.]\d\d)?"
)


def differ(one: str, other: str) -> bool:
    """Whether nothing speaks for one person: no word in common, none inside the other (`alovelace`), no initials."""
    words, others = words_of(one.casefold()), words_of(other.casefold())
    joined, other_joined = "".join(words), "".join(others)
    inside = any(len(word) > 3 and word in other_joined for word in words)
    inside |= any(len(word) > 3 and word in joined for word in others)
    initials = joined == "".join(word[0] for word in others) or other_joined == "".join(
        word[0] for word in words
    )
    return not (set(words) & set(others) or inside or initials)


@functools.cache
def _patterns(root: Path) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """What is no name: `08_training_loop`; `section_A`, `week2`, `my attempt`, `tokenizer`, unless nothing else is;
    and of these only the lessons' titles."""
    titles = [title.lower() for title in LESSONS.values()]
    titles += [path.stem[3:].replace("_", " ") for path in (root / "solutions").glob("[0-9][0-9]_*.py")]
    slugs = "|".join(r"[_\-\s.]+".join(map(re.escape, title.split())) for title in dict.fromkeys(titles))
    start, end = r"(?<![^_\-\s.])", r"(?![^_\-\s.])"
    # A letter is the group's after a sign or as a capital, `section_a`, `sectionA`: Parth, Dayo and Unity are people.
    which = r"[_\-\s.]+[a-z]|(?-i:(?<=[a-z])[A-Z])|[_\-\s.]*\d{1,3}"
    group = rf"(?:{GROUPS})s?(?:{which})?"
    return (
        re.compile(rf"{start}\d\d[_\-\s.]+(?:{slugs}){end}", re.IGNORECASE),
        re.compile(rf"{start}(?:{group}|(?:{HABITS})\d*|{slugs}){end}", re.IGNORECASE),
        re.compile(rf"{start}(?:{slugs}){end}", re.IGNORECASE),
    )


def without_lesson_names(text: str, instead: str = " ") -> str:
    """The same without `08_training_loop`, of the map or of a course of one's own."""
    return _patterns(Course.here().root)[0].sub(instead, text)


def person_in(name: str) -> str:
    """What is left of a name without lessons, and without the words that every submission, or a later one, has."""
    name = AGAIN.sub("", name)
    words = words_of(without_lesson_names(name, " 00 "))
    kept = [word for word in words if word.lower() not in COMMON_WORDS and not re.fullmatch(r"\d{1,2}", word)]
    if len(kept) == len(words):
        kept = words_of(name)
    titles = _patterns(Course.here().root)[2].sub(" ", " ".join(kept))
    kept = words_of(titles) or kept  # GitHub Classroom's tokenizer-adalovelace
    kept = [word for word in kept if not TRIES.fullmatch(word)] or kept
    return " ".join(kept) if len(kept) < len(words_of(name)) else name.strip()


def without_lesson(told_by: str, lesson: str) -> str:
    """The same without the lesson: `ada 02` and `02 tokenizer ada` are ada, `student 2 02` is student 2."""
    words = words_of(without_lesson_names(told_by))
    number = lesson if lesson in words else lesson.lstrip("0")
    return " ".join(word for word in words if word != number) or told_by


def was_downloaded_again(file: str) -> bool:
    """Whether a file ends in `(1)`: a further file, whatever number its name has."""
    return bool(DOWNLOADED.search(_own_stem(file)))


def _own_stem(file: str) -> str:
    """The file's own name, without the folders and the archive around it and without its ending."""
    return stem_of(re.split(r"[/\\!]", file)[-1])


def attempt_in(file: str, lesson: str) -> int:
    """1, or what `(1)` and `-1` at the end of a file's name say. `ada-08` is lesson 08, not a ninth attempt."""
    stem = _own_stem(file)
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


def names_another_lesson(file: str, lesson: str) -> bool:
    """Whether a file's name has numbers of lessons, and not this one's: `06_attention`, but not `week03_02_ada`."""
    stem = re.sub(rf"(?:{GROUPS})[_\-\s.]*\d+", " ", stem_of(file), flags=re.IGNORECASE)
    numbers = [number for number in re.findall(r"(?<!\d)\d\d(?!\d)", stem) if number in LESSONS]
    return bool(numbers) and lesson not in numbers


def stem_of(name: str) -> str:
    """A file's name without what says that it is a notebook or a zip."""
    return re.split(r"\.ipynb|\.zip$", name, flags=re.IGNORECASE)[0]


def says_who(part: str) -> bool:
    """Whether it names somebody in more than words like `week2`, `tokenizer`, `my attempt`."""
    left = _patterns(Course.here().root)[1].sub(" ", without_lesson_names(AGAIN.sub("", part)))
    return any(
        word.lower() not in COMMON_WORDS and not re.fullmatch(r"\d{1,2}", word) for word in words_of(left)
    )


def was_named_for_handing_in(stem: str) -> bool:
    """`ada_08` and `08_training_loop_ada` are; a plain `bpe` or `08_bpe` in ada's folder says less than the folder."""
    return bool(re.search(r"\D(?<!\d)\d{1,2}(?!\d)", stem)) or without_lesson_names(stem) != stem


def words_of(name: str) -> list[str]:
    """Its words, between underscores, dashes, dots and spaces."""
    return [word for word in re.split(r"[_\-\s.]+", name) if word]


def spellings(name: str) -> set[str]:
    """The ways in which files spell a name: its words in any order, and in one, as Canvas' `lovelaceada`."""
    words = _plain_words(name)
    turned = {"".join(words[place:] + words[:place]) for place in range(len(words))}
    return ({spelled(name)} | turned) - {""}


def spelled(name: str) -> str:
    """Its words without accents and case, in alphabetical order."""
    return " ".join(sorted(_plain_words(name)))


def joined(name: str) -> str:
    """Its words without accents and case, in one."""
    return "".join(_plain_words(name))


def _plain_words(name: str) -> list[str]:
    plain = "".join(one for one in unicodedata.normalize("NFKD", name) if not unicodedata.combining(one))
    return re.findall(r"\w+", plain.casefold().replace("_", " "))
