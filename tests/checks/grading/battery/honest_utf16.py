"""A file in UTF-16, as Windows' Notepad once saved it."""

HONEST = ("98.1", "98.2")


def make(book):
    return {"honest_utf16_98.ipynb": book.bytes().decode().encode("utf-16")}
