"""A picture that was renamed."""

HONEST = ()
STATE = "unreadable"


def make(book):
    return {"broken_binary_98.ipynb": bytes(range(256)) * 50}
