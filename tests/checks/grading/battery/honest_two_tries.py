"""A wrong version first, a right one in a later cell: the last one counts."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before("98.1", "def causal_weights(queries, keys):\n    return queries")
