"""A zip whose entry names point outside: only its maker's mistake."""

HONEST = ("98.1", "98.2")


def make(book):
    return {"honest_zip_outside.zip": book.zip({"../../honest_zip_outside/98_demo.ipynb": book.bytes()})}
