"""NaN everywhere: not equal, but not different either, if one compares carelessly."""


def make(book):
    book.write(
        "98.1",
        """
def causal_weights(queries, keys):
    return torch.full((queries.shape[0], queries.shape[1], queries.shape[1]), float("nan"))
""",
    )
