"""Recursion without end, with the limit taken away."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before(
        "98.1",
        """
import sys
sys.setrecursionlimit(10**9)
def deeper(function):
    return list(map(deeper, [function]))
deeper(1)
""",
    )
