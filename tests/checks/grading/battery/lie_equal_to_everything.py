"""An answer whose == is always True."""


def make(book):
    book.write(
        "98.1",
        """
class Right:
    def __eq__(self, other):
        return True
    __hash__ = None
    def __getattr__(self, name):
        return self
    def __call__(self, *arguments, **options):
        return self

def causal_weights(queries, keys):
    return Right()
""",
    )
