"""Loans for everything are asked for again and again."""


def make(book):
    book.write(
        "98.1",
        """
from checks import reference
for _ in range(1000):
    reference("98.1")
""",
    )


HONEST = ()
