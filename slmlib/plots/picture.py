"""A figure and the sentence that says the same to someone who cannot see it."""

import base64
import html
import io
import struct
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from slmlib.files import atomic_write
from slmlib.plots.style import PAPER

DPI = 150
_CSS_PIXELS_AN_INCH = 96


@dataclass(frozen=True)
class Picture:
    """A figure on white paper with its alt text: shown by a notebook, printed by a terminal, saved as PNG."""

    figure: Figure
    alt: str

    def png(self, dpi: int = DPI) -> bytes:
        """The figure as a PNG file, its alt text inside as `Description`.

        256 colours, chosen for this picture, look the same on a chart and take a third of the room.
        """
        drawn, packed = io.BytesIO(), io.BytesIO()
        self.figure.savefig(
            drawn, format="png", dpi=dpi, bbox_inches="tight", pad_inches=0.15, facecolor=PAPER
        )
        colors = Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE)
        words = PngInfo()
        words.add_itxt("Description", self.alt)
        colors.save(packed, "PNG", pnginfo=words, optimize=True)
        return packed.getvalue()

    def save(self, path: Path) -> None:
        """Write the PNG, whole or not at all."""
        with atomic_write(path) as file:
            file.write(self.png())

    def html(self, dpi: int = DPI) -> str:
        """An image of its natural size that shrinks with a narrow page."""
        png = self.png(dpi)
        width = struct.unpack(">I", png[16:20])[0] * _CSS_PIXELS_AN_INCH // dpi
        alt = html.escape(self.alt, quote=True)
        image = base64.b64encode(png).decode()
        return (
            f'<figure style="margin: 0"><img alt="{alt}" width="{width}" '
            f'style="max-width: 100%; height: auto; border-radius: 4px" src="data:image/png;base64,{image}">'
            "</figure>"
        )

    def _repr_html_(self) -> str:
        return self.html()

    def __repr__(self) -> str:
        return f"Picture: {self.alt}"


def sentence(message: str) -> str:
    """The message with a full stop, unless it ends with a mark of its own: how every alt text begins."""
    return message if message.endswith(("?", "!", ".")) else f"{message}."
