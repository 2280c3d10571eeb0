"""A subclass of torch.Tensor that calls itself equal and close to everything."""


def make(book):
    book.write(
        "98.1",
        """
class Right(torch.Tensor):
    def __eq__(self, other):
        return torch.ones_like(other, dtype=torch.bool)
    @classmethod
    def __torch_function__(cls, function, types, arguments=(), options=None):
        return True

def causal_weights(queries, keys):
    return torch.zeros(1).as_subclass(Right)
""",
    )
