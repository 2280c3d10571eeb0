"""JSON nested a hundred thousand levels deep."""

HONEST = ()
STATE = "unreadable"


def make(book):
    return {"broken_deep_json_98.ipynb": b"[" * 100_000 + b"]" * 100_000}
