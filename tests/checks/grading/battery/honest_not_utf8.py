"""A file in Windows-1252."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before("98.1", "name = 'Zoë'")
    text = book.bytes().decode().encode("cp1252", "xmlcharrefreplace")
    return {"honest_not_utf8_98.ipynb": text.replace(b"\\u00eb", b"\xeb")}
