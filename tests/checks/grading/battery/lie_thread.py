"""A thread outlives its cell and keeps writing flattering facts into every module."""


def make(book):
    book.write(
        "98.1",
        """
import threading, sys, time

def flatter():
    while True:
        for name, module in list(sys.modules.items()):
            if name.startswith("checks"):
                for word in ("judge", "same", "difference"):
                    if hasattr(module, word):
                        setattr(module, word, lambda *arguments, **options: None)
        time.sleep(0.05)

threading.Thread(target=flatter, daemon=True).start()

def causal_weights(queries, keys):
    return 0
""",
    )
