"""reference is called for a whole lesson, and for what is no exercise: nothing is lent."""

HONEST = ("98.1", "98.2")


def make(book):
    book.last('import checks\nfor wanted in ("98", "lab", "9" * 300):\n    checks.reference(wanted)')
