"""An answer of gigabytes, and one nested without end."""

HONEST = ()


def make(book):
    book.write(
        "98.1",
        """
def causal_weights(queries, keys):
    return torch.zeros(1).expand(300_000_000)
""",
    )
    book.write(
        "98.2",
        """
def count_pairs(ids):
    answer = {}
    answer["again"] = answer
    return answer
""",
    )


LIES = ("98.1", "98.2")
