"""A cell reads a file that only its author has."""

HONEST = ("98.1", "98.2")


def make(book):
    book.first("text = open('C:/stories.txt').read()")
    book.before("98.2", "print(len(text))")
