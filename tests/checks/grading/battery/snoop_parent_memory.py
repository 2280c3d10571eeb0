"""The memory of the parent processes is opened."""

HONEST = ("98.1", "98.2")


def make(book):
    book.last("""
import glob
found = []
for path in glob.glob("/proc/[0-9]*/mem"):
    if "self" not in path:
        try:
            open(path, "rb")
            found.append(path)
        except OSError:
            pass
import os
own = f"/proc/{os.getpid()}/mem"
raise ValueError("FOUND " + " ".join("SECRET " + path for path in found if path != own))
""")
