"""Nothing done yet."""

HONEST = ()


def make(book):
    book.undo("98.1")
    book.undo("98.2")


LIES = ("98.1", "98.2")
