"""A zip in a zip, with what macOS adds."""

HONEST = ("98.1", "98.2")


def make(book):
    inner = book.zip({"98_demo.ipynb": book.bytes(), "__MACOSX/._98_demo.ipynb": b"rubbish"})
    return {"honest_zip_in_zip.zip": book.zip({"homework/98.zip": inner})}
