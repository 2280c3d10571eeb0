# %% [markdown]
# # Embeddings
#
# *25 minutes of reading, 45 with the exercises; difficulty 2 of 5.*
#
# After the tokenizer a story is a row of ids, and the ids mean nothing: the token after "dog" in the list is no kind
# of dog. Yet a trained model knows that a dog is something like a cat. **Where does a model keep what a word means,
# and who put it there?**
#
# After this lesson you can
#
# - turn ids into vectors, and say why a lookup is a product of matrices,
# - turn scores into probabilities, sharper or flatter ones, with softmax and temperature,
# - train the smallest language model there is, and say which lines a better one has to pass,
# - say what a vocabulary costs, and what tying saves,
# - draw a map of the words a model has learned, and not read too much into it.
#
# First a look at what there is to explain. Each row shows a word's neighbours twice: by id, and in the model that
# comes with this course, which was trained on TinyStories. (A dot is a space: `·Lily` and `Lily` are two tokens.)

# %%
import math
import os

import torch
import torch.nn.functional as F
from torch import nn

from checks import check, hint, progress, reference
from slmlib.devices import choose_device
from slmlib.model.counts import parameters_by_part
from slmlib.model.decoder import Decoder
from slmlib.model.families import family
from slmlib.plots import Table, lines
from slmlib.plots.embeddings import lookup_product, probability_panels, share_bars, word_map
from slmlib.presets import PRESETS, default_preset
from slmlib.shipped import load_model
from slmlib.text.baselines import BIGRAM, baseline_losses
from slmlib.text.prepare import prepare
from slmlib.text.textfiles import read_stories

FAST = bool(os.environ.get("SLM_FAST"))  # small sizes, for tests

# %%
shipped = load_model()
model, tokenizer = shipped.model, shipped.tokenizer
vectors = model.embedding.weight.detach()  # (vocab_size, embed_dim); detach: below, "Gradients, in one cell"
directions = F.normalize(vectors, dim=1)


def spelled(token: int) -> str:
    """The text of a token, its spaces made visible."""
    return tokenizer.decode([token]).replace(" ", "·")


rows = []
for word in (" dog", " red", " ran", " Lily", " happy"):
    token = tokenizer.encode(word)[0]
    similar = (directions @ directions[token]).topk(6).indices[1:]
    rows.append(
        (
            spelled(token),
            ", ".join(spelled(token + step) for step in (-2, -1, 1, 2)),
            ", ".join(spelled(one) for one in similar),
        )
    )
Table("Neighbours", ("word", "by id", "in the model"), rows)

# %% [markdown]
# Nobody told the model what a colour is. It read stories and guessed next tokens, nothing else. All it knows about a
# single token is one row of numbers, and all these rows together are the **embedding table**. Let us see how a row is
# found, and then how it is learned.
#
# ## 1. A lookup is a product
#
# Take a vocabulary of five words, and for each word three numbers: its **vector**, also called its **embedding**. There
# are $V$ rows (the vocabulary size) and $D$ columns (the width of the model, `embed_dim`). To embed a token is to copy
# its row.
#
# The same can be written as a product. Let a token be a row of $V$ zeros with a single 1 at its own place: a
# **one-hot** row. Multiply it by the table, and everything is multiplied by 0 except one row. (Shapes, `dim`,
# `x[..., None]`, `keepdim` and `@` are explained in lesson 03, "Tensors, in one cell".)

# %%
words = ["the", "a", "cat", "dog", "sat"]
small_table = torch.tensor(
    [[0.1, 0.3, -0.1], [0.4, 0.5, -0.1], [-0.2, 0.8, 0.6], [-0.1, 0.7, 0.5], [0.9, 0.0, 0.2]]
)  # (vocab_size 5, embed_dim 3)
sentence = torch.tensor([0, 2, 4, 2])  # the cat sat cat
lookup_product(
    [[1, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 1], [0, 0, 1, 0, 0]],  # a one-hot row for each token
    small_table.tolist(),
    words,
    "Zeros with a single 1, times a table: a row",
)

# %% [markdown]
# ### Exercise 04.1: One-hot rows
# Return a tensor with one more dimension than `tokens`, of size `vocab_size`: zeros, and a 1.0 at each token's own
# place. Make it `torch.float32`, so that it can be multiplied with a table. `tokens` may have any shape.


# %%
def one_hot(tokens: torch.Tensor, vocab_size: int) -> torch.Tensor:
    """tokens: (...) ids. Returns (..., vocab_size): a single 1.0 in each row."""
    ### BEGIN SOLUTION
    return (tokens[..., None] == torch.arange(vocab_size)).float()  # (..., 1) == (vocab_size,)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("04.1")

# %% [markdown]
# ### Gradients, in one cell
# To learn is to change numbers so that the loss gets smaller. The **gradient** says which way: it is the slope of the
# loss for each of these numbers, that is, how fast the loss grows when the number grows a little. PyTorch finds it by
# itself. Read this cell line by line; the lessons from here on use what it shows:

# %% tags=["nbval-check-output"]
w = torch.tensor(3.0, requires_grad=True)
loss = (w - 1) ** 2
loss.backward()
print(f"w = {w.item():.1f}: the loss is {loss.item():.2f}, its slope {w.grad.item():.1f}")  # 2 (w - 1)
with torch.no_grad():
    w -= 0.1 * w.grad  # one step downhill; 0.1 is the learning rate
print(f"w = {w.item():.1f}: the loss is {((w - 1) ** 2).item():.2f}")

# %% [markdown]
# - `requires_grad=True` (or `requires_grad_()`, for a tensor that is there already) tells torch to remember what is
#   computed from `w`.
# - `backward()` walks back from the loss through all that was computed, and puts the slope into `w.grad`. It *adds* to
#   what is there already; that is why training loops call `zero_grad()` before the next step.
# - `detach()`, `no_grad()` and `inference_mode()` say: do not remember. Looking, measuring and the step itself need no
#   gradient.
# - An `nn.Module` keeps such numbers, its **parameters**. Its `forward` says what it computes, and `model(x)` calls
#   `forward`. An **optimizer** takes the step, for all parameters at once.
#
# **Compared with code that is not ours.** `nn.Embedding` copies rows. We compare what comes out, and the gradients.
# There is no model behind the table yet, so we invent a loss: the sum of the vectors' numbers, each times a fixed
# random one, `pull`. The gradient of each vector is then its row of `pull`. What does each row of the *table* get?

# %%
theirs = nn.Embedding.from_pretrained(small_table.clone(), freeze=False)
ours = small_table.clone().requires_grad_()
pull = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))  # (time, embed_dim)
(theirs(sentence) * pull).sum().backward()
(one_hot(sentence, 5) @ ours * pull).sum().backward()
torch.testing.assert_close(one_hot(sentence, 5) @ ours, theirs(sentence), atol=1e-5, rtol=0)
torch.testing.assert_close(ours.grad, theirs.weight.grad, atol=1e-5, rtol=0)
print("equal vectors, equal gradients")
Table(
    "The gradient of each row",
    ("word", "in the sentence", "gradient"),
    [
        (word, f"{(sentence == i).sum()} times", str([round(x, 2) for x in theirs.weight.grad[i].tolist()]))
        for i, word in enumerate(words)
    ],
)

# %% [markdown]
# Two things to remember. A word that is not in the batch gets **no gradient**: rare words learn rarely. And "cat",
# which stands there twice, gets the sum of both pulls.
#
# Why does nobody compute the product? With 4,096 tokens it would multiply by zero 4,095 rows for each one that is
# wanted. But it shows that an embedding is an ordinary product with a matrix (a *linear layer*, lesson 07), with a very
# simple input.
#
# ## 2. From scores to probabilities
#
# At its other end a model gives every token of the vocabulary a **score**, any number, also called a **logit**. We
# want probabilities: none below 0, and together 1. **Softmax** makes them: it raises $e$ to each score and divides by
# the sum. Often all scores are divided first by a **temperature** $\tau$ (tau):
#
# $$P(y_t = w_i \mid x) = \frac{\exp(z_{t,i} / \tau)}{\sum_{j=1}^{V} \exp(z_{t,j} / \tau)}$$
#
# where $z_{t,i}$ is the score of token $w_i$ at position $t$, after the text $x$.
#
# There is one trap. $e^{89}$ is already more than a float32 can hold:

# %% tags=["nbval-check-output"]
scores = torch.tensor([1000.0, 999.0, 0.0])
print("naive:  ", (scores.exp() / scores.exp().sum()).tolist())
print("torch's:", [round(chance, 4) for chance in scores.softmax(-1).tolist()])

# %% [markdown]
# The way out: subtract the largest score from all of them. Above and below the fraction bar the same factor
# $e^{-\max}$ appears, so it cancels, and the largest power left is $e^0 = 1$. This also says something about scores:
# **only their differences count.**
#
# ### Exercise 04.2: Softmax with temperature
# Return the probabilities along the last axis, for scores of any size. Build them from `exp` and a sum: torch's own
# softmax is what the next cells compare yours with.


# %%
def softmax(logits: torch.Tensor, temperature: float = 1.0) -> torch.Tensor:
    """logits: (..., vocab_size). Returns probabilities of the same shape; each row sums to 1."""
    ### BEGIN SOLUTION
    scaled = logits / temperature
    powers = (scaled - scaled.amax(dim=-1, keepdim=True)).exp()
    return powers / powers.sum(dim=-1, keepdim=True)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("04.2")

# %%
many = 50 * torch.randn(64, 1000, generator=torch.Generator().manual_seed(0))
for temperature in (0.5, 1.0, 2.0):
    theirs = F.softmax(many / temperature, dim=-1)
    torch.testing.assert_close(softmax(many, temperature), theirs, atol=1e-4, rtol=0)
print("equal to F.softmax")

beginning = "Once upon a time, there was a little"
row = torch.tensor([[tokenizer.end_of_text, *tokenizer.encode(beginning)]])  # (1, T)
with torch.inference_mode():
    scores = model(row)[0, -1]  # (vocab_size,)
best = scores.topk(6).indices
chances = {f"τ = {tau}": softmax(scores, tau)[best].tolist() for tau in (0.5, 1.0, 2.0)}
favourite = tokenizer.decode([best[0]]).strip()
probability_panels(
    [tokenizer.decode([one]).strip() for one in best],
    chances,
    f"“{beginning} ...”: the colder, the surer of “{favourite}”",
)

# %% [markdown]
# Below 1, the likeliest tokens gain: towards $\tau = 0$ the best one takes all. Above 1, the differences shrink:
# towards infinity all tokens become equally likely. The order never changes, and the model knows neither more nor
# less. In training $\tau$ is 1; lesson 10 turns it to write.
#
# The word comes from physics. Softmax with a temperature is Boltzmann's distribution, where a score is an energy
# with its sign turned ([Ackley, Hinton and Sejnowski
# 1985](https://www.cs.toronto.edu/~hinton/absps/cogscibm.pdf)).
#
# ## 3. The smallest language model: a table
#
# Now both ends meet. Suppose the model may look at one token only, the last one. Then there are just $V$ different
# situations, and in each it needs $V$ scores. So the whole model is a table of $V \times V$ numbers, and it answers by a
# lookup: row number "last token" holds the scores of all next tokens. This is a **bigram** model, and its table is an
# embedding table.
#
# How good is it? As in lesson 00: the **loss** is minus the logarithm of the probability given to the token that really
# came, averaged over all places,
#
# $$\text{loss} = -\frac{1}{N} \sum_{t=1}^{N} \ln P(\text{targets}_t \mid \text{inputs}_t)$$
#
# ### Exercise 04.3: The loss of a bigram table
# Look up the scores, take their softmax (use yours), pick the probability of each target, and average minus its
# logarithm. Return one number as a tensor, without `.item()`, so that it can be differentiated.


# %%
def bigram_loss(table: torch.Tensor, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean loss in nats (natural logarithms). table: (vocab_size, vocab_size) scores; inputs, targets: (num_tokens,) ids."""
    ### BEGIN SOLUTION
    probabilities = softmax(table[inputs])  # (num_tokens, vocab_size)
    chosen = probabilities[torch.arange(len(targets)), targets]  # (num_tokens,)
    return -chosen.log().mean()
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("04.3")

# %%
generator = torch.Generator().manual_seed(0)
random_table = torch.randn(50, 50, generator=generator)
inputs, targets = torch.randint(50, (2, 300), generator=generator)
theirs = F.cross_entropy(random_table[inputs], targets)
torch.testing.assert_close(bigram_loss(random_table, inputs, targets), theirs, atol=1e-5, rtol=0)
print("equal to F.cross_entropy")

# %% [markdown]
# `F.cross_entropy` takes the logarithm of the softmax in one step, $z_i - \ln \sum_j e^{z_j}$. So a tiny probability
# cannot be rounded to 0 before its logarithm is taken. From here on, use it.
#
# ### The best table can be counted
#
# Which table has the lowest loss on the training text? The one whose softmax gives exactly the shares that were
# counted. And since $\ln$ undoes $\exp$, its scores are logarithms of counts. Pairs that never occurred would get
# $\ln 0 = -\infty$, and one such pair in a new story makes the loss infinite. So every row is mixed with the
# frequencies of the single tokens (the **unigrams**), and the more so, the more different followers it had ([Witten
# and Bell 1991](https://doi.org/10.1109/18.87000)). Here is the whole model, counted from the stories of lesson 03:

# %%
data = prepare(vocab_size=4096, max_bytes=1_000_000 if FAST else 10_000_000, progress=False)
vocab_size = data.tokenizer.vocab_size
train_tokens, valid_tokens = (stream.as_tensor().long() for stream in (data.train, data.valid))
floors = baseline_losses(data.train, data.valid)  # slmlib/text/baselines.py

pairs = train_tokens[:-1] * vocab_size + train_tokens[1:]  # each pair as one number
counts = torch.bincount(pairs, minlength=vocab_size**2).view(vocab_size, vocab_size).float()
single = torch.bincount(train_tokens, minlength=vocab_size) + 1.0
followers = (counts > 0).sum(dim=1, keepdim=True).clamp(min=1)  # (vocab_size, 1)
mixed = (counts + followers * single / single.sum()) / (counts.sum(dim=1, keepdim=True) + followers)
counted_table = mixed.log()  # (vocab_size, vocab_size)


def whole_loss(table: torch.Tensor) -> float:
    """The loss on every token of the validation stories."""
    return -table.log_softmax(dim=-1)[valid_tokens[:-1], valid_tokens[1:]].double().mean().item()


print(f"{data.corpus_name}: {len(train_tokens):,} tokens to learn from, {len(valid_tokens):,} held out")
print(f"pairs that could occur: {vocab_size**2:,}; that did: {(counts > 0).sum():,}")
print(f"the table of counts: {whole_loss(counted_table):.4f}; slmlib counts: {floors[BIGRAM]:.4f}")
assert abs(whole_loss(counted_table) - floors[BIGRAM]) < 1e-3

# %% [markdown]
# Three guesses give three lines. From here on the course draws its losses beside them:

# %%
Table(
    "Loss of three guesses that need no training",
    ("the guess", "it knows", "loss", "perplexity"),
    [
        (name, knows, loss, math.exp(loss))
        for (name, loss), knows in zip(
            floors.items(),
            ("the vocabulary", "how frequent each token is", "also the last token"),
            strict=True,
        )
    ],
)

# %% [markdown]
# **Perplexity** (lesson 00) is $e^{\text{loss}}$: among how many equally likely tokens the guess hesitates. A network
# whose loss is below the bigram line has learned to use more than the last token. Above it the loss cannot say: the
# network may look further back, and still know the pairs less well than a count does.
#
# ### Or learned
#
# Counting works because the model is so simple. A real model has to *learn*, step by step, from a few tokens at
# a time: `backward()` finds the gradient of every number, and the optimizer, here **Adam**, moves each number a little
# in the direction that lowers the loss (lesson 08 writes it). We let three tables learn:
#
# - **one table**, $V \times V$ numbers, each pair on its own;
# - **two tables** of width $D$: the first gives the last token its vector, the second turns that vector back into
#   scores, by a **dot product** (multiply number by number and add up) with a vector for every possible next token:
#   $z = e_x U^\top$. Here $e_x$ is a vector, not the number $e$: the row of the first table for the last token $x$. And
#   $U$, of shape $(V, D)$, is the second table, the **unembedding**, also called the *head*. Together they are the
#   first and the last layer of every language model, with nothing between them;
# - **one table twice**: the same vectors at both ends. This is **weight tying** ([Press and Wolf
#   2017](https://arxiv.org/abs/1608.05859)), and it halves the numbers.
#
# All three see the same batches, but they are not treated alike. The one table gets a sparse form of Adam, which
# touches only the rows that were looked up. And it gets ten times the learning rate, because each of its rows has few
# steps in which to arrive. The other two get plain Adam. (On TinyStories 0.3 was the best of 0.03, 0.1, 0.3 and 1 for
# the one table. Plain Adam takes it a little further, not as far as two tables, and needs much longer.)

# %%
device = choose_device()
width = default_preset(device.type).model.embed_dim // 2
steps, batch_size = (20, 512) if FAST else (100, 2048)


class TwoTables(nn.Module):
    """Scores of the next token from the last one: embed, unembed. (N,) -> (N, vocab_size)."""

    def __init__(self, vocab_size: int, embed_dim: int, tied: bool):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embed_dim)
        self.head = nn.Linear(embed_dim, vocab_size, bias=False)
        nn.init.normal_(self.embedding.weight, std=0.1)
        nn.init.normal_(self.head.weight, std=0.1)
        if tied:
            self.head.weight = self.embedding.weight  # one Parameter under two names

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.head(self.embedding(tokens))


def train_bigram(model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[list[int], list[float]]:
    """Steps, and the loss on all validation stories at each of them. The rate falls to 0."""
    everything = torch.arange(vocab_size, device=device.type)
    generator, rate = torch.Generator().manual_seed(0), optimizer.param_groups[0]["lr"]
    measured, losses = [], []
    for step in range(steps + 1):
        if step % (steps // 4) == 0:
            with torch.no_grad():  # a bigram model has only vocab_size answers: one product gives them all
                losses.append(whole_loss(model(everything).cpu()))
            measured.append(step)
        places = torch.randint(len(train_tokens) - 1, (batch_size,), generator=generator)
        inputs, targets = (train_tokens[places + i].to(device.type) for i in (0, 1))
        optimizer.param_groups[0]["lr"] = rate * (1 - step / steps)
        optimizer.zero_grad()
        F.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
    return measured, losses


torch.manual_seed(0)
one = nn.Embedding(
    vocab_size, vocab_size, sparse=True
)  # sparse: only the rows that were looked up are touched
nn.init.zeros_(one.weight)
two, tied = TwoTables(vocab_size, width, tied=False), TwoTables(vocab_size, width, tied=True)
curves = {}
for name, table, optimizer, rate in (
    ("one table", one, torch.optim.SparseAdam, 0.3),
    ("two tables", two, torch.optim.Adam, 0.03),
    ("one table twice", tied, torch.optim.Adam, 0.03),
):
    table.to(device.type)
    numbers = sum(parameter.numel() for parameter in table.parameters())
    curves[name] = train_bigram(table, optimizer(table.parameters(), lr=rate, betas=(0.9, 0.95)))
    print(f"{name:15}  {numbers:>10,} numbers, loss {curves[name][1][-1]:.3f} after {steps} steps")
lines(
    curves,
    "Sharing helps two tables learn faster; sharing everything hurts",
    xlabel="step",
    ylabel="loss, nats per token",
    floors=floors,
    write="{:.2f}".format,
    size=(8, 4.6),
)

# %% [markdown]
# **One table** learns slowly, although it is the one that could be perfect. A row is touched only when its token
# comes along, and most tokens hardly ever do. With many more steps its loss would go on falling. But nothing mixes
# its rows with the unigrams: sooner or later it would take pairs it never saw for impossible, and get worse on new
# stories.
#
# **Two tables** have far fewer numbers, and learn faster here, with a tenth of the rate. One reason is that they
# *share*: what they learn about the followers of one noun helps the others, for words followed by the same words get
# similar vectors. That is the answer to our question. **Meaning, for a model, is what a word does to its
# surroundings.** Training puts it into the table, because similar rows make the loss small with few numbers.
#
# Sharing has a price. All scores together form a $V \times V$ matrix, but it is a product of two thin ones. So its
# **rank**, the largest number of rows of which none is a sum of multiples of the others, is at most $D$. Tables of true
# probabilities
# may need more; this is the **softmax bottleneck** ([Yang et al. 2018](https://arxiv.org/abs/1711.03953)):

# %%
with torch.no_grad():
    some = torch.arange(min(600, vocab_size))
    block = two.cpu()(some)[:, some].double()  # (600, 600) of all scores
print(f"vectors of {width} numbers; rank of a {len(some)} x {len(some)} block of the scores:", end=" ")
print(torch.linalg.matrix_rank(block, rtol=1e-5).item())

# %% [markdown]
# **One table twice** fails here, and not by bad luck. With $e_a$ and $e_b$ for the rows of two tokens, the score of "b
# after a" is $e_a \cdot e_b$. What is the score of "a after b"?

# %%
with torch.no_grad():
    scores = tied.cpu()(torch.arange(vocab_size))  # (vocab_size, vocab_size)
once, upon = (data.tokenizer.encode(word)[0] for word in ("Once", " upon"))
print(f"'Once' then ' upon': {scores[once, upon]:.2f}    ' upon' then 'Once': {scores[upon, once]:.2f}")
print("the same for every pair:", torch.allclose(scores, scores.T, atol=1e-4))

# %% [markdown]
# It cannot know which of two words comes first. In a real model the layers in between turn the vector of the last
# token into that of the expected one, and then tying does no harm.
#
# ## 4. The real one
#
# [slmlib/model/decoder.py](../slmlib/model/decoder.py) begins with `self.embedding` and ends with `self.head`, and one
# line ties them. In the model that comes with this course:

# %%
token_row = torch.tensor(tokenizer.encode("the cat sat"))
torch.testing.assert_close(one_hot(token_row, 4096) @ vectors, model.embedding(token_row), atol=1e-5, rtol=0)
print("your one-hot rows times its table are its embeddings")
print("one table under two names:", model.head.weight is model.embedding.weight)

# %% [markdown]
# The head is sometimes called the inverse of the embedding. It is not: it *compares*. Each score is the dot product
# of the final vector with the row of one token, so it is large where the two point the same way.
#
# ### What a vocabulary costs
#
# The table has $V \cdot D$ numbers, twice if it is not tied. The rest of a model grows with the depth and with $D^2$.
# So what share of a model is vocabulary?

# %%
configs = {f"preset {name}": PRESETS[name].model for name in ("0.3M", "1M", "8M", "34M")}
configs["1M, not tied"] = PRESETS["1M"].model.change({"tie_embeddings": False})
large = "1M, GPT-2's vocabulary"
configs[large] = PRESETS["1M"].model.change({"vocab_size": 50257})
configs |= {name: family(name) for name in ("gpt2", "gpt2-xl", "llama-2-7b", "llama-3-8b")}
shares = {}
for name, config in configs.items():
    parts = parameters_by_part(config)
    shares[name] = ((parts["embedding"] + parts["head"]) / sum(parts.values()), sum(parts.values()))
share_bars(
    shares,
    f"With GPT-2's vocabulary the 1M preset would be {shares[large][0]:.0%} vocabulary",
    part="embedding and head",
    rest="all else; in all",
)

# %% [markdown]
# This is why small models have small vocabularies, and tie them. At 7 billion parameters the table hardly counts: Llama
# 2 does not tie. Llama 3 chose four times as many tokens, and an eighth of its 8 billion parameters went there. In
# exchange its texts become shorter (lesson 02). How much vocabulary is best grows with the model ([Tao et al.
# 2024](https://arxiv.org/abs/2407.13623)).
#
# Parameters are not work. Looking up costs next to nothing, however large the table is. The head, however, multiplies
# with all $V$ rows at every token: for the two-table model above it was nearly all of the work.
#
# ## 5. A map of words
#
# A vector of 128 numbers is an arrow. Which arrows are alike? What a token does is in the direction. The length says
# little here: rows that were hardly trained are shorter, and on the way into the model a norm (lesson 07) makes all
# lengths equal. So one compares directions, by the **cosine** of the angle between them:
#
# $$\cos(a, b) = \frac{a \cdot b}{\lVert a \rVert \, \lVert b \rVert}$$
#
# It is 1 for the same direction, 0 for a right angle, and $-1$ for opposite ones.
#
# ### Exercise 04.4: Nearest neighbours
# Return the ids of the `count` tokens most similar to `token` by cosine, the most similar first. Not the token itself.


# %%
def nearest(table: torch.Tensor, token: int, count: int) -> torch.Tensor:
    """Ids of the most similar rows, (count,). table: (vocab_size, embed_dim)."""
    ### BEGIN SOLUTION
    units = table / table.norm(dim=1, keepdim=True)
    similarity = units @ units[token]  # (vocab_size,)
    similarity[token] = -2.0  # below every cosine
    return similarity.topk(count).indices
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("04.4")

# %%
rows = []
for word in (" mom", " big", " three", " said", " apple"):
    token = tokenizer.encode(word)[0]
    found = nearest(vectors, token, 5)
    theirs = F.cosine_similarity(vectors, vectors[token], dim=1)
    torch.testing.assert_close(theirs[found], theirs.topk(6).values[1:], atol=1e-5, rtol=0)
    rows.append(
        (
            spelled(token),
            ", ".join(f"{spelled(one)} {theirs[one]:.2f}" for one in found),
        )
    )
Table("Nearest by cosine, as F.cosine_similarity has it too", ("word", "neighbours"), rows)

# %% [markdown]
# Look at what counts as near. Opposites are neighbours: *big* and *small*. They stand in the same places of a
# sentence, and places are all that the model can see. Near means **exchangeable**, not alike in meaning.
#
# Now the map. 128 dimensions do not fit on paper. We look for the two directions along which our words differ most:
# **principal component analysis**, PCA. Take the mean off all rows, so that the cloud lies around zero. Then the
# **singular value decomposition** writes the rows as $X = U S V^\top$. The columns of $V$ (here a matrix, not the
# vocabulary size) are directions at right angles to one another, the first the one of the largest spread, the second
# the next. A word's place on the map is its row of $X$ times the first two.
#
# ### Exercise 04.5: Two directions
# Return the places `(num_words, 2)`. Signs are free: a map may be mirrored. `torch.linalg.svd(X,
# full_matrices=False)` returns $U$, the singular values, and $V^\top$ (with the directions as *rows*).


# %%
def map_2d(rows: torch.Tensor) -> torch.Tensor:
    """Places on the plane of largest spread, (num_words, 2). rows: (num_words, embed_dim)."""
    ### BEGIN SOLUTION
    centred = rows - rows.mean(dim=0)
    _, _, directions = torch.linalg.svd(centred, full_matrices=False)  # (k, embed_dim)
    return centred @ directions[:2].T
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("04.5")

# %%
groups = {
    "animals": "dog cat bird bunny frog bear mouse",
    "colours": "red blue green yellow pink purple",
    "names": "Lily Tom Ben Mia Anna Max",
    "doing": "ran walked jumped flew went swam climbed",
    "feelings": "happy sad scared angry excited proud",
    "family": "mom dad sister brother grandma",
}
shown = [(word, group) for group, members in groups.items() for word in members.split()]
word_ids = [tokenizer.encode(f" {word}")[0] for word, _ in shown]
some_vectors = vectors[word_ids].double()  # (num_words, embed_dim)
places = map_2d(some_vectors)
theirs = torch.pca_lowrank(some_vectors, q=len(shown), niter=4)[2][:, :2]  # (embed_dim, 2)
expected = (some_vectors - some_vectors.mean(dim=0)) @ theirs
torch.testing.assert_close(places.abs(), expected.abs(), atol=1e-5, rtol=0)  # signs are free
print("equal to torch.pca_lowrank")
spread = torch.linalg.svdvals(some_vectors - some_vectors.mean(dim=0)).square()
word_map(
    places.tolist(),
    [word for word, _ in shown],
    [group for _, group in shown],
    f"Words of a kind have come to lie together; these two of 128 directions hold {spread[:2].sum() / spread.sum():.0%}"
    " of their spread",
)

# %% [markdown]
# Read maps with care. What is far apart here *is* far apart, but what lies close may differ in the directions that were
# left out. How much is lost? For each word we ask whether the nearest other word is of its own kind:

# %%
kinds = [group for _, group in shown]
on_paper = torch.cdist(places, places).fill_diagonal_(float("inf")).argmin(dim=1)
in_full = [nearest(some_vectors, i, 1)[0] for i in range(len(shown))]
for name, neighbours in (("on the map", on_paper), ("in all directions", in_full)):
    own = sum(kinds[i] == kinds[other] for i, other in enumerate(neighbours))
    print(f"{name:18} {own} of {len(shown)} words have one of their own kind nearest")

# %% [markdown]
# Little is lost for these words, although the map holds only a part of their spread: on paper a few have a stranger
# nearest, in the whole table none of them has. But we chose these words ourselves, and they are easy. Take the whole
# table instead, and see what stands at the two ends of its first direction. How often does it come in stories? We
# take medians, because a few tokens come so often that nearly all others are below the mean:

# %%
plane = map_2d(vectors)  # (vocab_size, 2)
along = plane[:, 0]
order = (along * along[tokenizer.encode(",")[0]].sign()).argsort(descending=True)  # the comma's half first
for name, end in (("one end:  ", order[:14]), ("other end:", order[-14:])):
    print(name, " ".join(repr(tokenizer.decode([one])) for one in end))
texts = list(read_stories(data.folder / "train.txt"))[: 300 if FAST else 2000]
occurring = torch.tensor([one for row in tokenizer.encode_batch(texts) for one in row])
how_often = torch.bincount(occurring, minlength=len(vectors)).float()  # (vocab_size,)
for name, end in (("one end:  ", order[:400]), ("other end:", order[-400:]), ("all tokens", order)):
    print(f"{name} half of them come at most {how_often[end].median():.0f} times in {len(texts):,} stories")
print(f"below the mean of all: {(how_often < how_often.mean()).float().mean():.0%} of the tokens")


def rank_correlation(one: torch.Tensor, other: torch.Tensor) -> float:
    """1 when both put the tokens in the same order, -1 in the opposite one, 0 when they have nothing in common."""
    ranks = torch.stack([values.argsort().argsort().float() for values in (one, other)])  # (2, vocab_size)
    return torch.corrcoef(ranks)[0, 1].item()


for column, name in enumerate(("first ", "second")):
    alike = abs(rank_correlation(plane[:, column], how_often))
    print(f"{name} direction and how often a token comes: {alike:.2f}")

# %% [markdown]
# Look at both ends before you give a direction a name, and at more than the few tokens that end a list: it is easy to
# see in them what one hopes for. One explanation is always worth a test: how **often** a token occurs. The
# lines with "half of them" ask whether the tokens at one end come more often than all tokens, and those at the other
# more rarely. In many embedding tables the few largest directions have more to do with frequency than with meaning
# ([Mu and Viswanath 2018](https://arxiv.org/abs/1702.01417)). The last two lines put all tokens in order, by their
# place along a direction and by how often they come, and ask how alike the two orders are (0: not at all, 1: the
# same; the sign is free). In the table of the shipped model the first direction has a little to do with frequency,
# and the second much more.
#
# ## 6. What can go wrong
#
# **Tokens that nobody trained.** Thirteen of the 256 bytes can never occur in UTF-8, so no text ever taught the model
# what they are. Their rows started as independent random vectors. And now?

# %%
impossible = [0xC0, 0xC1, *range(0xF5, 0x100)]
id_of_byte = {tokenizer.token_bytes(one): one for one in range(256)}
never = torch.tensor([id_of_byte[bytes([byte])] for byte in impossible])
fresh = F.normalize(
    torch.randn(len(vectors), vectors.shape[1], generator=torch.Generator().manual_seed(0)), dim=1
)
directions = F.normalize(vectors, dim=1)


def mean_cosine(units: torch.Tensor) -> float:
    """Between different rows, on average."""
    count = len(units)
    return ((units @ units.T).sum() - count).item() / (count * (count - 1))


print(f"mean cosine between random rows:           {mean_cosine(fresh[never]):.2f}")
print(f"between the tokens that never occurred:    {mean_cosine(directions[never]):.2f}")
print(f"between all tokens of the model:           {mean_cosine(directions):.2f}")

# %% [markdown]
# They have all become nearly the same arrow. No input ever moved them, but the head did: at every step, softmax
# pushed each of them away from whatever vector the model had, all in the same direction. Such a token says nothing.
# If one ever gets into a prompt, strange things happen: people found words in GPT-2's vocabulary that made chat
# models stutter, because they were in the tokenizer's texts and not in the model's ("glitch tokens"; [Land and
# Bartolo 2024](https://arxiv.org/abs/2405.05417) find them by just this kind of measurement).
#
# **An id that does not exist.** On a CPU torch refuses it in words. On a GPU the program dies with "device-side
# assert triggered", often some lines later. And plain indexing takes a negative id without a word:

# %%
try:
    nn.Embedding(5, 3)(torch.tensor([5]))
except IndexError as error:
    print("IndexError:", error)
print("row -1:", [round(x, 1) for x in small_table[torch.tensor(-1)].tolist()], "which is 'sat'")

# %% [markdown]
# **Tying undone by accident.** If head and embedding are loaded, or initialised, one after the other, they may end as
# two tables. The count tells:

# %% tags=["nbval-check-output"]
config = PRESETS["0.3M"].model
for model_of in (Decoder(config), Decoder(config.change({"tie_embeddings": False}))):
    same = model_of.head.weight is model_of.embedding.weight
    print(f"tied {same!s:5}  {sum(parameter.numel() for parameter in model_of.parameters()):,} numbers")

# %% [markdown]
# ## 7. Questions
#
# <details>
# <summary>Why does the tied bigram prefer to repeat the last token, before it has learned anything?</summary>
#
# With $e_a$ for the row of the last token $a$, its score for that token itself is $e_a \cdot e_a$, a sum of squares,
# and for any other token a sum of random signs. With many columns the first is always the largest. A whole untrained
# model with a tied head does the same, and lesson 07 works out what that does to its first loss.
# </details>
#
# <details>
# <summary>Could we make the two tables wider and wider, and be done?</summary>
#
# With $D = V$ they can hold any table of scores, so they would at best reach the best bigram table. It would still
# see only one token. To pass the bigram line a model has to look further back, and for that it needs lesson 06.
# </details>
#
# <details>
# <summary>Is temperature 2 the same as taking the square root of every probability?</summary>
#
# Yes, if you divide by the new sum afterwards: $e^{z/\tau} = (e^z)^{1/\tau}$. So one can change the temperature of
# probabilities without knowing the scores.
# </details>
#
# ## What comes next
#
# The model can now tell words apart, but not their order: the vectors of "dog bites man" have the same sum as those
# of "man bites dog". Lesson 05 gives each word a position. What to take along: **a table in, a table out, the bigram
# line to pass, and a meaning that is nothing but company.**

# %%
progress()
