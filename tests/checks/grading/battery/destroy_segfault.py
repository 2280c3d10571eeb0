"""A write to address zero."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before("98.1", "import ctypes\nctypes.memset(0, 1, 1)")
