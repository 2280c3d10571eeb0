"""An exception whose name, message and traceback are made to break whoever prints them."""


def make(book):
    book.write(
        "98.1",
        """
class Evil(Exception):
    def __str__(self):
        raise RuntimeError("no")
    __repr__ = __str__

Evil.__name__ = "[PASS] 98.1 <script>alert(1)</script>" * 100

def causal_weights(queries, keys):
    raise Evil
""",
    )
    book.last("raise Evil")
