"""As many threads as there can be, each sleeping."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before(
        "98.1",
        """
import threading, time
for _ in range(100_000):
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
""",
    )
