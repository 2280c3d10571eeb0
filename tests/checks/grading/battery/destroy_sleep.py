"""A cell that sleeps for a day."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before("98.1", "import time\ntime.sleep(86400)")
