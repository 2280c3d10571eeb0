"""What a student types, and what strict mode and nbgrader make of it."""

import io
import json
import re

import pytest

import checks
from checks.__main__ import main
from checks.course import Course
from checks.ledger import progress_file


def spoil(kernel):
    kernel.run("def causal_weights(q, k):\n    return (q @ k.mT).softmax(-1)")


def test_a_report_says_what_passed(kernel):
    report = kernel.run('check("98.1")')
    assert report.passed
    assert (report.points, report.possible) == (3, 3)
    assert report.require() is report
    assert repr(report) == "[PASS] 98.1 Causal weights: 3 of 3 points"


def test_a_report_names_the_mistake_and_what_to_do(kernel):
    spoil(kernel)
    report = kernel.run('check("98.1")')
    lines = repr(report).splitlines()
    assert lines[0] == "[FAIL] 98.1 Causal weights: 0 of 3 points"
    assert lines[1].strip().startswith("Right shape, wrong numbers")
    assert [line.split(":")[0].strip() for line in lines[2:]] == ["expected", "got", "next"]
    with pytest.raises(AssertionError, match=r"^98\.1 Causal weights: Right shape") as caught:
        report.require()
    assert "\n" not in str(caught.value)


def test_a_report_names_the_earlier_exercise_that_is_to_blame(kernel):
    kernel.run("def helper(ids):\n    return {str(causal_weights): ids}\n")
    kernel.run("class Counter:\n    def count(self, ids):\n        return [helper(one) for one in ids]\n")
    kernel.run("def count_pairs(ids):\n    return dict(Counter().count([ids])[0])")
    assert "begin there" not in repr(kernel.run('check("98.2")')), (
        "causal_weights was right, or never checked"
    )
    spoil(kernel)
    kernel.run('check("98.1")')
    fix = kernel.run('check("98.2")').outcomes[0].fix
    assert fix.startswith(
        "It uses `causal_weights`, and 98.1 failed its last check: begin there. Change your"
    )
    kernel.run('reference("98.1")')
    assert "begin there" not in repr(kernel.run('check("98.2")')), "what it uses is ours by now"
    spoil(kernel)
    kernel.run('check("98.1")')
    assert "begin there" in repr(kernel.run('check("98.2")'))
    kernel.run("def count_pairs(ids):\n    return {}\n    ids.causal_weights()")
    assert "begin there" not in repr(kernel.run('check("98.2")')), "it no longer calls it"


def test_no_object_stands_in_the_way_of_that_sentence(kernel):
    spoil(kernel)
    kernel.run('check("98.1")')
    kernel.run("class Odd:\n    __slots__ = ()\n    @property\n    def __class__(self): raise RuntimeError\n")
    kernel.run(
        "import functools, textwrap\nodd, dedent, merge = Odd(), textwrap.dedent, functools.partial(print)"
    )
    kernel.run("def count_pairs(ids):\n    return {odd: (dedent, merge, Odd, kernel)}")
    assert "begin there" not in repr(kernel.run('check("98.2")'))
    kernel.run(
        "class Box:\n    @staticmethod\n    def a(): return causal_weights\n    @property\n    def b(self): pass"
    )
    kernel.run("def count_pairs(ids):\n    return {1: Box}")
    assert "begin there" in repr(kernel.run('check("98.2")'))


def test_the_table_is_for_everyone(kernel):
    spoil(kernel)
    page = kernel.run('check("98")')._repr_html_()
    assert page.count("<caption") == 1
    assert "1 of 2 passed, 2 of 5 points" in page
    assert {"✗ FAIL", "✓ PASS"} <= set(re.findall(r"<td[^>]*>([^<]*)</td>", page)), (
        "a word beside each symbol"
    )
    assert page.count('scope="col"') == 6
    assert page.count('scope="row"') == 2
    for word in ("Likely mistake", "Expected", "Got", "What to do next"):
        assert word in page


def test_the_table_escapes_what_the_student_wrote(kernel):
    kernel.run("def causal_weights(q, k):\n    raise ValueError('<script>alert(1)</script>')")
    page = kernel.run('check("98.1")')._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("wanted", ["98.7", "2.3", "", "nothing", "97", "../98", 98.1])
def test_an_unknown_id_is_a_sentence(kernel, wanted):
    report = kernel.run(f"check({wanted!r})")
    if wanted == 98.1:  # a forgotten quotation mark is no reason to refuse
        assert report.passed
        return
    assert not report.passed
    assert "There is no exercise" in repr(report)


def test_strict_mode_raises_one_sentence(kernel, monkeypatch):
    monkeypatch.setenv("SLM_CHECKS", "strict")
    assert kernel.run('check("98.1")').passed
    kernel.run("def causal_weights(q, k):\n    raise NotImplementedError('Exercise 98.1 is not done yet: x')")
    with pytest.raises(AssertionError, match=r"^98\.1 Causal weights: Not done yet\.$"):
        kernel.run('check("98.1")')
    with pytest.raises(AssertionError, match="no exercise"):
        kernel.run('check("99.9")')


def test_nbgrader_gets_a_float_of_points(kernel, monkeypatch, capfd):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    for code, points in (("", 5.0), ("del count_pairs", 3.0)):
        kernel.run(code or "pass")
        earned = kernel.run('check("98")')
        assert (type(earned), earned) == (float, points)
    spoil(kernel)
    assert kernel.run('check("98.1")') == 0.0
    assert not progress_file().exists()
    assert capfd.readouterr() == ("", "")


def test_a_mistake_of_ours_is_called_ours(kernel, monkeypatch, demo):
    exercise = demo.exercises("98")[0]
    monkeypatch.setattr(type(exercise), "expected", lambda *arguments: 1 / 0)
    report = kernel.run('check("98.1")')
    assert not report.passed
    assert "This is our mistake, not yours." in repr(report)


def test_hints_come_one_by_one(kernel):
    first, second, third, again = (repr(kernel.run('hint("98.1")')) for _ in range(4))
    assert first.startswith("Hint 1 of 3: Three steps")
    assert second.startswith("Hint 2 of 3")
    assert third.startswith("Hint 3 of 3")
    assert 'reference("98.1")' in third
    assert again == third
    assert repr(kernel.run('hint("98.2")')).startswith("Hint 1 of 2")
    assert "no exercise" in repr(kernel.run('hint("98.9")'))
    assert "whole lesson" in repr(kernel.run('hint("98")'))


def test_a_loan_passes_but_earns_nothing_until_it_is_replaced(kernel):
    spoil(kernel)
    loan = kernel.run('reference("98.1")')
    assert "masked_fill" in repr(loan)
    assert "SOLUTION" not in repr(loan)
    assert "<pre><code>def causal_weights" in loan._repr_html_()
    report = kernel.run('check("98.1")')
    assert report.passed
    assert report.points == 0
    assert "lent, not earned" in repr(report)
    kernel.run("lent = causal_weights\ndef causal_weights(q, k):\n    return lent(q, k)")
    assert kernel.run('check("98.1")').points == 3


def test_a_loan_needs_the_cells_above_and_the_solutions(kernel, monkeypatch, tmp_path):
    kernel.run("del torch")
    assert "needs torch, which this kernel does not have yet" in repr(kernel.run('reference("98.1")'))
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "exercises").symlink_to(Course.here().root / "checks" / "exercises")
    monkeypatch.setenv("SLM_COURSE", str(tmp_path))
    assert "comes without the solution of 98.1" in repr(kernel.run('reference("98.1")'))


def test_progress_follows_the_student(kernel):
    assert "2 open" in repr(kernel.run("progress()"))
    spoil(kernel)
    kernel.run('check("98.1")')
    kernel.run('reference("98.2")')
    chart = kernel.run("progress()")
    assert "1 lent, 1 tried (0 of 5 points)" in repr(chart)
    assert repr(chart).endswith("Next: exercise 98.1.")
    page = chart._repr_html_()
    assert "<caption" in page
    assert "98.1&nbsp;✗&nbsp;tried</span>" in page
    assert "98.2&nbsp;↺&nbsp;lent</span>" in page


def test_progress_is_kept_over_kernels_but_not_by_builds(kernel, monkeypatch):
    kernel.run('check("98.1")')
    entry = json.loads(progress_file().read_text())["98.1"]
    assert (entry["state"], entry["points"], entry["attempts"]) == ("earned", 3, 1)
    del kernel.names["_slm_checks"]
    assert "1 earned, 1 open (3 of 5 points)" in repr(kernel.run("progress()"))
    del kernel.names["_slm_checks"]
    monkeypatch.setenv("SLM_CHECKS", "strict")
    assert "2 open" in repr(kernel.run("progress()"))
    kernel.run('check("98.2")')
    assert "98.2" not in json.loads(progress_file().read_text())


def test_a_disk_that_refuses_is_a_note(kernel, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SLM_HOME", str(tmp_path / "file"))
    report = kernel.run('check("98.1")')
    assert report.passed
    assert "progress could not be saved" in repr(report)


def test_the_package_offers_what_the_course_promises():
    for name in checks.__all__:
        assert callable(getattr(checks, name))
        assert getattr(checks, name).__doc__


@pytest.mark.parametrize("words", [["progress"], ["grade", "submissions"]])
def test_ctrl_c_is_a_word_at_any_moment(monkeypatch, capsys, words):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("checks.__main__.Ledger", interrupt)
    monkeypatch.setattr("checks.grading.batch.find", interrupt)
    assert main(words) == 130
    assert capsys.readouterr().err == "Stopped.\n"


def test_the_graders_help_says_what_holds_without_options(capsys):
    with pytest.raises(SystemExit):
        main(["grade", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    for default in ("default: 120", "default: 600", "default: 4096", "default: 1024"):
        assert default in said


def test_a_lesson_without_exercises_is_not_proved(capsys):
    assert main(["prove", "99"]) == 2
    assert "Lesson 99 has no exercises. The lessons are 00, " in capsys.readouterr().err


def test_a_course_that_is_not_there_is_a_sentence(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("SLM_COURSE", str(tmp_path / "nowhere"))
    assert main(["progress"]) == 2
    assert "nowhere, which is no folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"), [(OSError(28, "No space left on device"), 2), (BrokenPipeError(), 1)]
)
def test_a_refusing_system_is_no_traceback(monkeypatch, capsys, error, code):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr("checks.__main__.Ledger", refuse)
    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert main(["progress"]) == code


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--canvas-assignment", "06=4711"], "--canvas-assignment needs --canvas"),
        (["--canvas", "--canvas-assignment", "99=4711"], "names lesson 99, which is not there"),
        (["--out", "{folder}"], "cannot lie among the submissions"),
    ],
)
def test_what_a_grader_cannot_want_is_refused(capsys, tmp_path, words, told):
    assert main(["grade", str(tmp_path), *(word.format(folder=tmp_path) for word in words)]) == 2
    assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_files_that_cannot_be_read_are_said_at_the_end(capsys, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ada_02.ipynb").write_text("no notebook")
    assert main(["grade", str(tmp_path / "in")]) == 0
    assert "1 files could not be read: their cells are empty, not 0" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["06", "x=1", "06=", "=4711"])
def test_an_assignment_of_canvas_is_two_numbers(capsys, text):
    with pytest.raises(SystemExit):
        main(["grade", "x", "--canvas-assignment", text])
    assert "06=4711" in capsys.readouterr().err
