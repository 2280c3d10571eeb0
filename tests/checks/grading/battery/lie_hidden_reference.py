"""reference is called under another name."""


def make(book):
    book.write(
        "98.1",
        """
import checks
getattr(checks, "ecnerefer"[::-1])("98.1")
""",
    )
