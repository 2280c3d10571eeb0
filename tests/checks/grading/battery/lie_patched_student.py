"""The converter of answers hands over something else."""


def make(book):
    book.write(
        "98.1",
        """
import numpy as np
from checks.student import Student
Student.array = lambda self, result: np.ones((3, 5, 5)) / 5

def causal_weights(queries, keys):
    return 0
""",
    )
