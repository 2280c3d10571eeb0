# %% [markdown]
# # Perplexity
#
# *20 minutes of reading, 35 with the exercises; difficulty 2 of 5. About a minute of computing.*
#
# A model has a validation loss of 2.4. **Is that good? Compared with what, measured on what, and how low could it be?**
#
# After this lesson you can
#
# - average a loss over a whole set without the three usual mistakes,
# - say what a perplexity counts, and when two of them must not be compared,
# - compare models with different tokenizers, in bits per byte,
# - say how far to trust a loss: its spread, its context, its floor.
#
# A loss is a mean, and a mean hides where it comes from. So look at single tokens first. The model that comes with
# this course was trained on TinyStories; this is how surprised it is, token by token:

# %%
import math
import os
from collections import Counter
from itertools import islice, pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from checks import check, hint, progress, reference
from slmlib.config import TrainConfig
from slmlib.devices import choose_device
from slmlib.evaluation import evaluate
from slmlib.files import home
from slmlib.model.decoder import Decoder
from slmlib.plots import Table, bars, lines
from slmlib.plots.estimates import estimates
from slmlib.presets import preset
from slmlib.shipped import load_model
from slmlib.storyworld import measure_floor, stories
from slmlib.text.baselines import baseline_losses
from slmlib.text.prepare import prepare
from slmlib.text.stream import TokenStream
from slmlib.text.textfiles import read_stories
from slmlib.text.tokenizer import Tokenizer
from slmlib.training.schedules import learning_rate
from slmlib.training.trainer import Trainer
from slmlib.widgets.surprise_viewer import SurpriseViewer

FAST = bool(os.environ.get("SLM_FAST"))  # small sizes, for tests

# %%
device = choose_device()
shipped = load_model()
tokenizer = shipped.tokenizer
model = shipped.model.to(device.type).eval()
STORY = (
    "Once upon a time, there was a little girl named Lily. She loved to play outside in the park. "
    "One day, she saw a big elephant in the kitchen. The elephant was very sad."
)
SurpriseViewer(model, tokenizer, STORY)

# %% [markdown]
# Below each token stands its **surprise** in bits, $-\log_2 p$: 1 bit is a fair coin, 3 bits one chance in eight.
# "Once upon a time" costs almost nothing after its first word. An elephant costs much, and so does a kitchen after a
# day in the park: here something is *told*. The second elephant is cheap, because by now it belongs to the story. (In
# a running notebook you can change the text.)
#
# ## 1. One number for a whole set
#
# The **loss** of a set is the mean surprise of its tokens, in nats ($-\ln p$; 1 nat is 1.44 bits). **Perplexity** is
# its exponential:
#
# $$\text{loss} = \frac{1}{N} \sum_{n=1}^{N} -\ln p_n \qquad \text{perplexity} = e^{\text{loss}}$$
#
# A set does not fit into one batch, so one adds up batches, and the last one is usually shorter. By hand: 900 tokens
# with a mean loss of 2, and 100 with a mean loss of 3. The sum is 1,800 + 300 = 2,100 nats, the mean 2.1, the
# perplexity $e^{2.1} = 8.2$.
#
# ### Exercise 09.1: Batches of different sizes
# Return the perplexity of the whole set from each batch's mean loss and number of tokens.


# %%
def corpus_perplexity(batch_losses: list[float], batch_tokens: list[int]) -> float:
    """Perplexity over all tokens. batch_losses: mean nats per token of each batch."""
    ### BEGIN SOLUTION
    nats = sum(loss * count for loss, count in zip(batch_losses, batch_tokens, strict=True))
    return math.exp(nats / sum(batch_tokens))
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("09.1")

# %% [markdown]
# Now on stories that the model has never seen. We keep the surprise of every token: most of what follows comes from
# these numbers.

# %%
data = prepare(vocab_size=4096, max_bytes=1_000_000 if FAST else 10_000_000, progress=False)
texts = list(islice(read_stories(data.folder / "valid.txt"), 60 if FAST else 400))
folder = home() / "runs"
valid = TokenStream.write(folder / "lesson_09_valid.bin", texts, tokenizer)
tokens = valid.as_tensor()
context = model.config.context_length


def surprise_of(model: Decoder, inputs: Tensor, targets: Tensor) -> Tensor:
    """Nats for each target, shaped like it: (rows, time)."""
    with torch.inference_mode():
        logits = model(inputs.to(model.device)).float()  # (rows, time, vocab_size)
    nats = F.cross_entropy(
        logits.flatten(0, 1), targets.to(model.device).flatten(), reduction="none"
    )  # (rows * time,)
    return nats.view(targets.shape).cpu()  # (rows, time)


def every_window(model: Decoder, context_length: int, rows: int = 16) -> list[Tensor]:
    """The stream once, in windows side by side: batches of (rows, context_length), then what is left, (1, rest)."""
    count = (len(tokens) - 1) // context_length
    whole = count * context_length
    inputs = tokens[:whole].view(count, context_length)  # (windows, time)
    targets = tokens[1 : whole + 1].view(count, context_length)  # (windows, time)
    pairs = list(zip(inputs.split(rows), targets.split(rows), strict=True))
    if whole < len(tokens) - 1:
        pairs.append((tokens[None, whole:-1], tokens[None, whole + 1 :]))
    return [surprise_of(model, *pair) for pair in pairs]


batches = every_window(model, context)
losses = [batch.mean().item() for batch in batches]
counts = [batch.numel() for batch in batches]
print(f"{data.corpus_name}: {len(texts)} stories, {len(tokens):,} tokens, {len(batches)} batches")
print(f"tokens in the first batch: {counts[0]:,}, in the last two: {counts[-2]:,} and {counts[-1]:,}")

# %%
right = corpus_perplexity(losses, counts)
everything = torch.cat([batch.flatten() for batch in batches])  # (targets,)
rows = [
    ("yours: mean over tokens, then exp", right),
    ("mean over batches, then exp", math.exp(sum(losses) / len(losses))),
    ("exp of each batch, then the mean", sum(map(math.exp, losses)) / len(losses)),
    ("exp of each token, then the mean", everything.double().exp().mean().item()),
]
assert abs(math.log(right) - everything.double().mean().item()) < 1e-5
Table("Perplexity of the same model on the same set", ("how", "perplexity"), rows)

# %% [markdown]
# In the second row a token of the short batch counts for more than the others. In the third, even with equal batches,
# the number is too high as soon as batches differ, and by how much depends on their size: the mean of exps is never
# below the exp of the mean (Jensen's inequality). In the last row a few very unlikely tokens drown all others. **Mean
# over tokens first, exp once, at the very end.**
#
# **Compared with the real one.** [slmlib/evaluation.py](../slmlib/evaluation.py) adds up nats, window by window:

# %%
measured = evaluate(model, valid)
print(measured)
print(f"yours: {right:.2f}")
assert abs(math.log(right) - measured.loss) < 1e-5

# %% [markdown]
# ## 2. What perplexity counts
#
# Throw a fair die with 6 sides: every throw has a surprise of $\ln 6$, so the perplexity is $e^{\ln 6} = 6$. A
# perplexity of 6 means: *as unsure as before a fair die with 6 sides*. It is the effective number of ways to go on.
#
# What if the sides are not equally likely? A loaded die shows side $v$ with probability $p_v$, and then the surprise
# is $-\ln p_v$. On average:
#
# $$H = \sum_v p_v \cdot (-\ln p_v), \qquad \text{branching} = e^H$$
#
# $H$ is the **entropy**. By hand: one side with 1/2, two with 1/4 each. $H = \tfrac12 \ln 2 + 2 \cdot \tfrac14 \ln 4 = 1.04$, and $e^{1.04} = 2.83$:
# three sides, but not quite three ways.
#
# ### Exercise 09.2: How many ways to go on?
# Return $e^H$ of a distribution. Some probabilities may be 0: a side that never comes adds nothing.


# %%
def branching(probabilities: Tensor) -> float:
    """Effective number of ways to go on. probabilities: (vocab_size,), not negative, sum 1."""
    ### BEGIN SOLUTION
    possible = probabilities[probabilities > 0]
    return math.exp(-(possible * possible.log()).sum().item())
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("09.2")

# %%
BEGINNINGS = (
    "Once upon a",
    "Once upon a time, there was a",
    "Once upon a time, there was a little girl named",
    "One day, Lily went to the park. She saw a",
    'The cat said, "',
)
rows = []
for beginning in BEGINNINGS:
    row = torch.tensor([[tokenizer.end_of_text, *tokenizer.encode(beginning)]])  # (1, time)
    with torch.inference_mode():
        chances = model(row.to(device.type))[0, -1].float().softmax(-1).cpu()  # (vocab_size,)
    ways = branching(chances)
    assert abs(ways / torch.distributions.Categorical(chances).perplexity().item() - 1) < 1e-4  # not ours
    likely = ", ".join(tokenizer.decode([one]).strip() for one in chances.topk(4).indices.tolist())
    rows.append((beginning, f"{ways:.1f}", likely))
Table("How many ways to go on, according to the model", ("after", "ways", "the likeliest"), rows)

# %% [markdown]
# (Each number is compared with `torch.distributions.Categorical.perplexity`.) The number of ways changes at every
# token. Perplexity sums such numbers up over a text, by averaging logarithms, as in section 1.
#
# Strictly, there is a difference. The *branching* is what the model **believes** about its own surprise; the *loss*
# is how surprised it really was. They agree on average when the model is right about how unsure it is: then it is
# **calibrated**. Is ours?


# %%
def expected_and_met(piece: Tensor) -> tuple[float, float]:
    """Mean surprise the model expects and mean surprise it meets, in nats. piece: (32 * context + 1,)."""
    inputs, targets = piece[:-1].view(32, context), piece[1:].view(32, context)  # (32, time) each
    with torch.inference_mode():
        beliefs = model(inputs.to(device.type)).float().log_softmax(-1)  # (32, time, vocab_size)
    entropy = -(beliefs.exp() * beliefs).sum(-1)  # (32, time)
    return entropy.mean().item(), surprise_of(model, inputs, targets).mean().item()


some = tokens[: 32 * context + 1]
mixed = some[torch.randperm(len(some), generator=torch.Generator().manual_seed(2))]
Table(
    "Surprise in nats, in the first 32 windows",
    ("text", "expected", "met"),
    [("stories", *expected_and_met(some)), ("their tokens, shuffled", *expected_and_met(mixed))],
)

# %% [markdown]
# Ours is nearly: stories surprise it a little more than it expects. (It is another loss than in section 1, because we
# asked only for the first 32 windows; section 4 is about that.) Training pushes towards agreement, because the
# expected cross-entropy is smallest for the true probabilities. But that holds only on text like the training text. On
# other text a model meets far more surprise than it expects: nothing tells it that this text is unlike what it has
# read.
#
# ## 3. Bits per byte
#
# Perplexity counts ways *per token*, and tokens differ. Take the extreme: a model whose tokens are single letters has
# few ways to go on at each, but must choose several times as often. We can watch this without any network. The same
# stories, the same bigram counts (lesson 08's third grey line), two tokenizers:

# %%
train_texts = list(islice(read_stories(data.folder / "train.txt"), 300 if FAST else 2500))
rows = []
for vocab_size in (300, 4096):
    cutter = Tokenizer.train(train_texts, vocab_size)
    pair = [
        TokenStream.write(folder / f"lesson_09_{vocab_size}_{name}.bin", source, cutter)
        for name, source in (("train", train_texts), ("valid", texts))
    ]
    loss = baseline_losses(*pair)["bigram counts"]
    info = pair[1].info
    bits = loss * (info.num_tokens - 1) / math.log(2) / info.num_bytes
    rows.append((f"{cutter.vocab_size:,}", info.num_tokens, loss, math.exp(loss), f"{bits:.3f}"))
Table(
    "Bigram counts, the same stories",
    ("tokens in the vocabulary", "tokens in the set", "loss", "perplexity", "bits per byte"),
    rows,
)

# %% [markdown]
# By loss and perplexity the small vocabulary wins by far. But it answers easier questions, and more of them. The fair
# question is: **how surprised is it by the whole text?** Add up the surprise of all tokens, and divide by something
# that does not depend on the tokenizer, the bytes of the text:
#
# $$\text{bits per byte} = \frac{\text{all surprise in nats}}{\ln 2 \cdot \text{bytes}}
# = \frac{\text{loss}}{\ln 2} \cdot \frac{\text{tokens}}{\text{bytes}}$$
#
# It is also what the best compression with this model leaves of a file: at 1 bit per byte a text shrinks to an
# eighth. ([Shannon 1951](https://archive.org/details/bstj30-1-50) let people guess the next letter, and found between
# 0.6 and 1.3 bits a letter for English.)
#
# ### Exercise 09.3: Bits per byte
# `losses` are nats, one for each token of `text`. Bytes are those of UTF-8. (On our set, below, the ends of stories are
# guessed too, and have no bytes: their surprise counts, their length is 0.)


# %%
def bits_per_byte(losses: Tensor, text: str) -> float:
    """Surprise in bits for each UTF-8 byte of the text. losses: (num_tokens,), in nats."""
    ### BEGIN SOLUTION
    return losses.sum().item() / math.log(2) / len(text.encode("utf-8"))
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("09.3")

# %%
ours = bits_per_byte(everything, "".join(texts))
print(f"yours {ours:.4f}, slmlib's {measured.bits_per_byte:.4f}")
assert abs(ours - measured.bits_per_byte) < 1e-5

# %% [markdown]
# Where tokenizers differ, this course compares models in bits per byte. Only between models with *the same*
# tokenizer, on *the same* text, does perplexity say the same thing.
#
# ## 4. How far to trust it
#
# Measuring the whole set takes time, so many training loops estimate the loss from a few random batches. How good is
# the estimate? We draw batches of 16 windows from our set, and average 1, 4 or 16 of them:

# %%
whole_windows = torch.cat([batch for batch in batches if batch.shape[1] == context])  # (windows, time)
windows = whole_windows.mean(1)  # (windows,): the mean loss of each
draw = torch.Generator().manual_seed(9)
groups = {}
for number in (1, 4, 16):
    picks = torch.randint(len(windows), (40, number * 16), generator=draw)  # (estimates, windows)
    groups[f"{number} batch{'es' * (number > 1)}"] = windows[picks].mean(1).tolist()
low, high = min(groups["1 batch"]), max(groups["1 batch"])
estimates(
    groups,
    windows.mean().item(),
    f"One random batch says anything between {low:.2f} and {high:.2f}",
    xlabel="estimate of the loss (nats per token), 40 estimates each",
    whole_name="the whole set",
)

# %% [markdown]
# Four times the batches, about half the spread (40 estimates show it only roughly). In theory it is
# $\sigma / \sqrt n$, where $\sigma$ is the standard deviation of single windows and $n$ their number. That is the **standard error**, and every measured loss has one. Even the whole
# set is only a sample of all stories that could be told:

# %%
sigma = windows.std().item()
for name, estimated in groups.items():
    number = int(name.split()[0])
    print(
        f"{name:10} expected spread {sigma / math.sqrt(16 * number):.3f}, measured {torch.tensor(estimated).std():.3f}"
    )
print(f"the whole set: {windows.mean():.3f}, standard error {sigma / math.sqrt(len(windows)):.3f}")

# %% [markdown]
# Is a difference smaller than the standard error then always noise? No: **measure both models on the same stories.**
# A hard story is hard for both, and in the difference that cancels. Here is a second model, the same one with its
# weights a little shaken:

# %%
shaken = Decoder(model.config, seed=0).to(device.type).eval()
shaken.load_state_dict(model.state_dict())
noise = torch.Generator().manual_seed(1)
with torch.no_grad():
    for weight in shaken.parameters():
        weight += 0.05 * weight.std() * torch.randn(weight.shape, generator=noise).to(weight.device)
shaken_batches = every_window(shaken, context)
others = torch.cat([batch for batch in shaken_batches if batch.shape[1] == context]).mean(1)  # (windows,)
picks, again = (torch.randint(len(windows), (200, 16), generator=draw) for _ in range(2))
same = (others[picks] - windows[picks]).mean(1)
different = (others[again] - windows[picks]).mean(1)
rows = [
    ("the same batch for both", same.mean().item(), f"{same.std():.4f}", f"{(same > 0).float().mean():.0%}"),
    (
        "each its own batch",
        different.mean().item(),
        f"{different.std():.4f}",
        f"{(different > 0).float().mean():.0%}",
    ),
]
Table("Which model is worse? From one batch each", ("", "difference", "spread", "right answers"), rows)

# %% [markdown]
# So slmlib measures a fixed set, whole, every time, in the same windows. A loss estimated from fresh random batches,
# as [nanoGPT](https://github.com/karpathy/nanoGPT/blob/master/train.py)'s `estimate_loss` does it, gives a curve that
# trembles, and a "best" checkpoint that may only have been lucky.
#
# ## 5. Context: the same model, another loss
#
# At the first position of a window the model sees a single token, at the last position the whole window. How much
# does that help?

# %%
at_position = whole_windows.mean(0)  # (time,): the mean loss at each position of the window
edges = [0, *(2**power for power in range(context.bit_length()))]  # 0, 1, 2, 4, ... context
heights = [at_position[low:high].mean().item() for low, high in pairwise(edges)]
lines(
    {"loss": (edges[1:], heights)},
    f"With one token to look at the loss is {heights[0]:.2f}, late in the window {heights[-1]:.2f}",
    xlabel="tokens to look at: more than half of this, up to this",
    ylabel="loss (nats per token)",
    floors={"mean of all positions": at_position.mean().item()},
    log_x=True,
    write=lambda loss: f"{loss:.2f}",
)

# %% [markdown]
# So the loss of a set depends on where it is cut. Shorter windows have a larger share of positions with little to
# look back at. That is why **losses at different context lengths cannot be compared**: part of the difference is the
# cutting. The remedy is to let windows overlap, so that every counted token has much to look back at: **sliding
# windows**. Each begins `stride` tokens after the one before, and only its new targets count.
#
# By hand: 7 tokens (so 6 targets), context 4, stride 2. The first window reads tokens 0 to 3 and counts all its 4 targets; the second reads 2 to
# 5 and counts the last 2. That is `[(0, 4, 4), (2, 6, 2)]`.
#
# ### Exercise 09.4: Sliding windows
# Return a list of `(begin, end, new)`: the inputs are `tokens[begin:end]`, the targets stand one further on, and the
# last `new` of them count. Every target counts exactly once, even when the last window is shorter, or the only one; and
# no window is without new targets.


# %%
def sliding_windows(num_tokens: int, context_length: int, stride: int) -> list[tuple[int, int, int]]:
    """(begin, end, new) for each window. stride: at most context_length."""
    ### BEGIN SOLUTION
    windows, before, begin = [], 0, 0
    while before < num_tokens - 1:
        end = min(begin + context_length, num_tokens - 1)
        windows.append((begin, end, end - before))
        before, begin = end, begin + stride
    return windows
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("09.4")

# %%
piece = tokens[: 3_001 if FAST else 10_001]


def loss_with(context_length: int, stride: int) -> float:
    """Mean loss of the piece under sliding windows."""
    cut = sliding_windows(len(piece), context_length, stride)
    assert sum(new for _, _, new in cut) == len(piece) - 1
    full = [window for window in cut if window[1] - window[0] == context_length]
    groups = [full[first : first + 32] for first in range(0, len(full), 32)]
    nats = 0.0
    for group in [*groups, *([window] for window in cut if window not in full)]:
        inputs = torch.stack([piece[begin:end] for begin, end, _ in group])  # (rows, time)
        targets = torch.stack([piece[begin + 1 : end + 1] for begin, end, _ in group])  # (rows, time)
        surprise = surprise_of(model, inputs, targets)
        nats += sum(row[-new:].sum().item() for row, (_, _, new) in zip(surprise, group, strict=True))
    return nats / (len(piece) - 1)


lengths = [context // 8, context // 4, context // 2, context]
rows = [(length, loss_with(length, length), loss_with(length, length // 4)) for length in lengths]
assert abs(rows[-1][1] - everything[: len(piece) - 1].mean().item()) < 1e-4  # side by side, as measured above
Table("The same model, the same text", ("context length", "side by side", "stride: a quarter"), rows)

# %% [markdown]
# (The last number side by side is not that of section 1, because we measured only the beginning of the set, and its
# stories are not the average. Section 4 at work.)
#
# Sliding costs four times the work here, and gives the fairer number: after the first window every counted token has
# at least three quarters of a window behind it. Papers differ in this, and seldom say so in the abstract. Before you
# compare a perplexity with a published one, find out: which tokenizer, which text, which context length, which
# stride.
#
# ## 6. How low could it be?
#
# No model gets to 0. After "there was a little" both "girl" and "boy" are right, and nobody can know. Text has an
# entropy, and the expected loss of a model is never below it (Gibbs' inequality). How far is a model from that floor?
# For real text nobody knows. For **StoryWorld** (lesson 01) we do: it draws its stories by known rules, and each one
# comes with its true probability.

# %%
world = list(stories(0, 400 if FAST else 3000, seed=9))
held_out = list(stories(0, 50 if FAST else 200, seed=10))
floor = measure_floor(held_out)
print(held_out[0].text[:300].replace("\n", " "), "...")
print(f"\nln of its probability: {held_out[0].log_probability:.1f}")
print(f"floor: {floor.nats_per_story:.1f} nats a story, standard error {floor.standard_error:.1f}")
print(f"floor: {floor.bits_per_byte:.4f} bits per byte, standard error {floor.bits_per_byte_error:.4f}")

# %% [markdown]
# The floor is itself a mean over a sample, hence the standard error. We measure the model on *the same* held-out
# stories, so most of it cancels. Now a small model learns StoryWorld for a short while:

# %%
size = preset("0.3M" if device.type == "cpu" else "8M")
cutter = Tokenizer.train([story.text for story in world], 1024)
world_train = TokenStream.write(folder / "lesson_09_world_train.bin", [one.text for one in world], cutter)
world_valid = TokenStream.write(folder / "lesson_09_world_valid.bin", [one.text for one in held_out], cutter)
pupil = Decoder(size.model.change({"vocab_size": cutter.vocab_size}), seed=0).to(device.type)
plan = TrainConfig(
    total_steps=40 if FAST else 600,
    batch_size=8,
    learning_rate=size.train.learning_rate,
    embedding_rate_factor=size.train.embedding_rate_factor,
    schedule="wsd",
    weight_decay=0.0,
    device=device.type,
    dtype=device.dtype,
)
trainer = Trainer(pupil, cutter, world_train, world_valid, plan, device, folder / "lesson_09")
steps, found = [], []
while trainer.step < plan.total_steps:
    trainer.train_step(learning_rate(trainer.step, plan))
    trainer.step += 1
    if trainer.step in (10, 20, 40, 100, 200, 400, 600):
        steps.append(trainer.step)
        found.append(evaluate(pupil, world_valid, device).bits_per_byte)
to_bits = (len(world_valid) - 1) / math.log(2) / world_valid.info.num_bytes
counted = {name: nats * to_bits for name, nats in baseline_losses(world_train, world_valid).items()}
lines(
    {"the model": (steps, found)},
    f"After {steps[-1]} steps {found[-1]:.2f} bits per byte; nobody can get below {floor.bits_per_byte:.2f}",
    xlabel="step",
    ylabel="bits per byte",
    floors={"bigram counts": counted["bigram counts"], "StoryWorld's floor": floor.bits_per_byte},
    log_x=True,
    write=lambda bits: f"{bits:.2f}",
)

# %%
foreign = TokenStream.write(folder / "lesson_09_foreign.bin", [one.text for one in held_out], tokenizer)
heights = counted | {
    "the shipped model, trained on other stories": evaluate(model, foreign, device).bits_per_byte,
    "this model": found[-1],
    "the floor": floor.bits_per_byte,
}
excess = found[-1] - floor.bits_per_byte
known = (counted["a uniform guess"] - found[-1]) / (counted["a uniform guess"] - floor.bits_per_byte)
bars(
    heights,
    f"Of the way from knowing nothing down to the floor, {known:.0%} is done; {excess:.2f} bits per byte are missing",
    xlabel="bits per byte on the same held-out stories",
    highlight=["the floor"],
    write=lambda bits: f"{bits:.3f}",
)

# %% [markdown]
# The shipped model does worse here than counting pairs of tokens. The pairs were counted in StoryWorld, and it has read
# other stories only: a model is good at the kind of text that it was trained on.
#
# What lies above the floor has two parts. One is what the model has yet to learn. The other no training removes: its
# windows are shorter than most stories, so most begin in the middle of one, and what stood before is hidden (section
# 5). Together, as the mean loss minus the entropy of the text, they are the **Kullback-Leibler divergence** between the
# truth and the model with its windows. With more steps, parameters and context it shrinks. The floor is the world's own
# freedom, and it stays. On real text one sees only the sum of both.
#
# A model that is clearly *below* the floor would have seen the answers.
#
# ## 7. What can go wrong
#
# **The answers are in the training text.** Let the model go on a little, on the held-out stories themselves:

# %%
for _ in range(10 if FAST else 60):
    inputs, targets = world_valid.batch(
        trainer.step, batch_size=16, context_length=pupil.config.context_length, seed=1
    )
    trainer.optimizer.zero_grad()
    pupil.loss(inputs.to(device.type), targets.to(device.type)).backward()
    for group in trainer.optimizer.param_groups:
        group["lr"] = 0.5 * plan.learning_rate * group["rate_factor"]
    trainer.optimizer.step()
    trainer.step += 1
leaked = evaluate(pupil, world_valid, device).bits_per_byte
fresh = TokenStream.write(
    folder / "lesson_09_fresh.bin", [one.text for one in stories(0, 40, seed=11)], cutter
)
honest = evaluate(pupil, fresh, device).bits_per_byte
print(f"on the leaked stories {leaked:.3f} bits per byte, on new ones {honest:.3f}, before {found[-1]:.3f}")

# %% [markdown]
# Nothing looks wrong from outside: the number is simply better. Only new stories show that the model is not. The
# floor would warn us too late, and on real text it is unknown. Stories that stand in both the training and the
# validation set do the same on a small scale; that is why lesson 01 removed duplicates before it split.
#
# **A cheaper vocabulary.** Word models of the past replaced rare words by one token `<unk>`. It is so easy to guess
# that the perplexity falls, and the fewer words a model knows, the better it looks:

# %%
known_words = Counter(word for text in train_texts for word in text.split())
came = [word for text in texts for word in text.split()]
rows = []
for size_of in (5000, 1000, 100, 10):
    kept = dict(known_words.most_common(size_of))
    total = known_words.total()
    chance_unk = max(total - sum(kept.values()), 1) / total
    nats = sum(-math.log(kept[word] / total if word in kept else chance_unk) for word in came) / len(came)
    unknown = sum(word not in kept for word in came) / len(came)
    rows.append((f"{size_of:,}", math.exp(nats), f"{unknown:.0%}"))
Table("Word counts alone", ("words known", "perplexity", "replaced by <unk>"), rows)

# %% [markdown]
# Bits per byte is not fooled: `<unk>` would have to say which word it was, and pay for it.
#
# ## 8. Questions
#
# <details>
# <summary>Does a lower perplexity mean better stories?</summary>
#
# Mostly. But it is a mean over tokens, and most tokens are small words and endings. A model can be a little better at
# commas and no better at the plot. And it is measured on true beginnings: at every token the model is put back on the
# right road. When it writes by itself it has to live with its own mistakes. Lesson 12 measures stories by other
# means. Better still, ask readers.
# </details>
#
# <details>
# <summary>Why e, and not 2 or 10?</summary>
#
# It does not matter as long as logarithm and power have the same base: $2^{\log_2 6}$ and $e^{\ln 6}$ are both 6. Training uses $\ln$ because its derivative is simple. Bits are for people and for files.
# </details>
#
# <details>
# <summary>My validation loss is below my training loss. Is something wrong?</summary>
#
# Perhaps not. The training loss is often a running mean, so it is from earlier, worse weights. With dropout it is also measured
# with parts of the model switched off. And the validation stories may happen to be easier, within the standard error.
# But look for a leak first.
# </details>
#
# <details>
# <summary>Can a model be below StoryWorld's floor without cheating?</summary>
#
# On a finite set, by luck, within the sampling error. A model that says "girl" more often than the world does gains
# on a sample in which girls happen to be frequent. On average over new stories, never.
# </details>
#
# ## What comes next
#
# You can judge probabilities. Lesson 10 *uses* them: which token to take, when the model only says how likely each
# one is. What to take along: **mean over tokens, exp at the end; bits per byte between tokenizers; the same whole
# set, the same cuts, and a standard error; and a loss has a floor above 0.**

# %%
progress()
