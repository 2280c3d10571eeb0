"""A cell in the middle fails, and one is no Python at all."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before("98.1", "1 / 0")
    book.before("98.2", "this is a note I forgot to turn into text")
