"""Whose a file is, by the names on the way to it and by what the other files tell about its folders.

    ada_08.ipynb   ada/08_training_loop.ipynb   section_A/ada_08.ipynb   week2/ada/08.ipynb
    Canvas  lovelaceada_LATE_4711_90210_08_training_loop-2.ipynb
    Moodle  Ada Lovelace_4711_assignsubmission_file_/08_training_loop.ipynb

The part nearest to the file that names somebody wins. A folder that holds several names is a section or a class.
"""

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from checks.grading.grades import printable
from checks.grading.naming import (
    AGAIN,
    DOWNLOADED,
    TRIES,
    differ,
    lesson_in,
    person_in,
    says_who,
    spellings,
    stem_of,
    was_named_for_handing_in,
    words_of,
)

MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_", re.IGNORECASE)
CANVAS = re.compile(
    r"(?P<name>[^_]+)_(?P<late>LATE_)?"
    r"(?!\d\d_(?:20\d\d(?:[01]\d[0-3]\d)?|(?:0\d|1[0-2])(?:[0-2]\d|3[01]))_)"
    r"(?P<id>\d+)_(?P<submission>\d{3,})_(?P<file>.+)"
)
"""A lesson and a year or a day, as in `ada_02_2026_fall`, `ada_02_1130` and `ada_02_20261130`, are not its numbers."""
AGAIN_WORDS = {"final", "copy", "of", "new", "resubmission"}
"""Words of a second file by the same person."""


@dataclass(frozen=True)
class Who:
    """A student, as far as names tell."""

    student: str
    told_by: str = ""
    """What the name was read from: two people must not become one because of what names leave out."""
    without_number: str = ""
    """The same without a `-1` at the end of the file's name, of which nobody knows whether it belongs to the name."""
    names: tuple[str, ...] = ()
    """All that could be a name on the way to the file, the likeliest first."""
    platform: str = ""
    """The learning platform that wrote the name: Canvas or Moodle."""
    person: str = ""
    """Its number for the student."""
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
    """Those whose files go by other names than theirs, now one, now another, or one that another folder has, too."""
    common: frozenset[str] = frozenset()
    """Names of folders and files inside several people's folders: `for-students`, `02_completed`. They name nobody."""
    named: Mapping[str, frozenset[tuple[str, ...]]] = field(default_factory=dict)
    """Spelling of a name -> the files that go by it."""

    @classmethod
    def of(cls, files: Iterable[tuple[str, ...]]) -> "Folders":
        """Of the folders and names on the way to each file."""
        files = list(files)
        crowds = cls()._crowds(files)
        inside: dict[tuple[str, str], set[tuple[str, ...]]] = defaultdict(set)
        for parts in files:
            names = _names_on_the_way(parts)
            people = [parts[: place + 1] for place, _ in names if parts[: place + 1] not in crowds]
            for (place, name), above in itertools.product(names, people):
                if len(above) <= place and differ(above[-1], name):
                    inside[name, lesson_in(parts[-1])].add(above)
        common = cls(common=frozenset(name for (name, _), folders in inside.items() if len(folders) > 1))
        return common._with_people(files, common._crowds(files))

    def _crowds(self, files: list[tuple[str, ...]]) -> frozenset[tuple[str, ...]]:
        below: dict[tuple[tuple[str, ...], str], set[str]] = defaultdict(set)
        for parts in files:
            for nearest, name in self.names(parts)[:1]:
                for place in range(nearest):
                    if differ(parts[place], name):  # ada/ada_lovelace_02.ipynb is one name
                        # Each name of a platform is another student's; a file's may be one student's further lesson.
                        lesson = "" if platform_name(parts[nearest]) else lesson_in(parts[-1])
                        below[parts[: place + 1], lesson].add(name)
        return frozenset(folder for (folder, _), names in below.items() if len(names) > 1)

    def _with_people(self, files: list[tuple[str, ...]], crowds: frozenset[tuple[str, ...]]) -> "Folders":
        alone: set[tuple[str, ...]] = set()
        names_in: dict[tuple[str, ...], set[str]] = defaultdict(set)
        folders_of: dict[str, set[tuple[str, ...]]] = defaultdict(set)
        named: dict[str, set[tuple[str, ...]]] = defaultdict(set)
        for parts in files:
            names, own = self.names(parts), _handed_in_as(parts)
            goes_by = [(place, name) for place, name in names if parts[: place + 1] not in crowds]
            goes_by.sort(key=lambda one: not platform_name(parts[one[0]]))
            for _, name in goes_by[:1]:
                for spelling in spellings(name):
                    named[spelling].add(parts)
            if names and names[0][0] < len(parts) - 1:
                alone.add(parts[: names[0][0] + 1])
            for place, name in names:
                if own and differ(name, own):
                    names_in[parts[: place + 1]].add(own)
                    folders_of[own].add(parts[: place + 1])
        pairs = {one for same in folders_of.values() if len(same - crowds) == 2 for one in same}
        several = {folder for folder, names in names_in.items() if len(names) > 1}
        levels = frozenset(len(folder) for folder in alone - crowds)
        return replace(
            self,
            crowds=crowds,
            levels=levels,
            unclear=frozenset((pairs | several) - crowds),
            named={spelling: frozenset(by) for spelling, by in named.items()},
        )

    def names(self, parts: tuple[str, ...]) -> list[tuple[int, str]]:
        """(place, name) of the parts that say who, the nearest to the file first; without what names nobody."""
        return [(place, name) for place, name in _names_on_the_way(parts) if name not in self.common]

    def doubt(self, parts: tuple[str, ...]) -> str:
        """Why it is not clear whose file this is; empty where it is."""
        own = _handed_in_as(parts)
        for place, name in self.names(parts):
            people = parts[: place + 1] in self.unclear or (
                place + 1 in self.levels and own not in self.common
            )
            if own and people and differ(name, own):
                return _two_names(parts[place], parts[-1])
        return ""

    def may_be_anothers(self, parts: tuple[str, ...], place: int, name: str) -> bool:
        """Whether the folder at `place`, around what a platform called `name`, may be another student's.

        Courses and sections are called after nobody in the class; a template may be called as they are. Who is not
        known by another file may be somebody, too, which matters where a file of `name` from elsewhere would be
        replaced.
        """
        folder, around = _name_in(parts[place]), parts[: place + 1]
        if not says_who(parts[place]) or not differ(folder, name):
            return False
        known = self._files_of(folder)
        if around in self.crowds:
            return any(platform_name(part) for file in known for part in file)
        lesson = lesson_in(parts[-1])
        elsewhere = (one for one in self._files_of(name) if one[: place + 1] != around)
        return bool(known) or any(not lesson or lesson_in(one[-1]) in (lesson, "") for one in elsewhere)

    def _files_of(self, name: str) -> set[tuple[str, ...]]:
        return {file for spelling in spellings(name) for file in self.named.get(spelling, ())}


@dataclass(frozen=True, order=True)
class Claim:
    """A part of the way to a file that may be its owner's name; the smallest is the likeliest."""

    names_nobody: bool
    """A word of courses, or what stands in several people's folders."""
    is_a_crowd: bool
    """Several people's files lie below it."""
    is_off_level: bool
    """It does not lie where folders are people; a file's own name never does."""
    is_casual: bool
    """A file's own name that was not made for handing in."""
    steps_up: int
    """How far it is from the file."""
    part: str
    """The part itself, a file's without its ending."""


def who(parts: tuple[str, ...], folders: Folders = Folders()) -> Who:
    """The student of the file at `parts`, a folder each and its own name."""
    if found := _by_platform(parts, folders):
        return found
    above, stem = parts[:-1], stem_of(parts[-1])
    likeliest = [claim.part for claim in sorted(_claims(parts, folders))] or [stem]
    # `ada (1).zip` is ada's second, and `ada-1 (1).ipynb` a further file of `ada-1`.
    told_by = without_number = _telling_words(DOWNLOADED.sub("", likeliest[0]))
    if likeliest[0] == stem:
        without_number = _telling_words(AGAIN.sub("", DOWNLOADED.sub("", stem)))
    # A file called `02_my_attempt` differs from `02_tokenizer`, but not in who wrote it.
    telling = [part for part in likeliest if part in above or says_who(part)]
    likely = likeliest[0]
    if likely == stem or says_who(likely):
        likely = person_in(likely) or likely
    return Who(
        _short(likely or "unnamed"),  # a folder `group 3` is a name with its number
        printable(told_by),
        printable(without_number),
        tuple(dict.fromkeys(printable(person_in(part) or part) for part in telling)),
        doubt=folders.doubt(parts),
    )


def _by_platform(parts: tuple[str, ...], folders: Folders) -> Who | None:
    """Whom the names that Canvas or Moodle wrote mean; None without such names.

    The outermost wins: further in anybody can write a classmate's name. Only a crowd that looks like Canvas' does not,
    as an instructor's folder `CS_101_2026_lab` does.
    """
    found = {place: match for place, part in enumerate(parts) if (match := _platforms(part))}
    if not found:
        return None
    crowds = {place for place in found if found[place].re is CANVAS and parts[: place + 1] in folders.crowds}
    chosen = min(found, key=lambda place: (place in crowds, place))
    match = found[chosen]
    name = match["name"].strip()
    others = [
        part
        for place, part in enumerate(parts[:chosen])
        if (place in found and differ(found[place]["name"], name))
        or folders.may_be_anothers(parts, place, name)
    ]
    return Who(
        _short(name),
        names=(name,),
        platform="Moodle" if match.re is MOODLE else "Canvas",
        person=match["id"],
        late=bool(match.groupdict().get("late")),
        doubt=_two_names(others[-1], parts[chosen]) if others else "",
    )


def platform_name(part: str) -> str:
    """The student's name in what Canvas or Moodle wrote; empty where neither did."""
    match = _platforms(part)
    return match["name"].strip() if match else ""


def _platforms(part: str) -> re.Match[str] | None:
    canvas = CANVAS.match(part)
    return MOODLE.match(part) or (canvas if canvas and says_who(canvas["name"]) else None)


def _two_names(outer: str, inner: str) -> str:
    return f"The folder is called {printable(outer)}, the file {printable(inner)}."


def _telling_words(part: str) -> str:
    """Its words, without those of a second file by the same person."""
    words = words_of(part)
    return " ".join(word for word in words if word.lower() not in AGAIN_WORDS and not TRIES.fullmatch(word))


def _claims(parts: tuple[str, ...], folders: Folders) -> list[Claim]:
    claims = []
    for place, part in enumerate((*parts[:-1], stem_of(parts[-1]))):
        is_file = place == len(parts) - 1
        if not person_in(part) and (is_file or not _is_a_number(part, parts[-1])):
            continue
        claims.append(
            Claim(
                names_nobody=not says_who(part) or person_in(part).casefold() in folders.common,
                is_a_crowd=not is_file and parts[: place + 1] in folders.crowds,
                is_off_level=is_file or place + 1 not in folders.levels,
                is_casual=is_file and not was_named_for_handing_in(part),
                steps_up=len(parts) - 1 - place,
                part=part,
            )
        )
    return claims


def _is_a_number(folder: str, file: str) -> bool:
    """Whether students have numbers: `12/02_tokenizer`, but not `02/02_tokenizer`."""
    return bool(re.fullmatch(r"\d{1,2}", folder)) and folder.zfill(2) != lesson_in(file)


def _handed_in_as(parts: tuple[str, ...]) -> str:
    """The name in a file's own name, where it looks like one for handing in; or an empty string."""
    stem = stem_of(parts[-1])
    return _name_in(stem) if says_who(stem) and was_named_for_handing_in(stem) else ""


def _names_on_the_way(parts: tuple[str, ...]) -> list[tuple[int, str]]:
    """(place, name) of the parts that say who, the nearest to the file first, its own name included."""
    stems = [*parts[:-1], stem_of(parts[-1])]
    return [
        (place, _name_in(stems[place]))
        for place in reversed(range(len(stems)))
        if person_in(stems[place]) and says_who(stems[place])
    ]


def _name_in(part: str) -> str:
    """The platform's name, where one wrote it: what stands around it, `assignsubmission_file`, is nobody's."""
    return (platform_name(part) or person_in(part)).casefold()


def _short(name: str) -> str:
    return printable(name[:100])
