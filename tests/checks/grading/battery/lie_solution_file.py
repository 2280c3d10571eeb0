"""The solution's source is looked for on the disk and executed."""


def make(book):
    book.write(
        "98.1",
        """
import pathlib
for path in pathlib.Path("/").glob("**/solutions/98_demo.py"):
    exec(path.read_text().partition("# %%\\ndef count_pairs")[0])
""",
    )
