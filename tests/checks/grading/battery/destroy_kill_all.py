"""Every process is sent SIGKILL, the parents first."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before(
        "98.1",
        """
import os, signal
for number in (os.getppid(), 1, *range(2, 5000)):
    if number != os.getpid():
        try:
            os.kill(number, signal.SIGKILL)
        except OSError:
            pass
os.kill(-1, signal.SIGKILL)
""",
    )
