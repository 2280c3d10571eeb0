"""Where a resumed run parts from the one that never stopped, to the last bit."""

import math

from slmlib.plots.checkpoints import parted_curves, parting

WHOLE = [4.0, 3.0, 2.0, 1.0, 0.5]


def test_parting_counts_steps_from_one_and_sees_the_last_bit():
    assert parting(WHOLE, [2.0, 1.0, 0.5], 2) == (None, 0.0)
    assert parting(WHOLE, [2.0, math.nextafter(1.0, 2.0), 0.5], 2)[0] == 4
    assert parting(WHOLE, [2.5, 1.0, 0.0], 2) == (3, 0.5)


def test_the_picture_says_which_run_parts_and_when():
    picture = parted_curves(WHOLE, {"all": [2.0, 1.0, 0.5], "without x": [2.0, 1.25, 0.5]}, 2, "Two ways.")
    assert picture.alt == (
        "Two ways. Loss by step, resumed after step 2. all: never parts. without x: parts at step 4, by up to 0.25."
    )
    shown = [axes for axes in picture.figure.axes if axes.axison]
    assert [axes.get_title(loc="left") for axes in shown] == ["all", "without x"]
    grey, orange = shown[1].lines[:2]
    assert list(orange.get_xdata()) == [3, 4, 5]
    assert list(grey.get_ydata()) == WHOLE
