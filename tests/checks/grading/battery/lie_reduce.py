"""An answer that would run code when it is unpickled."""


def make(book):
    book.write(
        "98.1",
        """
import os

class Bomb:
    def __reduce__(self):
        return os.system, ("touch /tmp/owned",)

def causal_weights(queries, keys):
    return Bomb()
""",
    )
