"""A daemon, twice forked, in a session of its own, that wants to stay for ever."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before(
        "98.1",
        """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True:
            time.sleep(1)
    os._exit(0)
""",
    )
