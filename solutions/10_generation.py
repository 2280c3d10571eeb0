# %% [markdown]
# # Generation
#
# *20 minutes of reading, 50 with the exercises; difficulty 3 of 5.*
#
# A language model gives a probability to every token, and stops there. It does not write. **Who chooses the word,
# and why is the likeliest one so often a bad choice?**
#
# After this lesson you can
#
# - draw from a distribution by hand, and say what temperature, top-k, top-p and min-p do to it,
# - say why the most probable text is not a typical one,
# - write many stories at once, none of them disturbed by its neighbours,
# - make generation many times faster with a cache, and prove that it writes the same.
#
# Nothing is trained here. The model is the one that comes with the course; it was trained on TinyStories.

# %%
import math
import os
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import islice

import torch
import torch.nn.functional as F

from checks import check, hint, progress, reference
from slmlib.config import Sampling
from slmlib.generation import generate, generate_tokens, probabilities
from slmlib.model.cache import KVCache
from slmlib.model.decoder import Decoder
from slmlib.plots import Table, histogram, lines
from slmlib.plots.sampling import entropy_bits, prompt_rows
from slmlib.shipped import load_model
from slmlib.text.prepare import prepare
from slmlib.text.textfiles import read_stories
from slmlib.widgets.next_token import NextToken
from slmlib.widgets.token_viewer import visible

FAST = bool(os.environ.get("SLM_FAST"))  # small sizes, for tests

# %%
shipped = load_model()
model, tokenizer = shipped.model, shipped.tokenizer
model.eval()
limit = model.config.context_length  # the model was trained on windows of so many tokens
vocab_size = tokenizer.vocab_size

# %% [markdown]
# ## 1. One token at a time
#
# Writing is a loop: ask for the logits of the next token, choose a token, append it, ask again. (Logits, once more,
# are the model's scores; a softmax makes probabilities of them.) Here is the whole loop. What it leaves open is
# `choose`.


# %%
@torch.inference_mode()
def write(prompt: str, choose: Callable[[torch.Tensor], int], max_tokens: int = 100) -> list[int]:
    """The tokens that follow a prompt. choose: logits (vocab_size,) to a token."""
    tokens = [
        tokenizer.end_of_text,
        *tokenizer.encode(prompt),
    ]  # in training, every story came after this token
    begin = len(tokens)
    while len(tokens) < begin + max_tokens:
        window = torch.tensor([tokens[-limit:]])  # (1, time)
        token = choose(model(window)[0, -1].float())  # only the last place guesses the next token
        if token == tokenizer.end_of_text:
            break
        tokens.append(token)
    return tokens[begin:]


# %% [markdown]
# The obvious choice is the likeliest token, every time. This is called **greedy**:

# %%
PROMPT = "Tom saw a big dog. The dog"
greedy = write(PROMPT, lambda logits: int(logits.argmax()), max_tokens=150)
print(PROMPT + tokenizer.decode(greedy))


# %% [markdown]
# Every word is reasonable, and the whole goes round in circles. That can be counted. Take all pieces of 4 tokens:
# what share of them stood in the text before?


# %%
def repeated(tokens: list[int], length: int = 4) -> float:
    """Which share of the pieces of `length` tokens occurred earlier in the same text."""
    pieces = [tuple(tokens[place : place + length]) for place in range(len(tokens) - length + 1)]
    return 1 - len(set(pieces)) / len(pieces)


data = prepare(vocab_size=4096, max_bytes=1_000_000 if FAST else 10_000_000, progress=False)
originals = [tokenizer.encode(text)[:100] for text in islice(read_stories(data.folder / "valid.txt"), 400)]
originals = [tokens for tokens in originals if len(tokens) == 100][: 8 if FAST else 32]
corpus_repeats = sum(map(repeated, originals)) / len(originals)
print(
    f"repeated pieces: greedy {repeated(greedy[:100]):.0%}, stories of the corpus {corpus_repeats:.0%} on average"
)

# %% [markdown]
# (We chose a beginning that shows it. Over many beginnings greedy repeats less, but still several times as much as the
# corpus; section 4 has the numbers.)
#
# Why circles? A phrase that stands in the text becomes more probable, because stories do repeat their words. Greedy
# takes it, and now it stands there twice. People do not write like that: now and then they choose an unlikely word
# ([Holtzman et al. 2020, figure 2](https://arxiv.org/abs/1904.09751)). So we have to **draw**.
#
# ## 2. Temperature
#
# Before drawing, one may reshape the distribution. Divide all logits by a number $T$, the **temperature** ($\tau$ in
# lesson 04):
#
# $$p_i = \frac{e^{z_i / T}}{\sum_j e^{z_j / T}}$$
#
# By hand, with logits 2, 1, 0: at $T = 1$ the odds of the first against the second are $e^{2-1} = 2.7$. At $T = 0.5$
# they are $e^{(2-1)/0.5} = e^2 = 7.4$: the likely gets likelier. At $T = 2$ they are $e^{0.5} = 1.6$: nearly even. As
# $T$ goes to 0, only the likeliest is left. Dividing by 0 is impossible, so $T = 0$ is *defined* to mean greedy.
#
# ### Exercise 10.1: Temperature
# Return the probabilities. With temperature 0 the likeliest token has probability 1.


# %%
def with_temperature(logits: torch.Tensor, temperature: float) -> torch.Tensor:
    """Probabilities, (vocab_size,). logits: (vocab_size,)."""
    ### BEGIN SOLUTION
    if temperature == 0:
        return F.one_hot(logits.argmax(), len(logits)).float()
    return (logits / temperature).softmax(dim=-1)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("10.1")

# %% [markdown]
# **Compared with code that is not ours:** `torch.distributions.Categorical` makes a distribution from logits.

# %%
BEGINNING = "Once upon a time, there was a little"
with torch.inference_mode():
    logits = model(torch.tensor([[tokenizer.end_of_text, *tokenizer.encode(BEGINNING)]]))[0, -1].float()
rows = []
for temperature in (0, 0.5, 0.8, 1.0, 1.5, 2.0):
    ours = with_temperature(logits, temperature)
    if temperature:
        theirs = torch.distributions.Categorical(logits=logits / temperature).probs
        assert (ours - theirs).abs().max() < 1e-5
    likeliest = tokenizer.decode([int(ours.argmax())])
    bits = entropy_bits(ours.tolist())
    rows.append((f"{temperature:g}", f"{ours.max():.1%}", bits, 2**bits))
print("the likeliest token is", repr(likeliest))
Table(
    f"After \u201c{BEGINNING}\u201d",
    ("temperature", "likeliest token", "entropy in bits", "as undecided as among"),
    rows,
)

# %% [markdown]
# The last column is $2^{\text{entropy}}$, lesson 09's number of ways to go on: so many equally likely tokens would
# leave one just as undecided. Note how fast it grows. At $T = 2$ most of the probability lies on tokens that are each
# almost impossible: the **tail**.
#
# ## 3. Drawing
#
# A computer gives us a random number $u$, uniform on $[0, 1)$. How does it become a token? Lay the probabilities end
# to end on a ruler of length 1, and see on which piece $u$ falls. With 0.5, 0.3, 0.2 the pieces end at 0.5, 0.8, 1.0;
# so $u = 0.62$ falls on the second.
#
# ### Exercise 10.2: Draw a token
# Return the id of the first token at which the running sum is *greater* than $u$. (Rounded numbers may add up to a
# little less than 1. Compare with $u$ times the last running sum, and $u$ never falls beyond the end.)


# %%
def draw(chances: torch.Tensor, u: float) -> int:
    """The token on which u falls. chances: (vocab_size,), sum 1; u: in [0, 1)."""
    ### BEGIN SOLUTION
    running = chances.double().cumsum(dim=0)  # (vocab_size,)
    # The sum of rounded numbers is not quite 1; measured by it, u can never fall beyond the last piece.
    return int((running <= u * running[-1]).sum())
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("10.2")

# %% [markdown]
# Does it draw what it should? Draw many times, and compare the frequencies $f_i$ with the probabilities $p_i$. The
# **total variation** $\frac12 \sum_i |f_i - p_i|$ is the largest error in the probability of any yes-or-no question
# about the token. It is never quite 0: luck has its part in every finite sample. How much luck is normal, torch's own
# sampler tells us. And how far off is a wrong sampler, one that was meant to have $T = 1$ and has 0.9?

# %%
chances = with_temperature(logits, 1.0)
draws = 3_000 if FAST else 20_000
generator = torch.Generator().manual_seed(0)


def total_variation(counts: torch.Tensor) -> float:
    """Between the frequencies of the drawn tokens and `chances`."""
    return 0.5 * (counts / counts.sum() - chances).abs().sum().item()


def counted(distribution: torch.Tensor) -> torch.Tensor:
    """How often each token is drawn by exercise 10.2, (vocab_size,)."""
    numbers = torch.rand(draws, generator=generator).tolist()
    return torch.bincount(torch.tensor([draw(distribution, u) for u in numbers]), minlength=vocab_size)


torch.manual_seed(0)
lucky = [total_variation(torch.distributions.Multinomial(draws, chances).sample()) for _ in range(200)]
right, wrong = total_variation(counted(chances)), total_variation(counted(with_temperature(logits, 0.9)))
histogram(
    lucky,
    f"Yours is {'as good as' if right <= max(lucky) else 'worse than'} torch's sampler; the wrong one is seen at once",
    xlabel=f"total variation of {draws:,} draws; bars: 200 times torch's sampler",
    ylabel="how often",
    bins=20,
    marks={"yours": right, "drawn with T = 0.9": wrong},
    write="{:.3f}".format,
)

# %% [markdown]
# Now stories. The random numbers come from a **generator** with a **seed**: same seed, same numbers, same story. That
# is worth having: you can show somebody exactly what you saw.


# %%
def tell(temperature: float, seed: int, max_tokens: int = 100) -> str:
    """A story, drawn with your functions."""
    generator = torch.Generator().manual_seed(seed)

    def choose(logits: torch.Tensor) -> int:
        return draw(with_temperature(logits, temperature), torch.rand((), generator=generator).item())

    return tokenizer.decode(write(PROMPT, choose, max_tokens))


assert tell(0.8, seed=1) == tell(0.8, seed=1)
stories = [
    (f"T = {temperature}, seed {seed}", tell(temperature, seed, 60).replace("\n", " "))
    for temperature, seed in ((0.5, 1), (0.8, 1), (0.8, 2), (1.0, 1), (1.5, 1))
]
Table(f"{PROMPT} ...", ("setting", "how the story goes on"), stories)

# %% [markdown]
# Cold stories are safe and dull; hot ones fall apart. Why do they fall apart?
#
# ## 4. Cutting off the tail
#
# At any given position thousands of tokens are nonsense. Each is very unlikely, but there are many of them. Suppose
# together they have 3%. In a story of 200 tokens that makes six accidents, and the model has to go on from each of
# them. So we cut off the tail, and share its probability among the rest. Where to cut?
#
# - **top-k** keeps the $k$ likeliest tokens ([Fan et al. 2018](https://arxiv.org/abs/1805.04833)). Simple, but 40 are
#   too few after "I saw a" and too many after "Once upon a".
# - **top-p**, or *nucleus*, keeps the smallest set of likeliest tokens that has at least the probability $p$
#   ([Holtzman et al. 2020, section 3.1](https://arxiv.org/abs/1904.09751)): many where the model is unsure, few where
#   it is sure.
# - **min-p** keeps the tokens that have at least a given share of the likeliest one's probability ([Nguyen et al.
#   2024](https://arxiv.org/abs/2407.01082)).
#
# By hand, with 0.5, 0.3, 0.15, 0.05 and top-p 0.75: the first has 0.5, not enough; the first two have 0.8, enough.
# The other two go. What stays is divided by 0.8: 0.625, 0.375, 0, 0. The token that *crosses* the line stays, or less
# than $p$ would be left.
#
# ### Exercise 10.3: Top-p
# Return the new probabilities, each at its own token's index; their sum is 1.


# %%
def top_p(chances: torch.Tensor, p: float) -> torch.Tensor:
    """The smallest set of likeliest tokens with at least probability p, (vocab_size,). p: above 0, at most 1."""
    ### BEGIN SOLUTION
    ordered, order = chances.sort(descending=True)
    before = ordered.cumsum(dim=0) - ordered  # what all likelier tokens have together
    kept = torch.zeros_like(chances)
    kept[order] = torch.where(before < p, ordered, 0.0)
    return kept / kept.sum()
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("10.3")

# %% [markdown]
# Top-k and min-p are two lines each. [slmlib/generation.py](../slmlib/generation.py) has all of them in one function,
# `probabilities`. In the tests of this course it is compared with the filters of Hugging Face's `transformers`; here,
# with yours:


# %%
def top_k(chances: torch.Tensor, k: int) -> torch.Tensor:
    """Only the k likeliest."""
    kept = chances.where(chances >= chances.topk(k).values[-1], 0.0)
    return kept / kept.sum()


def min_p(chances: torch.Tensor, share: float) -> torch.Tensor:
    """Only what has at least this share of the likeliest one's probability."""
    kept = chances.where(chances >= share * chances.max(), 0.0)
    return kept / kept.sum()


rows = []
for name, ours, sampling in (
    ("temperature 0.7", with_temperature(logits, 0.7), Sampling(temperature=0.7)),
    ("top-k 20", top_k(chances, 20), Sampling(temperature=1, top_k=20)),
    ("top-p 0.9", top_p(chances, 0.9), Sampling(temperature=1, top_p=0.9)),
    ("min-p 0.05", min_p(chances, 0.05), Sampling(temperature=1, min_p=0.05)),
):
    theirs = probabilities(logits[None], sampling)[0]
    difference = (ours - theirs).abs().max().item()
    assert difference < 1e-5
    rows.append((name, int((ours > 0).sum()), chances[ours == 0].sum().item(), f"{difference:.0e}"))
Table(
    f"After \u201c{BEGINNING}\u201d",
    ("filter", "tokens left", "probability cut off", "largest difference to slmlib"),
    rows,
)

# %% [markdown]
# Try them yourself. The dashed outline is what the model offers, the filled bar what would be drawn from. Try other
# prompts too: one after which much can come, and one after which hardly anything can.

# %%
NextToken(model, tokenizer, BEGINNING)

# %% [markdown]
# ### Exercise 10.4: Repetition penalty
# Another remedy for circles: make tokens that occurred before less likely. Divide their logits by a number above 1
# ([Keskar et al. 2019, section 4.1](https://arxiv.org/abs/1909.05858)). But $-4$ divided by 2 is $-2$, and that is
# *more* likely. So negative logits are multiplied instead. Return the new logits; those of tokens that did not occur
# stay as they are.


# %%
def penalize(logits: torch.Tensor, seen: torch.Tensor, penalty: float) -> torch.Tensor:
    """Logits in which tokens that occurred count for less, (vocab_size,). seen: (vocab_size,) booleans."""
    ### BEGIN SOLUTION
    lowered = torch.where(logits > 0, logits / penalty, logits * penalty)
    return torch.where(seen, lowered, logits)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("10.4")

# %%
seen = torch.zeros(vocab_size, dtype=torch.bool)
seen[tokenizer.encode(BEGINNING)] = True
theirs = probabilities(logits[None], Sampling(temperature=1, repetition_penalty=1.3), seen[None])[0]
assert (penalize(logits, seen, 1.3).softmax(-1) - theirs).abs().max() < 1e-5
print("yours and slmlib's are equal")

# %% [markdown]
# It is a blunt tool. It punishes "the" and the full stop as it punishes a circle. And it depends on where the logits
# happen to have their zero: adding 5 to all of them changes no probability, but it changes what the penalty does.
#
# Which setting is best, then? There is no one answer, but there is a good question: **does the text look like the
# corpus?** Two numbers for each setting: the repeated pieces, and the model's mean surprise at its own text (the loss
# of lesson 09).


# %%
@torch.inference_mode()
def surprise(texts: list[list[int]]) -> float:
    """Mean of -ln p over all tokens, by the model's own untouched probabilities. texts: equally long."""
    row = torch.tensor([[tokenizer.end_of_text, *tokens] for tokens in texts])  # (batch, time + 1)
    return F.cross_entropy(model(row[:, :-1]).flatten(0, 1).float(), row[:, 1:].flatten()).item()


SETTINGS = {
    "greedy": Sampling(temperature=0),
    "greedy, penalty 1.3": Sampling(temperature=0, repetition_penalty=1.3),
    "T = 0.5": Sampling(temperature=0.5),
    "T = 0.8": Sampling(temperature=0.8),
    "T = 1, top-p 0.9": Sampling(temperature=1, top_p=0.9),
    "T = 1, min-p 0.05": Sampling(temperature=1, min_p=0.05),
    "T = 1, top-k 50": Sampling(temperature=1, top_k=50),
    "T = 1": Sampling(temperature=1),
    "T = 1.3": Sampling(temperature=1.3),
}
starts = [
    [tokenizer.end_of_text, *tokens[:8]] for tokens in originals
]  # each begins as a story of the corpus does
rows = [("the corpus", surprise(originals), f"{corpus_repeats:.1%}")]
for name, sampling in SETTINGS.items():
    steps = list(generate_tokens(model, starts, replace(sampling, max_tokens=92)))
    texts = [start[1:] + [step[row] for step in steps] for row, start in enumerate(starts)]
    rows.append((name, surprise(texts), f"{sum(map(repeated, texts)) / len(texts):.1%}"))
Table(
    f"{len(originals)} stories of 100 tokens each",
    ("written with", "mean surprise (nats)", "repeated pieces"),
    rows,
)

# %% [markdown]
# Read it from the top. The corpus surprises the model far more than greedy text does: **the most probable text is not
# a typical one.** Where the model was trained on this corpus, plain drawing at $T = 1$ comes near to it in surprise.
# Such text lacks sense. Filters buy some of it back; the price is text that is a little too predictable. `Sampling()`
# without arguments means $T = 0.8$.
#
# ## 5. When to stop
#
# A story is over when the model draws `<|endoftext|>`. In training this token stood after every story (lesson 03).
# Without that stop the loop writes on, and what comes is another story:

# %%
two = []
begins = [[tokenizer.end_of_text, *tokenizer.encode(PROMPT)]]
for (token,) in generate_tokens(model, begins, Sampling(seed=5, max_tokens=400), stop_token=None):
    two.append(token)
    if two.count(tokenizer.end_of_text) == 1 and len(two) > two.index(tokenizer.end_of_text) + 25:
        break
print("...", tokenizer.decode(two[-60:]))

# %% [markdown]
# Three more things can end a text, or should not:
#
# - **A limit** (`max_tokens`): nothing guarantees that a model ever stops.
# - **A stop string**, such as "User:" in a chat. It may be cut into tokens in many ways, so one looks for it in the
#   decoded text, not among the tokens.
# - **The context length.** The model was trained on windows of `context_length` tokens and knows no others.
#   `generate` goes on beyond: when the window is full, it forgets the oldest quarter and continues from the rest.
#
# And one thing must *not* be cut: a character. A byte-level token may be half an emoji. `stream`, which yields a
# story piece by piece, holds such bytes back until the rest has come.
#
# ## 6. Many prompts at once
#
# A GPU computes 32 rows almost as fast as one. But prompts have different lengths, and a batch is a rectangle.
# Training avoided **padding** (lesson 03); here we need it, and the question is where to put it.

# %%
PROMPTS = ["Lily", "The cat was", "One day, Ben saw a"]
cut = [[visible(tokenizer.token_bytes(token)) for token in tokenizer.encode(text)] for text in PROMPTS]
longest = max(map(len, cut))
prompt_rows(
    [[None] * (longest - len(row)) + row for row in cut],
    "Padded on the left, every prompt ends in the same column, and its positions still begin at 0",
)

# %% [markdown]
# **On the left.** Then the last token of every row stands in the last column, where the next one is appended. On the
# right, the model would have to continue after padding.
#
# And padding must be **masked**. Without a mask real tokens look at padding as if it were text. (With learned
# positions they must also be counted from the first real token, as the picture does; RoPE, which sees only distances,
# does not mind.) The mask says for each column as a *query* at which columns, the *keys*, it may look: at itself and
# earlier (lesson 06), and never at padding.
#
# One trap is left. A padding column has no real token before it. If it may look at nothing, its softmax is 0/0:
# attention written by hand gives nan there, and nan spreads. (Today's `F.scaled_dot_product_attention` gives zeros
# instead.) Its answer is never read, so let it look at itself.
#
# ### Exercise 10.5: Left padding and its mask
# Return the tokens `(batch, time)`, filled up on the left with `filler`, and the mask `(batch, time, time)`: True
# where the query (row) may look at the key (column).


# %%
def left_padded(prompts: list[list[int]], filler: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens (batch, time) and mask (batch, time, time) for prompts of different lengths."""
    ### BEGIN SOLUTION
    longest = max(len(prompt) for prompt in prompts)
    padding = torch.tensor([longest - len(prompt) for prompt in prompts])  # (batch,)
    tokens = torch.tensor([[filler] * (longest - len(prompt)) + prompt for prompt in prompts])
    place = torch.arange(longest)
    causal = place[None, :] <= place[:, None]  # (time, time): keys not after the query
    real = place[None, :] >= padding[:, None]  # (batch, time)
    itself = torch.eye(longest, dtype=torch.bool)
    return tokens, (causal & real[:, None, :]) | itself  # (batch, time, time)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("10.5")

# %% [markdown]
# Does padding still make a difference? Give random queries, keys and values to torch's attention, once in a batch
# with your mask, once each row alone, without any padding. The last column must get the same:

# %%
encoded = [[tokenizer.end_of_text, *tokenizer.encode(text)] for text in PROMPTS]
tokens, mask = left_padded(encoded, filler=0)
q, k, v = torch.randn(
    3, *tokens.shape, 16, generator=torch.Generator().manual_seed(1)
)  # each (batch, time, 16)
together = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
for row, prompt in enumerate(encoded):
    alone = [part[row : row + 1, -len(prompt) :] for part in (q, k, v)]
    expected = F.scaled_dot_product_attention(*alone, is_causal=True)
    print(f"row {row}: largest difference {(together[row, -1] - expected[0, -1]).abs().max():.0e}")
    assert torch.allclose(together[row, -1], expected[0, -1], atol=1e-5)

# %% [markdown]
# And the real model? It is told through its cache (section 7): `KVCache` takes the number of padding columns of each
# row. Told 0, it masks nothing. This is what happens when somebody forgets:

# %%
lengths = torch.tensor([len(prompt) for prompt in encoded])
padding = tokens.shape[1] - lengths  # (batch,)


@torch.inference_mode()
def next_chances(tokens: torch.Tensor, padding: torch.Tensor) -> torch.Tensor:
    """The next token's probabilities for each row, read in the last column, (batch, vocab_size)."""
    return model(tokens, KVCache(model.config, padding, tokens.shape[1]))[:, -1].float().softmax(-1)


on_the_right = torch.tensor([prompt + [0] * (tokens.shape[1] - len(prompt)) for prompt in encoded])
ways = {
    "left, masked": next_chances(tokens, padding),
    "left, not masked": next_chances(tokens, torch.zeros_like(padding)),
    "right, read in the last column": next_chances(on_the_right, torch.zeros_like(padding)),
}
rows = []
for row, prompt in enumerate(encoded):
    alone = next_chances(torch.tensor([prompt]), torch.zeros(1, dtype=torch.long))[0]
    cells = [PROMPTS[row], tokenizer.decode([int(alone.argmax())])]
    for way in ways.values():
        off = 0.5 * (way[row] - alone).abs().sum().item()
        cells.append(f"{tokenizer.decode([int(way[row].argmax())])!r}, off by {off:.0%}")
    rows.append(cells)
assert (
    ways["left, masked"][0] - next_chances(tokens[:1, padding[0] :], padding[:1] * 0)[0]
).abs().max() < 1e-5
Table("The likeliest next token, and the total variation to the row alone", ("prompt", "alone", *ways), rows)

# %% [markdown]
# No error is raised, and nothing looks broken: the words are words. Only the shorter prompts get worse stories, and
# nobody knows why. The longest prompt has no padding, so it is right in every column of the table. A test with one
# prompt has no padding either, and finds nothing.
#
# **Seeds, again.** If all rows draw from one generator, a row's story depends on its neighbours. `generate` gives
# row $i$ a generator of its own, with seed + $i$:

# %%
batch = generate(model, tokenizer, PROMPTS, Sampling(seed=7, max_tokens=30))
single = generate(model, tokenizer, PROMPTS[2], Sampling(seed=7 + 2, max_tokens=30))[0]
print("row 2 of the batch: ", batch[2].replace("\n", " "))
print("the same, alone:    ", single.replace("\n", " "))
assert batch[2] == single

# %% [markdown]
# ## 7. The KV cache: never read twice
#
# Our loop reads the whole text again for each new token. How much of that work was done before? Because no token
# looks ahead, the **keys** and **values** of old tokens do not change when a new one comes. So keep them. For the new
# token compute one query, one key, one value, and let it look at everything kept. That is the **KV cache**.
#
# ### Exercise 10.6: Attention with a cache
# One new token comes: its query, key and value, each `(heads, 1, head_dim)`. `cache` is a dictionary, empty at
# first. Append key and value to `cache["keys"]` and `cache["values"]`, each `(heads, time, head_dim)`, and return
# the new token's mixture of all values, `(heads, 1, head_dim)`. No mask is needed: all that is in the cache is past,
# or the token itself.


# %%
def cached_attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, cache: dict[str, torch.Tensor]
) -> torch.Tensor:
    """Attention of one new token over all so far, (heads, 1, head_dim). `cache` grows by one."""
    ### BEGIN SOLUTION
    for name, new in (("keys", key), ("values", value)):
        cache[name] = (
            torch.cat((cache[name], new), dim=1) if name in cache else new
        )  # (heads, time, head_dim)
    scores = query @ cache["keys"].transpose(-2, -1) / query.shape[-1] ** 0.5  # (heads, 1, time)
    return scores.softmax(dim=-1) @ cache["values"]
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("10.6")

# %% [markdown]
# **Compared with code that is not ours:** torch's attention reads all 12 tokens at once, yours one after the other.

# %%
q, k, v = torch.randn(
    3, 4, 12, 16, generator=torch.Generator().manual_seed(2)
)  # each (heads 4, time 12, head_dim 16)
cache: dict[str, torch.Tensor] = {}
steps = [
    cached_attention(q[:, t : t + 1], k[:, t : t + 1], v[:, t : t + 1], cache) for t in range(12)
]  # each (heads, 1, head_dim)
theirs = F.scaled_dot_product_attention(q, k, v, is_causal=True)
assert torch.allclose(torch.cat(steps, dim=1), theirs, atol=1e-5)
print("largest difference:", f"{(torch.cat(steps, dim=1) - theirs).abs().max():.0e}")

# %% [markdown]
# A model needs such a cache for every layer, and one more number: the length of the cache, which is the new token's
# position. The `Decoder` of this course takes any object with `extend`, `advance`, `length`, `padding` and `ragged`
# (is any row padded?). So here is a cache by hand, in the real model:


# %%
class HandCache:
    """Keys and values of every layer, grown by joining."""

    def __init__(self) -> None:
        self.kept: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self.length, self.padding = 0, torch.zeros(1, dtype=torch.long)
        self.ragged = False  # one row: no places before it

    def extend(
        self, layer: int, keys: torch.Tensor, values: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append to a layer, return all: (1, heads, time, head_dim) each."""
        if layer in self.kept:
            keys, values = (
                torch.cat((old, new), dim=2)
                for old, new in zip(self.kept[layer], (keys, values), strict=True)
            )
        self.kept[layer] = keys, values
        return keys, values

    def advance(self, time: int) -> None:
        """So many tokens have gone through all layers."""
        self.length += time


@torch.inference_mode()
def one_by_one(tokens: list[int], cache: HandCache) -> torch.Tensor:
    """Logits after each token, read one at a time, (time, vocab_size)."""
    return torch.stack([model(torch.tensor([[token]]), cache)[0, -1] for token in tokens])


text = [tokenizer.end_of_text, *originals[0][:99]]
with torch.inference_mode():
    uncached = model(torch.tensor([text]))[0]  # (time, vocab_size): all at once, without any cache
cached = one_by_one(text, HandCache())
print(f"{len(text)} tokens, largest difference of any logit: {(cached - uncached).abs().max():.0e}")
assert torch.allclose(cached, uncached, atol=1e-4)  # logits are numbers up to 20; float32 has 7 digits
assert (cached.softmax(-1) - uncached.softmax(-1)).abs().max() < 1e-5

# %% [markdown]
# The same numbers. Now the time that the *next* token takes, after shorter and longer texts. (The shipped weights in
# a longer window; what they would write there does not matter.)

# %% tags=["nbval-ignore-output"]
long_model = Decoder(model.config.change({"context_length": 2048})).eval()
long_model.load_state_dict(model.state_dict())
sizes = (16, 64, 256) if FAST else (16, 64, 128, 256, 512, 1024)


@torch.inference_mode()
def milliseconds(length: int, use_cache: bool, times: int = 5) -> float:
    """The median time for one more token after a text of `length` tokens."""
    row = torch.zeros(1, length, dtype=torch.long)
    taken = []
    cache = KVCache(long_model.config, torch.zeros(1, dtype=torch.long), length + times + 1)
    long_model(row, cache)  # reading the prompt once: the "prefill"
    for _ in range(times + 1):
        started = time.perf_counter()
        long_model(row[:, :1], cache) if use_cache else long_model(row)
        taken.append(time.perf_counter() - started)
    return sorted(taken[1:])[times // 2] * 1000  # the first one is still warming up


curves = {
    name: (list(sizes), [milliseconds(length, use_cache) for length in sizes])
    for name, use_cache in (("read again", False), ("cache", True))
}
ratio = curves["read again"][1][-1] / curves["cache"][1][-1]
lines(
    curves,
    f"After {sizes[-1]:,} tokens, the next one comes {ratio:.0f} times as fast with a cache",
    xlabel="tokens so far",
    ylabel="milliseconds for the next token",
    log_x=True,
    log_y=True,
    write="{:.1f} ms".format,
)

# %% [markdown]
# Without a cache every token costs more than the one before, and the work for a text grows with the square of its
# length. With a cache it grows in proportion. (Strictly, the new token still looks at all old ones, but that is a
# small part of the work until texts get very long.) The prompt is read in one go, which is called **prefill**; then
# the tokens come one by one, **decode**. On a GPU the two are limited by different things: prefill by arithmetic,
# decode by how fast weights and cache come out of memory.
#
# The price is memory: 2 (key and value) × layers × KV heads × head_dim numbers, for every token of every row. (**KV
# heads** are the heads of keys and values; lesson 06's grouped-query attention has fewer of them than of queries.)

# %% tags=["nbval-check-output"]
MODELS = {  # layers, KV heads, head_dim, bytes per number
    "the shipped model": (4, 2, 64, 4),
    "GPT-2 small, 16 bits": (12, 12, 64, 2),
    "Llama 3 8B, 16 bits": (32, 8, 128, 2),
    "the same with 32 KV heads": (32, 32, 128, 2),
}
rows = []
for name, (layers, kv_heads, head_dim, size) in MODELS.items():
    per_token = 2 * layers * kv_heads * head_dim * size
    rows.append((name, per_token, f"{per_token * 8192 / 2**30:.2f} GiB"))
Table("The size of a cache", ("model", "bytes a token", "8,192 tokens"), rows)

# %% [markdown]
# That is one row; a server holds hundreds. It is why Llama 3 8B shares each key and value among four query heads
# ([Ainslie et al. 2023](https://arxiv.org/abs/2305.13245)), and why so much research is about smaller caches.
#
# ## 8. The real one
#
# [slmlib/generation.py](../slmlib/generation.py) has in fewer than 200 lines what you have seen: `probabilities`
# (sections 2 to 4), `generate_tokens` (the loop, for rows of any length), `generate` and `stream`. Its cache,
# [slmlib/model/cache.py](../slmlib/model/cache.py), sets memory aside at the beginning instead of joining tensors,
# because joining copies everything each time.

# %%
sampling = Sampling(temperature=0.8, top_p=0.95, seed=11, max_tokens=60)
with_cache = generate(model, tokenizer, PROMPTS, sampling)
without = generate(model, tokenizer, PROMPTS, sampling, use_cache=False)
assert with_cache == without
Table(
    "Three stories in one batch",
    ("begins", "goes on"),
    [
        (begin, story.removeprefix(begin).replace("\n", " "))
        for begin, story in zip(PROMPTS, with_cache, strict=True)
    ],
)

# %% [markdown]
# ## 9. What can go wrong
#
# **A space at the end of the prompt.** A word's token begins with its space (lesson 02). So "Once upon a" continues
# with "·time", but in "Once upon a·" the lone space is a token of its own, which hardly ever stood there in training:

# %%
for prompt in ("Once upon a", "Once upon a "):
    row = torch.tensor([[tokenizer.end_of_text, *tokenizer.encode(prompt)]])
    best = next_chances(row, torch.zeros(1, dtype=torch.long))[0].topk(4)
    told = ", ".join(
        f"{visible(tokenizer.token_bytes(token))} {chance:.0%}"
        for chance, token in zip(best.values.tolist(), best.indices.tolist(), strict=True)
    )
    print(f"{prompt!r:15} {told}")

# %% [markdown]
# **A cache that does not count.** Forget `advance`, and every new token believes that it stands at position 0. No key
# knows its place, and the model still writes:


# %%
class ForgetfulCache(HandCache):
    """Never says how long it is."""

    def advance(self, time: int) -> None:
        """Nothing."""


wrong = one_by_one(text, ForgetfulCache())
by_place = [F.cross_entropy(part[:-1], torch.tensor(text[1:])).item() for part in (uncached, wrong)]
print(f"loss on a story, right cache {by_place[0]:.2f}, a cache that does not count {by_place[1]:.2f}")
assert by_place[1] > by_place[0]

# %% [markdown]
# **The order of filters.** Top-p 0.9 and then $T = 2$ is not $T = 2$ and then top-p 0.9. Heat first, and much of the
# tail is inside the 0.9:

# %%
heated_first = top_p(with_temperature(logits, 2.0), 0.9)
cut_first = with_temperature(top_p(chances, 0.9).log(), 2.0)
print(
    f"tokens left: heated first {int((heated_first > 0).sum()):,}, cut first {int((cut_first > 0).sum()):,}"
)

# %% [markdown]
# `slmlib` and `transformers` heat first; some programs let you choose. So the same settings may give other stories in
# another program.
#
# ## 10. Questions
#
# <details>
# <summary>Beam search finds more probable texts than greedy. Is it not better?</summary>
#
# For translation, where there is nearly one right answer, often yes. For stories, more probable mostly means
# more repetitive, as the table of section 4 shows (a penalty is the exception). Beam search, which
# follows several continuations at once and keeps the most probable, goes further into that corner ([Holtzman et al. 2020, figure 1](https://arxiv.org/abs/1904.09751)).
# </details>
#
# <details>
# <summary>With temperature 0 everything is determined. Why do large services still give different answers?</summary>
#
# Sums of floating-point numbers depend on their order, and the order depends on how many requests share the batch at
# that moment. When two logits are almost equal, the last bit decides, and from there on the texts differ. Our rows,
# too, are independent of their neighbours only up to such rounding.
# </details>
#
# <details>
# <summary>Is there a way to draw without ever making probabilities?</summary>
#
# Yes. Add to each logit (divided by $T$) its own random number $-\ln(-\ln u)$ and take the largest: the *Gumbel-max
# trick*. It draws from exactly the same distribution, and it needs no sum over the vocabulary, which is handy when
# the vocabulary lies on several GPUs.
# </details>
#
# ## What comes next
#
# You can make any model of this course write. Its weights lay in a folder. Lesson 11 asks what else has to be in
# there, so that training can go on as if nothing had happened. What to take along: **draw, do not maximise; cut the
# tail; pad on the left and mask; keep keys and values.**

# %%
progress()
