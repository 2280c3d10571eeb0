"""A count with a million digits, and a dict of a million keys."""

HONEST = ("98.1",)


def make(book):
    book.write(
        "98.2",
        """
def count_pairs(ids):
    return {(number, number): 10**100_000 for number in range(200_000)}
""",
    )
