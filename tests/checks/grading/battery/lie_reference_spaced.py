"""reference is called with the exercise's number and a space behind it."""


def make(book):
    book.undo("98.1")
    book.last('import checks\nchecks.reference("98.1 ")')
