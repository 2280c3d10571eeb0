"""Our version is borrowed and put behind a function of the same name."""


def make(book):
    book.write(
        "98.1",
        """
from checks import reference
reference("98.1")
theirs = causal_weights

def causal_weights(queries, keys):
    return theirs(queries, keys)
""",
    )
