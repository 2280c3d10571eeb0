"""A file name in an encoding of the last century."""

HONEST = ("98.1", "98.2")


def make(book):
    return {"caf\udce9_98.ipynb": book.bytes()}
