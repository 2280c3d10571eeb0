"""A dict that is equal to everything and has every key."""

HONEST = ("98.1",)


def make(book):
    book.write(
        "98.2",
        """
class Right(dict):
    def __eq__(self, other):
        return True
    def __contains__(self, key):
        return True
    def __missing__(self, key):
        return 1

def count_pairs(ids):
    return Right()
""",
    )
