"""Emoji, quotes, dollars and angle brackets in a name."""

HONEST = ("98.1", "98.2")


def make(book):
    return {"Zoë 🦊 $x_1$ <b>'\"_98.ipynb": book.bytes()}
