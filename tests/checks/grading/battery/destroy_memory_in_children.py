"""Many processes that take a little each."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before(
        "98.1",
        """
import os, time
for _ in range(40):
    if os.fork() == 0:
        kept = bytearray(os.urandom(2**20) * 200)
        time.sleep(1000)
time.sleep(1000)
""",
    )
