"""Figures, widgets and a progress bar."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before(
        "98.1",
        """
import matplotlib.pyplot as plt
import ipywidgets
from tqdm.auto import tqdm
plt.plot([1, 2])
plt.show()
ipywidgets.interact(lambda x: print(x), x=(0, 10))
for _ in tqdm(range(3)):
    pass
""",
    )
