"""Things to play with in a notebook; where nobody can play, each shows a picture that says the same.

base        Widget, Page, live(): when controls are shown, and what stands in for them
live_panel  LivePanel: watch a run while it trains
playground  playground(model, tokenizer): write with the model
typewriter  type_out: text that appears as it is written
"""

from slmlib.widgets.base import Page, Widget, live
from slmlib.widgets.live_panel import LivePanel
from slmlib.widgets.playground import playground
from slmlib.widgets.typewriter import type_out

__all__ = ["LivePanel", "Page", "Widget", "live", "playground", "type_out"]
