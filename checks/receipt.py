"""What `submit` shows: one sentence on what it wrote, what is not done yet, and what to hand in."""

import html
from dataclasses import dataclass


@dataclass(frozen=True, repr=False)
class Receipt:
    """The same text at every run on every machine: no path, no time, no size."""

    file: str
    """The bundle's name below the work folder; empty when it could not be written."""
    open: tuple[str, ...] = ()
    """Exercises that do not pass, or were not checked in this kernel."""
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def _repr_html_(self) -> str:
        return "".join(f"<p>{html.escape(line)}</p>" for line in self._lines())

    def _lines(self) -> list[str]:
        if not self.file:
            return [*self.notes, "Hand in this notebook all the same; save it first (Ctrl+S)."]
        if self.open:
            done = f"Not done yet, or not checked since the kernel started: {', '.join(self.open)}."
            done += " Go on there and run this cell again; or hand in what you have, it counts."
        else:
            done = "All exercises pass."
        hand_in = f"Save this notebook (Ctrl+S), then hand in both: the notebook and {self.file}."
        return [f"Wrote {self.file} in the course's work folder.", done, *self.notes, hand_in]
