"""Ten thousand shown objects with a megabyte of HTML each."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before(
        "98.1",
        """
from IPython.display import HTML, display
page = HTML("x" * 2**20)
for _ in range(2000):
    display(page)
""",
    )
