"""The gradebook as files: CSV for people, JSON for programs, and what Canvas and Moodle import."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from checks.grading.batch import Batch, Row, title_of
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
    possible = (
        sum(exercise.points for exercise in batch.lessons[grades.lesson].graded())
        if grades.lesson in batch.lessons
        else ""
    )
    points: Any = grades.points if row.counts or grades.state == "nothing handed in" else ""
    flags = "; ".join(f"{flag.exercise}: {flag.sentence}" for flag in grades.flags)
    remarks = " ".join((grades.problem, *grades.remarks)).strip()
    return [
        one.student,
        one.person,
        grades.lesson,
        grades.state,
        points,
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
    about = {"student": one.student, "id": one.person, "file": one.file, "sha256": row.digest}
    return about | {"late": one.late, "attempt": one.attempt, "counts": row.counts} | row.grades.to_json()


def write_canvas(batch: Batch, out: Path) -> Path:
    """A file for Canvas' grade import: a column a lesson, matched by Canvas' own student number."""
    numbers = sorted(batch.lessons)
    table: list[Sequence[Any]] = [
        ("Student", "ID", "SIS User ID", "SIS Login ID", "Section", *map(title_of, numbers))
    ]
    possible = [sum(exercise.points for exercise in batch.lessons[number].graded()) for number in numbers]
    table.append(("    Points Possible", "", "", "", "", *possible))
    for student, person, points in _by_student(batch, numbers):
        table.append((student, person, "", "", "", *points))
    path = out / "gradebook_canvas.csv"
    write_text(path, _csv(table))
    return path


def write_moodle(batch: Batch, out: Path) -> list[Path]:
    """A grading worksheet a lesson for Moodle's assignments, matched by its participant number."""
    paths = []
    for number in sorted(batch.lessons):
        possible = sum(exercise.points for exercise in batch.lessons[number].graded())
        table: list[Sequence[Any]] = [
            ("Identifier", "Full name", "Grade", "Maximum Grade", "Feedback comments")
        ]
        comments = {
            row.submission.student: _comment(row)
            for row in batch.rows
            if row.counts and row.grades.lesson == number
        }
        for student, person, points in _by_student(batch, [number]):
            identifier = f"Participant {person}" if person else ""
            table.append(
                (identifier, student, points[0], possible, comments.get(student, "Nothing handed in."))
            )
        path = out / f"gradebook_moodle_{number}.csv"
        write_text(path, _csv(table))
        paths.append(path)
    return paths


def _by_student(batch: Batch, numbers: Sequence[str]) -> Iterable[tuple[str, str, list[float]]]:
    people: dict[str, str] = {}
    points: dict[tuple[str, str], float] = {}
    for row in batch.rows:
        people[row.submission.student] = people.get(row.submission.student) or row.submission.person
        if row.counts:
            points[row.submission.student, row.grades.lesson] = row.grades.points
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
