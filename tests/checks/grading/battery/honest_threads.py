"""torch with two threads: they must still be there when the questions come."""

HONEST = ("98.1", "98.2")


def make(book):
    book.first("import torch\ntorch.set_num_threads(2)\nx = torch.randn(300, 300) @ torch.randn(300, 300)")
