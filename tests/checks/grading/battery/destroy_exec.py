"""The process becomes another program that never ends."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before("98.1", "import os\nos.execv('/bin/sleep', ['sleep', '10000'])")
