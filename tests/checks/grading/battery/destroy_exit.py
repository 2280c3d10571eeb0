"""A cell ends the process; everything else in the notebook is honest."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before("98.2", "import os\nos._exit(1)")
