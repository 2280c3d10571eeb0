"""Every cell twice."""

HONEST = ("98.1", "98.2")


def make(book):
    book.notebook.cells = [cell for cell in book.notebook.cells for _ in range(2)]
