"""A cell that asks the reader something."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before("98.1", "name = input('Your name? ')")
