"""A cell that never ends and catches whatever would end it."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before(
        "98.1",
        """
while True:
    try:
        while True:
            pass
    except BaseException:
        pass
""",
    )
