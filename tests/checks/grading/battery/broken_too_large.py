"""A notebook of 200 MB."""

HONEST = ()
STATE = "unreadable"


def make(book):
    return {"broken_too_large_98.ipynb": book.bytes() + b" " * (200 * 2**20)}
