"""A named pipe in place of the notebook: whoever opens it waits for ever."""

HONEST = ()
STATE = "unreadable"


def make(book):
    return {"broken_pipe_98.ipynb": book.pipe()}
