"""all, any, abs, isinstance and round are replaced."""


def make(book):
    book.write(
        "98.1",
        """
import builtins
builtins.all = builtins.any = lambda values: True
builtins.abs = lambda value: 0
builtins.round = lambda value, digits=0: 3.0

def causal_weights(queries, keys):
    return torch.zeros(queries.shape[0], queries.shape[1], queries.shape[1])
""",
    )
