"""Three thousand cells."""

HONEST = ("98.1", "98.2")


def make(book):
    for number in range(3000):
        book.last(f"x = {number}")
