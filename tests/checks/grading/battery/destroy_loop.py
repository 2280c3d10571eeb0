"""A cell that never ends."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before("98.1", "while True:\n    pass")
