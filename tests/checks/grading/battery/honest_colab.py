"""Colab's magics, installs and imports."""

HONEST = ("98.1", "98.2")


def make(book):
    book.first("!pip install -q torch\n%pip install tqdm\n%load_ext autoreload\n%autoreload 2")
    book.before("98.1", "from google.colab import drive\ndrive.mount('/content/drive')")
    book.before("98.2", "%cd /content\n%tensorflow_version 2.x")
