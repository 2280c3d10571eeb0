"""Deprecation warnings and noise on stderr."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before(
        "98.2",
        """
import sys, warnings
warnings.warn("old", DeprecationWarning)
warnings.warn("very old", FutureWarning)
print("noise", file=sys.stderr)
warnings.simplefilter("error")
""",
    )
