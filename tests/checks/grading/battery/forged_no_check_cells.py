"""The check cells are deleted."""


def make(book):
    book.write("98.1", "def causal_weights(queries, keys):\n    return 0\n")
    book.notebook.cells = [cell for cell in book.notebook.cells if not cell.id.startswith("check-")]
