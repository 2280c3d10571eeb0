# %% [markdown]
# # Attention
#
# *20 minutes of reading, 45 with the exercises; difficulty 3 of 5.*
#
# *Lily gave the ball to* ... whom? To go on, a model must know that someone gave something, and who else is there.
# Those words stand further back, at a different place in every sentence. **How does one token find, among all the
# tokens before it, those that matter to it?**
#
# After this lesson you can
#
# - write attention in five steps: queries and keys, scores, mask, softmax, mix,
# - run many heads at once by cutting vectors, and show that your attention equals PyTorch's to five decimals,
# - tell a model that looks ahead from an honest one, with a test of a few lines,
# - say what attention costs as texts get longer, from your own measurement,
# - walk through the heads of a trained model, and say what their pictures do not show.
#
# First, look inside a trained model. The next cells load the small one that comes with this course and let it read.

# %%
import math
import os
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from checks import check, hint, progress, reference
from slmlib.config import Sampling
from slmlib.devices import choose_device
from slmlib.generation import generate
from slmlib.model.attention import AttentionInputs
from slmlib.model.counts import cache_bytes, flops_per_token
from slmlib.model.decoder import Decoder
from slmlib.model.families import family
from slmlib.model.memory import kept_for_backward
from slmlib.plots import Table, lines
from slmlib.plots.attention import head_maps, matrix_panels
from slmlib.presets import default_preset
from slmlib.shipped import load_model
from slmlib.text.baselines import baseline_losses
from slmlib.text.prepare import prepare
from slmlib.training.optimizers import build_optimizer
from slmlib.widgets.attention_explorer import AttentionExplorer

FAST = bool(os.environ.get("SLM_FAST"))  # small sizes, for tests
device = choose_device()

# %%
shipped = load_model()
STORY = "One day, Lily found a red ball in the park. Her friend Tom wanted to play with the ball too. Lily gave the ball to"
story_ids = [shipped.tokenizer.end_of_text, *shipped.tokenizer.encode(STORY)]
pieces = [shipped.tokenizer.decode([one]) for one in story_ids]
maps = shipped.model.attention_weights(torch.tensor([story_ids]))[:, 0]  # (num_layers, num_heads, time, time)
AttentionExplorer(
    pieces, maps, views=[(0, 1, len(pieces) - 1), (2, 0, len(pieces) - 1), (3, 1, len(pieces) - 1)]
)

# %% [markdown]
# The token in bold, in the orange frame, is the one that looks, and the numbers say where. Nobody told the model what
# a verb is or who Lily is. It was trained to guess the next token, and came to look where that helps. (In a running
# notebook, three sliders lead through all layers, heads and tokens; the arrow keys move them.)
#
# By the end of this lesson you will have written the code that makes such numbers.
#
# ## 1. Two words, by hand
#
# The text is *Thinking Machines*, two tokens. Each token has been turned into three short vectors, and each vector
# has a job:
#
# - the **query** $q$: what am I looking for?
# - the **key** $k$: what do I have to offer?
# - the **value** $v$: what do you get if you look at me?
#
# How well does a key fit a query? Multiply number by number and add up: the **dot product**, large when the two
# vectors point the same way.

# %% tags=["nbval-check-output"]
words = ["Thinking", "Machines"]
q = torch.tensor([[2.0, 0.0, 2.0, 0.0], [1.0, 1.0, 1.0, 1.0]])  # (time, head_dim)
k = torch.tensor([[2.0, 1.0, 2.0, 0.0], [1.0, 0.0, 1.0, 2.0]])  # (time, head_dim)
v = torch.tensor([[10.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 10.0]])  # (time, head_dim)

scores = torch.tensor([[q[i] @ k[j] for j in range(2)] for i in range(2)])
print("Thinking asks Thinking: 2*2 + 0*1 + 2*2 + 0*0 =", int(scores[0, 0]))
print("Thinking asks Machines: 2*1 + 0*0 + 2*1 + 0*2 =", int(scores[0, 1]))
print("one matrix product gives all of them:", torch.equal(scores, q @ k.T))

# %% [markdown]
# From scores to shares in two steps. **Scale**: divide by $\sqrt{E}$, where $E$ is the length of the vectors, in code
# `head_dim` (here 4, so divide by 2; in papers $d$ or $d_k$). **Softmax**: $e$ to the power of each score, divided by
# their sum, so that every row adds up to 1.

# %%
scaled = scores / 4**0.5
weights = scaled.softmax(dim=-1)
matrix_panels(
    {"scores": scores, "divided by 2": scaled, "softmax: weights": weights},
    words,
    words,
    "Thinking spends 88% of its attention on itself and 12% on Machines",
)

# %% [markdown]
# You may know the drawing of these two words from [The Illustrated
# Transformer](https://jalammar.github.io/illustrated-transformer/). There the vectors have 64 numbers and the scores
# are 112 and 96. Divided by $\sqrt{64} = 8$ that is 14 and 12, and again 88% and 12%: only the *difference* of
# scores matters to a softmax.
#
# Last step, **mix**: each token gets the values of all tokens, of each as much as its weight says.

# %% tags=["nbval-check-output"]
for word, mixture in zip(words, weights @ v, strict=True):
    print(f"{word} gets", [f"{number:.1f}" for number in mixture])

# %% [markdown]
# That is attention. In one line, with all queries, keys and values as rows of $Q$, $K$ and $V$
# ([Vaswani et al. 2017, equation 1](https://arxiv.org/abs/1706.03762)):
#
# $$\text{attention}(Q, K, V) = \text{softmax}\!\left(\frac{Q K^\top}{\sqrt{E}}\right) V$$
#
# Often one reads $z_i = \sum_j a_{ij} V_j$ with $a_{ij} = Q_i \cdot K_j$. Take $a_{ij}$ there as the weight *after*
# scaling and softmax; raw dot products may be negative and do not add up to 1, so the size of the mixture would depend
# on how many tokens there are.
#
# ### Exercise 06.1: Scores
# Return all scaled scores. Row $i$ belongs to query $i$, column $j$ to key $j$. In front there may be more axes (here:
# one for the heads, which come in section 3); `transpose(-2, -1)` swaps the last two and leaves the others alone.


# %%
def attention_scores(queries: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
    """How well each key fits each query: (..., time, head_dim) twice -> (..., time, time)."""
    ### BEGIN SOLUTION
    return queries @ keys.transpose(-2, -1) / queries.shape[-1] ** 0.5
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("06.1")

# %% [markdown]
# **Why divide?** Take queries and keys whose numbers are random and independent, with mean 0 and variance 1. Each of
# the $E$ products then has variance 1, and their sum has variance $E$. So the longer the vectors, the larger the
# scores, and the closer the softmax comes to pointing at a single token, before anything was learned:

# %%
torch.manual_seed(0)
for head_dim in (4, 64, 1024):
    queries, keys = torch.randn(1000, head_dim), torch.randn(8, head_dim)
    raw = queries @ keys.T  # (1000, 8)
    divided = attention_scores(queries, keys)
    print(
        f"head_dim {head_dim:5}: variance {raw.var():7.1f}, largest of 8 weights {raw.softmax(-1).amax(-1).mean():.2f}; "
        f"divided: variance {divided.var():.1f}, largest {divided.softmax(-1).amax(-1).mean():.2f}"
    )

# %% [markdown]
# A softmax that points at one token has stopped learning. Its gradient is
# $\partial w_i / \partial z_j = w_i(\delta_{ij} - w_j)$, with $\delta_{ij}$ 1 for $i = j$ and else 0. It is zero when
# one weight is 1 and the others are 0. Dividing keeps the door open.
#
# ## 2. Look back, never ahead
#
# Lesson 03 promised that all guesses of a window are made in one go. Then token 3 must not see token 4: that is its
# answer. So before the softmax we put $-\infty$ wherever the key comes later than the query. As $e^{-\infty} = 0$,
# such a key gets nothing, and the row still adds up to 1:
#
# $$w_{ts} = \frac{e^{q_t \cdot k_s / \sqrt E}}{\sum_{r \le t} e^{q_t \cdot k_r / \sqrt E}} \quad (s \le t),
# \qquad w_{ts} = 0 \quad (s > t)$$
#
# This is the **causal mask**. Causes come before effects.
#
# ### Exercise 06.2: Causal weights
# Return the weights, `(..., time, time)`. Three lines are enough: scores, mask, softmax. Make the mask where the
# queries are (`device=queries.device`): section 5 runs your function on a GPU, if there is one.


# %%
def causal_weights(queries: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
    """Attention weights that never look ahead: row t sums to 1 over keys 0 to t."""
    ### BEGIN SOLUTION
    time = queries.shape[-2]
    future = torch.ones(time, time, dtype=torch.bool, device=queries.device).triu(diagonal=1)
    scores = attention_scores(queries, keys).masked_fill(future, -math.inf)  # (..., time, time)
    return scores.softmax(dim=-1)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("06.2")

# %%
torch.manual_seed(2)
short = ["Lily", "gave", "the", "ball", "to"]
queries, keys = torch.randn(2, len(short), 16).unbind(0)  # (time, head_dim) each
scores = attention_scores(queries, keys)
hidden = torch.ones(len(short), len(short), dtype=torch.bool).triu(1)
matrix_panels(
    {
        "scores": scores,
        "masked": scores.masked_fill(hidden, -math.inf),
        "weights": causal_weights(queries, keys),
    },
    short,
    short,
    "Behind the mask the first token can only look at itself",
)

# %% [markdown]
# ### Exercise 06.3: Mix
# The last step: return the mixture of values for every token.


# %%
def attend(queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Causal attention: three times (..., time, head_dim) -> (..., time, head_dim)."""
    ### BEGIN SOLUTION
    return causal_weights(queries, keys) @ values
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("06.3")

# %% [markdown]
# **Compared with code that is not ours.** PyTorch has the whole computation as one function,
# `scaled_dot_product_attention` (**SDPA**). It does not return the weights. But give it the identity matrix as
# values, and the mixture *is* the weights:

# %%
queries, keys, values = torch.randn(3, 2, 4, 10, 16).unbind(
    0
)  # each (batch 2, heads 4, time 10, head_dim 16)
theirs = F.scaled_dot_product_attention(queries, keys, values, is_causal=True)
their_weights = F.scaled_dot_product_attention(
    queries, keys, torch.eye(10).expand(2, 4, 10, 10), is_causal=True
)
for name, ours, other in (
    ("weights", causal_weights(queries, keys), their_weights),
    ("mixture", attend(queries, keys, values), theirs),
):
    torch.testing.assert_close(ours, other, atol=1e-5, rtol=0)
    print(f"{name}: equal to SDPA's, to 1e-5")

# %% [markdown]
# ## 3. Many heads
#
# One softmax is one look: what one token gains, the others lose. But *to* needs several things at once: the verb,
# the people, what was given. So the model looks several times at once. Each look is a **head**, with queries, keys
# and values of its own.
#
# That costs next to nothing. A token's query vector of `embed_dim` numbers is simply cut into `num_heads` pieces of
# `head_dim` numbers, and every piece is a query by itself. All heads then go through the same matrix products, as one
# more axis.
#
# ### Exercise 06.4: Split and merge
# `split_heads` turns `(batch, time, embed_dim)` into `(batch, heads, time, head_dim)`: head 0 gets the first `head_dim`
# numbers of every token, head 1 the next ones, and so on. `merge_heads` turns it back.


# %%
def split_heads(x: torch.Tensor, num_heads: int) -> torch.Tensor:
    """(batch, time, embed_dim) -> (batch, heads, time, head_dim)."""
    ### BEGIN SOLUTION
    batch, time, embed_dim = x.shape
    pieces = x.view(batch, time, num_heads, embed_dim // num_heads)  # (batch, time, heads, head_dim)
    return pieces.transpose(1, 2)  # (batch, heads, time, head_dim)
    ### END SOLUTION


def merge_heads(x: torch.Tensor) -> torch.Tensor:
    """(batch, heads, time, head_dim) -> (batch, time, embed_dim)."""
    ### BEGIN SOLUTION
    return x.transpose(1, 2).flatten(2)  # (batch, time, heads, head_dim) -> (batch, time, embed_dim)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("06.4")

# %%
torch.manual_seed(3)
x = torch.randn(2, 5, 12)
print("split and merged again:", torch.equal(merge_heads(split_heads(x, 3)), x))
wrong = x.view(2, 3, 5, 4)  # the same shape as split_heads(x, 3), and no error
print(
    "cut without swapping, head 0 of token 1 begins with token",
    (x[0, :, :, None] == wrong[0, 0, 1, 0]).nonzero()[0, 0].item(),
)

# %% [markdown]
# The last line shows the most frequent mistake in home-made attention. A `view` straight to the wanted shape runs without
# complaint, and gives head 0 of token 1 numbers that belong to token 0. The model even learns something. It
# is only worse, and nobody knows why.
#
# Two things are left. Where do queries, keys and values come from? From three matrices, which the model learns: $q = W_q x$
# and so on. And after the heads are merged, a fourth matrix $W_o$ lets what they found be mixed and written back.
#
# ### Exercise 06.5: The whole layer
# From `x` to the output, in five steps: project to queries, keys and values; split; attend; merge; project. The
# weights are kept as `nn.Linear` keeps them, `(outputs, inputs)`, so a projection is `x @ w.T`.


# %%
def multi_head_attention(
    x: torch.Tensor,
    w_query: torch.Tensor,
    w_key: torch.Tensor,
    w_value: torch.Tensor,
    w_output: torch.Tensor,
    num_heads: int,
) -> torch.Tensor:
    """Causal multi-head attention. x: (batch, time, embed_dim), weights: (embed_dim, embed_dim)."""
    ### BEGIN SOLUTION
    queries = split_heads(x @ w_query.T, num_heads)  # (batch, heads, time, head_dim)
    keys = split_heads(x @ w_key.T, num_heads)
    values = split_heads(x @ w_value.T, num_heads)
    return merge_heads(attend(queries, keys, values)) @ w_output.T  # (batch, time, embed_dim)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("06.5")

# %% [markdown]
# **Compared with code that is not ours.** `nn.MultiheadAttention` keeps the three input matrices as one tall one.

# %%
theirs = nn.MultiheadAttention(embed_dim=48, num_heads=6, bias=False, batch_first=True)
w_query, w_key, w_value = theirs.in_proj_weight.detach().chunk(3)  # each (embed_dim, embed_dim)
x = torch.randn(2, 9, 48)
hidden = torch.ones(9, 9, dtype=torch.bool).triu(1)  # here True means: must not look
with torch.no_grad():
    their_output, their_weights = theirs(x, x, x, attn_mask=hidden, average_attn_weights=False)
    our_output = multi_head_attention(x, w_query, w_key, w_value, theirs.out_proj.weight, num_heads=6)
    our_weights = causal_weights(split_heads(x @ w_query.T, 6), split_heads(x @ w_key.T, 6))
torch.testing.assert_close(our_output, their_output, atol=1e-5, rtol=0)
torch.testing.assert_close(our_weights, their_weights, atol=1e-5, rtol=0)
print("output and the weights of all 6 heads: equal to nn.MultiheadAttention's, to 1e-5")

# %% [markdown]
# **Fewer keys than queries.** When a model writes, it keeps the keys and values of all earlier tokens (lesson 10 does
# this). In long texts they can take more memory than the model. In **grouped-query attention** (GQA, [Ainslie et al.
# 2023](https://arxiv.org/abs/2305.13245)) several query heads share one key and one value head; in **multi-query
# attention** ([Shazeer 2019](https://arxiv.org/abs/1911.02150)) all of them share the same one. Sharing is nothing
# more than repeating each key head for its group:

# %%
queries = torch.randn(1, 8, 10, 16)  # (batch, 8 query heads, time, head_dim)
keys, values = torch.randn(2, 1, 2, 10, 16).unbind(0)  # (batch, 2 key heads, time, head_dim) each
group = queries.shape[1] // keys.shape[1]
ours = attend(queries, keys.repeat_interleave(group, dim=1), values.repeat_interleave(group, dim=1))
theirs = F.scaled_dot_product_attention(queries, keys, values, is_causal=True, enable_gqa=True)
torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)
print("8 query heads share 2 key heads: equal to SDPA's enable_gqa, to 1e-5")

llama = family("llama-3-8b")
rows = [
    (
        f"{heads} key head{'s' * (heads > 1)}",
        cache_bytes(replace(llama, num_kv_heads=heads), 8192, bytes_per_number=2) / 2**30,
    )
    for heads in (llama.num_heads, llama.num_kv_heads, 1)
]
Table("Llama 3 8B: keys and values of 8,192 tokens, 2 bytes a number", ("with", "GiB"), rows)

# %% [markdown]
# Llama 3 takes the middle row, 32 query heads and 8 key heads; the last row is multi-query attention. (DeepSeek's
# multi-head latent attention keeps one short vector a token, from which every head makes its own keys and values:
# [DeepSeek-V2 2024](https://arxiv.org/abs/2405.04434).) Note `repeat_interleave`, not `repeat`: query heads 0 to
# 3 share key head 0. The other order would run just as well, and be another model.
#
# ## 4. The real one
#
# Open [slmlib/model/attention.py](../slmlib/model/attention.py). `Attention` has your five steps in the same order,
# and four things more: it can make do with fewer key heads (our model has as many as query heads), brings queries and keys
# to one length (*QK-norm*, lesson 07, which keeps scores from growing without limit in training), turns them by their
# positions (lesson 05), and can remember keys in a cache. What else you find there, such as windows, belongs to other
# families of models. Its mixture comes from SDPA; `weights` computes the map only when someone wants to see it.
# (In training on a CPU, with short windows, the separate steps that you wrote are faster. The trainer then says
# *unfused attention*.)
#
# Here are your functions on its trained weights. Layer 0, on our story:

# %%
model, layer = shipped.model, shipped.model.blocks[0]
with torch.no_grad():
    # the second: the rotations and the mask that every block needs
    x, attention_inputs = model.embed(torch.tensor([story_ids]), explicit_mask=True)
    normed = layer.attention_norm(x)
    queries, keys, values = layer.attention.project(
        normed, attention_inputs
    )  # (batch, heads, time, head_dim) each
    ours = layer.attention.output(merge_heads(attend(queries, keys, values)))  # (batch, time, embed_dim)
    theirs = layer.attention(normed, attention_inputs)
torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)
torch.testing.assert_close(causal_weights(queries, keys)[0], maps[0], atol=1e-5, rtol=0)
print("your attend and causal_weights give what the model's first layer gives, to 1e-5")

# %% [markdown]
# And these are all its heads on our story, from the first layer to the last. Each row of a map is a token that looks, each
# column a token that is looked at. Above the diagonal lies the future, and is empty.

# %%
head_maps(
    maps, f"{maps.shape[0]} layers with {maps.shape[1]} heads each read the same story in their own ways"
)

# %% [markdown]
# A dark line just below the diagonal is a head that looks one token back. A dark first column is a head that looks at
# the very first token when there is nothing to look for: a softmax must spend its 100% somewhere, and the first token
# is always there. Large models have strong **attention sinks** of this kind ([Xiao et al.
# 2023](https://arxiv.org/abs/2309.17453)). And ours? Here are the maps in numbers, averaged over the story. The last
# row is something to compare with, a head that gives all tokens so far equal shares:

# %%
time_steps = torch.arange(len(pieces))
distance = (time_steps[:, None] - time_steps).clamp(min=0)  # (time, time): how far back a key lies
heads = {f"layer {i}, head {j}": maps[i, j] for i in range(maps.shape[0]) for j in range(maps.shape[1])}
heads["equal shares"] = torch.ones_like(distance).tril() / (time_steps[:, None] + 1)  # row t: t + 1 shares
rows = [
    (
        name,
        f"{shares.diagonal(-1).mean():.0%}",
        f"{shares.diagonal().mean():.0%}",
        f"{shares[1:, 0].mean():.0%}",
        f"{(shares * distance).sum(-1).mean():.1f}",
    )
    for name, shares in heads.items()
]
Table(
    "Habits of the heads", ("head", "one back", "itself", "the first token", "tokens back, on average"), rows
)

# %% [markdown]
# Compare with the last row. In layers 1 and 2, head 1 gives the token before nearly three times an equal share, and
# keeps near. Layer 0, head 1, gives the first token more than twice an equal share: a weak sink. And layer 1, head 0,
# passes over what is near: it looks further back than equal shares would.
#
# Now walk through them yourself. Which heads find the verb, which the people? Try the token *ball*, and the full
# stops.

# %%
people = [place for place, piece in enumerate(pieces) if piece.strip() in ("Lily", "Tom")]
AttentionExplorer(pieces, maps, views=[(0, 0, people[-1]), (1, 0, len(pieces) - 1), (2, 1, len(pieces) - 1)])

# %% [markdown]
# **Careful.** A map shows where a head *reads*, not what it makes of it. What moves on is the value, through $W_o$,
# and after the first layer each token's vector already holds something of its neighbours. Whether attention explains
# a model is disputed ([Jain and Wallace 2019](https://arxiv.org/abs/1902.10186): it is not explanation; [Wiegreffe
# and Pinter 2019](https://arxiv.org/abs/1908.04626): it depends). To know what a look is worth, forbid it and see
# what changes.
#
# ## 5. What it costs
#
# Every token asks every earlier one. Twice as long a text means four times as many scores. Training goes through a
# model twice: **forward** to the loss, and **backward** to the gradients, for which PyTorch has to keep what the
# forward pass computed. We measure the memory that it keeps (counted exactly), and the seconds that forward and
# backward take. By hand, and with SDPA:


# %% tags=["nbval-ignore-output"]
def seconds_for(mix: Callable[..., torch.Tensor], inputs: list[torch.Tensor]) -> float:
    """The quicker of two runs, forward and backward."""
    taken = []
    for _ in range(2):
        start = time.perf_counter()
        mix(*inputs).sum().backward()
        if device.type == "cuda":
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - start)
    return min(taken)


def fused(queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """PyTorch's attention."""
    return F.scaled_dot_product_attention(queries, keys, values, is_causal=True)


lengths = [128, 256, 512, 1024] if FAST else [256, 512, 1024, 2048, 4096]
ways = {"by hand": attend, "SDPA": fused}
megabytes, seconds = {name: [] for name in ways}, {name: [] for name in ways}
for length in lengths:
    inputs = [torch.randn(1, 2, length, 64, device=device.type, requires_grad=True) for _ in range(3)]
    for name, mix in ways.items():
        # The inputs are counted: SDPA has to keep them, three quarters of what it keeps; the output is the rest.
        megabytes[name].append(kept_for_backward(lambda mix=mix, inputs=inputs: mix(*inputs)) / 1e6)
        seconds[name].append(seconds_for(mix, inputs))


def slope(values: list[float]) -> float:
    """Steepness on log-log axes over the last three lengths: 1 doubles with the length, 2 quadruples."""
    return np.polyfit(np.log(lengths[-3:]), np.log(values[-3:]), 1)[0]


lines(
    {f"{name}: slope {slope(values):.2f}": (lengths, values) for name, values in megabytes.items()},
    f"At {lengths[-1]:,} tokens attention by hand keeps {megabytes['by hand'][-1] / megabytes['SDPA'][-1]:.0f} times as much memory",
    xlabel="tokens (2 heads of 64, batch of 1)",
    ylabel="megabytes kept for the backward pass",
    log_x=True,
    log_y=True,
)

# %% tags=["nbval-ignore-output"]
lines(
    {f"{name}: slope {slope(values):.2f}": (lengths, values) for name, values in seconds.items()},
    f"At {lengths[-1]:,} tokens SDPA is {seconds['by hand'][-1] / seconds['SDPA'][-1]:.1f} times as fast as by hand",
    xlabel="tokens (2 heads of 64, batch of 1)",
    ylabel="seconds, forward and backward",
    log_x=True,
    log_y=True,
)

# %% [markdown]
# On axes where both sides are logarithmic, $y = c\,n^a$ is a straight line, and $a$ is its slope. Memory by hand comes close to slope 2:
# the weights, one number for every pair, are kept. SDPA's has slope 1. It goes through the keys in tiles, keeps for each
# query only a running maximum and a running sum, and corrects the mixture so far when the maximum grows. In the
# backward pass it computes the weights again instead of having kept them ([FlashAttention, Dao et al.
# 2022](https://arxiv.org/abs/2205.14135)).
#
# But the *time* tends to slope 2 with both. (Short texts are dominated by other costs; and by hand it can be steeper
# for a while, when the scores no longer fit into the processor's caches.) Often one reads that attention costs
# $O(n^2 E)$ (read: grows like $n^2 E$) in computation and memory. For computation that is right. The memory for scores
# is $O(n^2)$ a head even by hand, whatever $E$; with SDPA it is $O(nE)$.
#
# When does this matter? Beside attention stand the model's matrices, whose cost grows only linearly. We count the
# operations of a training step, of scores and mixtures only the causal half (the usual formula $12 L H E T$ counts all
# of them, and nearly doubles the small shares):

# %%
size = shipped.model.config
rows = []
for length in (size.context_length, 1024, 8192, 65536):
    both = flops_per_token(size, length)
    # scores and mixtures, forward: 4 x H x E for each of the length / 2 tokens that a query sees on average; backward
    # costs twice that
    matrices = both - 3 * size.num_layers * 2 * size.num_heads * size.head_dim * length
    rows.append((f"{length:,}", f"{both / 1e6:,.1f}", f"{1 - matrices / both:.0%}"))
Table(
    "The shipped model at other context lengths",
    ("tokens", "million operations per token", "of it for scores and mixtures"),
    rows,
)

# %% [markdown]
# In our short windows attention is cheap. With a book as context it is almost everything. That is why there is a
# search for other ways.
#
# ## 6. The leak: a model that looks brilliant
#
# Suppose someone forgets the mask. Nothing crashes; on the contrary. We train two models of the same shape, on the
# same batches, with the same first weights. In the second, only one thing is different: nothing is hidden. (The
# training loop is that of lesson 04 with a few additions; lesson 08 takes it apart.)


# %%
class Leaky(Decoder):
    """A Decoder without a causal mask: every token sees the whole window."""

    def embed(self, tokens, cache=None, explicit_mask=False):
        x, attention_inputs = super().embed(tokens, cache, explicit_mask)
        seen = tokens.shape[1] + (cache.length if cache else 0)
        nothing_hidden = torch.zeros(1, 1, tokens.shape[1], seen, device=tokens.device)
        return x, AttentionInputs(attention_inputs.cos, attention_inputs.sin, nothing_hidden)


data = prepare(vocab_size=4096, max_bytes=1_000_000 if FAST else 10_000_000, progress=False)
chosen = default_preset(device.type)  # on a GPU a larger one
size = chosen.model.change({"vocab_size": data.tokenizer.vocab_size, "context_length": 32})
steps = 6 if FAST else 120
trained, losses = {}, {}
for name, kind in (("with the mask", Decoder), ("without", Leaky)):
    student = kind(size, seed=0).to(device.type)
    optimizer = build_optimizer(student, chosen.train)
    losses[name] = []
    for step in range(steps):
        for group in optimizer.param_groups:  # rise for ten steps, fall in the second half
            rate = chosen.train.learning_rate * min((step + 1) / 10, 1, 2 * (1 - step / steps))
            group["lr"] = rate * group["rate_factor"]
        inputs, targets = (
            part.to(device.type) for part in data.train.batch(step, batch_size=32, context_length=32, seed=0)
        )
        with device.autocast():
            loss = student.loss(inputs, targets)
        loss.backward()
        nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses[name].append(loss.item())
    trained[name] = student

# %%
lines(
    {name: (list(range(1, steps + 1)), values) for name, values in losses.items()},
    f"Without the mask the training loss falls to {losses['without'][-1]:.2f}, with it to {losses['with the mask'][-1]:.2f}",
    xlabel="step",
    ylabel="training loss (nats per token)",
    floors=baseline_losses(data.train, data.valid),
    markers=False,
    write=lambda loss: f"{loss:.2f}",
)

# %% [markdown]
# A triumph? No. In training, token $t$ can look at token $t+1$, which is its answer. The model has learned to copy
# from the right. Validation loss, measured in the same way, looks just as good, because the answers lie there too. The
# honest measurement is what writing does: **show the beginning only, and ask for what comes next.** Here every guess is
# made from a window that is really cut off there:

# %%
windows, answers = (
    part.to(device.type) for part in data.valid.batch(0, batch_size=64, context_length=32, seed=0)
)
rows = []
for name, student in trained.items():
    with torch.no_grad():
        together = student.loss(windows, answers).item()
        alone = [
            F.cross_entropy(student(windows[:, : n + 1])[:, -1].float(), answers[:, n]).item()
            for n in range(32)
        ]
    story = generate(student, data.tokenizer, "Once upon a time", Sampling(max_tokens=24))[0]
    visible = "".join(letter if letter.isprintable() else " " for letter in story)
    rows.append((name, together, float(np.mean(alone)), visible))
Table(
    "The same validation windows, twice",
    ("model", "all guesses at once", "one at a time", "what it writes"),
    rows,
)

# %% [markdown]
# For the honest model both numbers are the same. That is what the mask is for: it makes one pass over a window equal
# to one pass over each of its beginnings. For the leaky model there is a gulf between them, and its text shows it.
#
# This curve was too good to be true. A quieter leak looks like a successful idea, and no curve gives it away. So ask
# the function itself: **if I change a later token, does an earlier output move?**
#
# ### Exercise 06.6: The leak test
# `function` turns `tokens`, ids of shape `(time,)`, into one output vector for each token, `(time, anything)`. Return
# True when some output depends on a later token, else False. The leak may be anywhere: from any token to any earlier
# output. Change tokens to other ids below `vocab_size`; outputs that differ by less than 1e-5 count as the same.


# %%
def looks_ahead(
    function: Callable[[torch.Tensor], torch.Tensor], tokens: torch.Tensor, vocab_size: int
) -> bool:
    """Whether any output of `function` depends on a token that comes after it. tokens: (time,)."""
    ### BEGIN SOLUTION
    usual = function(tokens)
    for place in range(1, len(tokens)):
        changed = tokens.clone()
        changed[place:] = (changed[place:] + 1) % vocab_size
        if not torch.allclose(function(changed)[:place], usual[:place], atol=1e-5):
            return True
    return False
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("06.6")

# %%
suspects = {**trained, "shipped": shipped.model}
for name, suspect in suspects.items():
    with torch.no_grad():
        leak = looks_ahead(
            lambda row, suspect=suspect: suspect(row[None])[0].float(),
            windows[0].to(suspect.device),
            data.tokenizer.vocab_size,
        )
    print(f"{name:14} {'LOOKS AHEAD' if leak else 'does not look ahead'}")

# %% [markdown]
# Put such a test into every project of yours. Leaks come in quieter ways than a forgotten mask: `triu(2)` instead of
# `triu(1)`, a softmax or a norm over the wrong axis, a convolution centred on its token. Most make the loss better,
# and that is why nobody looks.
#
# ## 7. Questions
#
# <details>
# <summary>Why three vectors a token? Would one not do, compared with itself?</summary>
#
# With $q = k$ the scores would be symmetric: *ball* would fit *gave* exactly as well as *gave* fits *ball*. And most
# tokens would find themselves the best match. Asking and offering are different things. The value is separate, too:
# what makes a token worth finding need not be what one wants to know from it.
# </details>
#
# <details>
# <summary>Without the mask and without positions: what happens to the output when the words are put in another order?</summary>
#
# It is put into the same other order, and nothing else changes. A sum does not know the order of its terms, so
# attention sees a bag of words. Lesson 05 was about that. The causal mask breaks it a little: token 0 can see one
# token, token 5 six. Models trained with no other position information make use of it ([Haviv et al.
# 2022](https://arxiv.org/abs/2203.16634)).
# </details>
#
# <details>
# <summary>Two heads of 64 numbers or eight of 16? The same number of parameters: so what changes?</summary>
#
# The rank. The scores of a head are $x_i^\top W_q^\top W_k\, x_j$, and $W_q^\top W_k$ has rank at most `head_dim`.
# Many thin heads make many simple comparisons, few thick ones make few rich ones. In between, the quality hardly
# changes; at the extremes it does ([Vaswani et al. 2017, table 3, rows A](https://arxiv.org/abs/1706.03762)).
# </details>
#
# <details>
# <summary>A row of the mask forbids everything. What comes out?</summary>
#
# The softmax of nothing but $-\infty$ is $0/0$, not a number (nan), and one step later the whole model is nan. It
# happens with padding, where a row has no real token yet. In slmlib
# `build_attention_inputs` lets such a row see itself; its output is never read.
# </details>
#
# ## What comes next
#
# Attention moves information between tokens. It cannot do much else: a mixture of values is a weighted mean, and a
# mean is nothing new. Lesson 07 adds the layer that computes and the norms that keep numbers in bounds, and stacks it
# all into a whole model, yours. What to take along: **score, scale, mask, softmax, mix; heads are one more axis; and
# a loss that is too good is a leak until you have tested it.**

# %%
progress()
