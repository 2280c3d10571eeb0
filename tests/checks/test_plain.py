"""Only plain data crosses, and it is compared by value."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.plain import NotPlain, brief, difference, plain, same

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text() | st.binary()
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(trees)
def test_plain_data_crosses_as_it_is(value):
    copy = plain(value)
    assert repr(copy) == repr(value)
    assert same(value, copy)


@given(trees, trees)
def test_a_difference_is_told_in_three_strings(one, other):
    found = difference(one, other)
    assert found is None or all(type(part) is str for part in found)


def test_arrays_and_lists_are_copies():
    inner = np.zeros(3)
    value = {"a": [inner]}
    copy = plain(value)
    inner[0] = 1
    value["a"].append(2)
    assert copy["a"][0].tolist() == [0, 0, 0]
    assert len(copy["a"]) == 1


class Sly:
    """Equal to everything."""

    def __eq__(self, other):
        return True

    __hash__ = object.__hash__


def sly(kind):
    return type("Sly", (kind,), {"__eq__": lambda self, other: True, "__hash__": kind.__hash__})


@pytest.mark.parametrize(
    "value",
    [
        *(Sly(), sly(str)("x"), sly(int)(3), sly(list)([1]), sly(dict)(), [Sly()]),
        *({"a": sly(float)(1)}, {sly(str)("k"): 1}, {1, 2}, 1j, range(3), lambda: 1),
        *(np.array([1], dtype=object), np.zeros(2).view(sly(np.ndarray)), np.array(["x"])),
        np.datetime64("2026-01-01"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_anything_else_is_refused(value):
    with pytest.raises(NotPlain, match="not plain data"):
        plain(value)


def test_size_and_depth_are_bounded():
    deep = []
    for _ in range(100):
        deep = [deep]
    for value in (deep, np.zeros(10**7), "x" * 10**8, [0] * 10**7, 1 << 10**9):
        with pytest.raises(NotPlain, match=r"larger|deep"):
            plain(value)
    loop = []
    loop.append(loop)
    with pytest.raises(NotPlain, match="deep"):
        plain(loop)


@pytest.mark.parametrize(
    ("expected", "answer", "words"),
    [
        (1.0, 1.0 + 1e-7, None),
        (1.0, 1.1, "Wrong number."),
        (1.0, True, None),
        (1.0, 10**400, "Wrong number."),
        (float("inf"), float("inf"), None),
        (float("nan"), float("nan"), None),
        (float("inf"), 1.0, "Wrong number."),
        # Whole numbers are counts and ids: a tolerance would call neighbours equal.
        (1_000_000, 1_000_001, "Wrong number."),
        (5, 5.0, None),
        (2**70, 2**70, None),
        (np.array([1_000_000]), np.array([1_000_001]), "1 of 1 differ"),
        (np.array([1_000_000.0]), np.array([1_000_001.0]), None),
        (np.array(3), 2**70, "Wrong number."),
        (3, "3", "expected a number, got a string"),
        ("a", b"a", "expected a string, got bytes"),
        (np.zeros(3), np.zeros((3, 1)), "Wrong shape: expected (3,), got (3, 1)."),
        (np.zeros(3), [0, 0, 0], "expected an array, got a list"),
        (np.array([np.nan]), np.array([np.nan]), None),
        (np.array([[0.0, 1]]), np.array([[0.0, 2]]), "1 of 2 differ, first at [0, 1]"),
        ([1, 2], [1, 3], "Wrong number at index 1."),
        ([1, 2], [1], "Wrong length: expected 2 items, got 1."),
        ([1, 2], (1, 2), None),
        ({"a": [1]}, {"a": [2]}, "at key 'a'[0]"),
        ({"a": 1}, {}, "'a' is missing"),
        ({}, {"a": 1}, "Unexpected key 'a'"),
        (None, 0, "expected None"),
        ("x", "y", "Wrong value."),
    ],
)
def test_the_first_difference_is_named(expected, answer, words):
    found = difference(expected, answer)
    assert (found is None) if words is None else (words in found[0]), found


@pytest.mark.parametrize(
    ("expected", "answer", "texts"),
    [
        (27.3756, 27.376, ("27.3756", "27.376")),
        (5, 5.00001, ("5", "5.00001")),
        (1.0, 1.5, ("1", "1.5")),
        (np.array([2.0, 27.3756]), np.array([2.0, 27.376]), ("[2, 27.3756]", "[2, 27.376]")),
        (
            np.array([[1.0, 0.12345]] * 2),
            np.array([[1.0, 0.12349]] * 2),
            ("row [0]: [1, 0.12345]", "row [0]: [1, 0.12349]"),
        ),
        (
            np.arange(10) / 7,
            np.where(np.arange(10) == 9, 5, np.arange(10) / 7 + 1e-9),
            (
                "[..., 0.2857, 0.4286, 0.5714, 0.7143, 0.8571, 1, 1.143, 1.286]",
                "[..., 0.2857, 0.4286, 0.5714, 0.7143, 0.8571, 1, 1.143, 5]",
            ),
        ),
        (
            np.arange(30),
            np.where(np.arange(30) == 12, 0, np.arange(30)),
            (
                "[..., 9, 10, 11, 12, 13, 14, 15, 16, ...]",
                "[..., 9, 10, 11, 0, 13, 14, 15, 16, ...]",
            ),
        ),
    ],
)
def test_what_differs_looks_different(expected, answer, texts):
    """Rounded to four digits, 27.3756 and 27.376 were both told as 27.38."""
    assert difference(expected, answer)[1:] == texts


def test_brief_text_is_short_and_rounded():
    assert brief(0.1 + 0.2) == "0.3"
    assert brief(np.arange(100.0)) == "[0, 1, 2, 3, 4, 5, 6, 7, ...]"
    assert len(brief("x" * 1000)) <= 120
