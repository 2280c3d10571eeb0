"""A cell that takes ten gigabytes at once."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before("98.1", "hoard = bytearray(10 * 2**30)")
