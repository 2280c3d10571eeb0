"""The imports stand at the end: it worked for its author, who had run them before."""

HONEST = ("98.1", "98.2")


def make(book):
    code = [cell for cell in book.notebook.cells if cell.cell_type == "code"]
    book.notebook.cells.remove(code[0])
    book.notebook.cells.append(code[0])
