"""The process stops itself, so that nobody is there to answer."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before("98.1", "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)")
