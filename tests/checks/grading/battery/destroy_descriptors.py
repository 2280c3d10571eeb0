"""All open files are closed, the channel among them."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before("98.1", "import os\nos.closerange(0, 4096)")
