"""What students and the instructor read: one page a student, one of the class. Each file stands alone."""

import html
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from checks.grading.grades import Flag
from checks.grading.rows import Batch, Row, title_of
from checks.judging import Outcome
from checks.report import WORDS
from slmlib.files import write_text
from slmlib.plots import Picture, bars, histogram

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 62rem;
       margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
caption, th, td { text-align: left; padding: .4rem .6rem; vertical-align: top; }
th, td { border-bottom: 1px solid #ccc; overflow-wrap: break-word; }
th, td:first-child { white-space: nowrap; }
td { max-width: 22rem; }
details { margin: .2rem 0 .2rem 1rem; }
caption { font-weight: 600; }
code, pre { background: #f4f4f4; padding: 0 .2rem; }
.note { color: #444; }
"""


HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
)
GRADES_OF = "Grades of "


def write_pages(batch: Batch, out: Path) -> None:
    """`students/*.html` and `class.html`; students' pages of an earlier run, of names that are gone, are taken away."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in batch.rows:
        groups[row.submission.student].append(row)
    names = page_names(groups)
    for student, rows in groups.items():
        write_text(out / "students" / names[student], student_page(student, rows, batch))
    ours = f"{HEAD}<title>{GRADES_OF}".encode()
    for path in (out / "students").glob("*.html"):
        if path.name not in names.values() and path.read_bytes().startswith(ours):
            path.unlink()
    write_text(out / "class.html", class_page(batch, names))


def page_names(students: Iterable[str]) -> dict[str, str]:
    """A file name each: readable, safe on every disk, never twice the same."""
    taken: Counter[str] = Counter()
    found = {}
    for student in students:
        slug = re.sub(r"[^\w-]+", "_", student.casefold()).strip("_")[:60]
        slug = slug.encode()[:120].decode(errors="ignore") or "student"  # a disk counts a name's bytes
        taken[slug] += 1
        found[student] = f"{slug}.html" if taken[slug] == 1 else f"{slug}~{taken[slug]}.html"
    return found


def student_page(student: str, rows: Sequence[Row], batch: Batch) -> str:
    """Points, the named mistake, expected and got, and the hints, folded; nothing about anybody else."""
    parts = [f"<h1>{_text(student)}</h1>"]
    for row in rows:
        grades = row.grades
        parts.append(f"<h2>{_text(title_of(grades.lesson) or row.submission.file)}</h2>")
        if row.submission.file:
            late = " Handed in late." if row.submission.late else ""
            parts.append(f'<p class="note">File: {_text(row.submission.file)}.{late}</p>')
        if grades.state != "graded":
            parts.append(
                f"<p><strong>{_text(grades.state.capitalize())}.</strong> {_text(grades.problem)}</p>"
            )
            continue
        parts.append(_outcomes(grades.outcomes, f"{grades.points:g} of {grades.possible:g} points"))
        parts.append(_hints(grades.outcomes, batch, grades.lesson))
        if grades.remarks:
            parts.append("<h3>What else was noticed</h3>" + _list(grades.remarks))
    return _page(f"{GRADES_OF}{student}", parts)


def _outcomes(outcomes: Sequence[Outcome], caption: str) -> str:
    rows = []
    for outcome in outcomes:
        word, symbol = WORDS[outcome.state]
        label = f"{outcome.id} {outcome.title}"
        cells = [f"{symbol} {word}", label, f"{outcome.earned:g} of {outcome.points:g}"]
        # Beside "Not done yet." the sentence of the notebook would speak of a cell above.
        fix = outcome.fix if outcome.problem != "Not done yet." else ""
        cells += [outcome.problem, outcome.expected, outcome.got, fix]
        rows.append(cells)
    head = ["Result", "Exercise", "Points", "Likely mistake", "Expected", "Got", "What to do next"]
    return _table(caption, head, rows)


def _hints(outcomes: Sequence[Outcome], batch: Batch, lesson: str) -> str:
    wrong = {outcome.id for outcome in outcomes if outcome.state != "pass"}
    exercises = batch.lessons[lesson].graded() if lesson in batch.lessons else ()
    parts = []
    for exercise in exercises:
        if exercise.id in wrong:
            inner = "".join(
                f"<details><summary>Hint {number} of {len(exercise.hints)}</summary><p>{_code(hint)}</p></details>"
                for number, hint in enumerate(exercise.hints, 1)
            )
            label = f"Hints for {exercise.id} {_text(exercise.title)}"
            parts.append(f"<details><summary>{label}</summary>{inner}</details>")
    return "".join(parts)


def class_page(batch: Batch, names: dict[str, str]) -> str:
    """Distribution, hardest exercises, commonest mistakes, slowest notebooks, what a human has to decide."""
    parts = ["<h1>The class</h1>", f"<p>{_summary(batch)}</p>"]
    if batch.stray_lessons:
        parts.append(_list(batch.stray_lessons))
    if batch.unprotected:
        parts.append("<h2>Not protected on this machine</h2>" + _list(batch.unprotected))
    parts.append(_to_decide(batch, names))
    parts.append(_not_graded(batch))
    if batch.skipped:
        parts.append("<h2>Neither notebooks nor zips, and not looked at</h2>" + _list(batch.skipped))
    for number in sorted(batch.lessons):
        rows = [row for row in batch.rows if row.grades.lesson == number and row.grades.state == "graded"]
        if rows:
            parts.append(f"<h2>{_text(title_of(number))}</h2>")
            parts += _lesson(rows)
    parts.append(_everybody(batch, names))
    return _page("The class", parts)


def _lesson(rows: Sequence[Row]) -> list[str]:
    points = [row.grades.points for row in rows]
    possible = rows[0].grades.possible
    median = statistics.median(points)
    edges = [at * possible / 10 for at in range(11)]
    picture = histogram(
        points,
        f"Half of {len(points)} notebooks have {median:g} points or more, of {possible:g}",
        xlabel="points",
        ylabel="notebooks",
        bins=edges,
        marks={"median": median},
    )
    parts = [_figure(picture)]
    shares: dict[str, list[float]] = defaultdict(list)
    mistakes: Counter[tuple[str, str]] = Counter()
    for row in rows:
        for outcome in row.grades.outcomes:
            shares[f"{outcome.id} {outcome.title}"].append(outcome.earned / outcome.points)
            if outcome.problem and outcome.state == "fail" and outcome.id not in row.grades.stopped:
                mistakes[outcome.id, outcome.problem] += 1
    means = {name: statistics.mean(values) for name, values in shares.items()}
    hardest, uneven = min(means, key=lambda name: means[name]), len(set(means.values())) > 1
    parts.append(
        _figure(
            bars(
                {_plain(name): value for name, value in sorted(means.items(), key=lambda item: item[1])},
                f"The hardest exercise is {_plain(hardest)}" if uneven else "All exercises are equally hard",
                xlabel="mean share of the points",
                highlight=(_plain(hardest),) if uneven else (),
                write=lambda value: f"{value:.0%}",
            )
        )
    )
    if mistakes:
        table = [[exercise, sentence, str(count)] for (exercise, sentence), count in mistakes.most_common(10)]
        parts.append(_table("Commonest mistakes", ["Exercise", "Mistake", "Notebooks"], table))
    slow = sorted(rows, key=lambda row: -row.grades.seconds)[:8]
    if len(rows) > 1:
        parts.append(
            _figure(
                bars(
                    {_plain(f"{row.submission.student[:30]}"): row.grades.seconds for row in slow},
                    f"The slowest notebook took {slow[0].grades.seconds:.1f} s",
                    xlabel="seconds",
                    write=lambda value: f"{value:.1f} s",
                )
            )
        )
    return parts


def _summary(batch: Batch) -> str:
    graded = sum(row.grades.state == "graded" for row in batch.rows)
    files = sum(bool(row.submission.file) for row in batch.rows)
    students = len({row.submission.student for row in batch.rows})
    now = graded - batch.earlier
    how = (
        f"{now} of them now, in {batch.seconds:.0f} seconds"
        if batch.earlier
        else f"in {batch.seconds:.0f} seconds"
    )
    if batch.earlier and now <= 0:
        how = "all by an earlier run"
    stopped = " Grading was stopped before the end: --resume goes on." if batch.interrupted else ""
    return f"{files} files of {students} students, {graded} graded, {how}. Mode: {batch.mode}.{stopped}"


def _to_decide(batch: Batch, names: dict[str, str]) -> str:
    rows = []
    for row in batch.rows:
        groups: dict[str, list[Flag]] = defaultdict(list)
        for flag in row.grades.flags:
            groups[re.sub(r'"[\d.]+"', "", flag.sentence)].append(flag)
        for flags in groups.values():
            exercises = ", ".join(flag.exercise for flag in flags)
            evidence = " ".join(f"{flag.exercise}: {flag.evidence}" for flag in flags if flag.evidence)
            rows.append([_link(row, names), row.grades.lesson, exercises, flags[0].sentence, evidence])
    if not rows:
        return ""
    head = ["Student", "Lesson", "Exercises", "What was found", "Evidence"]
    return _table("For you to decide", head, rows, raw=(0,))


def _not_graded(batch: Batch) -> str:
    """Files first, those that were replaced last; who handed in nothing is a list of its own."""
    rows = [
        [row.submission.student, row.grades.lesson, row.grades.state, row.grades.problem, row.submission.file]
        for row in sorted(batch.rows, key=lambda row: row.grades.state == "replaced")
        if row.grades.state not in ("graded", "nothing handed in", "unsure")
    ]
    absent: dict[str, list[str]] = defaultdict(list)
    for row in batch.rows:
        if row.grades.state in ("nothing handed in", "unsure"):
            unsure = " (unsure: see above)" if row.grades.state == "unsure" else ""
            absent[title_of(row.grades.lesson)].append(row.submission.student + unsure)
    names = [[title, str(len(students)), ", ".join(students)] for title, students in sorted(absent.items())]
    parts = _table("Not graded", ["Student", "Lesson", "State", "Why", "File"], rows) if rows else ""
    return parts + (_table("Nothing handed in", ["Lesson", "Students", "Who"], names) if names else "")


def _everybody(batch: Batch, names: dict[str, str]) -> str:
    rows = [
        [
            _link(row, names),
            row.grades.lesson,
            f"{row.grades.points:g} of {row.grades.possible:g}",
            "late" if row.submission.late else "",
            f"{row.grades.seconds:.1f}",
            " ".join(row.grades.remarks),
        ]
        for row in batch.rows
        if row.grades.state == "graded"
    ]
    return _table("Everybody", ["Student", "Lesson", "Points", "Late", "Seconds", "Remarks"], rows, raw=(0,))


def _link(row: Row, names: dict[str, str]) -> str:
    student = row.submission.student
    return f'<a href="students/{html.escape(names[student], quote=True)}">{_text(student)}</a>'


def _table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], raw: Sequence[int] = ()) -> str:
    """A captioned table; columns that are empty in every row are left out."""
    kept = [at for at in range(len(head)) if any(row[at] for row in rows)]
    top = "".join(f'<th scope="col">{head[at]}</th>' for at in kept)
    body = "".join(
        f"<tr>{''.join(f'<td>{row[at] if at in raw else _text(row[at])}</td>' for at in kept)}</tr>"
        for row in rows
    )
    return f"<table><caption>{_text(caption)}</caption><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _list(sentences: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{_text(sentence)}</li>' for sentence in sentences)}</ul>"


def _figure(picture: Picture) -> str:
    import matplotlib.pyplot as plt

    shown = picture.html()
    plt.close(picture.figure)
    return shown


def _page(title: str, parts: Iterable[str]) -> str:
    return f"{HEAD}<title>{_text(title)}</title><style>{STYLE}</style></head><body>{''.join(parts)}</body></html>\n"


def _text(words: str) -> str:
    return html.escape(words.encode("utf-8", "replace").decode())


def _code(words: str) -> str:
    return re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(words))


def _plain(words: str) -> str:
    """For a picture: no dollar signs, which matplotlib reads as mathematics."""
    return words.replace("$", "S").encode("utf-8", "replace").decode()
