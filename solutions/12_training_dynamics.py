# %% [markdown]
# # Training dynamics
#
# *20 minutes of reading, 50 with the exercises; difficulty 3 of 5. Some two minutes of computing on two CPU cores.*
#
# The loss falls smoothly from the first step to the last. But writing is not learned smoothly: first there are words,
# then pairs of words, then sentences, then perhaps a story. **What does a model learn when? And if something is wrong
# with a run, what do its curves say, long before the stories do?**
#
# After this lesson you can
#
# - put checkpoints where things happen, and follow one prompt through a whole training run,
# - measure spelling, word order, names, repetition and copying, and say what each measure misses,
# - read gradient norms, the ratio of update to weight, and activations,
# - tell ten broken runs apart by their curves.
#
# First a run, looked at again and again.

# %%
import math
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import torch

from checks import check, hint, progress, reference
from slmlib.config import Sampling
from slmlib.devices import choose_device
from slmlib.evaluation import evaluate
from slmlib.files import home
from slmlib.generation import generate
from slmlib.model.decoder import Decoder, evaluating
from slmlib.plots import Table, training_panel
from slmlib.plots.dynamics import layer_panels, run_gallery, small_multiples
from slmlib.presets import preset
from slmlib.quality import MEASURES, Reference, longest_copy, measure, words_of
from slmlib.text.baselines import baseline_losses
from slmlib.text.prepare import prepare
from slmlib.text.stream import TokenStream
from slmlib.text.textfiles import read_stories
from slmlib.training.broken import GALLERY, Letters, train_tiny
from slmlib.training.diagnosis import CAUSES, HEALTHY, diagnose
from slmlib.training.run import Wish, decide, measure_step
from slmlib.training.schedules import learning_rate
from slmlib.training.trainer import Trainer
from slmlib.widgets.checkpoint_scrubber import CheckpointScrubber, Moment

FAST = bool(os.environ.get("SLM_FAST"))  # small sizes, for tests

# %% [markdown]
# ## 1. One run, looked at many times
#
# Most of what happens in training happens early. The Pythia models ([Biderman et al. 2023, section
# 2](https://arxiv.org/abs/2304.01373)) were published for questions like ours. Each has 154 checkpoints: at steps 0,
# 1, 2, 4, 8 and so on up to 512, then every 1,000 steps. First doubling, then even. We do the same on a small scale.


# %%
def checkpoint_steps(total: int) -> list[int]:
    """0, 1, 2, 4, ... up to an eighth of the run, then eight even ones."""
    even = [round(total * part / 8) for part in range(1, 9)]
    doubling = [2**power for power in range(20) if 2**power < even[0]]
    return sorted({0, *doubling, *even})


data = prepare(vocab_size=4096, max_bytes=1_000_000 if FAST else 10_000_000, progress=False)
tokenizer = data.tokenizer
device = choose_device()
chosen = preset("1M" if device.type == "cpu" else "8M")  # on a GPU a larger one
size = chosen.model.change({"vocab_size": tokenizer.vocab_size})
folder = home() / "runs" / "dynamics"
plan = replace(chosen.train, total_steps=16 if FAST else 450)
plan = decide(Wish(size, plan, folder), data, device)
steps = checkpoint_steps(plan.total_steps)
print(f"{data.corpus_name}: {len(data.train):,} training tokens. Preset {chosen.name} on {device.type}.")
print("checkpoints after", ", ".join(map(str, steps)), "steps")

# %% [markdown]
# At each checkpoint we keep a copy of the weights, measure the loss on some stories that are never trained on, and
# let the model continue the same beginning several times, with different seeds. The seeds are the same at every
# checkpoint: if the story changes, the model has changed.

# %% tags=["nbval-ignore-output"]
few = islice(read_stories(data.folder / "valid.txt"), 20 if FAST else 100)
valid = TokenStream.write(folder / "few.bin", few, tokenizer, corpus_name=data.corpus_name)
PROMPT, NUM_STORIES, NUM_TOKENS = "Once upon a time", 4 if FAST else 16, 40 if FAST else 120

model = Decoder(size, seed=0).to(device.type)
trainer = Trainer(model, tokenizer, data.train, valid, plan, device, folder)
seconds = plan.total_steps * (0.1 if FAST else measure_step(Wish(size, plan, folder), plan, data, device))
print(f"This takes about {seconds / 60:.1f} minutes, and some seconds more for each look.")


def weights() -> dict[str, torch.Tensor]:
    """A copy of every weight, on the CPU."""
    return {name: one.detach().cpu().clone() for name, one in model.named_parameters()}


snapshots, one_step_later = {}, {}  # step -> name -> weights
stories, losses = {}, {}
events = []
for step in range(plan.total_steps + 1):
    if step in steps:
        snapshots[step] = weights()
        sampling = Sampling(max_tokens=NUM_TOKENS)
        stories[step] = generate(model, tokenizer, [PROMPT] * NUM_STORIES, sampling)
        losses[step] = evaluate(model, valid, device).loss
        events.append({"event": "evaluation", "step": step, "loss": losses[step]})
        print(f"step {step:4}: validation loss {losses[step]:.2f}")
    if step == plan.total_steps:
        break
    started, rate = time.perf_counter(), learning_rate(step, plan)
    loss, norm = trainer.train_step(rate)
    trainer.step += 1
    speed = plan.batch_size * size.context_length / (time.perf_counter() - started)
    events.append(
        {
            "event": "step",
            "step": step + 1,
            "loss": loss,
            "learning_rate": rate,
            "gradient_norm": norm,
            "tokens_per_second": speed,
        }
    )
    if step in steps:
        one_step_later[step] = weights()

# %%
floors = baseline_losses(data.train, valid)
training_panel(events, floors)

# %% [markdown]
# The thin lines are guesses made without a network (lesson 08): all tokens equally likely, by frequency, by the one
# token before. A model that has crossed the lowest line knows more than pairs. But what? Look at the stories. (In
# JupyterLab there is a slider: click on it, or reach it with Tab, then use the arrow keys.)

# %%
knowledge = Reference.of(read_stories(data.folder / "train.txt"))
measured = {step: measure(stories[step], knowledge) for step in steps}
FEW = ("real words", "word order", "repetition", "copied")
CheckpointScrubber(
    [
        Moment(step, losses[step], stories[step][0], {name: measured[step][name] for name in FEW})
        for step in steps
    ]
)

# %% [markdown]
# Read it slowly; no curve in this lesson says more. The first story is noise: every token is about equally likely.
# Then the frequent tokens arrive. Then full stops and pairs of words that go together, then phrases. Whether it makes
# sense, you can judge. A simple program cannot, but it can count a good deal.
#
# ## 2. What can be counted
#
# There are large models that judge stories. Here we want measures that cost nothing and that we understand
# completely. They are built from **n-grams**: n words in a row.
#
# ### Exercise 12.1: Distinct n-grams
# A weak model says the same thing again and again. Return how many *different* n-grams there are, as a share of all
# n-grams; 1.0 where there is none. (After [Li et al. 2016](https://arxiv.org/abs/1510.03055), who divide by the number
# of tokens.)


# %%
def distinct_n(words: list[str], n: int) -> float:
    """Different n-grams as a share of all n-grams, 0 to 1."""
    ### BEGIN SOLUTION
    grams = [tuple(words[start : start + n]) for start in range(len(words) - n + 1)]
    return len(set(grams)) / len(grams) if grams else 1.0
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("12.1")

# %% [markdown]
# **Compared with code that is not ours.** Give each word a number, and `torch.unique` finds the different rows of a
# matrix:

# %%
last = plan.total_steps
words = [word.lower() for story in stories[last] for word in words_of(story)]
number_of = {word: number for number, word in enumerate(dict.fromkeys(words))}
row = torch.tensor([number_of[word] for word in words])  # (num_words,)
for n in (1, 2, 3, 4):
    grams = row.unfold(0, n, 1)  # (num_words - n + 1, n)
    theirs = len(grams.unique(dim=0)) / len(grams)
    assert abs(distinct_n(words, n) - theirs) < 1e-5
    print(f"{n} words in a row: {distinct_n(words, n):.3f} distinct, by torch.unique {theirs:.3f}")

# %% [markdown]
# One warning: this number falls with length, for any writer, because there are only so many words. **Compare texts of
# the same length**, and compare with real stories.
#
# ### Exercise 12.2: Closed quotes
# Whoever opens a quotation must remember to close it, many tokens later: a small test of memory. In each line the
# first `"` opens, the second closes, the third opens, and so on. Return how many opened, and how many of those were
# closed *in the same line*.


# %%
def quotes(story: str) -> tuple[int, int]:
    """(opened, closed) over all lines of a story."""
    ### BEGIN SOLUTION
    opened = closed = 0
    for line in story.splitlines():
        marks = line.count('"')
        opened += (marks + 1) // 2
        closed += marks // 2
    return opened, closed
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("12.2")

# %% [markdown]
# Why two counts, and not a share? Because many stories of an untrained model open none, and 0 of 0 is no share. We
# add up both counts over all stories first, and divide once. (Lesson 09 says the same of losses: the mean of means is
# another number.)
#
# ### Exercise 12.3: Copied words
# A model can write good stories for a bad reason: it knows them by heart. `seen` holds all n-grams of the training
# text as tuples. Return for each word whether it stands in *any* n-gram that was seen.


# %%
def copied_words(words: list[str], seen: set[tuple[str, ...]], n: int) -> list[bool]:
    """For each word: is it part of n words in a row that occur in the training text?"""
    ### BEGIN SOLUTION
    copied = [False] * len(words)
    for start in range(len(words) - n + 1):
        if tuple(words[start : start + n]) in seen:
            copied[start : start + n] = [True] * n
    return copied
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("12.3")

# %% [markdown]
# **Compared with code that is not ours.** Python can search a text for a phrase. Put the whole training text into one
# string, and search it for every eight words of our last stories. `knowledge.eights` gives the same answers from a
# sorted table of hashes, much faster (`NGrams` in [slmlib/quality.py](../slmlib/quality.py)).

# %%
training_text = " ".join(
    word.lower() for story in read_stories(data.folder / "train.txt") for word in words_of(story)
)
training_text = f" {training_text} "
told = [[word.lower() for word in words_of(story)] for story in stories[last][:4]]
by_search = {
    tuple(words[start : start + 8])
    for words in told
    for start in range(len(words) - 7)
    if f" {' '.join(words[start : start + 8])} " in training_text
}
for words in told:
    # A search runs across the end of a story, the table does not: that is the only way to differ.
    assert sum(copied_words(words, knowledge.eights, 8)) <= sum(copied_words(words, by_search, 8))
    print(f"copied: {sum(copied_words(words, knowledge.eights, 8)):3} of {len(words)} words", end="; ")
    print("by Python's search:", sum(copied_words(words, by_search, 8)))

# %% [markdown]
# ### Eight measures through the training
#
# Now all of them at every checkpoint. The dashed line is the same measure on *real* stories that the model has never
# seen, cut to the same length and as many at a time.

# %%
real = [
    tokenizer.decode(tokenizer.encode(story)[: NUM_TOKENS + len(tokenizer.encode(PROMPT))])
    for story in islice(read_stories(data.folder / "valid.txt"), 4 * NUM_STORIES)
]
parts = [measure(real[first :: len(real) // NUM_STORIES], knowledge) for first in range(4)]
goal = {name: sum(part[name] for part in parts) / len(parts) for name in MEASURES}
Table("Eight measures", ("measure", "the share of ..."), list(MEASURES.items()))

# %%
small_multiples(
    steps,
    {name: [measured[step][name] for step in steps] for name in MEASURES},
    "Not everything is learned at once",
    compare=goal,
)

# %% [markdown]
# Now ask of each measure that should rise: from which step on does it stay above nine tenths of its value on real
# stories?

# %%
RISING = ("real words", "word order", "closed quotes", "names kept", "thread")


def arrival(name: str) -> int | None:
    """The first checkpoint from which on a measure stays at 90% of its value on real stories."""
    late = [step for step in steps if not measured[step][name] >= 0.9 * goal[name]]  # NaN is late, too
    after = [step for step in steps if not late or step > late[-1]]
    return after[0] if after else None


order = sorted(RISING, key=lambda name: arrival(name) or math.inf)
rows = [
    (
        name,
        "not yet" if arrival(name) is None else f"{arrival(name):,}",
        f"{measured[last][name]:.0%}",
        f"{goal[name]:.0%}",
    )
    for name in order
]
Table("When a measure stays near real stories", ("measure", "from step", "at the end", "real stories"), rows)

# %% [markdown]
# **From near to far.** What shows within one word or two comes first, because every batch is full of examples, and
# because little has to be remembered. What needs a look back over a sentence or a whole story comes late, or not at
# all in so short a run: it pays off at few tokens, so it moves the loss little. The loss is a mean over all tokens,
# and most tokens are easy. That is why two models with nearly the same loss may write very different stories.
#
# Three cautions. The early points of *closed quotes* and *names kept* jump about: a weak model writes few quotation
# marks and names, so each point stands for a handful of cases. A measure that arrives at the last checkpoint has only
# been seen there once. And above the line is not better than real: more *word order* than real stories have means
# fewer new phrases than people write.
#
# What do the measures miss?
#
# - *real words* and *word order* are about three words at most. "The cat took the moon" passes.
# - *distinct pairs* is highest for noise, the most varied writer of all. It falls when the frequent words come; in so
#   short a run it does not rise again to the line of real stories.
# - *names kept* is passed by a model that calls everybody Tom.
# - *thread*, our stand-in for a plot, asks whether the second half still speaks of what the first half introduced. A
#   model that repeats itself does well, so look at *repetition* too.
#
# No single measure is safe, and one that people try to raise soon stops meaning anything. Several at once, and
# reading, are hard to fool.
#
# **Is copying bad?** Look at the dashed line of *copied*: real, unseen stories also hold eight words in a row from
# the training text. Children's stories share their phrases. What should worry you is a model far *above* the line.
# [McCoy et al. 2023](https://arxiv.org/abs/2111.09509) compared several models (GPT-2 among them) with human text in
# this way: the models' small pieces were less novel than people's, their larger structure was as novel or more, and
# yet now and then a passage of over 1,000 words came straight from the training set. [Lee et al.
# 2022](https://arxiv.org/abs/2107.06499) found the main lever, duplicates: training on deduplicated text made
# memorized output ten times rarer. Lesson 01 removed them here. The longest copies of our model:

# %%
rows = []
for words in told:
    copy = longest_copy(words, training_text)
    rows.append((len(copy), " ".join(copy)))
Table(
    "The longest run of words that occurs in the training text",
    ("words", "they are"),
    sorted(rows, reverse=True),
)

# %% [markdown]
# ## 3. Under the bonnet
#
# The stories show what came out. Three numbers show how the training is going, while it runs.
#
# **The gradient norm** (lesson 08) is in the panel above: the root of the sum of all squared gradients. It says how
# strongly this batch wants to change the model. It often rises in the first steps, then settles. What to look for
# is a jump: a strange batch, or the beginning of the end. Clipping caps it.
#
# **The ratio of update to weight.** Is a gradient of 0.1 large? That depends on the weight, and on the optimizer. So
# compare the size of what a step really *added* with the size of what was there, both measured as norms. Karpathy's rule of thumb (in [the third part of makemore](https://github.com/karpathy/nn-zero-to-hero), with
# standard deviations instead of norms): about 1/1000 a step is healthy. Far below, the weights stand still. Far
# above, they are thrown about rather than taught.
#
# ### Exercise 12.4: Update to weight
# Return this ratio as a number. Both tensors have the same shape, and the norm of a tensor is that of all its numbers
# in one row.


# %%
def update_ratio(before: torch.Tensor, after: torch.Tensor) -> float:
    """How large the update is beside the weights it was made to."""
    ### BEGIN SOLUTION
    return ((after - before).norm() / before.norm()).item()
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("12.4")

# %% [markdown]
# $$\text{ratio} = \frac{\lVert W_{\text{after}} - W_{\text{before}} \rVert}{\lVert W_{\text{before}} \rVert}$$
#
# **Compared with code that is not ours.** Adam divides each gradient by its own usual size. In the very first step that
# is the gradient itself, so every weight moves by exactly the learning rate, up or down (lesson 08). A matrix of $n$
# weights must then have the ratio $\text{rate} \cdot \sqrt{n} / \lVert W \rVert$. Does torch's AdamW agree?

# %%
layer = torch.nn.Linear(64, 64, bias=False)
adam = torch.optim.AdamW(layer.parameters(), lr=1e-3, eps=1e-12, weight_decay=0.0)
before = layer.weight.detach().clone()
layer(torch.randn(32, 64)).square().mean().backward()
adam.step()
predicted = 1e-3 * 64 / before.norm().item()  # the root of 64 * 64 weights
found = update_ratio(before, layer.weight.detach())
assert abs(found - predicted) < 1e-5
print(f"ratio of torch's first step agrees with rate * sqrt(n) / norm to {abs(found - predicted):.0e}")

# %% [markdown]
# **Activations.** The residual stream (lesson 07) is what flows from block to block. How large are its numbers after
# each block? And what share of a feed-forward layer's units is silent for a typical token, that is, zero after ReLU?
# We put each snapshot back into a model and look. (A *forward hook* is a function that torch calls with a module's
# inputs and output each time it has run; `remove()` takes it off again.)
#
# Who moves what? In this run the hidden matrices (query, key, value, up, down) are moved by Muon (lesson 08), whose
# update has the same size for every matrix of a shape, whatever its gradient; so three lines of the first picture
# begin together. Only the embedding is moved by AdamW.


# %%
def look_inside(step: int) -> Iterator[tuple[float, float]]:
    """For each block: the root mean square of the stream behind it, and the share of silent units in it."""
    with torch.no_grad():
        for name, one in twin.named_parameters():
            one.copy_(snapshots[step][name])
    seen = []
    hooks = [
        module.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
        for block in twin.blocks
        for module in (block.feedforward.up, block)
    ]
    with torch.inference_mode(), evaluating(twin):
        twin(probe)
    for hook in hooks:
        hook.remove()
    for hidden, stream in zip(seen[::2], seen[1::2], strict=True):
        yield stream.square().mean().sqrt().item(), (hidden <= 0).float().mean().item()


twin = Decoder(size, seed=0)
probe, _ = valid.batch(0, batch_size=8, context_length=size.context_length, seed=0)  # (batch, time)
inside = {step: list(look_inside(step)) for step in steps}

KINDS = {
    "embedding": ("embedding.weight",),
    "query, key": ("query.weight", "key.weight"),
    "value": ("value.weight",),
    "up": ("up.weight",),
    "down": ("down.weight",),
}


def together(tensors: dict[str, torch.Tensor], kind: str) -> torch.Tensor:
    """All weights of a kind, in every layer, as one row."""
    return torch.cat([one.flatten() for name, one in tensors.items() if name.endswith(KINDS[kind])])


moving = [step for step in steps if 0 < step < last]
ratios = {
    kind: [
        update_ratio(together(snapshots[step], kind), together(one_step_later[step], kind)) for step in moving
    ]
    for kind in KINDS
}
layer_panels(
    moving,
    {
        "update / weight, by kind": ratios,
        "size of the stream, by block": {
            f"after {block + 1}": [inside[step][block][0] for step in moving]
            for block in range(size.num_layers)
        },
        "silent units, by block": {
            f"in {block + 1}": [inside[step][block][1] for step in moving] for block in range(size.num_layers)
        },
    },
    "Steps grow with the warm-up and shrink with the schedule, and the blocks begin to speak up",
    log=("update / weight, by kind",),
    marks={"update / weight, by kind": ("1/1000", 1e-3)},
)

# %% [markdown]
# - *Updates.* Our run takes larger steps than the rule says, for a reason: the whole run is a few hundred steps long,
#   and the rule comes from longer ones. In the warm-up the ratio of the hidden matrices rises with the rate; then it
#   falls slowly, as the weights grow, and steeply in the second half, when the schedule comes down. `down` begins at
#   zero (`zero_output`, lesson 07), where any update is infinitely large beside the weights; so its first ratios are
#   high, and step 0 is left out. The embedding begins high, too: its first numbers are only about 0.02, and its
#   learning rate is high (lesson 08).
# - *The stream.* At first the blocks add nothing, so all lines begin together. Then each block learns to add
#   something, and the stream is mostly larger from block to block. Norms keep the next block from noticing. Growth
#   without end is a warning.
# - *Silent units.* About half are silent at the start: a random number is negative half of the time. Learning makes
#   them choosy. A unit that is silent for every token is dead: no gradient flows through a zero.
#
# ## 4. Ten broken runs
#
# Now the other side. Here are ten short runs of a tiny decoder that reads **bytes** (256 tokens, so a uniform guess
# has a loss of ln 256 = 5.55). Each is broken in one place. All ten run through without an error message. *Their
# curves are all you have.* The ten causes, in another order:

# %% tags=["nbval-check-output"]
EXPLAINED = {
    "learning rate x100": "the schedule is right, the rate a hundred times too high",
    "no warm-up": "the full learning rate from the first step on",
    "no mask": "in training each position may look ahead",
    "targets not shifted": "the targets are the inputs",
    "bad initialization": "first weights with a standard deviation of 1 instead of 0.02",
    "fp16 without scaler": "gradients are kept in half precision, and the loss is not scaled up",
    "vocabulary off by one": "the validation text was encoded with one more token at the start of the vocabulary: every id is one higher",
    "validation leaked": "half of each batch comes from the validation text",
    "evaluated in training mode": "the model has dropout (in training, chance sets some numbers to 0), and nobody called eval(), which turns it off",
    "accumulation not averaged": "gradients of 4 micro-batches are added and not divided by 4",
}
assert set(EXPLAINED) == set(CAUSES)
Table("Ten causes", ("cause", "what it means"), list(EXPLAINED.items()))

# %% [markdown]
# The validation loss is measured as the model will be used: with the mask, and with the next token as the target. One
# thing is simulated: a CPU is slow at float16 (fp16 for short), and gradients get too small for it only in large
# batches. So we round what flows back to fp16 after every layer, and divide the loss as if 4 million tokens stood in
# the batch (GPT-3 had 3.2 million).

# %%
letters = Letters.of(read_stories(data.folder / "train.txt"), read_stories(data.folder / "valid.txt"))
tiny_steps = 100 if FAST else 120
healthy = train_tiny(HEALTHY, letters, tiny_steps)
runs = {letter: train_tiny(cause, letters, tiny_steps) for letter, cause in GALLERY.items()}
early = {letter: runs[letter] for letter in "ABCDE"}
run_gallery(early, healthy, "What happened to these five runs?")

# %%
late = {letter: runs[letter] for letter in "FGHIJ"}
run_gallery(late, healthy, "And to these five?")

# %% [markdown]
# Some signs are too small for a picture. *Five measurements*: the last validation loss, measured five times with the
# same weights. *Zeros*: the share of the gradient that is exactly zero; up to a fifth is normal for this model.

# %%
rows = []
for letter, run in {"healthy": healthy, **runs}.items():
    low, high = min(run.repeats), max(run.repeats)
    rows.append(
        (
            letter,
            f"{run.training[0]:.2f}",
            f"{max(run.training[: tiny_steps // 4]):.2f}",
            f"{run.last_training:.2f}",
            f"{low:.3f}" if low == high else f"{low:.3f} to {high:.3f}",
            f"{run.gradient_norm[0]:.2f}",
            f"{run.zero_gradients:.0%}",
        )
    )
COLUMNS = ("run", "first loss", "highest early", "training, end", "five measurements", "first norm", "zeros")
Table("The same runs in numbers", COLUMNS, rows)

# %% [markdown]
# ### Exercise 12.5: Ten diagnoses
# Return the cause of each run, as it is written in the table of causes: `{"A": "...", "B": "...", ...}`. Begin with
# the runs that a single number gives away. (Each right letter counts. Ask `check` as often as you like: it has a clue
# for the first wrong one.)


# %%
def diagnosis() -> dict[str, str]:
    """The letter of each run, A to J, with its cause."""
    ### BEGIN SOLUTION
    return {
        "A": "targets not shifted",
        "B": "learning rate x100",
        "C": "accumulation not averaged",
        "D": "no mask",
        "E": "bad initialization",
        "F": "evaluated in training mode",
        "G": "fp16 without scaler",
        "H": "no warm-up",
        "I": "vocabulary off by one",
        "J": "validation leaked",
    }
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("12.5")

# %%
guesses = diagnosis()
print(
    "agree with what was done:",
    sum(guesses.get(letter) == cause for letter, cause in GALLERY.items()),
    "of 10",
)

# %% [markdown]
# <details>
# <summary>The answers, and why each run looks as it does (open after trying yourself)</summary>
#
# - **A, targets not shifted.** The answer stands in the question, and the residual stream carries it straight to the
#   head. The first loss is already below a uniform guess, because a tied head scores the input token highest. Nothing
#   about language is learned: on the real task the model is worse than guessing, and sure of itself.
# - **B, learning rate x100.** Each step throws the weights further than the next one can repair. Clipping the
#   gradient does not help: Adam divides by the gradient's size anyway.
# - **C, accumulation not averaged.** Four gradients added make exactly four times the norm. The loss hardly changes,
#   because AdamW does not feel the scale of a gradient. With plain SGD it would be four times the learning rate; with
#   clipping, every step is clipped. A healthy loss curve proves little.
# - **D, no mask.** At first like a healthy run: looking ahead has to be *learned*, by an attention head that finds
#   the next position. Once found, the loss falls to almost nothing. When the model is used with the mask, the head
#   has nothing to look at. (An error in a mask usually shows as a loss *too good to be true*.)
# - **E, bad initialization.** The only run whose first loss is far *above* ln 256: confident nonsense, before any step
#   was made. It recovers, and has wasted its time. This is the cheapest check of all (lesson 00).
# - **F, evaluated in training mode.** Dropout is still on while measuring, so the same weights give another loss each
#   time, and too high a one. Measure twice: the two must be equal to the last digit.
# - **G, fp16 without scaler.** The smallest number above zero in fp16 is 6e-8. With a mean over millions of tokens
#   most gradients lie below half of that and become zero. What survives, in the head, are the pushes that make right
#   tokens more likely, without those that make wrong ones less likely; so the loss goes astray. A scaler multiplies
#   the loss by some 65,536 first, and divides the gradients afterwards. bfloat16 has the range of float32, and needs
#   none.
# - **H, no warm-up.** Adam's first steps are its largest: it moves *every* weight by the full rate, however unsure the
#   direction (lesson 08). Many such moves together overshoot. The loss jumps, then recovers, later than the healthy
#   run.
# - **I, vocabulary off by one.** The training is the healthy run, digit for digit. Only the validation text is in
#   other ids: every letter is the next one in the alphabet. When training is fine and validation is hopeless from the
#   start, suspect the data, not the model. (`TokenStream.open` compares the tokenizer's hash for that
#   reason.)
# - **J, validation leaked.** The model does *better* on what it should never have seen. In real runs the gap is
#   smaller, and the danger larger: nobody complains about a good number. That is why lesson 01 removed duplicates
#   before the split.
# </details>
#
# ### Can a program do it?
#
# The same questions can be asked as rules, one after the other: the first loss, a second measurement, zeros, the last
# loss, and so on ([slmlib/training/diagnosis.py](../slmlib/training/diagnosis.py)). Each rule compares with a healthy
# run of the same size. That is why it pays to keep one: *a baseline is a measuring device.*

# %% tags=["nbval-check-output"]
for letter, run in runs.items():
    assert diagnose(run, healthy) == GALLERY[letter], f"run {letter} looks like {diagnose(run, healthy)}"
assert diagnose(healthy, healthy) == HEALTHY
print("the rules find all ten causes, and nothing wrong with the healthy run")

# %% [markdown]
# How each run was broken stands in [slmlib/training/broken.py](../slmlib/training/broken.py): for each, a line beside
# the right one. Break it in an eleventh way, and see whether you can tell.
#
# ## 5. The real one
#
# What does the trainer in [slmlib/training/trainer.py](../slmlib/training/trainer.py) do about all this? It writes
# loss, gradient norm and learning rate of every step to `log.jsonl`. It stops before a gradient that is not a number
# reaches the weights, saves what was good, and names the likely cause. It measures with `evaluating(model)`, which
# calls `eval()` and restores what was. It divides by the number of micro-batches. It uses a scaler where it uses
# fp16. A stream that another tokenizer wrote is refused earlier, when it is opened. Most of the ten cannot happen there;
# a wrong learning rate still can.
#
# Measures of text are in [slmlib/quality.py](../slmlib/quality.py). Your functions against those:

# %%
from slmlib import quality

for story in stories[last]:
    words = words_of(story)
    assert distinct_n(words, 2) == quality.distinct_n(words, 2)
    assert quotes(story) == quality.quotes(story) or "\u201c" in story
    assert copied_words(words, knowledge.eights, 8) == quality.copied_words(words, knowledge.eights, 8)
print("yours and slmlib's agree on", len(stories[last]), "stories")

# %% [markdown]
# ## 6. Questions
#
# <details>
# <summary>Are there sudden jumps in learning, or does everything come gradually?</summary>
#
# Both. In models of two and more attention layers there is a short stretch, early on, in which the loss has a small
# bump and **induction heads** form: heads that find an earlier place where the present token stood, and copy what
# came after it ([Olsson et al.
# 2022](https://transformer-circuits.pub/2022/in-context-learning-and-induction-heads/index.html)). Tokens late in the
# context suddenly get easier. In the models studied there it came after billions of tokens, many more than we read.
# And some jumps are made by the measure: "the whole word is right" jumps where "each letter is a bit likelier" rises
# smoothly ([Schaeffer et al. 2023](https://arxiv.org/abs/2304.15004)).
# </details>
#
# <details>
# <summary>My loss has a spike at step 40,000 and comes back. Is the run lost?</summary>
#
# Usually not. Look at the gradient norm just before: a single jump may be a strange batch. If spikes become frequent,
# go back to an earlier checkpoint, and lower the rate or leave those batches out. PaLM's authors restarted about 100
# steps before each spike and skipped 200 to 500 batches; the same batches did no harm at another time ([Chowdhery et
# al. 2022, section 5.1](https://arxiv.org/abs/2204.02311)).
# </details>
#
# <details>
# <summary>Why is there no early stopping when validation loss matters so much?</summary>
#
# Because in pre-training each text is read once, or a few times. The model hardly gets a chance to learn it by heart,
# so training and validation loss stay together. If they part, you are reading too little text too often, or something
# has leaked.
# </details>
#
# <details>
# <summary>Which of all these numbers should I look at in a run of a week?</summary>
#
# First loss against ln(vocabulary). Then training loss, validation loss and gradient norm, each beside those of a
# smaller healthy run. Every few hours a story from the same prompt and seed. And once, before it all begins: the same
# measurement twice, and one batch read with your own eyes.
# </details>
#
# ## What comes next
#
# You have trained, measured, generated, saved, and watched: you have built a language model, whole. From here on the
# question is what would be better: another architecture, another optimizer, another size. Each such question is a
# pair of runs like these, and you know how to read them. `python -m slmlib train --help` lists what can be changed,
# and `python -m slmlib report RUN RUN` puts runs side by side. What to take along: **look early and often; measure
# several things and read; keep a healthy run to compare with; too good is as suspicious as too bad.**

# %%
progress()
