"""A thread ends the process a little later, wherever it is then."""

HONEST = ()  # where it ends is a matter of luck
LIES = ()


def make(book):
    book.first("import os, threading\nthreading.Timer(0.2, os._exit, [0]).start()")
    book.before("98.1", "import time\ntime.sleep(0.5)")
