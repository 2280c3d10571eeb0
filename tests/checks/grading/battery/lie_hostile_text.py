"""Texts that files, terminals and pages stumble over: half a character, a NUL, a command to the terminal."""


def make(book):
    book.write(
        "98.1",
        """
def causal_weights(queries, keys):
    raise ValueError("\\ud800\\x00\\x1b[2J</td><script>alert(1)</script>" * 20)
""",
    )
    book.last("""raise ValueError("\\udfff\\x00\\x1b]0;owned\\x07")""")
