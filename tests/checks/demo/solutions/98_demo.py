# %% [markdown]
# # Demonstration
#
# *Two minutes, difficulty 1 of 5.* A lesson that exists only to test the machinery.

# %%
from itertools import pairwise

import torch

from checks import check

generator = torch.manual_seed(0)

# %% [markdown]
# ## 1. Never ahead
# A picture: ![A triangle: each row sees itself and what is left of it](triangle.png)
#
# ### Exercise 98.1: Causal weights
# Return the attention weights of every head, shape `(heads, time, time)`.


# %%
def causal_weights(queries: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
    """queries, keys: (heads, time, head_dim). Returns (heads, time, time)."""
    ### BEGIN SOLUTION
    time, head_dim = queries.shape[-2:]
    scores = queries @ keys.transpose(-2, -1) / head_dim**0.5  # (heads, time, time)
    future = torch.ones(time, time, dtype=torch.bool).triu(diagonal=1)
    return scores.masked_fill(future, float("-inf")).softmax(dim=-1)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("98.1")

# %% [markdown]
# ### Exercise 98.2: Count pairs
# How often does each pair of neighbours occur?


# %%
def count_pairs(ids: list[int]) -> dict[tuple[int, int], int]:
    """A dict from (left, right) to its count."""
    ### BEGIN SOLUTION
    counts: dict[tuple[int, int], int] = {}
    for pair in pairwise(ids):
        counts[pair] = counts.get(pair, 0) + 1
    return counts
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("98.2")

# %% [markdown]
# ## 2. Used
# The first cell after the exercises that calls what was written.

# %% tags=["nbval-check-output"]
print("row 0:", causal_weights(torch.zeros(1, 3, 4), torch.zeros(1, 3, 4))[0, 0].tolist())

# %%
print("pairs:", count_pairs([1, 2, 1, 2]))
