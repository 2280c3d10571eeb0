"""The outputs of the check cells say PASS; the cells do not."""


def make(book):
    book.write("98.1", "def causal_weights(queries, keys):\n    return 0\n")
    for cell in book.notebook.cells:
        if cell.id.startswith("check-"):
            text = "[PASS] 98.1 Causal weights: 3 of 3 points"
            cell.outputs = [book.output(text)]
            cell.execution_count = 1
