"""Whatever a student does, the check answers with a sentence that helps, and with nothing else."""

import signal
import sys
import threading
import time
import warnings

import numpy as np
import pytest

from checks.exercise import Exercise, Reply
from checks.judging import judge
from checks.limits import Tail, TimeUp, time_limit
from checks.probing import ask
from checks.student import Student, Trouble, told

WRONG = {
    "returns None": (
        "def causal_weights(q, k):\n    q @ k.mT",
        "`causal_weights` returned None instead of a tensor.",
        "return",
    ),
    "prints": (
        "def causal_weights(q, k):\n    print(q @ k.mT)",
        "`causal_weights` printed its answer and returned None.",
        "instead of `print(...)`",
    ),
    "a list": (
        "def causal_weights(q, k):\n    return (q @ k.mT).tolist()",
        "`causal_weights` gave a list where a tensor is asked for.",
        "torch.tensor(...)",
    ),
    "changes its input": (
        "def causal_weights(queries, keys):\n    queries /= 2\n    return queries @ keys.mT",
        "`causal_weights` changes its input `queries`",
        ".clone()",
    ),
    "raises": (
        "def causal_weights(q, k):\n    scores = q @ k\n    return scores",
        "in line 2 of your cell",
        "shapes",
    ),
    "raises deeper": (
        "def helper(q):\n    return {}['scale']\ndef causal_weights(q, k):\n    return helper(q)",
        "Your code raised KeyError: 'scale', in line 2 of your cell.",
        "",
    ),
    "misspells a name": (
        "def soft_max(x):\n    return x\ndef causal_weights(q, k):\n    return sof_max(q @ k.mT)",
        "name 'sof_max' is not defined",
        "there is `soft_max`",
    ),
    "misses an import": (
        "def causal_weights(q, k):\n    return functional_things.softmax(q)",
        "name 'functional_things' is not defined",
        "run all cells above",
    ),
    "takes one argument": (
        "def causal_weights(q):\n    return q",
        "takes 1 positional argument but 2 were given",
        "signature",
    ),
    "exits": ("def causal_weights(q, k):\n    exit()", "SystemExit", "exit()"),
    "recurs": (
        "def causal_weights(q, k):\n    return causal_weights(q, k)",
        "RecursionError",
        "which case stops it",
    ),
    "is overwritten": (
        "causal_weights = 3",
        "`causal_weights` is a whole number (int), not a function",
        "same name",
    ),
    "is a tensor subclass": (
        "class Sly(torch.Tensor):\n    def __eq__(self, other):\n        return True\n"
        "def causal_weights(q, k):\n    return torch.zeros(2, 2).as_subclass(Sly)",
        "gave a Sly where a tensor is asked for",
        "",
    ),
    "is complex": (
        "def causal_weights(q, k):\n    return (q @ k.mT).to(torch.complex64)",
        "a tensor of numbers",
        "complex64",
    ),
    "has another shape": (
        "def causal_weights(q, k):\n    return (q @ k.mT)[0]",
        "Wrong shape: expected (",
        'hint("98.1")',
    ),
}


RAISES = {
    "a place past the end": ("ids[len(ids)]", "what is the last i for which i + 1 exists"),
    "a place past an axis": ("torch.zeros(3)[5]", "the places 0 to n - 1"),
    "a list as a key": ("{[1, 2]: 1}", "use a tuple"),
    "a set as a key": ("{{1, 2}: 1}", "use a frozenset"),
    "half a character": ("b'\\xe9'.decode('utf-8')", "join before you decode"),
    "a character the codec lacks": ("'\u043f'.encode('cp1252')", "try and except UnicodeError"),
    "a key that is not there": ("{}[1]", ".get(key, 0)"),
    "half a size, to view": ("torch.zeros(4).view(4 / 2, 2)", "use // instead of /"),
    "half a size, to reshape": ("torch.zeros(4).reshape((4 / 2, 2))", "use // instead of /"),
    "half a size, to range": ("range(4 / 2)", "use // instead of /"),
    "half a place": ("ids[4 / 2]", "use // instead of /"),
    "shapes that do not fit": ("torch.zeros(2, 3) @ torch.zeros(2, 3)", "the shapes on the way"),
    "torch's own arguments": ("torch.zeros(2).softmax()", "help(...) that of any other"),
    "something else": ("1 / 0", "print what you have on the way"),
}


@pytest.mark.parametrize("case", RAISES)
def test_an_exception_gets_advice_of_its_own(kernel, case):
    code, fix = RAISES[case]
    kernel.run(f"def count_pairs(ids):\n    return {code}")
    (outcome,) = kernel.run('check("98.2")').outcomes
    assert outcome.state == "fail"
    assert fix in outcome.fix
    assert "The call: `count_pairs([" in outcome.problem


def test_a_wrong_answer_without_a_name_is_shown_with_its_call(kernel, demo):
    kernel.run("def count_pairs(ids):\n    return {(1, 2): 77}")
    (outcome,) = kernel.run('check("98.2")').outcomes
    assert "The call: `count_pairs([" in outcome.problem
    exercise = demo.exercises("98")[1]
    hidden = judge(exercise, lambda questions, number: Reply("answered", {(1, 2): 77}))
    assert hidden.problem + " The call" in outcome.problem, "a grader gets no calls, and so shows none"
    assert "count_pairs(" not in hidden.problem
    kernel.run("def count_pairs(ids):\n    return dict.fromkeys(zip(ids, ids[1:]), 1)")
    (outcome,) = kernel.run('check("98.2")').outcomes
    assert outcome.problem == "You count each pair only once, however often it occurs."


class Doubled(Exercise):
    """Calls `double` twice, and asks which call went wrong."""

    id, title, asks_for, rounds = "98.8", "Doubled", ("double",), 1

    def probe(self, student, questions):
        return [student.number(student.double(number, times=2)) for number in (1.5, 2.5)]

    def expected(self, questions):
        return [3.0, 5.0]


def test_of_several_calls_the_one_that_went_wrong_is_shown():
    names = {}
    exec("def double(x, times):\n    return 3.0", names)
    found = judge(Doubled(), lambda questions, number: ask(Doubled(), names, questions))
    assert found.problem == "Wrong number. The call: `double(2.5, times=2)`."
    assert (found.expected, found.got) == ("5", "3")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (([1, (2,), ()], {3, 20}, set()), "f([1, (2,), ()], {3, 20}, set())"),
        (({"a": 0.5}, None, b"x"), "f({'a': 0.5}, None, b'x')"),
        (([0.123456789] * 20,), ""),
        ((object(),), ""),
        ((), ""),
        (([[[[[1]]]]],), ""),
        ((10**100,), ""),
        ((type("Sly", (dict,), {})(),), ""),
    ],
)
def test_only_a_short_call_of_plain_values_is_shown(arguments, text):
    assert told("f", arguments, {}) == text


def test_a_small_tensor_of_whole_numbers_is_shown():
    import torch

    assert told("f", (torch.tensor([[0, 2]]),), {"n": 3}) == "f(torch.tensor([[0, 2]]), n=3)"
    assert told("f", (torch.zeros(2),), {}) == ""
    assert told("f", (torch.zeros(10**6, dtype=torch.long),), {}) == ""


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_version_gets_its_sentence(kernel, capfd, case):
    code, problem, fix = WRONG[case]
    kernel.run(code)
    report = kernel.run('check("98.1")')
    (outcome,) = report.outcomes
    assert (outcome.state, outcome.earned) == ("fail", 0)
    assert problem in outcome.problem
    assert fix in outcome.fix
    assert "Traceback" not in repr(report)
    assert "checks/" not in repr(report) + report._repr_html_()
    assert repr(kernel.run('check("98.1")')) == repr(report), "the text must be the same at every run"
    assert capfd.readouterr() == ("", "")


def test_a_value_of_another_type_is_named(kernel):
    kernel.run("def count_pairs(ids):\n    return zip(ids, ids[1:])")
    (outcome,) = kernel.run('check("98.2")').outcomes
    assert outcome.problem == "`count_pairs` gave a zip where a dict is asked for."
    kernel.run("class Counts(dict):\n    pass\ndef count_pairs(ids):\n    return Counts()")
    (outcome,) = kernel.run('check("98.2")').outcomes
    assert outcome.problem == "`count_pairs` gave a Counts where a dict is asked for."


@pytest.mark.parametrize("name", ["Counter", "defaultdict", "OrderedDict"])
def test_a_dict_of_the_standard_library_is_a_dict(kernel, name):
    start = "int" if name == "defaultdict" else ""
    kernel.run(
        f"from collections import {name}\ndef count_pairs(ids):\n    counts = {name}({start})\n"
        "    for pair in zip(ids, ids[1:]):\n        counts[pair] = counts.get(pair, 0) + 1\n    return counts"
    )
    assert kernel.run('check("98.2")').passed
    kernel.run(
        f"class Sly({name}):\n    def __eq__(self, other):\n        return True\n    __hash__ = object.__hash__\n"
        "    def items(self):\n        return [((1, 2), 1)]\ndef count_pairs(ids):\n    return Sly()"
    )
    (outcome,) = kernel.run('check("98.2")').outcomes
    assert outcome.problem == "`count_pairs` gave a Sly where a dict is asked for."


def test_what_plain_data_may_hide_is_refused(kernel):
    kernel.run(
        "class Sly(int):\n    def __eq__(self, other):\n        return True\n    __hash__ = int.__hash__\n"
        "def count_pairs(ids):\n    return {(1, 2): Sly(3)}"
    )
    (outcome,) = kernel.run('check("98.2")').outcomes
    assert outcome.state == "fail"
    assert "a Sly, which is not plain data" in outcome.problem


def test_a_stub_is_to_do_and_so_is_whoever_calls_it(kernel):
    kernel.run(
        "def count_pairs(ids):\n    raise NotImplementedError('Exercise 98.1 is not done yet: more words')"
    )
    (outcome,) = kernel.run('check("98.2")').outcomes
    assert outcome.state == "to do"
    assert "uses exercise 98.1" in outcome.problem
    assert 'reference("98.1")' in outcome.fix
    kernel.run("def count_pairs(ids):\n    raise NotImplementedError()")
    assert kernel.run('check("98.2")').outcomes[0].state == "to do", "nbgrader's own stub"
    kernel.run("def count_pairs(ids):\n    raise NotImplementedError('some other day')")
    (outcome,) = kernel.run('check("98.2")').outcomes
    assert outcome.state == "fail"


def test_a_fresh_kernel_says_which_cell_to_run(kernel):
    kernel.run("del causal_weights")
    (outcome,) = kernel.run('check("98.1")').outcomes
    assert outcome.state == "to do"
    assert "There is no `causal_weights`" in outcome.problem
    assert "exercise 98.1" in outcome.fix
    kernel.run("causal_wieghts = 1")
    (outcome,) = kernel.run('check("98.1")').outcomes
    assert outcome.state == "fail"
    assert "there is `causal_wieghts`" in outcome.problem


def test_a_missing_helper_is_traced_to_its_exercise(kernel):
    kernel.run("del causal_weights\ndef count_pairs(ids):\n    return causal_weights(ids)")
    (outcome,) = kernel.run('check("98.2")').outcomes
    assert "name 'causal_weights' is not defined" in outcome.problem
    assert "Run the cell of exercise 98.1 first" in outcome.fix


def test_a_tensor_inside_a_list_gets_a_way_out(kernel):
    kernel.run("def count_pairs(ids):\n    return {pair: torch.tensor(1) for pair in zip(ids, ids[1:])}")
    (outcome,) = kernel.run('check("98.2")').outcomes
    assert outcome.problem == "The answer holds a Tensor, which is not plain data."
    assert ".item()" in outcome.fix


class Slow(Exercise):
    """Calls `slow()` and wants 1."""

    id, title, asks_for, seconds, rounds = "98.9", "Slow", ("slow",), 0.2, 1

    def probe(self, student, questions):
        return student.value(student.slow(), int)


class Patient(Slow):
    """The same, with time enough on any machine."""

    seconds = 20


LOOPS = {
    "a bare loop": "def slow():\n    while True:\n        pass",
    "a loop that catches everything": (
        "def slow():\n    while True:\n        try:\n            1 / 0\n        except Exception:\n            pass"
    ),
    "a loop that prints": "def slow():\n    while True:\n        print('x' * 1000)",
    "an exception in a loop's cleanup": (
        "def slow():\n    while True:\n        try:\n            while True:\n                pass\n"
        "        finally:\n            len('x')"
    ),
    "a loop in a destructor, where an exception is lost": (
        "class Endless:\n    def __del__(self):\n        while True:\n            pass\n"
        "def slow():\n    Endless()\n    while True:\n        pass"
    ),
}


@pytest.mark.parametrize("thread", [False, True])
@pytest.mark.parametrize("case", LOOPS)
def test_an_endless_loop_ends(case, thread, capfd):
    names, replies = {}, []
    exec(LOOPS[case], names)

    def go():
        replies.append(ask(Slow(), names, {}))

    began = time.monotonic()
    if thread:
        worker = threading.Thread(target=go, daemon=True)
        worker.start()
        worker.join(timeout=20)
    else:
        go()
    assert "did not finish within 0.2 seconds" in replies[0].problem
    assert time.monotonic() - began < 10
    assert capfd.readouterr() == ("", "")


def test_a_limit_leaves_an_outer_alarm_as_it_was():
    """pytest-timeout, and the grader, set alarms of their own."""
    rung = []

    def outer(number, frame):
        rung.append(number)

    before = signal.signal(signal.SIGALRM, outer)
    old = signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        names = {}
        exec(LOOPS["a bare loop"], names)
        with pytest.raises(TimeUp), time_limit(0.05):
            names["slow"]()
        deadline = time.monotonic() + 5
        while not rung and time.monotonic() < deadline:
            pass
        assert rung
    finally:
        signal.setitimer(signal.ITIMER_REAL, *old)
        signal.signal(signal.SIGALRM, before)


def test_what_else_is_lost_within_a_limit_is_told(monkeypatch):
    told = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    hook = sys.unraisablehook
    with time_limit(5):
        exec("class Broken:\n    def __del__(self):\n        1 / 0\nBroken()", {})
    assert [lost.exc_type for lost in told] == [ZeroDivisionError]
    assert sys.unraisablehook is hook


def test_code_that_is_quick_is_never_interrupted_later():
    for _ in range(200):
        with time_limit(0.5):
            pass
    end = time.monotonic() + 0.6
    while time.monotonic() < end:
        pass


def test_the_students_ctrl_c_goes_through():
    names = {}
    exec("def slow():\n    raise KeyboardInterrupt", names)
    with pytest.raises(KeyboardInterrupt):
        ask(Slow(), names, {})


def test_warnings_and_prints_stay_inside(capfd):
    names = {}
    exec(
        "import sys, warnings\ndef slow():\n    warnings.warn('careful')\n    print('a')\n"
        "    print('b', file=sys.stderr)\n    return 1",
        names,
    )
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert ask(Patient(), names, {}).answer == 1
    assert not seen
    assert capfd.readouterr() == ("", "")


def test_a_check_changes_no_later_random_number(kernel):
    kernel.run("import random, numpy\ntorch.manual_seed(3); random.seed(3); numpy.random.seed(3)")
    kernel.run("before = torch.rand(1).item(), random.random(), numpy.random.rand()")
    kernel.run("torch.manual_seed(3); random.seed(3); numpy.random.seed(3)")
    kernel.run('check("98.1")')
    kernel.run("after = torch.rand(1).item(), random.random(), numpy.random.rand()")
    assert kernel.names["before"] == kernel.names["after"]


@pytest.fixture
def student():
    return Student({}, Slow(), Tail())


def test_where_numpy_is_asked_for_nobody_is_sent_to_torch(student):
    with pytest.raises(Trouble, match="numpy array") as trouble:
        student.array([1, 2], numpy=True)
    assert "np.array" in str(trouble.value.fix)
    with pytest.raises(Trouble, match="a tensor"):
        student.array([1, 2])


def test_results_come_out_as_plain_arrays(student):
    import torch

    got = student.array(torch.nn.Parameter(torch.ones(2, dtype=torch.bfloat16)))
    assert (got.dtype, got.tolist()) == (np.float64, [1.0, 1.0])
    assert student.array(torch.tensor([1, 2], dtype=torch.uint8)).dtype == np.int64
    source = np.ones(2)
    copied = student.array(source, numpy=True)
    source[0] = 5
    assert copied.tolist() == [1, 1]
    with pytest.raises(Trouble, match="gave a numpy array where a tensor is asked for"):
        student.array(source)  # the lesson's next cell hands it to torch
    with pytest.raises(Trouble, match="returned all that topk gives: values and indices") as caught:
        student.array(torch.ones(3).topk(2))
    assert ".indices" in caught.value.fix


def test_a_loss_is_a_tensor_that_can_be_differentiated(student):
    import torch

    learns = student.tensor(np.ones(3), learns=True)
    assert student.scalar(learns.sum()) == 3.0
    for value in (3.0, 3, np.float64(3), learns.sum().item()):
        with pytest.raises(Trouble, match=r"leave out \.item\(\)"):
            student.scalar(value)
    for value in (torch.tensor(3.0), learns.detach().sum()):
        with pytest.raises(Trouble, match="cannot be differentiated"):
            student.scalar(value)
    with pytest.raises(Trouble, match=r"where a tensor of one number is asked for"):
        student.scalar(learns[:1])
    with pytest.raises(Trouble, match="gave a numpy array where a tensor"):
        student.scalar(np.ones(1))


@pytest.mark.parametrize(
    ("method", "value", "words"),
    [
        ("number", "3", "gave a string where a number"),
        ("number", [3], "gave a list"),
        ("number", np.ones(3), "shape (3,)"),
        ("number", True, "gave a bool"),
        ("integer", 3.0, "//"),
        ("text", b"x", "gave a bytes"),
    ],
)
def test_scalars_of_another_kind_are_refused(student, method, value, words):
    with pytest.raises(Trouble) as caught:
        getattr(student, method)(value)
    assert words in f"{caught.value.problem} {caught.value.fix}"


def test_scalars_come_from_tensors_too(student):
    import torch

    assert student.number(torch.tensor([2.5])) == 2.5
    assert student.number(np.float32(2.5)) == 2.5
    assert student.integer(np.int64(7)) == 7
    assert student.value([1, (2, "x")], list) == [1, (2, "x")]
    with pytest.raises(Trouble, match="gave a tensor"):
        student.value(torch.ones(2), list)
