"""quit() in a cell, left over from an experiment, and a SystemExit."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before("98.1", "quit()")
    book.before("98.2", "import sys\nsys.exit('done')")
