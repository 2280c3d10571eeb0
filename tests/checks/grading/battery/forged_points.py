"""The points in the notebook's metadata are a thousand."""


def make(book):
    book.write("98.1", "def causal_weights(queries, keys):\n    return 0\n")
    for cell in book.notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.points = 1000
