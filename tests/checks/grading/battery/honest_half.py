"""One exercise done, the other not."""

HONEST = ("98.2",)


def make(book):
    book.undo("98.1")
