"""A zip whose notebook unpacks to a gigabyte."""

HONEST = ()
STATE = "unreadable"


def make(book):
    return {"broken_zip_bomb.zip": book.zip({"broken_zip_bomb_98.ipynb": bytes(2**30)})}
