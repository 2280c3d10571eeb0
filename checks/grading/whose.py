"""Whose a file is, by the names on the way to it and by what the other files tell about its folders.

    ada_08.ipynb   ada/08_training_loop.ipynb   section_A/ada_08.ipynb   week2/ada/08.ipynb
    Canvas  lovelaceada_LATE_4711_90210_08_training_loop-2.ipynb
    Moodle  Ada Lovelace_4711_assignsubmission_file_/08_training_loop.ipynb

The part nearest to the file that names somebody wins. A folder that holds several names is a section or a class.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from checks.grading.grades import printable
from checks.grading.naming import (
    AGAIN,
    differ,
    lesson_in,
    person_in,
    says_who,
    stem_of,
    was_named_for_handing_in,
    words_of,
)

MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_", re.IGNORECASE)
CANVAS = re.compile(r"(?P<name>[^_]+)_(?P<late>LATE_)?(?P<id>\d+)_(?P<submission>\d+)_(?P<file>.+)")
AGAIN_WORDS = {"final", "copy", "of", "new", "resubmission"}
"""Words of a second file by the same person."""


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
            names = _names_on_the_way(parts)
            if not names:
                continue
            (nearest, name), own = names[0], _handed_in_as(parts)
            for place in range(nearest):
                if differ(parts[place], name):  # ada/ada_lovelace_02.ipynb is one name
                    below[parts[: place + 1], lesson_in(parts[-1])].add(name)
            if nearest < len(parts) - 1:
                alone.add(parts[: nearest + 1])
            for place, name in names:
                if own and differ(name, own):
                    names_in[parts[: place + 1]].add(own)
                    folders_of[own].add(parts[: place + 1])
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
        for place, name in _names_on_the_way(parts):
            people = parts[: place + 1] in self.unclear or place + 1 in self.levels
            if own and people and differ(name, own):
                return f"The folder is called {printable(parts[place])}, the file {printable(parts[-1])}."
        return ""


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
            not says_who(part),
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
            (not says_who(stem), False, True, int(not was_named_for_handing_in(stem)), -len(above), stem)
        )
    likeliest = [part for *_, part in sorted(names)] or [stem]
    words = words_of(AGAIN.sub("", likeliest[0]) if likeliest[0] == stem else likeliest[0])
    told_by = " ".join(word for word in words if word.lower() not in AGAIN_WORDS)
    # A file called `02_my_attempt` differs from `02_tokenizer`, but not in who wrote it.
    telling = [part for part in likeliest if part in above or says_who(part)]
    likely = likeliest[0]
    if likely == stem or says_who(likely):
        likely = person_in(likely) or likely
    return Who(
        _short(likely or "unnamed"),  # a folder `group 3` is a name with its number
        printable(told_by),
        tuple(dict.fromkeys(printable(person_in(part) or part) for part in telling)),
        doubt=folders.doubt(parts),
    )


def _handed_in_as(parts: tuple[str, ...]) -> str:
    """The name in a file's own name, where it looks like one for handing in; or an empty string."""
    stem = stem_of(parts[-1])
    return person_in(stem).casefold() if says_who(stem) and was_named_for_handing_in(stem) else ""


def _names_on_the_way(parts: tuple[str, ...]) -> list[tuple[int, str]]:
    """(place, name) of the parts that say who, the nearest to the file first, its own name included."""
    stems = [*parts[:-1], stem_of(parts[-1])]
    return [
        (place, person_in(stems[place]).casefold())
        for place in reversed(range(len(stems)))
        if person_in(stems[place]) and says_who(stems[place])
    ]


def _short(name: str) -> str:
    return printable(name[:100])
