"""The metadata name another lesson version and other cell ids."""


def make(book):
    book.write("98.1", "def causal_weights(queries, keys):\n    return 0\n")
    book.notebook.metadata.slm = {"lesson": "98", "code_sha256": "0" * 64}
    for number, cell in enumerate(book.notebook.cells):
        cell.id = f"mine-{number}"
