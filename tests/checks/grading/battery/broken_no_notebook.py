"""A zip whose only notebook is a link to a file outside."""

HONEST = ()
STATE = "unreadable"


def make(book):
    info = book.zip_info("broken_no_notebook_98.ipynb", link=True)
    return {"broken_no_notebook.zip": book.zip({info: b"/etc/passwd"})}
