"""Text that appears as it is written, piece by piece."""

import time
from collections.abc import Iterable

from slmlib.widgets.base import live

WIDTH = 100


def type_out(pieces: Iterable[str], pause: float = 0.04) -> list[str]:
    """Print pieces of text as they come, slow enough to watch, lines broken between words; returns the pieces.

    Where nobody watches they are printed at the end, in one go.
    """
    watched, seen, printed = live(), list[str](), ""
    for piece in pieces:
        seen.append(piece)
        column = len(printed) - (printed.rfind("\n") + 1)
        new = "\n" + piece[1:] if piece.startswith(" ") and column + len(piece) > WIDTH else piece
        printed += new
        if watched:
            print(new, end="", flush=True)
            time.sleep(pause)
    print("" if watched else printed)
    return seen
