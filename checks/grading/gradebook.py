"""The gradebook as files: CSV for people, JSON for programs, and what Canvas and Moodle import."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from checks.grading.rows import Batch, Row, title_of
from slmlib.files import write_json, write_text

COLUMNS = ("student", "id", "lesson", "state", "points", "possible")
DETAILS = ("to decide", "late", "attempt", "mode", "seconds", "remarks", "file")


def write_gradebook(batch: Batch, out: Path) -> None:
    """gradebook.csv and gradebook.json."""
    exercises = sorted({outcome.id for row in batch.rows for outcome in row.grades.outcomes})
    table: list[Sequence[Any]] = [(*COLUMNS, *exercises, *DETAILS)]
    table += [_line(row, exercises, batch) for row in batch.rows]
    write_text(out / "gradebook.csv", _csv(table))
    write_json(
        out / "gradebook.json",
        {
            "format": 1,
            "lessons": {number: title_of(number) for number in batch.lessons},
            "not_protected": list(batch.unprotected),
            "mode": batch.mode,
            "rows": [_record(row) for row in batch.rows],
        },
    )


def _line(row: Row, exercises: Sequence[str], batch: Batch) -> list[Any]:
    grades, one = row.grades, row.submission
    earned = {outcome.id: outcome.earned for outcome in grades.outcomes}
    possible = batch.lessons[grades.lesson].points if grades.lesson in batch.lessons else ""
    flags = "; ".join(f"{flag.exercise}: {flag.sentence}" for flag in grades.flags)
    remarks = " ".join((grades.problem, *grades.remarks)).strip()
    return [
        one.student,
        one.person,
        grades.lesson,
        grades.state,
        row.points,
        possible,
        *(earned.get(exercise, "") for exercise in exercises),
        flags,
        "late" if one.late else "",
        one.attempt if one.file else "",
        grades.device or batch.mode,
        grades.seconds or "",
        remarks,
        one.file,
    ]


def _record(row: Row) -> dict[str, Any]:
    one = row.submission
    about: dict[str, Any] = {"student": one.student, "id": one.person, "file": one.file, "sha256": row.digest}
    about |= {"late": one.late, "attempt": one.attempt, "counts": row.counts}
    return about | row.grades.to_json() | {"points": row.points}


def write_canvas(batch: Batch, out: Path, assignments: Mapping[str, str] | None = None) -> int:
    """A file for Canvas' grade import: a column a lesson, matched by Canvas' own student number.

    assignments: lesson -> number of an assignment that Canvas has already; without it Canvas makes a new one.
    Returns how many students have no number, whom Canvas can only match by hand.
    """
    numbers, known = sorted(batch.lessons), assignments or {}
    titles = [
        f"{title_of(number)} ({known[number]})" if number in known else title_of(number) for number in numbers
    ]
    table: list[Sequence[Any]] = [("Student", "ID", "SIS User ID", "SIS Login ID", "Section", *titles)]
    possible = [batch.lessons[number].points for number in numbers]
    table.append(("    Points Possible", "", "", "", "", *possible))
    students = list(_by_student(batch, numbers))
    table += [(student, person, "", "", "", *points) for student, person, points in students]
    write_text(out / "gradebook_canvas.csv", _csv(table))
    return sum(not person for _, person, _ in students)


def write_moodle(batch: Batch, out: Path) -> dict[str, int]:
    """A grading worksheet a lesson for Moodle's assignments, matched by its participant number, which only the names of
    its own files have: it numbers a student anew in every assignment.

    Returns lesson -> how many students have no number there, whom Moodle cannot match.
    """
    nameless = {}
    for number in sorted(batch.lessons):
        counting = {
            row.submission.student: row for row in batch.rows if row.counts and row.grades.lesson == number
        }
        possible = batch.lessons[number].points
        table: list[Sequence[Any]] = [
            ("Identifier", "Full name", "Grade", "Maximum Grade", "Feedback comments")
        ]
        for student, _, points in _by_student(batch, [number]):
            row = counting.get(student)
            identifier = f"Participant {row.submission.number}" if row and row.submission.number else ""
            comment = _comment(row) if row else "Nothing handed in."
            table.append((identifier, student, points[0], possible, comment))
        nameless[number] = sum(not line[0] for line in table[1:])
        write_text(out / f"gradebook_moodle_{number}.csv", _csv(table))
    return nameless


def _by_student(batch: Batch, numbers: Sequence[str]) -> Iterable[tuple[str, str, list[float | None]]]:
    """Student, number, points a lesson; None, written as nothing, where a file of theirs was not judged."""
    people: dict[str, str] = {}
    points: dict[tuple[str, str], float | None] = {}
    for row in batch.rows:
        student = row.submission.student
        people[student] = people.get(student) or row.submission.person
        if row.counts:
            points[student, row.grades.lesson] = row.points
    for student, person in people.items():
        yield student, person, [points.get((student, number), 0.0) for number in numbers]


def _comment(row: Row) -> str:
    wrong = [f"{outcome.id}: {outcome.problem}" for outcome in row.grades.outcomes if outcome.problem]
    return " ".join([row.grades.problem, *wrong]).strip() or "All right."


def _csv(table: Iterable[Sequence[Any]]) -> str:
    """Text of a CSV file. A spreadsheet must not take a student's words for a formula."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    for line in table:
        writer.writerow([_safe(cell) for cell in line])
    return buffer.getvalue()


def _safe(cell: Any) -> Any:
    if isinstance(cell, float):
        return f"{cell:g}"
    if not isinstance(cell, str):
        return cell
    text = " ".join(cell.encode("utf-8", "replace").decode().split()) if cell.strip() == cell else cell
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text
