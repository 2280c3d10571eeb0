"""Clocks stand still and random numbers are all alike, so that questions might repeat."""


def make(book):
    book.write(
        "98.1",
        """
import random, secrets, time
import numpy as np
time.time = time.monotonic = time.perf_counter = lambda: 0.0
random.random = lambda: 0.5
secrets.randbits = lambda bits: 0
np.random.seed(0)
np.random.default_rng = lambda *arguments: np.random.RandomState(0)

def causal_weights(queries, keys):
    return torch.full((queries.shape[0], queries.shape[1], queries.shape[1]), 1 / queries.shape[1])
""",
    )
