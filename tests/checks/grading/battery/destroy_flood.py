"""Gigabytes of rubbish are written into every open descriptor."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before(
        "98.1",
        """
import os
rubbish = os.urandom(2**20)
for number in range(3, 64):
    try:
        for _ in range(3000):
            os.write(number, rubbish)
    except OSError:
        pass
""",
    )
