# %% [markdown]
# # Token stream
#
# *15 minutes of reading, 35 with the exercises; difficulty 2 of 5.*
#
# Stories have different lengths. A processor wants rectangles: rows of numbers, all equally long. **How do you cut a
# corpus into rectangles, with nothing wasted, nothing left out, and no story running into the next one unnoticed?**
#
# After this lesson you can
#
# - say what padding costs, and why pre-training does without it,
# - join a corpus into one long row of tokens, and cut inputs and targets from it,
# - draw batches so that every token is seen exactly once, and the same ones again after a crash,
# - say what a model learns where one story ends and the next begins.
#
# First a look at the obvious way: one story, one row.

# %%
import math
import os
import sys
import time
from collections import Counter

import numpy as np
import torch

from checks import check, check_tokens, hint, progress, reference
from slmlib.errors import SlmError
from slmlib.plots import Table, bars
from slmlib.plots.tokens import grouped_bars, padded_rows, window_steps
from slmlib.text.prepare import prepare
from slmlib.text.stream import TokenStream
from slmlib.text.textfiles import read_stories
from slmlib.text.tokenizer import gpt2

FAST = bool(os.environ.get("SLM_FAST"))  # small sizes, for tests

# %% [markdown]
# The data is that of lesson 02: cleaned stories, and a tokenizer of 4,096 tokens. If it is not there yet, this cell
# makes it, which takes up to a minute.

# %%
data = prepare(vocab_size=4096, max_bytes=1_000_000 if FAST else 10_000_000, progress=False)
tokenizer = data.tokenizer
texts = list(read_stories(data.folder / "train.txt"))
stories = tokenizer.encode_batch(texts)  # one list of ids a story
lengths = [len(story) for story in stories]
print(f"{data.corpus_name}: {len(stories):,} stories, text {data.train.info.source_sha256[:12]}")
print(
    f"{sum(lengths):,} tokens; a story has {min(lengths)} to {max(lengths):,}, {np.mean(lengths):.0f} on average"
)

# %%
first = lengths[:16]
waste = 1 - sum(first) / (len(first) * max(first))
padded_rows(first, f"Sixteen stories as a rectangle: {waste:.0%} of it is padding")

# %% [markdown]
# The free cells are filled with a token that means nothing: **padding**. The processor multiplies padding just as it
# multiplies words. How much of the work is for nothing, over the whole corpus?
#
# ## 1. What padding costs
#
# ### Exercise 03.1: The waste of padding
# Stories come in the given order, `batch_size` at a time: each such rectangle is a **batch**, and the last one may
# have fewer rows. Each batch is padded to *its own* longest story. Return the share of padding among all cells of all
# batches, from 0 to 1.


# %%
def padding_share(lengths: list[int], batch_size: int) -> float:
    """Which part of the padded batches is padding. lengths: the tokens in each story."""
    ### BEGIN SOLUTION
    cells = 0
    for first in range(0, len(lengths), batch_size):
        batch = lengths[first : first + batch_size]
        cells += max(batch) * len(batch)
    return 1 - sum(lengths) / cells
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("03.1")

# %%
rows = [
    (size, f"{padding_share(lengths, size):.0%}", f"{padding_share(sorted(lengths), size):.1%}")
    for size in (4, 16, 64, 256)
]
Table("Padding in the whole corpus", ("stories in a batch", "in any order", "sorted by length"), rows)

# %% [markdown]
# The larger the batch, the longer its longest story, and the more is wasted. Sorting by length almost removes the
# waste, and is done where examples must stay whole. But then a batch holds only short stories or only long ones, a
# poor sample of the corpus. And there is a second loss: a model can read only so many tokens at once, its **context
# length** (256 in most of our small presets). What stands beyond is cut off and never seen.
#
# ## 2. One long row
#
# Pre-training does something simpler. **Put all stories end to end, and cut the long row wherever you like.** No
# padding, nothing lost. The special token `<|endoftext|>` after every story says where it is over.
#
# ### Tensors, in one cell
# From here on the course computes with PyTorch's **tensors**: rows, tables and stacks of tables of numbers, all of one
# kind (`dtype`). The **shape** says how many places there are along each axis; torch calls an axis a **dim**, counts
# them from 0, and from -1 backwards. Read this cell line by line, and come back to it when a line of a later lesson
# looks strange:

# %% tags=["nbval-check-output"]
table = torch.tensor([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
row, column = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([[1.0], [10.0]])
print("shape and dtype:      ", tuple(table.shape), table.dtype, "and", torch.tensor([7, 8]).dtype)
print("one row, one number:  ", table[1].tolist(), table[1, 2].item())
print("every row's last:     ", table[:, -1].tolist(), "(a : takes all along its axis)")
print("some rows, by index:  ", table[torch.tensor([1, 1, 0])].tolist())
print("one number a row:     ", table[torch.arange(2), torch.tensor([2, 0])].tolist(), "(places 2 and 0)")
print("sum along dim 0:      ", table.sum(dim=0).tolist(), "(dim 0, the rows, is gone)")
print("along the last dim:   ", table.sum(dim=-1).tolist())
print("the same, keepdim:    ", table.sum(dim=-1, keepdim=True).tolist(), "(still a column)")
print(
    "x[:, None]:           ", tuple(row.shape), "->", tuple(row[:, None].shape), "(one more axis, of size 1)"
)
print("x[..., 0]:            ", table[..., 0].tolist(), "(... stands for all the axes before)")
print("column times row:     ", (column * row).tolist(), "(broadcasting)")
print("turned over, .T:      ", table.T.tolist(), "(rows become columns)")
print("matrix product, @:    ", (table @ row).tolist())
six = torch.arange(6)
print("cut into rows, view:  ", six.view(2, 3).tolist(), "(also .view(2, -1): -1 is what is left)")
print("turned over:          ", six.view(2, 3).T.tolist(), "(not the rows of the next line)")
print("cut into three rows:  ", six.view(3, 2).tolist())
print("stack, a new axis:    ", torch.stack((six, six)).tolist())
print("cat, a longer axis:   ", torch.cat((six, six)).tolist())
print("chunk, equal pieces:  ", [piece.tolist() for piece in six.chunk(2)])

# %% [markdown]
# **Broadcasting**: when two shapes differ, torch lines them up from the right and stretches every axis of size 1, or
# that is missing, to the size of the other. So a column `(2, 1)` times a row `(3,)` is a table `(2, 3)`. And `@`
# multiplies each row on its left with each column on its right, and adds up: `(2, 3) @ (3, 5)` is `(2, 5)`, and a
# row `(3,)` on the right counts as one column: `(2, 3) @ (3,)` is `(2,)`. In front there may be more axes, such as
# batch and head; each pair of tables is then multiplied on its own.
#
# **Cut or swap?** `view` leaves the numbers in their order and only cuts them anew; `flatten(n)` joins all axes from
# `n` on. `transpose(a, b)` swaps two axes, as `.T` does in a table, and so puts the numbers into another order. The
# shapes can be the same and nothing complains, so ask each time which of the two you mean. (`reshape` is a `view` that
# copies where it has to, such as after a `transpose`.)
#
# ### Exercise 03.2: One long row
# Return a 1-D tensor of whole numbers (`torch.long`): all stories in their order, `end_of_text` after each one.


# %%
def build_stream(stories: list[list[int]], end_of_text: int) -> torch.Tensor:
    """All stories as one row of ids, (num_tokens,)."""
    ### BEGIN SOLUTION
    row = []
    for story in stories:
        row += story
        row.append(end_of_text)
    return torch.tensor(row, dtype=torch.long)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("03.2")

# %%
vocab_size = tokenizer.vocab_size
train_tokens = build_stream(stories, tokenizer.end_of_text)
print("train_tokens:", tuple(train_tokens.shape), train_tokens.dtype)
seam = lengths[0]  # where the first story ends
print("around the first seam:", [tokenizer.decode([one]) for one in train_tokens[seam - 5 : seam + 6]])

# %% [markdown]
# ## 3. Windows, and targets one further on
#
# A **window** is a piece of the row, `context_length` tokens long. These are the model's **inputs**. What shall it
# learn? To guess, at every position, the token that comes next. So the **targets** are the same window, begun one
# token later:
#
# $$\text{inputs}_t = x_{s+t}, \qquad \text{targets}_t = x_{s+t+1} \qquad (0 \le t < T)$$
#
# with $x$ the row, $s$ the window's start and $T$ the context length.


# %%
def spelled(tokens: torch.Tensor) -> list[str]:
    """The text of each token, with spaces and line ends made visible."""
    return [tokenizer.decode([one]).replace(" ", "·").replace("\n", "⏎") for one in tokens]


window_steps(
    spelled(train_tokens[:10]),
    context_length=6,
    start=2,
    message="One window of 6 tokens is 6 exercises in guessing",
)

# %% [markdown]
# In each line the model may look at all tokens from the window's beginning (blue), and is to guess the one after them
# (orange). All these guesses are made in one go; lesson 06 shows how the model is kept from looking ahead. Note that
# a window needs one token more than its length.
#
# ### Exercise 03.3: Windows and their targets
# Return `(inputs, targets)`, each of shape `(batch, context_length)`: row `i` begins at `starts[i]`.


# %%
def get_windows(
    tokens: torch.Tensor, starts: torch.Tensor, context_length: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and targets, each (batch, context_length). tokens: (num_tokens,); starts: (batch,)."""
    ### BEGIN SOLUTION
    inputs = torch.stack([tokens[start : start + context_length] for start in starts])
    targets = torch.stack([tokens[start + 1 : start + 1 + context_length] for start in starts])
    return inputs, targets
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("03.3")

# %% [markdown]
# **Compared with code that is not ours.** `Tensor.unfold` lists all windows of a row without copying anything. Ours
# have to be the same:

# %%
starts = torch.tensor([0, 7, 1000, 99])
inputs, targets = get_windows(train_tokens, starts, context_length=32)
every_window = train_tokens.unfold(0, 33, 1)  # (num_tokens - 32, 33): one longer, for the last target
print("all windows as one view:", tuple(every_window.shape))
assert torch.equal(inputs, every_window[starts, :-1])
assert torch.equal(targets, every_window[starts, 1:])
print("ours are equal, inputs and targets")

# %% [markdown]
# ## 4. Which windows, in which order?
#
# [nanoGPT](https://github.com/karpathy/nanoGPT/blob/master/train.py) draws every start at random, anywhere in the
# row. That is one line, and good enough for very long training. But think of one **epoch** (lesson 00): as many
# windows as fit into the row. Some tokens are drawn twice, and some never.
#
# The alternative: cut the row into windows once, and shuffle *them*, like a deck of cards.
#
# ### Exercise 03.4: Every token once
# Windows begin at 0, `context_length`, `2 * context_length` and so on. Return the starts of all windows that have a
# token after their last one (it is needed as a target), each once, in a random order drawn from `generator`.


# %%
def epoch_starts(num_tokens: int, context_length: int, generator: torch.Generator) -> torch.Tensor:
    """The starts of all windows of one epoch, shuffled, (num_windows,)."""
    ### BEGIN SOLUTION
    num_windows = (num_tokens - 1) // context_length
    return torch.randperm(num_windows, generator=generator) * context_length
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("03.4")

# %% [markdown]
# Now both ways, for one epoch over our whole corpus: how often is each token an input?

# %%
context_length = 128
generator = torch.Generator().manual_seed(3)
shuffled = epoch_starts(len(train_tokens), context_length, generator)
drawn = torch.randint(len(train_tokens) - context_length, (len(shuffled),), generator=generator)


def times_seen(starts: torch.Tensor) -> torch.Tensor:
    """How often each token is an input, (num_tokens,)."""
    begins = torch.bincount(starts, minlength=len(train_tokens) + 1)
    ends = torch.bincount(starts + context_length, minlength=len(train_tokens) + 1)
    return (begins - ends).cumsum(0)[:-1]


groups = {"never": (0, 0), "once": (1, 1), "twice": (2, 2), "three times": (3, 3), "more often": (4, 10**9)}
shares = {
    name: {
        way: ((low <= seen) & (seen <= high)).float().mean().item()
        for way, seen in (("random offsets", times_seen(drawn)), ("shuffled windows", times_seen(shuffled)))
    }
    for name, (low, high) in groups.items()
}
grouped_bars(
    shares,
    f"After an epoch of random offsets, {shares['never']['random offsets']:.0%} of the tokens were never seen",
    write="{:.1%}".format,
)

# %% [markdown]
# Where does that number come from? Each of the $N/T$ windows covers a given token with a probability of about
# $T/N$. So it is seen once on average, and the number of times follows a Poisson distribution with mean 1,
# $P(k) = e^{-1} / k!$:

# %%
for times, name in enumerate(("never", "once", "twice")):
    print(
        f"{name:6} expected {math.exp(-1) / math.factorial(times):.1%}, measured {shares[name]['random offsets']:.1%}"
    )

# %% [markdown]
# More than a third of the corpus is unread, and other parts are read twice or more instead. This matters most where
# training is short: GPT-3 saw its largest source, Common Crawl, only 0.44 times ([Brown et al. 2020, table
# 2.2](https://arxiv.org/abs/2005.14165)).
#
# Two weaknesses remain. The few tokens that do not fill a last window are left out. And with the same cuts in every
# epoch, the token after a cut never has what stands before it. The real stream therefore bends the row into a ring,
# and begins to cut at another place in each epoch.
#
# ## 5. The real one
#
# [slmlib/text/stream.py](../slmlib/text/stream.py) does all of this with a file on disk. `prepare()` has
# written it already:

# %%
stream = data.train
print(f"the stream has {len(stream):,} tokens of {stream.info.num_stories:,} stories")
print("equal to the row you built:", torch.equal(stream.as_tensor(), train_tokens))

starts = stream.window_starts(step=7, batch_size=16, context_length=128, seed=0)
inputs, targets = stream.batch(step=7, batch_size=16, context_length=128, seed=0)
ours = get_windows(train_tokens, torch.from_numpy(starts), 128)
print("equal to your windows:", torch.equal(inputs, ours[0]) and torch.equal(targets, ours[1]))
assert torch.equal(stream.as_tensor(), train_tokens)
assert torch.equal(inputs, ours[0])
assert torch.equal(targets, ours[1])

# %% [markdown]
# Look at the arguments of `batch`: a step, a size, a seed, and no memory of earlier steps. **The batch is a pure
# function of (stream, seed, step).** So a run that was killed at step 7,000 goes on with exactly the batch it would
# have seen, and four GPUs (four **ranks**) share a batch without talking to each other:

# %%
again, _ = stream.batch(step=7, batch_size=16, context_length=128, seed=0)
parts = [
    stream.batch(step=7, batch_size=16, context_length=128, seed=0, rank=rank, world_size=4)[0]
    for rank in range(4)
]
print("asked again, the same:", torch.equal(again, inputs))
print("four ranks together, the same:", torch.equal(torch.cat(parts), inputs))

# %% [markdown]
# **Memory mapping.** The file is not read. `np.memmap` tells the operating system that this file is that array; it
# fetches a piece of the file when somebody looks at it. So a row may be larger than memory, and opening a long
# one takes no longer than opening a short one. (Ours is so short that reading all of it is quick, too.)

# %% tags=["nbval-ignore-output"]
start = time.perf_counter()
mapped = np.memmap(stream.path, dtype=np.uint16, mode="r")
opened = time.perf_counter() - start
start = time.perf_counter()
total = int(mapped.sum(dtype=np.int64))
read = time.perf_counter() - start
print(f"opened in {opened * 1000:.2f} ms; reading all {len(mapped):,} tokens once: {read * 1000:.1f} ms")

# %%
whole = 925_653_391  # TinyStories with GPT-2's tokenizer, as llm.c counts it
one_int = sys.getsizeof(4095) + 8  # a Python number, and the list's pointer to it
rows = [
    ("Python list", one_int, whole * one_int / 1e9),
    ("torch.long tensor", 8, whole * 8 / 1e9),
    ("uint16 file, mapped", 2, whole * 2 / 1e9),
]
Table("All of TinyStories as a row of tokens", ("kept as", "bytes per token", "GB"), rows)

# %% [markdown]
# Two bytes hold numbers up to 65,535. That is plenty for 4,096 tokens, and just enough for GPT-2's 50,257.
#
# ## 6. The seam: what a window across two stories teaches
#
# Where two stories meet there is a **seam**. How many windows hold one?

# %%
ends = (train_tokens == tokenizer.end_of_text).long()
ends_before = torch.cat((torch.zeros(1, dtype=torch.long), ends.cumsum(0)))
context_lengths = [16, 32, 64, 128, 256, 512, 1024]
crossing = []
for length in context_lengths:
    inside = ends_before[length:] - ends_before[:-length]  # ends of stories in each window
    crossing.append((inside > 0).float().mean().item())
shares = {f"{length:,} tokens": share for length, share in zip(context_lengths, crossing, strict=True)}
bars(
    shares,
    f"With a context of 256 tokens, {shares['256 tokens']:.0%} of the windows hold the end of a story",
    highlight=["256 tokens"],
    write="{:.0%}".format,
)

# %% [markdown]
# So it matters what the model learns there. Here is a real one:

# %%
around = train_tokens[seam - 4 : seam + 6]
window_steps(spelled(around), context_length=6, start=2, message="At the seam, the old story helps no more")

# %% [markdown]
# Look at the guess right after `<|endoftext|>`. Another story begins, and nothing before helps to guess how. With
# `<|endoftext|>` that is a fair task: first guess that the story is over, then begin anew. **Without it, the model
# would have to believe that one story goes on as the next.** The difference can be measured. What follows a full
# stop?


# %%
def what_follows(tokens: torch.Tensor, token: int) -> Counter:
    """How often each token comes right after `token`."""
    places = (tokens[:-1] == token).nonzero().flatten()
    return Counter(tokens[places + 1].tolist())


def share_of_beginnings(tokens: torch.Tensor, token: int) -> float:
    """How often a word that begins a story, as a first token, follows `token`."""
    followers = what_follows(tokens, token)
    return sum(followers[first] for first in first_tokens) / followers.total()


without = train_tokens[train_tokens != tokenizer.end_of_text]
first_tokens = {story[0] for story in stories}
full_stop = tokenizer.encode(".")[0]
after_end = what_follows(train_tokens, tokenizer.end_of_text)
rows = [
    (tokenizer.decode([one]), f"{count / after_end.total():.0%}") for one, count in after_end.most_common(5)
]
print(f"after '.' with end-of-text:    {share_of_beginnings(train_tokens, full_stop):.2%} begin a new story")
print(f"after '.' without end-of-text: {share_of_beginnings(without, full_stop):.2%} begin a new story")
Table("What follows end-of-text", ("token", "how often"), rows)

# %% [markdown]
# Without the token, a model would begin a new story after that share of its full stops, as if it were part of the old
# one, and it could never tell you that it has finished. With it, the end is one clear signal. `generate` stops there
# (lesson 10), and a prompt that consists of nothing else says "tell me any story".
#
# A window still *lets* the second story look at the first. GPT-3 did not prevent this and relied on the token ([Brown
# et al. 2020, appendix B](https://arxiv.org/abs/2005.14165)). Llama 3 does prevent it, with a mask (lesson 06). Its
# authors found that this mattered little in ordinary pre-training, but much for very long contexts ([Grattafiori et
# al. 2024, section 3.2](https://arxiv.org/abs/2407.21783)).
#
# ## 7. What can go wrong
#
# **The dtype is too small.** NumPy's `astype` does not complain when a number does not fit into 16 bits; it keeps
# the last 16. Here are the ids of the chat in lesson 02, whose vocabulary has 200,000 tokens:

# %% tags=["nbval-check-output"]
chat_ids = np.array([200264, 1428, 200266, 12194, 11, 1495, 553, 481, 5306, 4044, 30, 200265])
print("as they are:", chat_ids.tolist())
print("as uint16:  ", chat_ids.astype(np.uint16).tolist())

# %% [markdown]
# 200264 became 3656, a perfectly good id of another token. `TokenStream.write` looks at the vocabulary and takes
# four bytes where two are too few.
#
# **Another tokenizer.** Lesson 02 showed what comes of it. The stream knows which tokenizer wrote it:

# %%
try:
    TokenStream.open(stream.path, gpt2())
except SlmError as error:
    print("Refused:", str(error).replace(str(stream.path), "train.bin"))

# %% [markdown]
# **Targets that are not shifted.** Then every answer stands in the question. Take the simplest of all models: it
# knows for each token the most frequent answer. How often is it right?


# %%
def right_guesses(inputs: torch.Tensor, targets: torch.Tensor) -> float:
    """How often the most frequent target of each input is right."""
    pairs, counts = (inputs * vocab_size + targets).unique(return_counts=True)
    best = torch.zeros(vocab_size, dtype=torch.long).scatter_reduce(0, pairs // vocab_size, counts, "amax")
    return best.sum().item() / len(inputs)


print(
    f"targets one further on: {right_guesses(train_tokens[:-1], train_tokens[1:]):.0%} right, and it knows something"
)
print(
    f"targets not shifted:    {right_guesses(train_tokens[:-1], train_tokens[:-1]):.0%} right, and it knows nothing"
)

# %% [markdown]
# A large model does the same: its loss falls to zero in no time, and all it has learned is to copy. When a loss looks
# too good to be true, look at one window first:

# %%
inputs, targets = stream.batch(step=0, batch_size=1, context_length=8, seed=0)
print("inputs: ", [tokenizer.decode([one]) for one in inputs[0]])
print("targets:", [tokenizer.decode([one]) for one in targets[0]])

# %% [markdown]
# ## 8. Questions
#
# <details>
# <summary>The first token of a window has nothing before it. Is that not a waste too?</summary>
#
# A small one. In this window it is not guessed at all; the second is guessed from one token, the third from two, and so
# on, and only with some context do the guesses get good. The longer the window, the smaller the share of poor
# guesses. It also makes losses at different context lengths hard to compare; lesson 09 comes back to it.
# </details>
#
# <details>
# <summary>Would a random order of the single tokens not be more random still?</summary>
#
# Yes, and useless: the order of tokens is what there is to learn. We shuffle windows, and inside a window all stays
# as it was written. They need only be mixed well enough that a batch is a fair sample of the corpus.
# </details>
#
# <details>
# <summary>When is padding right after all?</summary>
#
# When examples must not be cut or joined: questions with their answers, or many prompts that are continued at once
# (lesson 10). Then padding is masked: it is neither looked at nor counted in the loss.
# </details>
#
# ## 9. What you hand on
#
# Two names stay behind in your kernel: `train_tokens` and `vocab_size`. The lab that runs through this course, from
# data to a saved model, asks three things of them: one dimension, at least 100,000 whole numbers, and every id in
# the vocabulary.

# %%
check_tokens(train_tokens, vocab_size)

# %% [markdown]
# ## What comes next
#
# You have a row of tokens, and batches of inputs and targets. Now the model. Lesson 04 begins with its first table,
# which turns ids into vectors. What to take along: **one long row, a token at every end, targets one further on,
# shuffled windows, and a batch that depends on the step alone.**

# %%
progress()
