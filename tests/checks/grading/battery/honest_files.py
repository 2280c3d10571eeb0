"""Files are written and read, in the folder, in the temporary folder and in SLM_HOME."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before(
        "98.1",
        """
import pathlib, tempfile
from slmlib.files import home, write_text
pathlib.Path("notes.txt").write_text("x")
with tempfile.TemporaryDirectory() as folder:
    pathlib.Path(folder, "a").write_text("b")
write_text(home() / "mine" / "a.txt", "b")
assert pathlib.Path("notes.txt").read_text() == "x"
""",
    )
