"""A gigabyte of printed output, by every way out."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before(
        "98.1",
        """
import os, sys
line = "x" * 2**20
for _ in range(500):
    print(line)
    os.write(1, line.encode())
    sys.stderr.write(line)
""",
    )
