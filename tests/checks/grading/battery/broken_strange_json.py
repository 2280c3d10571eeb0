"""Valid JSON with a wrong type in every place."""

HONEST = ()
STATE = "unreadable"


def make(book):
    import json

    cells = [
        None,
        1,
        "x",
        [],
        {"cell_type": "code", "source": {"a": 1}, "id": 5, "metadata": [1]},
        {"cell_type": 7},
    ]
    return {"broken_strange_json_98.ipynb": json.dumps({"cells": cells[:4], "metadata": 3}).encode()}
