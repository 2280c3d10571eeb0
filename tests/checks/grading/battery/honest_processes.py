"""Data loaded with worker processes, and a subprocess."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before(
        "98.1",
        """
import subprocess
from torch.utils.data import DataLoader
assert len(list(DataLoader(list(range(8)), batch_size=2, num_workers=2))) == 4
assert subprocess.run(["true"]).returncode == 0
""",
    )
