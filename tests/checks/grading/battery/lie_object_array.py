"""A numpy array of objects that agree with everything."""


def make(book):
    book.write(
        "98.1",
        """
import numpy as np

class Right:
    def __eq__(self, other):
        return True

def causal_weights(queries, keys):
    shape = (queries.shape[0], queries.shape[1], queries.shape[1])
    result = np.empty(shape, dtype=object)
    result.fill(Right())
    return result
""",
    )
