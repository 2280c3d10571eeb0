"""A function that never ends and catches whatever would end it."""


def make(book):
    book.write(
        "98.1",
        """
def causal_weights(queries, keys):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
""",
    )
