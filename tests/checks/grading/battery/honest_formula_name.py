"""A file name that a spreadsheet would take for a formula."""

HONEST = ("98.1", "98.2")


def make(book):
    return {"=cmd()_98.ipynb": book.bytes()}
