"""The ids of the two exercises' cells are swapped, to have one good answer count twice."""


def make(book):
    book.write("98.1", "def causal_weights(queries, keys):\n    return count_pairs(queries)\n")
    for cell in book.notebook.cells:
        for one, other in (("98-1", "98-2"), ("98-2", "98-1")):
            if cell.id.endswith(one):
                cell.id = cell.id.removesuffix(one) + other
                break
