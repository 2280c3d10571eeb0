"""slmlib: pre-train a small language model from scratch, and read how it is done."""

__version__ = "0.1.0"
