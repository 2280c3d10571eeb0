"""What reaches a student's process of each exercise: the probe, complete, and nothing to answer with."""

import ast
import types

import pytest

from checks.building.mutants import solved_names
from checks.course import Course, CourseError
from checks.grading.probes import SECRET, probe_source
from checks.judging import judge
from checks.probing import ask

from ..conftest import DEMO

COURSE = Course(DEMO.parent.parent.parent)
EXERCISES = [
    pytest.param(course, exercise, id=exercise.id)
    for course in (Course(DEMO), COURSE)
    for lesson in course.lessons()
    for exercise in course.exercises(lesson)
]


@pytest.mark.parametrize(("course", "exercise"), EXERCISES)
def test_the_cut_probe_asks_as_the_whole_exercise_does(course, exercise):
    module = types.ModuleType("probe")
    exec(probe_source(exercise), vars(module))
    cut = getattr(module, type(exercise).__name__)()
    names = solved_names(course, exercise)
    got = judge(exercise, lambda questions, number: ask(cut, names, questions, number), seed=77)
    assert (got.state, got.problem) == ("pass", "")
    for sentence, mistake in exercise.mistakes.items():
        if isinstance(mistake, str):  # the probe itself may be what names it
            wrong = dict(names)
            exec(mistake, wrong)
            got = judge(exercise, lambda questions, number, wrong=wrong: ask(cut, wrong, questions, number))
            assert got.problem == sentence


LAB = [pytest.param(course, one, id=one.id) for course in (COURSE,) for one in course.exercises("lab")]


@pytest.mark.parametrize(("course", "exercise"), EXERCISES + LAB)
def test_nothing_of_the_judge_crosses(course, exercise):
    kept = ast.parse(probe_source(exercise))
    own = next(node for node in kept.body if isinstance(node, ast.ClassDef))
    members = {member.name for member in own.body if isinstance(member, ast.FunctionDef)}
    members |= {
        one.id
        for member in own.body
        for one in ast.walk(member)
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
    }
    used = {one.attr for one in ast.walk(kept) if isinstance(one, ast.Attribute)}
    assert not (members | used) & SECRET
    assert "checks.exercises" not in ast.unparse(kept)


def test_a_probe_that_needs_the_answer_is_refused(tmp_path):
    (tmp_path / "checks" / "exercises").mkdir(parents=True)
    (tmp_path / "checks" / "exercises" / "lesson_97.py").write_text(
        "from checks.exercise import Exercise\n"
        "class Leaks(Exercise):\n"
        "    id, title, asks_for = '97.1', 'Leaks', ('f',)\n"
        "    def probe(self, student, questions):\n"
        "        return self.helper(questions)\n"
        "    def helper(self, questions):\n"
        "        return self.expected(questions)\n"
        "    def expected(self, questions):\n"
        "        return 1\n"
    )
    (exercise,) = Course(tmp_path).exercises("97")
    with pytest.raises(CourseError, match=r"The probe of Leaks uses its own expected\(\)"):
        probe_source(exercise)


def test_a_probe_that_needs_another_lesson_is_refused(tmp_path):
    (tmp_path / "checks" / "exercises").mkdir(parents=True)
    (tmp_path / "checks" / "exercises" / "lesson_96.py").write_text(
        "from checks.exercise import Exercise\n"
        "from checks.exercises.lesson_02 import merged\n"
        "class Needs(Exercise):\n"
        "    id, title, asks_for = '96.1', 'Needs', ('f',)\n"
        "    def probe(self, student, questions):\n"
        "        return merged([], (1, 2), 3)\n"
    )
    (exercise,) = Course(tmp_path).exercises("96")
    with pytest.raises(CourseError, match=r"uses merged of checks\.exercises\.lesson_02"):
        probe_source(exercise)
