"""Text that appears as it is written, piece by piece."""

import time
from collections.abc import Iterable

from slmlib.widgets.base import live


def type_out(pieces: Iterable[str], pause: float = 0.04) -> list[str]:
    """Print pieces of text as they come, slow enough to watch; returns them all.

    Where nobody watches they are printed at the end, in one piece.
    """
    watched, seen = live(), []
    for piece in pieces:
        seen.append(piece)
        if watched:
            print(piece, end="", flush=True)
            time.sleep(pause)
    print("" if watched else "".join(seen))
    return seen
