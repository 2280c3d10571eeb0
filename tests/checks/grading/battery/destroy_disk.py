"""A cell that fills the disk."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before(
        "98.1",
        """
with open("full", "wb") as file:
    while True:
        file.write(bytes(2**24))
""",
    )
