"""A notebook of format 3."""

HONEST = ("98.1", "98.2")


def make(book):
    import json

    cells = [
        {"cell_type": "code", "input": cell.source, "outputs": [], "language": "python", "metadata": {}}
        for cell in book.notebook.cells
        if cell.cell_type == "code"
    ]
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": cells}]}
    return {"honest_old_format_98.ipynb": json.dumps(old).encode()}
