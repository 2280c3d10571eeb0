"""As many files as the disk holds."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before(
        "98.1",
        """
import os, tempfile
for number in range(20_000):
    open(f"{tempfile.gettempdir()}/{number}", "w").close()
""",
    )
