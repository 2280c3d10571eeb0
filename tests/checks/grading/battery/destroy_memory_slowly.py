"""A cell that takes memory until there is none, and keeps it."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before(
        "98.1",
        """
def hoard():
    kept = []
    while True:
        kept.append(bytearray(2**24))
hoard()
""",
    )
