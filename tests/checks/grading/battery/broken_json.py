"""Half a notebook: the upload broke off."""

HONEST = ()
STATE = "unreadable"


def make(book):
    return {"broken_json_98.ipynb": book.bytes()[:900]}
