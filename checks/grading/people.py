"""Whose rows these are: one student under two names, two under one, the newest of several files, who is missing."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from checks.grading.finding import WHOSE, Submission
from checks.grading.grades import Flag, Grades
from checks.grading.naming import was_downloaded_again, without_lesson
from checks.grading.roster import Roster
from checks.grading.rows import Row

AT_ONCE = 60.0
"""Seconds between two files within which times say nothing: who unpacks a class sets them anew, one after the other."""


def with_bundles(rows: list[Row], bundles: Sequence[Submission], only: Sequence[str] = ()) -> list[Row]:
    """Each student's newest bundle of a lesson beside the notebook that counts; one without a notebook is a row.

    only: lessons; bundles of others are left out.
    """
    alone, beside = [], dict[int, Submission]()
    places = {
        (name.casefold(), row.grades.lesson): place
        for place, row in enumerate(rows)
        if row.grades.state == "waiting"
        for name in _names(row.submission, row.grades.lesson)
    }
    for one in sorted(bundles, key=lambda one: (one.attempt, one.when, one.file)):
        if one.problem:
            alone.append(Row(one, Grades("", state="unreadable", problem=one.problem)))
            continue
        if only and one.lesson not in only:
            continue
        keys = [(name.casefold(), one.lesson) for name in _names(one, one.lesson)]
        found = [places[key] for key in keys if key in places]
        place = next((place for place in found if _may_be_one_persons(one, rows[place].submission)), None)
        numbers = {one.number, "" if place is None else rows[place].submission.number} - {""}
        if place is None or len(numbers) > 1:
            problem = "A bundle without its notebook: both are needed."
            if len(numbers) > 1:
                problem = "The notebook of this name has another number than this bundle: whose is it?"
            alone.append(Row(one, Grades("", state="no notebook", problem=problem)))
        else:
            beside[place] = one
    return [
        _with_bundle(row, beside[place]) if place in beside else row for place, row in enumerate(rows)
    ] + alone


def _with_bundle(row: Row, bundle: Submission) -> Row:
    """The row of a notebook with the bundle that counts: whose that is, and when it came, concerns the row as well."""
    one = row.submission
    doubts = tuple(dict.fromkeys((*one.doubts, *bundle.doubts)))
    return replace(row, submission=replace(one, late=one.late or bundle.late, doubts=doubts), bundle=bundle)


def _names(one: Submission, lesson: str) -> list[str]:
    numbered = f"{one.student} ({one.number})" if one.number else ""  # as namesakes are called
    return [name for name in (numbered, without_lesson(one.told_by, lesson), one.student) if name]


def _may_be_one_persons(bundle: Submission, notebook: Submission) -> bool:
    """Whether a bundle and a notebook of one student are one person's: `team-2.zip` is a second try of `team.ipynb`, and
    another team's than `team-1.ipynb`."""
    is_numbered = bundle.told_by != bundle.without_number
    return not is_numbered or notebook.told_by in (bundle.told_by, bundle.without_number)


def newest_only(rows: list[Row]) -> list[Row]:
    """Of several files of one student for one lesson the newest readable one counts."""
    groups = defaultdict(list)
    rows = _told_apart(_with_further_tries(rows))
    for place, row in enumerate(rows):
        if row.grades.lesson:
            groups[row.submission.student.casefold(), row.grades.lesson].append(place)
    found = list(rows)
    for places in groups.values():
        newest = max(places, key=lambda place: (rows[place].grades.state == "waiting", *_age(rows[place])))
        for place in places:
            if place != newest and rows[place].grades.state == "waiting":
                found[place] = _replaced(rows[place], rows[newest])
            elif place != newest:
                found[place] = _not_read(rows[place], rows[newest])
    return found


def _age(row: Row) -> tuple[int, float, str]:
    """The smaller, the older."""
    return row.submission.attempt, row.submission.when, row.submission.file


def _not_read(row: Row, counting: Row) -> Row:
    """The row of a file that cannot be read, beside one that counts; it stays what it is, and no older one hides it."""
    flags = row.grades.flags
    is_older = row.submission.when > 0 and _age(row) < _age(counting)
    if counting.grades.state == "waiting" and not is_older:
        sentence = "It could not be read, and may be newer than the one that was graded."
        flags += (Flag("all", sentence, f"{counting.submission.file} was graded instead."),)
    return replace(row, grades=replace(row.grades, flags=flags), instead=counting.submission.file)


def _replaced(row: Row, counting: Row) -> Row:
    """The row of an older file; where it is in doubt whose it is, or which of the two is newer, a human decides."""
    one, by, sentence = row.submission, counting.submission, ""
    is_the_same = bool(row.digest) and row.digest == counting.digest
    if not is_the_same and not any(flag.sentence == WHOSE for flag in one.doubts):
        if set(one.names) != set(by.names):
            sentence = "It was replaced by a newer file whose name differs: are both this student's?"
        else:
            sentence = _which_is_newer(one, by)
    flags = (Flag("all", sentence, f"{one.file} was replaced by {by.file}."),) if sentence else ()
    problem = f"Handed in again: {by.file} counts."
    return replace(row, grades=Grades(row.grades.lesson, state="replaced", problem=problem, flags=flags))


def _which_is_newer(one: Submission, by: Submission) -> str:
    """What to ask where names and times leave open whether `by` is the newer file; empty where they do not."""
    later = one.when - by.when if one.when and by.when else 0.0
    if one.attempt < by.attempt:
        return "By its name it is older, by its time it is not: which counts?" if later > AT_ONCE else ""
    return "Neither name nor time says which is newer: which counts?" if abs(later) <= AT_ONCE else ""


def _with_further_tries(rows: list[Row]) -> list[Row]:
    """`ada_02-1` is read as a further try where `ada_02` is there too, and a human is asked.

    Where every name has a number, `team-1` and `team-2`, the numbers belong to the names.
    """
    told = {(row.submission.told_by.casefold(), row.grades.lesson) for row in rows}
    found = []
    for row in rows:
        one = row.submission
        is_numbered = one.attempt > 1 and one.told_by != one.without_number
        if is_numbered and (one.without_number.casefold(), row.grades.lesson) in told:
            doubt = Flag(
                "all", "Its name ends in a number: a further try, or another student's?", f"{one.file}."
            )
            one = replace(one, told_by=one.without_number, doubts=(*one.doubts, doubt))
        elif is_numbered and not was_downloaded_again(one.file):
            one = replace(one, attempt=1)
        found.append(replace(row, submission=one))
    return found


def _told_apart(rows: list[Row]) -> list[Row]:
    """Files for one lesson whose names agree only in part are of two people, until a human says otherwise.

    The number of the lesson is no part of a name, and who was told apart in one lesson is so in all. Moodle numbers
    a student anew in every assignment: only two numbers of one name within one lesson are two people.
    """
    told: dict[tuple[str, str], set[str]] = defaultdict(set)
    numbers: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        one, student = row.submission, row.submission.student.casefold()
        told[student, row.grades.lesson].add(without_lesson(one.told_by, row.grades.lesson).casefold())
        if row.grades.lesson:
            numbers[student, row.grades.lesson] |= {one.number} - {""}
    several = {student for (student, _), names in told.items() if len(names) > 1}
    namesakes = {
        (student, one) for (student, _), all_of in numbers.items() if len(all_of) > 1 for one in all_of
    }
    found, spelled = [], dict[str, str]()
    for row in rows:
        one, student = row.submission, row.submission.student.casefold()
        if one.told_by and student in several:
            one = replace(one, student=without_lesson(one.told_by, row.grades.lesson))
        elif (student, one.number) in namesakes:
            one = replace(one, student=f"{one.student} ({one.number})")
        # Ada_02.ipynb and ada_03.ipynb are of one person, who goes by what came first.
        one = replace(one, student=spelled.setdefault(one.student.casefold(), one.student))
        found.append(replace(row, submission=one))
    return found


def missing(rows: Sequence[Row], lessons: Sequence[str], roster: Roster) -> list[Row]:
    """A row of zero points for each lesson that a student of this class, or of its roster, did not hand in; without
    points where a file of theirs that nobody could read, or place, may be it."""
    had: dict[str, set[str]] = defaultdict(set)
    unsure = set()
    persons = {person.name: person.id for person in roster.people}
    spelled = {name.casefold(): name for name in persons}
    for row in rows:
        one = row.submission
        for name in (one.student, *_unnumbered(one)):
            had[name.casefold()].add(row.grades.lesson)
            if (
                not row.grades.lesson
                and not one.bundle
                and row.grades.state in ("unreadable", "lesson not said")
            ):
                unsure.add(name.casefold())
        student = spelled.setdefault(one.student.casefold(), one.student)
        persons[student] = one.person or persons.get(student, "")
    return [
        Row(
            Submission(student, "", "", person=person),
            Grades(
                number,
                state="unsure",
                problem="A file could not be read, or placed; it may be this lesson's.",
            )
            if student.casefold() in unsure
            else Grades(
                number, state="nothing handed in", problem=f"No notebook of lesson {number} was found."
            ),
        )
        for student, person in persons.items()
        for number in lessons
        if number not in had[student.casefold()]
    ]


def with_doubts(rows: Sequence[Row], roster: Roster) -> list[Row]:
    """A flag for every file of which it is not clear whose it is: by its names, or by the roster, where there is one."""
    known = {person.name for person in roster.people}
    stranger = Flag("all", "This name is not on the roster: whose file is it?")
    namesake = Flag("all", "Two people of this name handed in, and the roster has it once: whose file is it?")
    found = []
    for row in rows:
        flags = row.submission.doubts
        if known and row.submission.file and row.submission.student not in known:
            flags += (namesake if known & set(_unnumbered(row.submission)) else stranger,)
        found.append(replace(row, grades=replace(row.grades, flags=(*row.grades.flags, *flags))))
    return found


def _unnumbered(one: Submission) -> list[str]:
    """The name of a namesake as the platform and the roster have it."""
    name = one.student.removesuffix(f" ({one.number})")
    return [name] if name != one.student else []
