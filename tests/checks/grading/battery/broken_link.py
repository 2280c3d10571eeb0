"""A symbolic link in place of the notebook."""

HONEST = ()
STATE = "unreadable"


def make(book):
    return {"broken_link_98.ipynb": book.link("/etc/passwd")}
