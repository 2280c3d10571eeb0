"""A captioned table: HTML with headers that screen readers can name, and aligned plain text."""

import html
from collections.abc import Iterable, Sequence

LEFT, RIGHT = "text-align: left", "text-align: right"


class Table:
    """Rows under column names, the first column naming the row. Columns of numbers are set to the right.

    monospace: whether cells are code or raw text, in which every character and space counts.
    """

    def __init__(
        self,
        caption: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[object]],
        monospace: bool = False,
    ):
        self.caption, self.columns, self.monospace = caption, tuple(columns), monospace
        self.rows = [tuple(row) for row in rows]
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"A row of {len(row)} cells in a table of {len(self.columns)} columns: {row}."
                )

    def __repr__(self) -> str:
        cells = [self.columns, *(tuple(map(_text, row)) for row in self.rows)]
        widths = [max(len(row[i]) for row in cells) for i in range(len(self.columns))]
        right = [self._right(i) for i in range(len(self.columns))]
        lines = [
            "  ".join(
                cell.rjust(width) if number else cell.ljust(width)
                for cell, width, number in zip(row, widths, right, strict=True)
            ).rstrip()
            for row in cells
        ]
        return "\n".join([self.caption, *lines])

    def _repr_html_(self) -> str:
        styles = [RIGHT if self._right(i) else LEFT for i in range(len(self.columns))]
        font = "; font-family: monospace; white-space: pre-wrap" if self.monospace else ""
        head = "".join(
            f'<th scope="col" style="{style}">{html.escape(name)}</th>'
            for name, style in zip(self.columns, styles, strict=True)
        )
        body = "".join(
            f'<tr><th scope="row" style="{LEFT}">{html.escape(_text(row[0]))}</th>'
            + "".join(
                f'<td style="{style}{font}">{html.escape(_text(cell))}</td>'
                for cell, style in zip(row[1:], styles[1:], strict=True)
            )
            + "</tr>"
            for row in self.rows
        )
        caption = f'<caption style="{LEFT}; white-space: nowrap">{html.escape(self.caption)}</caption>'
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _right(self, column: int) -> bool:
        """Whether a column holds numbers only."""
        cells = [row[column] for row in self.rows]
        return column > 0 and all(isinstance(one, int | float) and not isinstance(one, bool) for one in cells)


def spaced(text: str) -> str:
    """What a model wrote, fit for a cell: what nobody can see, line ends too, is a space."""
    return "".join(one if one.isprintable() else " " for one in text)


def _text(cell: object) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return f"{cell:,.2f}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
