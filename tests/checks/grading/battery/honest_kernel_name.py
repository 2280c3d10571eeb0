"""The kernel of the student's own environment."""

HONEST = ("98.1", "98.2")


def make(book):
    book.notebook.metadata.kernelspec = {"name": "my-env-311", "display_name": "my env", "language": "python"}
