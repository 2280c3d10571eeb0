# %% [markdown]
# # First story
#
# *20 minutes of reading, 30 with the exercises; difficulty 1 of 5. A minute or two of computing. You need some Python
# and a little patience with probabilities; no network, no GPU.*
#
# **What does a machine write that has read nothing but stories for small children? And what does it write after one
# minute of learning, when it began with noise?**
#
# After this lesson you can
#
# - say what a language model is, in one sentence and one picture,
# - train one on your own machine and watch it learn,
# - tell from the first loss whether it started well,
# - tell pre-training from fine-tuning and from continued pre-training,
# - use the checks, hints and the map of this course.

# %%
import math
import os
import shutil
from dataclasses import replace
from itertools import islice

import torch
import torch.nn.functional as F

import slmlib.doctor as doctor
from checks import check, hint, progress, reference
from checks.course import LESSONS
from slmlib.config import Sampling
from slmlib.devices import choose_device
from slmlib.files import home
from slmlib.generation import generate, stream
from slmlib.lesson_times import LessonTimes
from slmlib.model.decoder import Decoder
from slmlib.plots import Table, bars, lines
from slmlib.presets import preset
from slmlib.shipped import load_model
from slmlib.text.prepare import prepare
from slmlib.text.stream import TokenStream
from slmlib.text.textfiles import read_stories
from slmlib.training.logs import read_log, series
from slmlib.training.run import Wish, decide
from slmlib.training.trainer import Trainer
from slmlib.widgets import LivePanel, type_out

FAST = bool(os.environ.get("SLM_FAST"))  # small sizes, for tests

# %% [markdown]
# ## 1. A story, token by token
#
# This course comes with a small model, trained by its own code. Run the cell, and watch it write.

# %%
shipped = load_model()
model, tokenizer = shipped.model, shipped.tokenizer
pieces = type_out(
    stream(model, tokenizer, "Once upon a time", Sampling(seed=3, max_tokens=60 if FAST else 220))
)

# %% [markdown]
# No person wrote this story; run the cell with another `seed` and there is another one. The model wrote it in small
# pieces called **tokens**: words, parts of words, punctuation. After each one the same question was asked again:
# *what comes next?*

# %%
print(" | ".join(pieces[:40]))
parameters = sum(tensor.numel() for tensor in model.parameters())
print(f"\nThe model: {parameters:,} numbers, learned. The vocabulary: {tokenizer.vocab_size:,} tokens.")

# %% [markdown]
# And this is the answer each time: not a word, but a **probability for every token of the vocabulary**, the list of
# all tokens that the model knows.

# %%
beginning = "Once upon a time, there was a little"
# end_of_text before it: a new story begins (lesson 03)
row = torch.tensor([[tokenizer.end_of_text, *tokenizer.encode(beginning)]])  # (1, T)
with torch.inference_mode():
    chances = model(row)[0, -1].float().softmax(-1)  # (vocab_size,)
best = chances.topk(8)
candidates = {
    repr(tokenizer.decode([token])): chance
    for chance, token in zip(best.values.tolist(), best.indices.tolist(), strict=True)
}
first, likeliest = next(iter(candidates.items()))
bars(
    candidates,
    f"After \u201c{beginning}\u201d the model expects {first} most: {likeliest:.0%}",
    xlabel="probability of the next token",
    highlight=[first],
    write=lambda chance: f"{chance:.1%}",
)

# %% [markdown]
# That is all a language model is: **a function from the text so far to probabilities for the next token.** Writing
# is drawing from them, again and again (for the story above they were a little sharpened, so that likely tokens came
# still more often: lesson 10). Learning is making the tokens that really came next more probable. The rest of this
# course takes the function apart, until you can write every line of it.
#
# ## 2. Your machine
#
# What do you have, what would this course use of it, and how fast is it? (This measures for a few seconds;
# `python -m slmlib doctor` prints the same card.) You need only three rows: *Device*, *Speed* and *Lessons*. The others
# are for the day something goes wrong; lesson 04 explains gradients, and lesson 08 number formats.

# %% tags=["nbval-ignore-output"]
doctor.SECONDS = 0.3 if FAST else 3.0
machine = doctor.examine()
Table(
    "This machine, as slmlib sees it",
    ("part", "found"),
    [row for row in machine.findings if row[0] not in ("Home", "Corpus")]
    + [("Advice", sentence) for sentence in machine.warnings],
)

# %% [markdown]
# And how long will the lessons keep it busy? They were timed when their notebooks were built; the speeds of the two
# machines say about how long they take here. On two CPU cores most lessons compute for less than a minute, and the
# longest, lesson 08, for about five minutes.

# %% tags=["nbval-ignore-output"]
here = machine.tokens_per_second if choose_device().type == "cpu" else None
times = LessonTimes.read().by_lesson
Table(
    "Seconds of computing",
    ("lesson", "where it was built", "here, about"),
    [
        (f"{number} {LESSONS[number]}", round(time.seconds), round(time.here(here)))
        for number, time in times.items()
        if number in LESSONS
    ],
)

# %% [markdown]
# ### Exercise 00.1: Perplexity
# How good is a model at guessing? Show it a text and note the probability it gave to each token that *really* came. A
# token with probability $p$ has the **surprise** $-\ln p$, counted in **nats** (natural logarithms): 0 if the model
# was certain of it, large if it had thought it unlikely. The mean surprise is the **loss**, and
#
# $$\text{perplexity} = e^{\text{loss}} = \exp\Big(\frac1n \sum_{i=1}^{n} -\ln p_i\Big)$$
#
# By hand: a model that knows nothing about 8 tokens gives each the probability 1/8. Its surprise is $\ln 8$ every
# time, so its perplexity is 8. A perplexity of 8 means: it hesitates as if among 8 equally likely tokens.


# %%
def perplexity(probabilities: list[float]) -> float:
    """The perplexity of a model that gave these probabilities to the tokens that really came."""
    ### BEGIN SOLUTION
    surprises = [-math.log(p) for p in probabilities]
    return math.exp(sum(surprises) / len(surprises))
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("00.1")

# %% [markdown]
# **Compared with code that is not ours.** PyTorch's cross-entropy is the mean surprise, so its exp must be your
# number. (The model gives scores, here called `logits`; softmax makes probabilities of them.) And does the model notice
# when a story stops making sense?

# %%
STORY = "Tom saw a big dog. The dog was sad. Tom gave the dog a ball, and the dog was happy."
TALES = {
    "a story": STORY,
    "its words, sorted": " ".join(sorted(STORY.split())),
    "the news": "The central bank raised its key interest rate by a quarter of a percentage point.",
}
rows = []
for name, text in TALES.items():
    # end_of_text before it: a new story begins
    row = torch.tensor([[tokenizer.end_of_text, *tokenizer.encode(text)]])  # (1, T + 1)
    inputs, targets = row[:, :-1], row[0, 1:]  # at each place, the target is the token that follows
    with torch.inference_mode():
        logits = model(inputs)[0].float()  # (T, vocab_size)
    probabilities = logits.softmax(-1)[range(len(targets)), targets]
    rows.append((name, perplexity(probabilities.tolist()), math.exp(F.cross_entropy(logits, targets).item())))
Table("Perplexity of the shipped model", ("text", "yours", "PyTorch"), rows)

# %% [markdown]
# The first two rows hold the same words: what the model knows is their order. For the sorted words the perplexity is
# above 4,096, the number of tokens there are. So here the model is worse than a guess that gives every token the same
# probability: it is *sure, and wrong*. On the news it is hardly better than that guess; nobody ever told it any.
#
# ## 3. One minute, from noise
#
# Now a model of your own. Its numbers, called **parameters** or weights, are all random at first. The next two cells
# are the whole course on a small scale. **Stories become tokens** (lessons 01 to 03), a **model** gives probabilities
# (04 to 07), and a **trainer** shows it text and changes the numbers, a little at a time, so that the true next token
# becomes more probable (08 to 12). Each such change is a **step**.

# %%
device = choose_device()
chosen = preset("0.3M" if device.type == "cpu" else "8M")  # on a GPU a larger one
text_bytes = 600_000 if FAST else 8_000_000 if device.type == "cpu" else 20_000_000
data = prepare(vocab_size=chosen.model.vocab_size, max_bytes=text_bytes, progress=False)
print(f"{data.corpus_name}, cleaned: {len(data.train):,} training tokens, hash {data.train.info.sha256[:12]}")

# A hundred stories that are never trained on are enough here; all of them would take a good part of the minute.
few = islice(read_stories(data.folder / "valid.txt"), 100)
runs = home() / "runs"
valid = TokenStream.write(runs / "first_story_valid.bin", few, data.tokenizer, corpus_name=data.corpus_name)
data = replace(data, valid=valid)

# %% [markdown]
# The panel below reads the log that the trainer writes to the disk. On the left is the **loss**, on training text (a
# plain line) and on stories that are never trained on (*validation*, dashed, with dots). The thin grey line is what a
# model gets that gives all tokens the same probability. On the right: the learning rate (how large the steps are),
# the gradient norm (how strongly the text pulls at the parameters) and the speed. Below: the same beginning,
# continued by the model as it is so far.
#
# You may stop it, with its button or with Kernel → Interrupt: it saves first.

# %% tags=["nbval-ignore-output"]
folder = runs / "first_story"
shutil.rmtree(folder, ignore_errors=True)  # running this cell again begins anew
size = chosen.model.change({"vocab_size": data.tokenizer.vocab_size})
plan = replace(
    chosen.train,
    minutes=1.0,
    total_steps=12 if FAST else 0,
    evaluations=1 if FAST else 4,
    checkpoints=2 if FAST else 6,
)
plan = decide(Wish(size, plan, folder), data, device)  # measures a step: how many fit into a minute?

newborn = Decoder(size, seed=0).to(device.type)
trainer = Trainer(
    newborn, data.tokenizer, data.train, data.valid, plan, device, folder, observers=(LivePanel(folder),)
)
evaluation = trainer.run()

# %% [markdown]
# **Did it start well?** Before the first step the model knows nothing, so its perplexity should be about the number
# of tokens in its vocabulary, and its loss the logarithm of that number. A first loss far above means a model that
# begins with confident nonsense: look for a mistake before you train for a day. This is the cheapest test there is.

# %%
events = read_log(folder / "log.jsonl")
steps, losses = series(events, "evaluation", "loss")
uniform = perplexity([1 / size.vocab_size] * 100)
print(f"a uniform guess:    perplexity {uniform:8,.0f}, loss {math.log(uniform):.2f}")
print(f"before training:    perplexity {math.exp(losses[0]):8,.0f}, loss {losses[0]:.2f}")
print(f"after {trainer.step:5,} steps:  perplexity {math.exp(losses[-1]):8,.0f}, loss {losses[-1]:.2f}")

# %% [markdown]
# And the stories. The third row is the model that comes with the course, trained by the same code for longer, on
# TinyStories (`slmlib/shipped/tinystories/README.md` has the recipe).

# %%
told = {event["name"]: event["text"] for event in events if event["event"] == "story"}
told["shipped"] = generate(model, tokenizer, plan.sample_prompt, Sampling(max_tokens=120))[0]
visible = {name: "".join(c if c.isprintable() else " " for c in text)[:420] for name, text in told.items()}
Table("Once upon a time", ("model", "what it writes"), list(visible.items()))

# %% [markdown]
# Before: pieces without order. After a minute: words, names, commas in the right places, and not much sense yet. A
# model learns what is frequent first: which tokens there are, which follow each other, how a sentence ends; who did
# what to whom comes last. Lesson 12 measures this order.
#
# ### Exercise 00.2: How much will it read?
# Before a long run, work out how often the model will read its text. The **corpus** is all the text a model is trained
# on; an **epoch** is one reading of the whole corpus. How many epochs does a run of so many minutes make?


# %%
def epochs(minutes: float, tokens_per_second: float, corpus_tokens: int) -> float:
    """How often a training run reads its corpus."""
    ### BEGIN SOLUTION
    return minutes * 60 * tokens_per_second / corpus_tokens
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("00.2")

# %% tags=["nbval-ignore-output"]
speed = trainer.step * plan.batch_size * size.context_length / trainer.seconds
print(f"Measured just now: {speed:,.0f} tokens a second.")
for minutes in (1, 5, 60):
    print(
        f"{minutes:3} minutes read these {len(data.train):,} tokens {epochs(minutes, speed, len(data.train)):.1f} times"
    )

# %% [markdown]
# Up to about 4 epochs, repeated text is nearly as good as new; after that its worth fades quickly ([Muennighoff et
# al. 2023](https://arxiv.org/abs/2305.16264)). So before you let a run go for hours, ask: is there enough to read?
#
# ## 4. What can go wrong
#
# The number that is wrong most often is the learning rate. Here is the same newborn model three times, for a few
# steps each: with the preset's learning rate, with far too small a one, and with far too large a one. (A **preset**
# is a set of sizes and settings that fit together.)

# %%
curves = {}
for name, rate in (
    ("too small", plan.learning_rate / 100),
    ("preset", plan.learning_rate),
    ("too large", 0.2),
):
    tried = Decoder(size, seed=0).to(device.type)
    practice = Trainer(tried, data.tokenizer, data.train, data.valid, plan, device, folder)
    found = []
    for _ in range(8 if FAST else 20):
        found.append(practice.train_step(rate)[0])
        practice.step += 1  # the step decides which text comes
    curves[f"{name} ({rate:.2g})"] = (list(range(1, len(found) + 1)), found)
lines(
    curves,
    "One learning rate learns, one sleeps, one explodes",
    xlabel="step",
    ylabel="training loss",
    floors={"a uniform guess": math.log(size.vocab_size)},
    markers=False,
    write=lambda loss: f"{loss:.2f}",
)

# %% [markdown]
# Too large a rate ends *above* the uniform guess: the model is no longer unsure, but sure and wrong. If the loss
# becomes infinite, the trainer stops, saves what was good, and says so in one sentence.
#
# ## 5. Where you are
#
# ### Three ways to train
#
# | | starts from | reads | learns |
# |---|---|---|---|
# | **pre-training** (this course) | random numbers | plain text, as much as there is | the language itself |
# | **continued pre-training** | a trained model | plain text of one field | that field, and it may forget others |
# | **fine-tuning** | a trained model | examples of a task, with answers | how to answer |
#
# All three turn the same crank: probabilities, surprise, step. They differ in where they start, in what they read,
# and in how large their steps are.
#
# ### The map
# The lessons come in three parts: **I Text to tokens** (00 to 03), **II The model** (04 to 07) and **III Training**
# (08 to 12). They build on each other, but each loads what it needs, so you can begin anywhere.
#
# - `check("00.1")` looks at what your notebook holds and names the likely mistake. Ask as often as you like.
# - `hint("00.1")` helps a little, and a little more each time. The same hints are folded under each exercise.
# - `reference("00.1")` lends you our version, so that nobody is stuck. A lent solution is not earned; write your own
#   later and the points are yours.
# - `progress()` draws your map. It is kept in a small file on this machine and goes nowhere.
#
# ### Questions
#
# <details><summary>Why train a small model when large ones exist?</summary>
#
# To understand: what happens in a minute here happens in months there, with the same loss and the same mistakes. To
# own it: a model for one purpose, on your machine, whose every training sentence you can look up. And because small
# can be enough: models below 10 million parameters write fluent stories when their world is small ([Eldan and Li
# 2023](https://arxiv.org/abs/2305.07759)). For general knowledge take a large one and fine-tune it.
# </details>
#
# <details><summary>Is pre-training not terribly expensive?</summary>
#
# It grows with model and text. A guide this course was built from ("A Practical Beginner's Guide to Understanding
# Large Language Model Pre-training from Scratch", Zing Forum) puts even a small model at hundreds of thousands of
# dollars; you have just trained one for nothing. In 2024 a model of GPT-2's size (124 million parameters, 10 billion
# tokens) took 90 minutes on eight A100 GPUs, about 20 dollars
# ([Karpathy](https://github.com/karpathy/llm.c/discussions/481)). GPT-3 (175 billion parameters, 2020) had cost
# millions. Always ask: how many parameters, how many tokens?
# </details>
#
# <details><summary>The loss after a minute is still far from 0. Could it get there?</summary>
#
# No. A loss of 0 means that every next token is certain, and stories are not: after "Once upon a time, there was a
# little" both "girl" and "boy" are right. Every kind of text has a mean loss that no model can go below. For
# StoryWorld, stories that this course can make by itself (lesson 01), it is even known, and lesson 09 compares.
# </details>
#
# ### What comes next
# **Lesson 01** looks at what the model reads. A model is what it reads, so that comes first.

# %%
progress()
