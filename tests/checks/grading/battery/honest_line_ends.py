"""Windows line ends, and a byte order mark."""

HONEST = ("98.1", "98.2")


def make(book):
    for cell in book.notebook.cells:
        cell.source = cell.source.replace("\n", "\r\n")
    return {"honest_line_ends_98.ipynb": b"\xef\xbb\xbf" + book.bytes().replace(b"\n", b"\r\n")}
