"""Two cells end the process, one of them between the answers."""

HONEST = ("98.1", "98.2")


def make(book):
    book.first("import os\nos.abort()")
    book.before("98.2", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
