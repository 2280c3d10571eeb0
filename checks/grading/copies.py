"""What two students have in common: code, whole files, models. Flags for a human, each naming the others."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from checks.grading.grades import Flag
from checks.grading.rows import Row


def with_copies(rows: list[Row]) -> list[Row]:
    """Flags for code, and whole files, that two students have in common."""
    owners: dict[tuple[str, str], list[str]] = defaultdict(list)
    files: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if not row.grades.points:
            continue
        earned = {outcome.id for outcome in row.grades.outcomes if outcome.earned}
        for exercise, fingerprint in row.grades.answers.items():
            if exercise in earned:
                owners[exercise, fingerprint].append(row.submission.student)
        files[row.digest].append(row.submission.student)
    found = []
    for row in rows:
        flags = list(row.grades.flags)
        ours = {flag.exercise for flag in flags}
        earned = {outcome.id for outcome in row.grades.outcomes if outcome.earned}
        others = sorted(set(files[row.digest]) - {row.submission.student}) if row.grades.points else []
        if others:
            flags.append(
                Flag("all", f"The whole file is the same as that of {_names(others)}.", row.submission.file)
            )
        else:
            for exercise, fingerprint in row.grades.answers.items():
                same = sorted(set(owners.get((exercise, fingerprint), ())) - {row.submission.student})
                if same and exercise in earned - ours:
                    flags.append(
                        Flag(
                            exercise,
                            f"The code is the same as that of {_names(same)}, but for names and layout.",
                        )
                    )
        found.append(replace(row, grades=replace(row.grades, flags=tuple(flags))))
    return _with_same_models(found)


def _with_same_models(rows: list[Row]) -> list[Row]:
    """Flags for models that two students have in common. Equal recipes on equal machines give equal models, too."""
    sketched = [row for row in rows if row.grades.sketch]
    found = []
    for row in rows:
        others = sorted(
            {
                other.submission.student
                for other in sketched
                if row.grades.sketch
                and other.submission.student != row.submission.student
                and _same_sketch(row.grades.sketch, other.grades.sketch)
            }
        )
        if others:
            sentence = f"The handed-in model is that of {_names(others)}, or nearly."
            why = "The same seed, data and number of steps give it on the same kind of machine; compare their losses."
            row = replace(
                row, grades=replace(row.grades, flags=(*row.grades.flags, Flag("lab.2", sentence, why)))
            )
        found.append(row)
    return found


def _same_sketch(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether nearly all of two models' picked weights are equal to a hundredth of their spread."""
    if len(one) != len(other):
        return False
    near = 0.01 * (sum(weight**2 for weight in one) / len(one)) ** 0.5
    return sum(abs(a - b) <= near for a, b in zip(one, other, strict=True)) >= 0.95 * len(one)


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
