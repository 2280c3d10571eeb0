"""An object that says it is a tensor: __class__ is a property."""


def make(book):
    book.write(
        "98.1",
        """
class Right:
    @property
    def __class__(self):
        return torch.Tensor
    def __eq__(self, other):
        return True
    def detach(self):
        return self
    cpu = numpy = double = resolve_conj = resolve_neg = detach

def causal_weights(queries, keys):
    return Right()
""",
    )
