"""The function raises SystemExit(0)."""


def make(book):
    book.write(
        "98.1",
        """
def causal_weights(queries, keys):
    raise SystemExit(0)
""",
    )
