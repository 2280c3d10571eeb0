"""Figures and tables for people: the message as title, direct labels, colours told apart by everyone, alt text.

style      the palette, line styles, empty axes, labels beside their lines
picture    Picture: a figure with the sentence that says the same
charts     lines, bars, histograms from plain data
table      Table: a captioned table, in a notebook and as text
training   what a run's log shows
"""

from slmlib.plots.charts import bars, histogram, lines
from slmlib.plots.picture import Picture
from slmlib.plots.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PALETTE,
    PURPLE,
    SKY,
    TINTS,
    YELLOW,
    label,
    label_lines,
    new_axes,
    new_panels,
)
from slmlib.plots.table import Table
from slmlib.plots.training import loss_curve, training_panel

__all__ = [
    "BLACK",
    "BLUE",
    "GREEN",
    "GREY",
    "ORANGE",
    "PALETTE",
    "PURPLE",
    "SKY",
    "TINTS",
    "YELLOW",
    "Picture",
    "Table",
    "bars",
    "histogram",
    "label",
    "label_lines",
    "lines",
    "loss_curve",
    "new_axes",
    "new_panels",
    "training_panel",
]
