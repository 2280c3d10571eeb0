"""The half that asks says it was answered, whatever it was."""


def make(book):
    book.write(
        "98.1",
        """
import checks.probing
from checks.exercise import Reply
checks.probing.ask = lambda *arguments, **options: Reply("pass", True)

def causal_weights(queries, keys):
    return 0
""",
    )
    book.write(
        "98.2",
        """
def count_pairs(ids):
    return {}
""",
    )


HONEST = ()
LIES = ("98.1", "98.2")
