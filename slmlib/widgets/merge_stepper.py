"""Watch merges colour a text, one by one: letters grow into pieces, pieces into words.

    MergeStepper("The slowest snail", merges)

`merges` are pairs of ids as `slmlib.text.bpe.train_bpe` and lesson 02 make them: pair number k makes token
256 + k. Merges never cross the words of GPT-2's split.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import regex

from slmlib.text.bpe import BYTE_OF_ID, NUM_BYTES, SPLIT_PATTERN
from slmlib.widgets.base import Page, Widget, note, slider, view
from slmlib.widgets.token_viewer import box, visible

if TYPE_CHECKING:
    import ipywidgets

Pair = tuple[int, int]


class MergeStepper(Widget):
    """A text after any number of merges; live, a slider (arrow keys) steps through them.

    steps: after how many merges the static picture shows the text; by default a doubling row of them.
    """

    def __init__(self, text: str, merges: Sequence[Pair], steps: Sequence[int] = ()):
        self.text, self.merges = text, [(int(first), int(second)) for first, second in merges]
        last = len(self.merges)
        doubling = [0, *(2**power for power in range(20) if 2**power < last), last]
        self.steps = list(steps) or sorted(set(doubling))
        self._bytes = [bytes([byte]) for byte in BYTE_OF_ID]
        for first, second in self.merges:
            self._bytes.append(self._bytes[first] + self._bytes[second])

    def after(self, num_merges: int) -> list[int]:
        """The ids of the text when only the first merges are known."""
        ids: list[int] = []
        for word in regex.findall(SPLIT_PATTERN, self.text):
            row = [BYTE_OF_ID.index(byte) for byte in word.encode("utf-8")]
            for number, pair in enumerate(self.merges[:num_merges]):
                row = _merged(row, pair, NUM_BYTES + number)
            ids += row
        return ids

    def still(self) -> Page:
        """The text after a few chosen numbers of merges, one under the other."""
        pages = [self._page(step) for step in self.steps]
        return Page("".join(page.html for page in pages), "\n".join(page.text for page in pages))

    def controls(self) -> "ipywidgets.Widget":
        """A slider over the text."""
        start = self.steps[len(self.steps) // 2]
        return view(self._page, num_merges=slider("Merges made", len(self.merges), start))

    def _page(self, num_merges: int) -> Page:
        ids = self.after(num_merges)
        newest = NUM_BYTES + num_merges - 1 if num_merges else None
        said = f"{num_merges} merge{'' if num_merges == 1 else 's'}, {len(ids)} tokens"
        if newest is not None:
            first, second = (visible(self._bytes[part]) for part in self.merges[num_merges - 1])
            said += f"; the newest: {first} + {second} = {visible(self._bytes[newest])}"
        boxes = "".join(box(visible(self._bytes[one]), one, one == newest) for one in ids)
        words = "|".join(visible(self._bytes[one]) for one in ids)
        return Page(
            f'<div style="margin: 0.5em 0">{note(said)}'
            f'<div style="line-height: 1.9; overflow-wrap: anywhere">{boxes}</div></div>',
            f"{said}\n{words}",
        )


def _merged(row: list[int], pair: Pair, new_id: int) -> list[int]:
    """Every occurrence of the pair, left to right, replaced by the new id."""
    merged: list[int] = []
    for one in row:
        if merged and (merged[-1], one) == pair:
            merged[-1] = new_id
        else:
            merged.append(one)
    return merged
