# %% [markdown]
# # Positions
#
# *20 minutes of reading, 40 with the exercises; difficulty 3 of 5.*
#
# *The dog bites the man.* *The man bites the dog.* The same words, and only one of them is news. **How does a model know
# which word comes first?**
#
# After this lesson you can
#
# - show that attention, left to itself, cannot see order,
# - name the four usual cures, write three of them, and say what each costs,
# - turn a query and a key by RoPE, and prove that only their distance counts,
# - convert a model from one convention of RoPE to the other, and say what happens if that is forgotten,
# - say what happens to each kind of model beyond the length it was trained on.
#
# Lesson 06 builds **attention** step by step. Here we need only its skeleton. Every token makes three vectors out of
# its own: a **query** (what it looks for), a **key** (what it can be found by) and a **value** (what it gives). A
# query is compared with all keys by dot products; softmax (lesson 04) turns these **scores** into shares; and the
# token receives the mixture of all values in these shares.

# %%
import math
import os

import numpy as np
import torch
import torch.nn.functional as F

from checks import check, hint, progress, reference
from slmlib.config import TrainConfig
from slmlib.devices import choose_device
from slmlib.errors import SlmError
from slmlib.model.decoder import Decoder
from slmlib.model.positions import alibi_bias, half_to_interleaved, rope_angles, rotate, sinusoidal_table
from slmlib.plots import Table, bars
from slmlib.plots.positions import heat_map, loss_by_position, score_maps
from slmlib.presets import preset
from slmlib.shipped import load_model
from slmlib.text.prepare import prepare
from slmlib.text.textfiles import read_stories
from slmlib.training.optimizers import build_optimizer
from slmlib.training.schedules import learning_rate
from slmlib.widgets.position_dial import PositionDial

FAST = bool(os.environ.get("SLM_FAST"))  # small sizes, for tests

# %% tags=["nbval-check-output"]
generator = torch.Generator().manual_seed(0)
embedding = {
    word: torch.randn(8, generator=generator, dtype=torch.float64)
    for word in ("the", "dog", "bites", "man", ".")
}
to_query, to_key, to_value = torch.randn(3, 8, 8, generator=generator, dtype=torch.float64)


def mixtures(x: torch.Tensor) -> torch.Tensor:
    """What each token receives. x: (time, 8) -> (time, 8)."""
    scores = (x @ to_query) @ (x @ to_key).T / 8**0.5  # (time, time), queries by keys
    return scores.softmax(dim=-1) @ (x @ to_value)


def received_by_the_last(sentence: str) -> list[float]:
    """The first three numbers of the last token's mixture."""
    x = torch.stack([embedding[word] for word in sentence.split()])  # (time, 8)
    return [round(number, 4) for number in mixtures(x)[-1, :3].tolist()]


sentences = (
    "the dog bites the man .",
    "the man bites the dog .",
    "bites the the dog man .",
    "the dog bites the dog .",
)
Table(
    "What the full stop learns from its sentence",
    ("sentence", "the first three numbers of its mixture"),
    [(sentence, str(received_by_the_last(sentence))) for sentence in sentences],
)

# %% [markdown]
# The first three rows are the same in every digit. A mixture is a sum, and a sum does not care about the order of its
# parts. **Attention sees a bag of words.** Only the fourth row differs: there the bag holds other words.
#
# So order must be brought in. One can put it into the vectors (section 1), into the comparison of query and key
# (sections 2 to 4), or leave it to the mask that hides the future (section 5).
#
# ## 1. Add a vector
#
# **Learned positions.** The simplest cure: a second table, with a row for each *position*. Its row is added to that of
# the token. GPT-2 does it, and its table has $1024 \cdot 768 = 786{,}432$ numbers. Position 1024 does not exist: there is
# no row for it.
#
# **Sines and cosines.** The first transformer ([Vaswani et al. 2017, section 3.5](https://arxiv.org/abs/1706.03762)) had a
# formula instead of a table. The numbers come in pairs; pair $i$ (counted from 0) goes round like a clock hand, and each
# pair is slower than the one before. At position $p$, for a model of width $D$:
#
# $$\text{PE}_{p,\,2i} = \sin\frac{p}{10000^{2i/D}}, \qquad \text{PE}_{p,\,2i+1} = \cos\frac{p}{10000^{2i/D}}$$
#
# It works like the digits of a number: the last digit changes at each step, the one before it more slowly. A clock
# with hands for seconds, minutes and hours does the same.
#
# ### Exercise 05.1: Sines and cosines
# Return the table for the given positions, `(time, embed_dim)`: sine at the even places, cosine at the odd ones.


# %%
def sinusoidal(positions: torch.Tensor, embed_dim: int) -> torch.Tensor:
    """The vectors of some positions. positions: (time,) whole numbers. Returns (time, embed_dim)."""
    ### BEGIN SOLUTION
    frequencies = 10_000.0 ** -(torch.arange(0, embed_dim, 2) / embed_dim)  # (embed_dim / 2,)
    angles = positions[:, None] * frequencies  # (time, embed_dim / 2)
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(-2)  # (time, embed_dim)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("05.1")

# %%
heat_map(
    sinusoidal(torch.arange(64), 64).numpy(),
    "Every position has its own pattern: fast hands on the left, slow ones on the right",
    xlabel="number within the vector",
    ylabel="position",
)

# %% [markdown]
# **Computed a second way.** torch knows complex numbers. $e^{\mathrm{j}\varphi} = \cos\varphi + \mathrm{j}\sin\varphi$,
# with $\mathrm{j}$ for the imaginary unit ($i$ is the pair), is a hand of length 1 at the angle $\varphi$, and to turn it
# further is to multiply. Two things must hold: the hands are ours, and the vector $k$ positions further on is the old
# one, **turned by an angle that depends on $k$ alone**.

# %% tags=["nbval-check-output"]
places = torch.arange(100)
frequencies = 10_000.0 ** -(torch.arange(16) / 16.0)
hands = torch.polar(torch.ones(100, 16), places[:, None] * frequencies)  # complex, (time, pairs)
ours = sinusoidal(places, 32).float()
torch.testing.assert_close(ours, torch.stack((hands.imag, hands.real), dim=-1).flatten(-2), atol=1e-5, rtol=0)
further = hands[:-7] * torch.polar(torch.ones(16), 7 * frequencies)  # turned by 7 steps
torch.testing.assert_close(ours[7:, 1::2], further.real, atol=1e-5, rtol=0)
print("equal to torch.polar; seven positions further on is one and the same turn, wherever one starts")

# %% [markdown]
# That was the inventors' hope: a model that wants to look seven tokens back only needs to learn one turn. But the vector
# is *added* to the word, and everything after it sees the sum. The score of query and key then has four parts:
#
# $$(a + p)^\top W (b + r) = a^\top W b + a^\top W r + p^\top W b + p^\top W r$$
#
# with words $a, b$ and positions $p, r$, and the weights of query and key in one matrix $W$. Only the last part is
# about positions alone. In the two parts in the middle, words and positions are mixed.
#
# ## 2. Turn instead: RoPE
#
# If a turn is what we want, why not turn? **RoPE**, rotary position embedding ([Su et al. 2021, section
# 3.2](https://arxiv.org/abs/2104.09864)), adds nothing to the words. It takes each query and each key, cuts its $E$
# numbers (the `head_dim`) into pairs, and turns pair $i$ at position $p$ by the angle
#
# $$\varphi_{p,i} = p \cdot \theta^{-2i/E}, \qquad
# \begin{pmatrix} x'_i \\ x'_{i+E/2} \end{pmatrix} =
# \begin{pmatrix} \cos\varphi & -\sin\varphi \\ \sin\varphi & \cos\varphi \end{pmatrix}
# \begin{pmatrix} x_i \\ x_{i+E/2} \end{pmatrix}$$
#
# with $\theta = 10{,}000$ as before. Why does it help? A dot product does not change when both vectors turn by the same
# angle. Turn the query by $m$ steps and the key by $n$ steps, and their score is as if only the query had been turned,
# by $m - n$ steps. **Positions go in, and only the distance comes out.**
#
# Try it. Eight numbers are four clocks; the solid hand is the query, the dashed one the key. (In a running notebook
# two sliders turn them; the arrow keys move the sliders.)

# %%
draw = np.random.default_rng(1)
PositionDial(query=draw.normal(size=8), key=draw.normal(size=8), places=((6, 4), (26, 24)))

# %% [markdown]
# Both rows have distance 2, so the scores are equal, down to what each pair adds. The first clock goes round in about
# six steps and can tell neighbours apart. The last one needs more than 6,000 and has hardly moved.
#
# A model has several **heads**, attentions side by side (lesson 06), each with queries and keys of `head_dim` numbers.
#
# ### Exercise 05.2: Turn the pairs
# Pair $i$ is made of the numbers $i$ and $i + E/2$. Return `x` with all its pairs turned. `x` may have axes in front,
# such as one for heads; turn them all alike.


# %%
def rope(x: torch.Tensor, positions: torch.Tensor, theta: float = 10_000.0) -> torch.Tensor:
    """Turn each pair by its angle. x: (..., time, head_dim); positions: (time,). Returns the shape of x."""
    ### BEGIN SOLUTION
    half = x.shape[-1] // 2
    angles = positions[:, None] * theta ** -(torch.arange(half) / half)  # (time, head_dim / 2)
    first, second = x.chunk(2, dim=-1)  # (..., time, head_dim / 2) each
    cos, sin = angles.cos(), angles.sin()
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("05.2")

# %% [markdown]
# **Computed a second way**, by complex multiplication again, and with it the promise about distances:

# %% tags=["nbval-check-output"]
generator = torch.Generator().manual_seed(0)
queries, keys = torch.randn(2, 4, 50, 64, generator=generator)  # (heads, time, head_dim) each
places = torch.arange(50)
hands = torch.polar(torch.ones(50, 32), places[:, None] * 10_000.0 ** -(torch.arange(32) / 32.0))
numbers = torch.complex(queries[..., :32], queries[..., 32:]) * hands
ours = rope(queries, places).float()
torch.testing.assert_close(ours, torch.cat((numbers.real, numbers.imag), -1), atol=1e-5, rtol=0)

query, key = queries[0, :1], keys[0, :1]  # (1, head_dim) each
for query_at, key_at in ((5, 2), (105, 102), (1005, 1002), (5, 3)):
    score = rope(query, torch.tensor([query_at])) @ rope(key, torch.tensor([key_at])).T
    print(f"query at {query_at:4}, key at {key_at:4}: score {score.item():.2f}")

# %% [markdown]
# Nothing is learned, nothing is added to the words, lengths do not change, and a token at position 0 is left as it is.
# Nearly all models since Llama use it.
#
# **How far does it see?** A pair can tell distances apart up to one turn of its hand. How long is a turn, and which hands
# ever get round in training?

# %%
wavelengths = [2 * math.pi * 10_000 ** (pair / 32) for pair in range(32)]
context = load_model().model.config.context_length
rows = [
    (f"{length:,}", f"{sum(wave < length for wave in wavelengths)} of 32")
    for length in (context, 1024, 8192, 131072)
]
Table("Hands of a head with 64 numbers that go round at least once", ("within tokens", "pairs"), rows)

# %% [markdown]
# In short windows many hands never get round their clock. Beyond the training length they come to angles that were
# never seen, and there things go wrong (section 6). Long-context models slow all hands but the first with a larger
# $\theta$ (Llama 3: 500,000), or squeeze the positions together and train a little more ([Chen et al.
# 2023](https://arxiv.org/abs/2306.15595)). The usual way today is to slow only the slow hands, which never got round,
# and to leave the fast ones alone (Llama 3.1 and YaRN: `slow_down` and `yarn` in
# [slmlib/model/positions.py](../slmlib/model/positions.py)).
#
# ## 3. Two conventions, and a trap
#
# Which two numbers make a pair does not matter, so long as the model was trained with it. Two conventions are in use:
#
# | | pair $i$ | who |
# |---|---|---|
# | `half` | $(i,\; i + E/2)$ | GPT-NeoX, Llama in Hugging Face's format, Qwen, this course |
# | `interleaved` | $(2i,\; 2i + 1)$ | the paper, GPT-J, Llama as Meta published it |
#
# The same model can be written in both. The matrices that make queries and keys have one row for each of the
# `num_heads * head_dim` numbers; put the rows into the other order, and every pair is together again. The dot product
# adds up the same terms in another order.
#
# ### Exercise 05.3: From one convention to the other
# `weight` is the matrix that makes the queries of an interleaved model (a **projection**),
# `(num_heads * head_dim, embed_dim)`. Reorder its rows so that the same model works with `half` pairs: within each
# head, first the first numbers of all pairs, then the second.


# %%
def to_half(weight: torch.Tensor, num_heads: int) -> torch.Tensor:
    """Rows from interleaved to half order, head by head. (num_heads * head_dim, embed_dim), the same shape back."""
    ### BEGIN SOLUTION
    pairs = weight.view(num_heads, -1, 2, weight.shape[1])  # (num_heads, head_dim / 2, 2, embed_dim)
    return pairs.transpose(1, 2).reshape(weight.shape)  # (num_heads, 2, head_dim / 2, embed_dim), flattened
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("05.3")

# %% [markdown]
# Now the trap, on a real model. We tell the model that comes with this course that its pairs are interleaved. No
# shape is wrong, and nothing complains. Then we also give it weights in the order that fits.

# %%
data = prepare(vocab_size=4096, max_bytes=1_000_000 if FAST else 10_000_000, progress=False)
shipped = load_model()
stories = list(read_stories(data.folder / "valid.txt"))[: 8 if FAST else 40]
rows_of_ids = [
    [shipped.tokenizer.end_of_text, *ids][: context + 1] for ids in shipped.tokenizer.encode_batch(stories)
]


@torch.no_grad()
def story_loss(model: Decoder) -> float:
    """Mean loss over the beginnings of some stories."""
    losses = [
        F.cross_entropy(model(torch.tensor([ids[:-1]]))[0], torch.tensor(ids[1:]), reduction="none")
        for ids in rows_of_ids
    ]
    return torch.cat(losses).mean().item()


weights = shipped.model.state_dict()
config = shipped.model.config
confused = Decoder(config.change({"rope_pairs": "interleaved"}))
confused.load_state_dict(weights)
order = half_to_interleaved(config.head_dim)  # slmlib/model/positions.py: the way back
reordered = {
    name: torch.cat([head[order] for head in weight.chunk(config.num_heads)])
    if name.endswith(("query.weight", "key.weight"))
    else weight
    for name, weight in weights.items()
}
converted = Decoder(config.change({"rope_pairs": "interleaved"}))
converted.load_state_dict(reordered)
for name, weight in reordered.items():  # your function leads back to where we came from
    if name.endswith(("query.weight", "key.weight")):
        assert torch.equal(to_half(weight, config.num_heads), weights[name])
bars(
    {
        "half, as it was trained": story_loss(shipped.model),
        "told that it is interleaved": story_loss(confused),
        "told so, and rows reordered": story_loss(converted),
    },
    "The wrong pairs raise the loss without a word; reordering the rows mends it exactly",
    xlabel="loss, nats per token",
    highlight=["told that it is interleaved"],
    write="{:.4f}".format,
)

# %% [markdown]
# The confused model does not write noise. It still knows its words and which ones keep company, so its texts look as
# if it were merely badly trained. Hugging Face's [script that converts
# Llama](https://github.com/huggingface/transformers/blob/main/src/transformers/models/llama/convert_llama_weights_to_hf.py)
# reorders rows for this very reason. Whoever converts a model must compare its scores with the original; a look at
# the texts is not enough.
#
# ## 4. Prefer what is near: ALiBi
#
# ALiBi ([Press, Smith and Lewis 2022](https://arxiv.org/abs/2108.12409)) leaves words, queries and keys alone. It takes
# something off each *score*: the further away the key, the more. Each head $h = 1 \dots H$ has its own slope,
#
# $$\text{score}_{t,s} = \frac{q_t \cdot k_s}{\sqrt{E}} - m_h \, (t - s), \qquad m_h = 2^{-8h/H}$$
#
# so that some heads look only at what is close and others far back. For 8 heads the slopes are
# $\frac12, \frac14, \dots, \frac1{256}$. (Why divide by $\sqrt E$? Lesson 06 has the answer.)
#
# ### Exercise 05.4: A preference for what is near
# Return what is added to the scores, `(num_heads, time, time)`, rows for queries and columns for keys. And hide the
# future, as lesson 06 will: $-\infty$ where the key comes after the query. `num_heads` is a power of two. (The code
# counts heads from 0, the formula from 1.)


# %%
def alibi(num_heads: int, time: int) -> torch.Tensor:
    """What is added to the scores: (num_heads, time, time); -inf where a key lies in the future."""
    ### BEGIN SOLUTION
    slopes = 2.0 ** (-8 * torch.arange(1, num_heads + 1) / num_heads)  # (num_heads,)
    places = torch.arange(time)
    distance = places[:, None] - places  # (time, time), queries by keys
    bias = -slopes[:, None, None] * distance
    return bias.masked_fill(distance < 0, float("-inf"))
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("05.4")

# %% [markdown]
# **Compared with the paper**, and with a closed formula: a score lowered by $m \cdot d$ is a share multiplied by $e^{-md}$.
# With equal scores, head $h$ gives a key $d$ tokens back the share $r^d (1 - r) / (1 - r^{t+1})$ with $r = e^{-m_h}$, a
# geometric series:

# %% tags=["nbval-check-output"]
bias = alibi(8, 20).float()
published = torch.tensor([1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 128, 1 / 256])
torch.testing.assert_close(-bias[:, 1, 0], published, atol=1e-5, rtol=0)
ratio, distance = torch.exp(-published)[:, None], 19 - torch.arange(20)  # seen from the last query
series = ratio**distance * (1 - ratio) / (1 - ratio**20)  # (num_heads, time)
torch.testing.assert_close(bias.softmax(dim=-1)[:, -1], series, atol=1e-5, rtol=0)
print("equal to the slopes in the paper, and to the geometric series")

# %% [markdown]
# Now all of them side by side. We put **the same query and the same key at every position**. So whatever differs in
# the scores comes from the position.

# %%
time, width = 32, 64
generator = torch.Generator().manual_seed(3)
word, other = torch.randn(2, width, generator=generator)
w_query, w_key = torch.randn(2, width, width, generator=generator) / width**0.5
places = torch.arange(time)
table = torch.randn(time, width, generator=generator)  # learned positions, before any learning


def scores_of(query_vectors: torch.Tensor, key_vectors: torch.Tensor) -> torch.Tensor:
    """(time, width) each -> (time, time)."""
    return (query_vectors @ w_query) @ (key_vectors @ w_key).T / width**0.5


same_word, same_other = word.expand(time, width), other.expand(time, width)
plain = scores_of(same_word, same_other)
waves = sinusoidal(places, width).float()
turned = rope(same_word @ w_query, places) @ rope(same_other @ w_key, places).T / width**0.5
score_maps(
    {
        "none": plain.numpy(),
        "learned, added": scores_of(same_word + table, same_other + table).numpy(),
        "sinusoidal, added": scores_of(same_word + waves, same_other + waves).numpy(),
        "RoPE": turned.numpy(),
        "ALiBi": (plain + alibi_bias(places[None], places[None], 8)[0, 2]).numpy(),
    },
    "With RoPE and ALiBi scores depend only on the distance; what is added to words does not promise that",
)

# %% [markdown]
# Stripes along the diagonal mean: one value for each distance. Added positions have no stripes, not even those made
# of sines. Words and positions are mixed in every score; and even the part about positions alone depends on nothing but
# the distance only for special query and key matrices, not for random ones like these. A model can learn to use them all
# the same, but it has to learn it for many positions, where RoPE gets it for free.
#
# ## 5. Nothing at all: what the mask tells
#
# A language model's attention has a mask: token $t$ sees only tokens $0 \dots t$. Is that not a kind of order, too?
# One layer is still blind: the last token sees all of them, as a bag. But with two layers it is not, for the tokens
# before it have each seen another part of the sentence.

# %% tags=["nbval-check-output"]
sentence, shuffled = torch.tensor([[1, 2, 3, 4, 5, 6]]), torch.tensor([[4, 2, 5, 1, 3, 6]])
for num_layers in (1, 2, 3):
    config = preset("0.3M").model.change(
        {"position": "none", "num_layers": num_layers, "initialization": "gpt2", "init_std": 0.2}
    )
    blind = Decoder(config, seed=0).double().eval()
    with torch.no_grad():
        change = (blind(sentence)[0, -1] - blind(shuffled)[0, -1]).abs().max().item()
    print(f"{num_layers} layer{'s' * (num_layers > 1)}, masked: ", end="")
    print("the last token cannot tell" if change < 1e-9 else "the last token sees the difference")

# %% [markdown]
# How can a layer find out where it is? Suppose every window begins with `<|endoftext|>`. Let a head give all tokens the
# same score, and let its value be 1 for `<|endoftext|>` and 0 for all others. Token $t$ then receives $1 / (t + 1)$, and
# that *is* its position:

# %% tags=["nbval-check-output"]
seen = torch.ones(6, 6).tril()  # token t sees tokens 0 to t
shares = seen / seen.sum(dim=1, keepdim=True)  # equal scores
is_first = torch.tensor([1.0, 0, 0, 0, 0, 0])
print([round(number, 3) for number in (shares @ is_first).tolist()])

# %% [markdown]
# Models without positions (**NoPE**) do learn where they are, and can do it in this way ([Haviv et al.
# 2022](https://arxiv.org/abs/2203.16634), [Kazemnejad et al. 2023](https://arxiv.org/abs/2305.19466)). But distances
# are hard to get from it: $1/100$ and $1/101$ are nearly the same.
#
# ## 6. Past the training length
#
# The real ones are in [slmlib/model/positions.py](../slmlib/model/positions.py), and `ModelConfig(position=...)`
# chooses. First the test that they do what you wrote:

# %% tags=["nbval-check-output"]
places = torch.arange(50)
ours = sinusoidal(places, 64).float()
torch.testing.assert_close(ours, sinusoidal_table(places, 64), atol=1e-5, rtol=0)
ours, theirs = rope(queries, places).float(), rotate(queries[None], *rope_angles(places, 64))[0]
torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)
ours, theirs = alibi(8, 50).float(), alibi_bias(places[None], places[None], 8)[0]
visible = ours.isfinite()
torch.testing.assert_close(ours[visible], theirs[visible], atol=1e-5, rtol=0)
print("slmlib.model.positions gives what you wrote: sines, turns, slopes")

# %% [markdown]
# Then the experiment. Five small models, equal but for their positions, learn from windows of 64 tokens. Then they read
# windows four times as long, and we look at the loss at each position. The learned table gets 256 rows, of which
# training only ever uses the first 64.
#
# To see much in a short time, a token is a single byte here: to spell a word, one has to know which letter came just
# before. (About half a minute on two CPU cores. The training loop is that of lesson 04 with a few additions; lesson 08
# takes it apart.)

# %%
device = choose_device()
trained, steps, batch_size = 64, 40 if FAST else 300, 16


def bytes_of(name: str) -> torch.Tensor:
    """All stories of a file as one row of bytes, with a 0 after each."""
    text = b"".join(story.encode("utf-8") + b"\0" for story in read_stories(data.folder / name))
    return torch.tensor(np.frombuffer(text, dtype=np.uint8).astype(np.int64))


train_bytes, valid_bytes = bytes_of("train.txt"), bytes_of("valid.txt")
train_config = TrainConfig(
    total_steps=steps, learning_rate=5e-3, embedding_rate_factor=7.0, schedule="linear", weight_decay=0.0
)
base = preset("3M").model if device.type == "cuda" else preset("0.3M").model.change({"num_layers": 2})


def train(position: str) -> Decoder:
    """A small model of bytes that has seen windows of `trained` tokens only."""
    config = base.change(
        {"position": position, "vocab_size": 256, "context_length": 4 * trained, "num_heads": 4}
    )
    model = Decoder(config, seed=0).to(device.type)
    optimizer = build_optimizer(model, train_config)
    generator = torch.Generator().manual_seed(0)  # the same windows for all
    for step in range(steps):
        starts = torch.randint(len(train_bytes) - trained - 1, (batch_size, 1), generator=generator)
        windows = train_bytes[starts + torch.arange(trained + 1)].to(device.type)  # (batch, time + 1)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, train_config) * group["rate_factor"]
        optimizer.zero_grad()
        model.loss(windows[:, :-1], windows[:, 1:]).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model


@torch.no_grad()
def loss_at_each_position(model: Decoder) -> torch.Tensor:
    """Mean loss over validation windows of 4 x trained tokens, (4 * trained,)."""
    length = 4 * trained
    count = min(32 if FAST else 320, (len(valid_bytes) - 1) // length)
    starts = length * torch.arange(count)[:, None]
    total = torch.zeros(length)
    for some in starts.split(16):
        windows = valid_bytes[some + torch.arange(length + 1)].to(device.type)  # (16, time + 1)
        scores = model(windows[:, :-1]).transpose(1, 2).float()  # (16, vocab_size, time)
        total += F.cross_entropy(scores, windows[:, 1:], reduction="none").sum(dim=0).cpu()
    return total / count


names = {"learned": "learned", "sinusoidal": "sinusoidal", "rope": "RoPE", "alibi": "ALiBi", "none": "none"}
by_position = {name: loss_at_each_position(train(position)) for position, name in names.items()}

# %%
bucket = 16
middles = list(range(bucket // 2, 4 * trained, bucket))
loss_by_position(
    {name: (middles, losses.view(-1, bucket).mean(dim=1).tolist()) for name, losses in by_position.items()},
    trained,
    "Read four times further than trained, every kind of position behaves in its own way",
)

# %%
Table(
    "Mean loss before and after the end of training windows",
    ("positions", f"up to {trained}", f"{trained} to {2 * trained}", f"{2 * trained} to {4 * trained}"),
    [
        (
            name,
            *(
                part.mean().item()
                for part in (losses[:trained], losses[trained : 2 * trained], losses[2 * trained :])
            ),
        )
        for name, losses in by_position.items()
    ],
)

# %% [markdown]
# What one usually sees, and why:
#
# - **Learned** positions jump at the line. The rows beyond it are still the noise they began as.
# - **Sinusoidal** ones have a value everywhere, but the model never met those patterns.
# - **RoPE** learns fastest and is best where it was trained. A little beyond, it still holds; then distances
#   appear that no query has ever met, and the loss climbs.
# - **ALiBi** goes on as if nothing had happened: far keys only get fainter. Where it was trained, it comes a
#   little behind RoPE in this run.
# - **None** is slow to learn. Often its loss rises even inside the training window, and so may that of the added
#   positions: the last few letters are harder to find among many than among few. Beyond the line it changes little.
#
# This is one short run of small models with one seed; a fair comparison needs longer runs and several seeds. The
# order within the training length changes with longer training, the jump of the learned table does not.
#
# ## 7. What can go wrong
#
# **Rows that do not exist.** A model with learned positions cannot read further than its table. slmlib says so:

# %% tags=["nbval-check-output"]
small = preset("0.3M").model.change({"position": "learned", "context_length": 64})
try:
    Decoder(small)(torch.zeros(1, 65, dtype=torch.long))
except SlmError as error:
    print(error)

# %% [markdown]
# **Positions that start again.** When a model writes, it keeps the keys of old tokens and computes only the new one
# (lesson 10). If the new token is then called position 0, every distance is wrong. RoPE forgives a shift of *all*
# positions, but not of some:

# %% tags=["nbval-check-output"]
sixteen = torch.arange(16)
together = rope(queries[0, :16], sixteen) @ rope(keys[0, :16], sixteen).T
moved = rope(queries[0, :16], sixteen + 100) @ rope(keys[0, :16], sixteen + 100).T
restarted = rope(queries[0, :16], torch.zeros(16)) @ rope(keys[0, :16], sixteen).T
print("all moved by 100, scores the same: ", torch.allclose(together, moved, atol=1e-3))
print("queries all at 0, scores the same: ", torch.allclose(together, restarted, atol=1e-3))

# %% [markdown]
# **Angles in half precision.** To save time and memory, models are often computed in 16-bit numbers (lesson 08).
# bfloat16, the usual kind, has 8 significant bits. Which whole numbers survive in it?

# %% tags=["nbval-check-output"]
for length in (256, 512, 2048):
    different = torch.arange(length).bfloat16().unique().numel()
    print(f"of {length:,} positions {different:,} are still different in bfloat16")

# %% [markdown]
# Above 256, neighbours get the same angle, and the model loses count: only in long texts, and only in half precision.
# So `rope_angles` and `rotate` compute in float32, whatever the model uses.
#
# ## 8. Questions
#
# <details>
# <summary>Why are the values not turned, only queries and keys?</summary>
#
# Position is needed to decide *whom* to listen to: that is the score. What is then handed on should be the same content
# wherever it stood. If values were turned too, a word would arrive in another shape at every distance.
# </details>
#
# <details>
# <summary>Does RoPE make far tokens count less, as ALiBi does?</summary>
#
# Not by itself. The paper shows that an upper bound on the score falls with the distance, roughly; and where query
# and key are alike, the score falls, too. For a random query and a random key that have nothing in common the scores
# are as large far away as nearby. A model is free to learn a score that is largest at distance 1, or at 7, or that
# uses the slow pairs alone and hardly notices distance at all. Trained models have heads that look one token back,
# and others that use the slow pairs ([Barbero et al. 2024](https://arxiv.org/abs/2410.06205)).
# </details>
#
# <details>
# <summary>Where in the model does each of the four act?</summary>
#
# Learned and sinusoidal vectors are added once, before the first layer, and have to survive all the way up. RoPE and
# ALiBi act anew in the attention of every layer, which may be one reason why they learn faster.
# </details>
#
# <details>
# <summary>Is head_dim = 2 enough for RoPE?</summary>
#
# It has a single pair, the fast one, which goes round in a little more than six steps. So distance 1 and distance 45
# would look alike: 44 steps are almost exactly seven turns. More pairs are more hands on the clock.
# </details>
#
# ## What comes next
#
# You have words with a meaning, and a position for each of them. Lesson 06 lets them look at one another. What to
# take along: **a bag of words has no order; order is added, turned, or taken off the score; turn by a position, and
# the distance is what remains.**

# %%
progress()
