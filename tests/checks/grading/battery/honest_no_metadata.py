"""No cell ids, no metadata: copied into a new notebook."""

HONEST = ("98.1", "98.2")


def make(book):
    import json

    cells = [
        {
            "cell_type": cell.cell_type,
            "source": cell.source.splitlines(keepends=True),
            "metadata": {},
            "outputs": [],
        }
        for cell in book.notebook.cells
    ]
    data = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells}
    return {"honest_no_metadata.ipynb": json.dumps(data).encode()}
