"""Nothing special: the notebook as it should be."""

HONEST = ("98.1", "98.2")


def make(book):
    pass
