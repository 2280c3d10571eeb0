"""Every exercise of the course is proved, every lesson is as its source says and can be done by a student.

The demonstration runs through the same tests as the real lessons, so that none of them is idle.
"""

import dataclasses
import inspect

import nbformat
import pytest

from checks.building.build import Lesson, drift
from checks.building.hygiene import untidy
from checks.building.mutants import weaknesses
from checks.building.rehearse import Rehearsal, rehearse
from checks.chart import Chart
from checks.course import LESSONS, PARTS, Course
from checks.exercise import Exercise

from .conftest import DEMO

HERE = Course(DEMO.parent.parent.parent)
EXERCISES = [
    pytest.param(course, exercise, id=exercise.id)
    for course in (Course(DEMO), HERE)
    for lesson in course.lessons()
    for exercise in course.exercises(lesson)
]


@pytest.mark.parametrize(("course", "exercise"), EXERCISES)
def test_an_exercise_is_proved(course, exercise):
    assert weaknesses(course, exercise) == []


@pytest.mark.parametrize("number", HERE.lessons())
def test_a_lesson_is_as_its_source_says(number):
    assert drift(HERE, number) == []
    lesson = Lesson.read(HERE, number)
    assert untidy(nbformat.read(lesson.solution_path, as_version=4), executed=True) == []
    student = nbformat.read(lesson.student_path, as_version=4)
    assert untidy(student, executed=False) == []
    points = sum(cell.metadata.get("nbgrader", {}).get("points", 0) for cell in student.cells)
    assert points == sum(exercise.points for exercise in lesson.graded())
    assert number in LESSONS


@pytest.mark.parametrize("number", HERE.lessons()[::-1])  # the long ones first
def test_a_student_can_do_a_lesson(number):
    walk_through(Lesson.read(HERE, number))


def test_a_student_can_do_the_demonstration(built):
    walk_through(Lesson.read(built, "98"))


def walk_through(lesson):
    """Untouched: TO DO everywhere, then the first use of a stub stops. Borrowing everything: to the end."""
    notebook = nbformat.read(lesson.student_path, as_version=4)
    untouched = rehearse(notebook, lesson.course)
    if lesson.exercises:
        assert untouched.faults_of_untouched() == []
    borrowed = rehearse(notebook, lesson.course, borrow=True)
    assert borrowed.errors == {}
    assert all(text.startswith("[PASS]") and "lent" in text for text in borrowed.checks.values()), (
        borrowed.checks
    )


def test_a_rehearsal_tells_what_is_wrong():
    stub = "NotImplementedError: Exercise 98.1 is not done yet: x"
    todo = {"check-98-1": "[TO DO] x"}
    assert Rehearsal(todo, {"a": stub, "b": "NameError: x"}).faults_of_untouched() == []
    assert "not [TO DO]" in Rehearsal({"check-98-1": "[PASS] x"}, {"a": stub}).faults_of_untouched()[0]
    assert "no cell" in Rehearsal(todo, {}).faults_of_untouched()[0]
    assert "NameError" in Rehearsal(todo, {"a": "NameError: x", "b": stub}).faults_of_untouched()[0]


def weaker(exercise, **changes):
    """The demonstration's exercise with something broken in it."""
    return type("Weaker", (type(exercise),), changes)()


BROKEN = {
    "our own solution does not pass": {"expected": lambda self, questions, **switches: {}},
    "it broke with ZeroDivisionError": {"expected": lambda self, questions, **switches: 1 / 0},
    "defines another": {"asks_for": ("another",)},
    "the untouched stub gives 'pass'": {
        "probe": lambda self, student, questions: {},
        "judge": lambda *_: None,
    },
    "is reported as 'pass'": {"judge": lambda *_: None},
    "the mistake 'Yes.' is reported as 'You count nothing.'": {
        "mistakes": {"You count nothing.": dict(once=True), "Yes.": dict(once=True)}
    },
    "names 1 mistakes": {"mistakes": {"You leave out the last pair.": dict(drop_last=True)}},
    "a count_pairs that returns None gives 'pass'": {
        "probe": lambda self, student, questions: (
            student.count_pairs(questions["ids"]) or self.expected(questions)
        )
    },
    "a count_pairs that changes its input gives 'pass'": {"may_change_inputs": None},
    "needs a title": {"hints": ()},
    "a word of Student's own": {"asks_for": ("array",)},
    "differs from run to run": {
        "judge": lambda self, questions, answer, times=[]: times.append(1) or f"Wrong {len(times)}."
    },
}


@pytest.mark.parametrize("words", BROKEN)
def test_a_weak_exercise_is_seen_through(words, demo):
    exercise = demo.exercises("98")[1]
    changes = BROKEN[words]
    if "may_change_inputs" in changes:
        # An exercise that hands its function a copy never sees the change.
        def probe(self, student, questions):
            function = student.get("count_pairs")
            return student.value(function(list(questions["ids"])), dict)

        changes = {"probe": probe}
    found = weaknesses(demo, weaker(exercise, **changes))
    assert any(words in sentence for sentence in found), found


def test_the_map_skips_lessons_that_are_not_there(demo):
    assert [row.lesson for row in Chart.draw(demo, {}).rows] == ["98"]
    assert list(LESSONS) == [f"{number:02d}" for number in range(len(LESSONS))]
    assert set(PARTS) <= set(LESSONS)


def test_every_part_stands_over_its_lessons():
    page = Chart.draw(Course.here(), {})._repr_html_()
    headings = [(page.index(f">{part}<"), page.index(f">{lesson} ")) for lesson, part in PARTS.items()]
    assert sum(headings, ()) == tuple(sorted(sum(headings, ())))


def test_what_an_author_writes_is_documented():
    """A field or method of Exercise without a word of explanation cannot be used by someone new."""
    for name, member in vars(Exercise).items():
        if inspect.isfunction(member) and not name.startswith("_"):
            assert member.__doc__, name
    assert dataclasses.is_dataclass(Rehearsal)
