"""A file of no bytes."""

HONEST = ()
STATE = "unreadable"


def make(book):
    return {"broken_empty_98.ipynb": b""}
