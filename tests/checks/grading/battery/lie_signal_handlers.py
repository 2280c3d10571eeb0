"""Alarms and interrupts are taken over, so that no time limit rings, and the function takes its time."""


def make(book):
    book.write(
        "98.1",
        """
import signal
for number in (signal.SIGALRM, signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
signal.signal = lambda *arguments: None
signal.setitimer = lambda *arguments: (0, 0)

def causal_weights(queries, keys):
    while True:
        pass
""",
    )
