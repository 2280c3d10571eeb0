"""Keys and counts whose comparison says yes, in an honest dict."""

HONEST = ("98.1",)


def make(book):
    book.write(
        "98.2",
        """
class Key(tuple):
    def __eq__(self, other):
        return True
    def __hash__(self):
        return 0

class Count(int):
    def __eq__(self, other):
        return True
    __hash__ = int.__hash__

def count_pairs(ids):
    return {Key((1, 2)): Count(1)}
""",
    )
