"""The class list, `--roster students.csv`: who is in the class, whatever the files are called.

    name,login,id
    Ada Lovelace,lovelaceada,4711

A name or a login is needed; the id is the learning platform's. Canvas' own export of its gradebook will do, and so
will what a spreadsheet saves, with semicolons or not in UTF-8.
"""

import csv
import io
import itertools
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from checks.grading.finding import WHOSE, Submission
from checks.grading.grades import Flag
from checks.grading.naming import (
    joined,
    person_in,
    spelled,
    spellings,
    was_downloaded_again,
    without_lesson,
    words_of,
)
from checks.grading.reading import decoded
from checks.grading.whose import platform_name
from slmlib.errors import SlmError

COLUMNS = {
    "name": ("name", "student", "full name"),
    "login": ("login", "sis login id", "username"),
    "id": ("id",),
}


@dataclass(frozen=True)
class Person:
    """One line of the list."""

    name: str
    """The login, where the list has no names."""
    login: str = ""
    id: str = ""


@dataclass(frozen=True)
class Roster:
    """A class; one without people knows nobody and changes nothing."""

    people: tuple[Person, ...] = ()

    @classmethod
    def read(cls, path: Path) -> "Roster":
        """Read a CSV file; SlmError in a sentence where it is none."""
        try:
            text, _ = decoded(path.read_bytes())
            # Excel writes what the country it is set to has between columns.
            between = max(",;\t", key=text.partition("\n")[0].count)
            lines = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=between))
        except (OSError, csv.Error) as error:
            raise SlmError(f"The roster {path} cannot be read ({error}).", "Name a CSV file.") from None
        people = []
        for line in lines:
            given = {
                str(name).strip().lower(): value.strip()
                for name, value in line.items()
                if isinstance(value, str)
            }
            found = {
                column: next((given[name] for name in names if given.get(name)), "")
                for column, names in COLUMNS.items()
            }
            name = found["name"] or found["login"]
            if name and not name.startswith("Points Possible"):  # Canvas' second line is no student
                people.append(Person(name, found["login"], found["id"]))
        names = [person.name for person in people]
        if not people:
            raise SlmError(
                f"{path} lists nobody.", "Its first line names the columns: name and login (or one), and id."
            )
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise SlmError(
                f"{path} has {twice[0]} twice.", "Give one of them another name, such as the login."
            )
        return cls(tuple(people))

    def recognise(self, one: Submission, lesson: str = "") -> Submission:
        """The same under the name of the list; unchanged where nobody could be meant, a doubt where two could.

        lesson: whose number is no part of a name. `student-11` is looked up before `student`.
        """
        certain = self._called(f"#{one.person}") if one.platform == "Canvas" else None
        told = [self._called(spelled(name)) for name in (one.told_by, without_lesson(one.told_by, lesson))]
        named = [self._called(spelled(name)) for name in (*one.names, one.student)]
        is_numbered = one.told_by != one.without_number and not was_downloaded_again(one.file)
        if any(told) and not any(named) and is_numbered:
            one = replace(one, attempt=1)  # `-11` is the student's
        named = [*told, *named]
        named += map(self._called, map(joined, one.names))
        if one.platform != "Moodle":  # whose numbers are not the roster's
            numbers = (word for name in one.names for word in words_of(name) if word.isdigit())
            named += [self._called(f"#{number}") for number in (*numbers, one.person)]
        found = [certain] if certain else list(dict.fromkeys(person for person in named if person))
        if not found:
            return one
        is_sure = True
        if one.platform:  # a student's zip may hold a name of the platform that is a classmate's
            around = [self._called(spelled(person_in(part))) for part in one.parts[:-1]]
            found += dict.fromkeys(person for person in around if person and person not in found)
            outside = len(list(itertools.takewhile(lambda part: not platform_name(part), one.parts)))
            is_sure = any(around[:outside])  # names do not know whose login `xyz12` is, the list does
        name = found[0].name
        doubts = () if is_sure and len(found) == 1 else one.doubts
        if len(found) > 1 and not doubts:
            evidence = f"By names and numbers it is of {name} or of {found[1].name}."
            doubts = (Flag("all", WHOSE, evidence),)
        return replace(
            one,
            student=name,
            told_by="",
            without_number="",
            names=(name,),
            person=one.person or found[0].id,
            doubts=doubts,
        )

    def _called(self, spelling: str) -> Person | None:
        """The one person who is spelled like this."""
        found = self._people_by_spelling.get(spelling, ())
        return found[0] if len(found) == 1 else None

    @cached_property
    def _people_by_spelling(self) -> dict[str, list[Person]]:
        """Worked out once: a class has as many files as people, and each file several spellings."""
        found: dict[str, list[Person]] = defaultdict(list)
        for person in self.people:
            for spelling in _spellings(person):
                found[spelling].append(person)
        return found


def _spellings(person: Person) -> set[str]:
    """The ways in which files name a person: by name, login or number."""
    logins = {spelled(person.login), joined(person.login), spelled(person.login.partition("@")[0])}
    number = {f"#{person.id}"} if person.id else set()
    return (spellings(person.name) | logins | number) - {""}
