# %% [markdown]
# # Training loop
#
# *20 minutes of reading, 45 with the exercises; difficulty 3 of 5. Some minutes of computing, most of
# them for one run.*
#
# You have millions of tokens, and a model of a million random numbers. Training is a loop of a few lines that carries
# what the tokens hold over into the numbers. **Which lines, and what does each of them prevent?**
#
# After this lesson you can
#
# - write the loss, AdamW, the learning-rate schedule, gradient clipping and accumulation by hand, each equal to PyTorch's,
# - say why the first steps must be small ones, and what 16-bit numbers can and cannot hold,
# - prove in seconds that a training loop works, before it costs you a night,
# - train a model that tells stories, watch it, stop it, and read its curves.
#
# First a race. Two newborn models, the same text, the same number of steps. One follows its gradient in the simplest way:
# weight minus learning rate times gradient. This is **stochastic gradient descent**, `SGD` in torch; *stochastic*,
# because each batch is a random sample of the text. The other has what this lesson is about.

# %%
import math
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from checks import check, check_model, check_training, hint, progress, reference
from slmlib.config import ModelConfig, Sampling, TrainConfig
from slmlib.devices import choose_device, to_device
from slmlib.evaluation import evaluate
from slmlib.files import home
from slmlib.generation import generate
from slmlib.model.counts import training_memory
from slmlib.model.decoder import Decoder
from slmlib.plots import Table, histogram, lines
from slmlib.presets import default_preset, preset
from slmlib.text.baselines import baseline_losses
from slmlib.text.prepare import prepare
from slmlib.text.stream import TokenStream
from slmlib.text.textfiles import read_stories
from slmlib.training.logs import read_log, series
from slmlib.training.optimizers import build_optimizer
from slmlib.training.run import Wish, decide
from slmlib.training.schedules import build_scheduler, learning_rate
from slmlib.training.trainer import Trainer
from slmlib.widgets import LivePanel
from slmlib.widgets.schedule_designer import ScheduleDesigner

FAST = bool(os.environ.get("SLM_FAST"))  # small sizes, for tests

# %%
device = choose_device()
size = default_preset(device.type)  # what section 7 trains; larger on a GPU
text_bytes = 1_000_000 if FAST else 10_000_000 if device.type == "cpu" else 60_000_000
data = prepare(vocab_size=size.model.vocab_size, max_bytes=text_bytes, progress=False)
few = islice(read_stories(data.folder / "valid.txt"), 40 if FAST else 200)  # to measure often, and quickly
valid = TokenStream.write(home() / "runs" / "lesson_08_valid.bin", few, data.tokenizer)
floors = baseline_losses(data.train, valid)
print(f"{data.corpus_name}: {len(data.train):,} training tokens, hash {data.train.info.sha256[:12]}")
for name, height in floors.items():
    print(f"loss of {name}: {height:.2f}")

# %%
tiny = preset("0.3M").model.change({"vocab_size": data.tokenizer.vocab_size, "context_length": 64})


def few_windows(step: int, rows: int = 8) -> tuple[Tensor, Tensor]:
    """Inputs and targets for the small experiments of this lesson, each (rows, 64)."""
    return data.train.batch(step, batch_size=rows, context_length=64, seed=0)


def race(
    runner: Decoder, optimizer: torch.optim.Optimizer, plan: TrainConfig, max_norm: float
) -> list[float]:
    """The losses of a newborn model that takes the steps of a plan."""
    found = []
    for step in range(plan.total_steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, plan) * group.get("rate_factor", 1.0)
        loss = runner.loss(*few_windows(step))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(runner.parameters(), max_norm)
        optimizer.step()
        found.append(loss.item())
    return found


steps = 12 if FAST else 80
runner = Decoder(tiny, seed=0)
flat = TrainConfig(total_steps=steps, learning_rate=0.99, schedule="constant", warmup_fraction=0.0)
simple = race(runner, torch.optim.SGD(runner.parameters()), flat, max_norm=math.inf)
runner = Decoder(tiny, seed=0)
recipe = replace(
    preset("0.3M").train, optimizer="adamw", total_steps=steps, schedule="cosine", warmup_fraction=0.1
)
full = race(runner, build_optimizer(runner, recipe), recipe, max_norm=1.0)
lines(
    {
        "gradient descent": (list(range(1, steps + 1)), simple),
        "this lesson": (list(range(1, steps + 1)), full),
    },
    f"After {steps} steps: {sum(simple[-5:]) / 5:.1f} with plain gradient descent, {sum(full[-5:]) / 5:.1f} with AdamW and a schedule",
    xlabel="step",
    ylabel="training loss",
    floors=floors,
    markers=False,
    write=lambda loss: f"{loss:.2f}",
)

# %% [markdown]
# Plain descent ran at the best rate we found for it, about 1; at 3 its loss explodes. AdamW has one more help: its
# embedding table learns at seven times the rate of the other weights (section 7). Without that it does not win in 80
# steps: with one rate for all, AdamW's best loss was 5.6, behind plain descent, and it needed some 300 steps to get
# ahead. (Plain descent gains nothing from the seven.)
#
# The grey lines are guesses that need no network, only counting: every token equally likely (uniform), each as likely as it is frequent (unigram),
# each as likely as it is after the token before it (bigram). A language model has to get below all three.
#
# ## 1. The loss
#
# At every position of every row the model gives `vocab_size` numbers, the **logits** $z$. Softmax turns them into
# probabilities. The loss, called **cross-entropy**, is the mean surprise at the token $y$ that really came next:
#
# $$\text{loss} = \frac1N \sum_{n=1}^{N} -\ln p_n(y_n), \qquad
# -\ln p(y) = \ln \sum_v e^{z_v} - z_y$$
#
# The right form is the one to compute: no probability is ever written down, so none can become 0. And because
# $\ln \sum e^{z_v} = m + \ln \sum e^{z_v - m}$ for any $m$, one takes the largest logit as $m$, and no exponential
# overflows. `torch.logsumexp` does that.
#
# By hand, three tokens with logits 2, 1, 0: $\ln(e^2 + e^1 + e^0) = 2.41$. If the first token came, the surprise is
# $2.41 - 2 = 0.41$; if the last one came, it is 2.41.
#
# ### Exercise 08.1: The loss
# `logits[b, t]` is what the model says after it has read `tokens[b, :t + 1]`. So which token does it guess? The last
# position has no answer yet. Return the mean surprise over all positions that have one, in nats. Do not call
# `F.cross_entropy`.


# %%
def next_token_loss(logits: Tensor, tokens: Tensor) -> Tensor:
    """Mean surprise, one number. logits: (batch, time, vocab_size); tokens: (batch, time), whole numbers."""
    ### BEGIN SOLUTION
    guesses, came = logits[:, :-1], tokens[:, 1:]
    right = guesses.gather(-1, came[..., None])[..., 0]  # (batch, time - 1)
    return (guesses.logsumexp(-1) - right).mean()
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("08.1")

# %% [markdown]
# **Compared with code that is not ours**, on a newborn model and real text:

# %%
newborn = Decoder(tiny, seed=0)
tokens, _ = few_windows(0)
logits = newborn(tokens)
ours = next_token_loss(logits, tokens)
theirs = F.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())  # (batch * time, vocab_size)
print(
    f"ours {ours.item():.5f}, PyTorch's {theirs.item():.5f}; a uniform guess {math.log(tiny.vocab_size):.5f}"
)
assert abs(ours.item() - theirs.item()) < 1e-5

# %% [markdown]
# The untrained model is as good as a uniform guess: it starts well (lesson 00). Lesson 03's batches are shifted
# already, into `inputs` and `targets`, so `Decoder.loss` does not shift again. Hugging Face models shift inside, when
# you give them `labels`. Shift exactly once. Without a shift the model learns to copy; with two it learns to skip a
# token.
#
# ## 2. From gradient to step: AdamW
#
# `loss.backward()` gives each weight its **gradient** $g$: how much the loss rises when the weight does. Plain
# descent steps by a multiple of it. In a short race that may do, later it falls behind. Gradients of different
# weights differ a thousandfold (section 5 draws them), so a rate that suits one weight is far too large or too small
# for others. And each batch gives another gradient, because it is only a sample.
#
# **Adam** ([Kingma and Ba 2014, algorithm 1](https://arxiv.org/abs/1412.6980)) keeps two running averages for each
# weight: the **mean** $m$ of its gradients, which calms the noise, and the mean **square** $v$, which knows their
# usual size. It steps by the mean divided by the *root* of the mean square, so that the size of the gradient cancels:
#
# $$m_t = \beta_1 m_{t-1} + (1 - \beta_1)\, g \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2)\, g^2$$
# $$\hat m = \frac{m_t}{1 - \beta_1^t} \qquad \hat v = \frac{v_t}{1 - \beta_2^t} \qquad
# w_t = w_{t-1} - \eta \left( \frac{\hat m}{\sqrt{\hat v} + \varepsilon} + \lambda\, w_{t-1} \right)$$
#
# Both averages begin at 0, so at first they are too small; the values with hats correct that (**bias correction**).
# $\varepsilon$ keeps the division safe when $\hat v$ is 0. $\eta$ is the learning rate. $\lambda$, the **weight
# decay**, lets each weight shrink a little towards 0. It stands outside the ratio: that is the W in AdamW (here as
# PyTorch has it; in [Loshchilov and Hutter 2019, algorithm 2](https://arxiv.org/abs/1711.05101), only the schedule
# multiplies $\lambda$, not the base rate).
#
# By hand, the very first step: $m_1 = (1 - \beta_1) g$, so $\hat m = g$. $v_1 = (1 - \beta_2) g^2$, so $\hat v = g^2$.
# The ratio is $g / |g|$: **every weight that has a gradient moves by the learning rate**, however small that gradient
# was, as long as it is far above $\varepsilon$. (Weight decay comes on top.)
#
# ### Exercise 08.2: AdamW
# One step for one tensor of weights. `step` counts from 1. Return the new weight, and the new mean and square as the
# next step needs them: without hats. Make new tensors; leave those you are given as they are.


# %%
def adamw_step(
    weight: Tensor,
    gradient: Tensor,
    mean: Tensor,
    square: Tensor,
    step: int,
    learning_rate: float = 1e-3,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.01,
) -> tuple[Tensor, Tensor, Tensor]:
    """New weight, mean and square, each shaped like weight."""
    ### BEGIN SOLUTION
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient**2
    corrected_mean = mean / (1 - beta1**step)
    corrected_square = square / (1 - beta2**step)
    update = corrected_mean / (corrected_square.sqrt() + eps) + weight_decay * weight
    return weight - learning_rate * update, mean, square
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("08.2")

# %% [markdown]
# **Compared with `torch.optim.AdamW`**, over 500 steps with the same gradients, in float64, so that rounding does not add
# up:

# %%
random = torch.Generator().manual_seed(8)
start = torch.randn(50, 20, generator=random, dtype=torch.float64)
sizes = 10 ** torch.linspace(-6, 0, 20)  # gradients as different as those of a real model
theirs = nn.Parameter(start.clone())
optimizer = torch.optim.AdamW([theirs], lr=1e-3, weight_decay=0.1)
weight, mean, square = start, torch.zeros_like(start), torch.zeros_like(start)
for step in range(1, 501):
    gradient = torch.randn(50, 20, generator=random, dtype=torch.float64) * sizes
    weight, mean, square = adamw_step(weight, gradient, mean, square, step, weight_decay=0.1)
    theirs.grad = gradient
    optimizer.step()
    if step in (1, 10, 100, 500):
        print(f"step {step:3}: largest difference {(weight - theirs).abs().max().item():.0e}")
assert torch.allclose(weight, theirs, atol=1e-9)

# %% [markdown]
# **Which weights decay?** Decay is meant for matrices. The gains of norms and the biases are usually left out: 0 is
# not where they belong. slmlib's `build_optimizer` looks at the shape. In a decoder what has a single axis does not
# decay, and every matrix does, the embedding table too.
#
# ### Why the first steps must be small
#
# Without the hats, a weight whose gradient never changes would move by $(1 - \beta_1^t) / \sqrt{1 - \beta_2^t}$ times
# the learning rate. With them it moves by exactly one learning rate. Here is the curve that the correction removes:

# %%
times = sorted({round(1.2**power) for power in range(46)})  # 1 to about 3,600, evenly on a log scale
uncorrected = {
    f"beta2 = {beta2}": (times, [(1 - 0.9**t) / math.sqrt(1 - beta2**t) for t in times])
    for beta2 in (0.95, 0.999)
}
highest = max(uncorrected["beta2 = 0.999"][1])
uncorrected["either one, corrected"] = (times, [1.0] * len(times))
lines(
    uncorrected,
    f"Without bias correction, beta2 = 0.999 would take steps of up to {highest:.1f} times the learning rate",
    xlabel="step",
    ylabel="size of the step / learning rate",
    log_x=True,
    markers=False,
    write=lambda size: f"{size:.2f}",
)

# %% [markdown]
# So the *scale* is right. What the correction cannot repair: early on, $\hat v$ is an average of very few gradients.
# If they are drawn from one normal distribution with mean 0, its relative error after $t$ steps is
# $\sqrt{2\,\frac{1 - \beta_2}{1 + \beta_2} \cdot \frac{1 + \beta_2^t}{1 - \beta_2^t}}$:


# %%
def relative_error(beta2: float, t: int) -> float:
    """Standard deviation of the corrected square after t normal gradients, as a share of its mean."""
    return math.sqrt(2 * (1 - beta2) / (1 + beta2) * (1 + beta2**t) / (1 - beta2**t))


lines(
    {f"beta2 = {beta2}": (times, [relative_error(beta2, t) for t in times]) for beta2 in (0.95, 0.999)},
    "With beta2 = 0.999 the estimate goes on improving for thousands of steps, with 0.95 for about 40",
    xlabel="step",
    ylabel="relative error of v",
    log_x=True,
    log_y=True,
    markers=False,
    write=lambda error: f"{error:.0%}",
)

# %% [markdown]
# Is it this poor estimate that makes the first steps dangerous? [Liu et al. 2019](https://arxiv.org/abs/1908.03265)
# said so. But look at the curve of 0.95: it stays poor for ever, and models train well with it. [Ma and Yarats
# 2019](https://arxiv.org/abs/1910.04209) look at the size of the step instead. At first $m$ and $v$ have seen the same
# few gradients, so $|\hat m| / \sqrt{\hat v}$ is near 1 for all weights at once. Later the signs of a weight's
# gradients alternate, $m$ averages them out, and the steps shrink: for pure noise to a typical size of
# $\sqrt{(1 - \beta_1) / (1 + \beta_1)} = 0.23$ of the learning rate. **The first steps are the largest of the run.**
#
# Do they at least go the right way? We compare the signs of one batch's gradient with those of a much larger batch.


# %%
def gradient_of(model: nn.Module, parts: list[tuple[Tensor, Tensor]]) -> Tensor:
    """The mean gradient over equally large parts, all tensors as one row, (num_parameters,)."""
    model.zero_grad()
    for part in parts:
        (model.loss(*part) / len(parts)).backward()
    return torch.cat([one.grad.flatten() for one in model.parameters()])  # (num_parameters,)


small = gradient_of(newborn, [few_windows(0)])
large = gradient_of(newborn, [few_windows(step) for step in range(1, 5 if FAST else 17)])
moving = (small != 0) & (large != 0)
agree = (small.sign() == large.sign())[moving].float().mean().item()
print(f"of {moving.sum():,} weights, {agree:.0%} would move the way the large batch says; a coin gets 50%")

# %% [markdown]
# (The other weights of this model have no gradient yet: its blocks begin silent, lesson 07.) Those that disagree take
# a full step in the wrong direction, the first of their life. Hence **warm-up**: let the learning rate rise from
# almost nothing. A rule of thumb from the same paper is $2 / (1 - \beta_2)$ steps: 40 with 0.95, the value of GPT-3
# and Llama ([Brown et al. 2020, appendix B](https://arxiv.org/abs/2005.14165); [Touvron et al. 2023, section
# 2.3](https://arxiv.org/abs/2302.13971)). PyTorch's default of 0.999 would by this rule need a warm-up of 2,000 steps.
# It is a rule of thumb and not a law: sections 5 and 6 train a small model with 0.999 and next to no warm-up.
#
# ## 3. The schedule
#
# After the warm-up the rate is at its **peak**. Learning is fast there, and noisy: picture the loss as a valley, in
# which the weights jump from side to side and never reach the floor. So the rate has to come down in the end. The
# classic way down is half a cosine wave ([Loshchilov and Hutter 2016, without the
# restarts](https://arxiv.org/abs/1608.03983)):
#
# $$\eta(s) = \begin{cases}
# \eta_\text{peak} \cdot \dfrac{s + 1}{W + 1} & s < W \\[2ex]
# \eta_\text{low} + (\eta_\text{peak} - \eta_\text{low}) \cdot \dfrac{1 + \cos \pi p}{2},
# \quad p = \dfrac{s - W}{S - 1 - W} & s \ge W
# \end{cases}$$
#
# with $s$ the step, counted from 0, $S$ the number of all steps and $W$ of those in the warm-up. By hand: $W = 3$ and
# a peak of 0.004 give 0.001, 0.002, 0.003, and at step 3 the peak.
#
# ### Exercise 08.3: Warm-up, then cosine
# Return the learning rate of one step.


# %%
def warmup_cosine(step: int, total_steps: int, warmup_steps: int, peak: float, lowest: float = 0.0) -> float:
    """The learning rate of step `step`, counted from 0 to total_steps - 1."""
    ### BEGIN SOLUTION
    if step < warmup_steps:
        return peak * (step + 1) / (warmup_steps + 1)
    progress = (step - warmup_steps) / (total_steps - 1 - warmup_steps)
    return lowest + (peak - lowest) * (1 + math.cos(math.pi * progress)) / 2
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("08.3")

# %% [markdown]
# **Compared with torch's schedulers**, chained: `LinearLR`, then `CosineAnnealingLR`. The last column is the formula of
# `get_cosine_schedule_with_warmup` in Hugging Face transformers, as a torch `LambdaLR`. It starts at 0, so its first
# step changes nothing, and its curve ends one step after the run: the same idea, shifted by a step.

# %% tags=["nbval-check-output"]
TOTAL, WARMUP, PEAK = 1000, 100, 3e-3


def walk(scheduler_of: Callable) -> list[float]:
    """The learning rate of each step under a torch scheduler."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=PEAK)
    scheduler = scheduler_of(optimizer)
    rates = []
    for _ in range(TOTAL):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return rates


def chained(optimizer: torch.optim.Optimizer) -> torch.optim.lr_scheduler.LRScheduler:
    """LinearLR up to the peak, then CosineAnnealingLR."""
    up = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1 / (WARMUP + 1), total_iters=WARMUP)
    down = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=TOTAL - 1 - WARMUP)
    return torch.optim.lr_scheduler.SequentialLR(optimizer, [up, down], milestones=[WARMUP])


def hugging_face(step: int) -> float:
    """Share of the peak."""
    if step < WARMUP:
        return step / WARMUP
    return max(0.0, (1 + math.cos(math.pi * (step - WARMUP) / (TOTAL - WARMUP))) / 2)


torchs = walk(chained)
transformers = walk(lambda optimizer: torch.optim.lr_scheduler.LambdaLR(optimizer, hugging_face))
rows = []
for step in (0, 50, 99, 100, 300, 550, 900, 999):
    ours = warmup_cosine(step, TOTAL, WARMUP, PEAK)
    assert abs(ours - torchs[step]) < 1e-9
    assert abs(ours - transformers[step]) < 1.01 * PEAK / WARMUP
    rows.append((f"{step}", *(f"{1000 * rate:.4f}" for rate in (ours, torchs[step], transformers[step]))))
Table("Learning rate at eight probe steps, in thousandths", ("step", "yours", "torch", "transformers"), rows)

# %% [markdown]
# Now design one. What does a warm-up of half the run cost? How does `wsd` (stay at the peak, then a straight line
# down) differ from the cosine?

# %%
ScheduleDesigner(total_steps=TOTAL, schedule="cosine", warmup_fraction=WARMUP / TOTAL, peak=PEAK)

# %% [markdown]
# ## 4. Clipping, and a batch in parts
#
# Now and then a batch is odd: a broken story, a table of numbers. Its gradient may be ten times as long as usual, and
# one such step can undo a hundred good ones. **Clipping** takes all gradients of the model as one long vector. If its
# length, the **gradient norm**, is above `max_norm`, it scales the vector down to length `max_norm`. The direction stays.
#
# By hand: gradients $(3)$ and $(0, 4)$ have the norm $\sqrt{9 + 16} = 5$. With `max_norm` 1 all are divided by 5.
# And if all gradients are 0, as in the all-zero start of lesson 07? `max_norm / norm` would divide by 0, so PyTorch
# divides by `norm + 1e-6`, which changes nothing else.
#
# ### Exercise 08.4: Clip the gradient
# Return the clipped gradients as a list, and the norm as it was before.


# %%
def clip_gradients(gradients: list[Tensor], max_norm: float) -> tuple[list[Tensor], float]:
    """All gradients scaled by one factor, and their norm before."""
    ### BEGIN SOLUTION
    norm = math.sqrt(sum((gradient**2).sum().item() for gradient in gradients))
    scale = min(1.0, max_norm / (norm + 1e-6))
    return [gradient * scale for gradient in gradients], norm
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("08.4")

# %%
weights = [nn.Parameter(torch.zeros(rows, 20)) for rows in (1, 30, 50)]
for one in weights:
    one.grad = torch.randn(one.shape, generator=random)
clipped, norm = clip_gradients([one.grad for one in weights], max_norm=1.0)
theirs = nn.utils.clip_grad_norm_(weights, 1.0)  # changes the gradients in place
furthest = max((ours - one.grad).abs().max().item() for ours, one in zip(clipped, weights, strict=True))
print(f"norm: ours {norm:.4f}, PyTorch's {theirs.item():.4f}; clipped, they differ by at most {furthest:.0e}")
assert furthest < 1e-5

# %% [markdown]
# **Accumulation.** A large batch gives a calmer gradient, but may not fit into memory. `backward()` *adds* to the
# gradients that are there. So send the batch through in parts (**micro-batches**), and step once at the end: the same
# gradient, with the memory of one part.
#
# But give each part its due. The loss is a mean over *all* targets. The mean of the parts' means equals it only when
# all parts have equally many targets. Often they do not: the last batch of an epoch is short, and padded or masked
# rows count fewer targets. Hugging Face's trainer had this very mistake until October 2024 ([how it was found and
# mended](https://huggingface.co/blog/gradient_accumulation)). The safe way: **add up sums, and divide by the number
# of all targets.**
#
# Before the step, a switch. Many models have **dropout**: in training, chance sets some activations to 0 in every
# step, and the others are enlarged to make up for it, so that the model learns to rely on none of them alone. Whoever
# measures or writes wants all of them. So `model.train()` comes before a training step, and `model.eval()` before
# measuring or writing; forgetting it raises no error. (A new model is in training mode, and those of this lesson have
# no dropout.)
#
# ### Exercise 08.5: One training step
# The whole body of the loop. Clear the old gradients, run all parts backward, clip once, then `optimizer.step()` and
# last `scheduler.step()`. The parts may have different numbers of rows. Return the mean loss over all targets.
# `F.cross_entropy(..., reduction="sum")` and `nn.utils.clip_grad_norm_` are yours to use now.


# %%
def train_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    scheduler: torch.optim.lr_scheduler.LRScheduler,
    micro_batches: list[tuple[Tensor, Tensor]],
    max_norm: float,
) -> float:
    """One optimizer step over all parts together. Each part is (inputs, targets), both (rows, time).

    model(inputs) gives logits (rows, time, vocab_size). Returns the mean loss before the step.
    """
    ### BEGIN SOLUTION
    count = sum(targets.numel() for _, targets in micro_batches)
    mean_loss = 0.0
    optimizer.zero_grad()
    for inputs, targets in micro_batches:
        logits = model(inputs).flatten(0, 1)  # (rows * time, vocab_size)
        loss = F.cross_entropy(logits, targets.flatten(), reduction="sum") / count
        loss.backward()
        mean_loss += loss.item()
    nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    optimizer.step()
    scheduler.step()
    return mean_loss
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("08.5")

# %% [markdown]
# The same batch of 8 rows, whole, in equal and in unequal parts. The last column is the usual mistake: the mean of the means.


# %%
def loss_in_parts(sizes: list[int]) -> tuple[float, float, float]:
    """Loss of a step in parts; how far the weights are from one whole step; the mean of the parts' means."""
    ends, results = [], []
    for split in ([8], sizes):
        learner = Decoder(tiny, seed=0)
        optimizer = torch.optim.SGD(learner.parameters(), lr=1.0)
        steady = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
        inputs, targets = few_windows(0)
        parts = list(zip(inputs.split(split), targets.split(split), strict=True))
        with torch.no_grad():
            means = [learner.loss(*part).item() for part in parts]
        results.append(train_step(learner, optimizer, steady, parts, max_norm=1.0))
        ends.append(nn.utils.parameters_to_vector(learner.parameters()))
    return results[-1], (ends[0] - ends[1]).abs().max().item(), sum(means) / len(means)


rows = []
for sizes in ([8], [2, 2, 2, 2], [7, 1], [5, 1, 1, 1]):
    loss, distance, naive = loss_in_parts(sizes)
    assert distance < 1e-5
    rows.append((" + ".join(map(str, sizes)), f"{loss:.5f}", f"{distance:.0e}", f"{naive:.5f}"))
Table("One batch in parts", ("rows", "loss", "weights differ by", "mean of the means"), rows)

# %% [markdown]
# ## 5. Sixteen bits
#
# GPUs multiply 16-bit numbers several times as fast as 32-bit ones, and memory holds twice as many. What do 16 bits cost?
# There are two ways to spend them:

# %% tags=["nbval-check-output"]
rows = []
for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16), ("float16", torch.float16)):
    limits = torch.finfo(dtype)
    one = torch.tensor(1.0, dtype=dtype)
    rows.append(
        (
            name,
            f"{limits.max:.3g}",
            f"{limits.tiny:.1e}",
            f"{limits.eps:.1e}",
            str(torch.tensor(70_000.0).to(dtype).item()),
            str(torch.tensor(1e-8).to(dtype).item() > 0),
            str((one + 0.001).item()),
        )
    )
Table(
    "Three number formats",
    (
        "format",
        "largest",
        "smallest normal",
        "step after 1",
        "70,000 becomes",
        "1e-8 is above 0",
        "1 + 0.001",
    ),
    rows,
)

# %% [markdown]
# **float16** has fine steps and a short range: above 65,504 comes infinity, and its smallest number above zero is
# 6e-8. **bfloat16** has the range of float32 and coarse steps: after 1 comes 1.0078. What does that mean for
# training? Here are real gradients, after some steps:

# %%
learner = Decoder(tiny, seed=0)
optimizer = torch.optim.AdamW(learner.parameters(), lr=1e-2)
steady = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
for step in range(5 if FAST else 20):
    train_step(learner, optimizer, steady, [few_windows(step)], max_norm=1.0)
gradients = gradient_of(learner, [few_windows(99)])
gradients = gradients[gradients != 0]
lost = (gradients.half() == 0).float().mean().item()
kept = ((gradients * 2**16).half() == 0).float().mean().item()
histogram(
    gradients.abs().log10().tolist(),
    f"{lost:.1%} of these gradients are 0 in float16; multiplied by 65,536 first, {kept:.1%}",
    xlabel="size of a gradient, as a power of ten",
    ylabel="weights",
    marks={"smallest float16": math.log10(2**-24), "smallest normal float16": math.log10(2**-14)},
    write=lambda power: f"1e{power:.1f}",
)

# %% [markdown]
# Between the two lines float16 has fewer and fewer digits; left of both there is only 0. The multiplication is **loss
# scaling** ([Micikevicius et al. 2017, section 3.2](https://arxiv.org/abs/1710.03740)). Multiply the loss by a large
# number before `backward()`, and divide the gradients by it before they are clipped and used. `torch.amp.GradScaler`
# finds a good number by itself: when gradients overflow, it skips the step and halves the number. bfloat16 needs none
# of this. Its weakness is elsewhere:

# %%
weights = nn.utils.parameters_to_vector(learner.parameters()).detach()
step_size = torch.tensor(3e-4)
rows = []
for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16), ("float16", torch.float16)):
    stuck = (weights.to(dtype) - step_size.to(dtype) == weights.to(dtype)).float().mean().item()
    rows.append((name, f"{stuck:.1%}"))
Table("A step of 0.0003: which weights do not move at all?", ("weights kept as", "stuck"), rows)

# %% [markdown]
# A step smaller than half the distance to the next number is rounded away, again and again. So **mixed precision**:
# weights, mean, square and their update stay in float32, and only the matrix products run in 16 bits, where small
# errors average out. `torch.autocast` chooses operation by operation:

# %%
with torch.autocast(device.type, dtype=torch.bfloat16):
    product = torch.randn(4, 8, device=device.type) @ torch.randn(8, 4, device=device.type)
print("a product inside autocast:", product.dtype)
inputs, targets = few_windows(7)
exact = learner.loss(inputs, targets)
with torch.autocast("cpu", dtype=torch.bfloat16):
    mixed = learner.loss(inputs, targets)
learner.zero_grad()
mixed.backward()
kinds = {str(one.grad.dtype) for one in learner.parameters()}
print(
    f"loss in float32 {exact.item():.4f}, with bfloat16 products {mixed.item():.4f}; gradients: {kinds.pop()}"
)
print(f"slmlib on this machine: {device}")

# %% [markdown]
# ## 6. Before the night: overfit one batch
#
# A loop with a mistake often learns something, only too slowly. So before a long run, ask for something that every
# working loop can do: **learn one single batch by heart.** The loss must go to almost 0. If it does not, something is
# wrong, and you know within seconds. Your `train_step` and your `warmup_cosine`:

# %%
memoriser = Decoder(tiny, seed=0)
optimizer = torch.optim.AdamW(memoriser.parameters(), lr=1e-2, weight_decay=0.0)
steps = 60 if FAST else 100
schedule = torch.optim.lr_scheduler.LambdaLR(
    optimizer, lambda step: warmup_cosine(min(step, steps - 1), steps, 5, peak=1.0)
)
one_batch = few_windows(0, rows=2)
found = [train_step(memoriser, optimizer, schedule, [one_batch], max_norm=1.0) for _ in range(steps)]
lines(
    {"one batch, again and again": (list(range(1, steps + 1)), found)},
    f"Your loop learns {one_batch[1].numel()} tokens by heart: loss {found[-1]:.3f} after {steps} steps",
    xlabel="step",
    ylabel="training loss",
    floors={"a uniform guess": math.log(tiny.vocab_size)},
    markers=False,
    write=lambda loss: f"{loss:.3f}",
)

# %% [markdown]
# Now real text, a new batch at every step: the model that we train next, for a few seconds, by **your** loop.

# %%
practice = Decoder(size.model.change({"vocab_size": data.tokenizer.vocab_size}), seed=0).to(device.type)
steps, rows = (8, 2) if FAST else (50, 8)
optimizer = torch.optim.AdamW(practice.parameters(), lr=5e-3, betas=(0.9, 0.95), weight_decay=0.1)
schedule = torch.optim.lr_scheduler.LambdaLR(
    optimizer, lambda step: warmup_cosine(min(step, steps - 1), steps, steps // 10, peak=1.0)
)
found, started = [], time.perf_counter()
for step in range(steps):
    batch = data.train.batch(step, batch_size=rows, context_length=practice.config.context_length, seed=0)
    inputs, targets = (to_device(part, device) for part in batch)
    parts = list(zip(inputs.split(rows // 2), targets.split(rows // 2), strict=True))
    found.append(train_step(practice, optimizer, schedule, parts, max_norm=1.0))
took = time.perf_counter() - started
print(f"loss {found[0]:.2f} -> {found[-1]:.2f} in {steps} steps")
assert found[-1] < found[0]

# %% tags=["nbval-ignore-output"]
speed = steps * rows * practice.config.context_length / took
print(f"{took:.0f} s, {speed:,.0f} tokens a second")

# %% [markdown]
# ## 7. The real one
#
# [slmlib/training/trainer.py](../slmlib/training/trainer.py) is your loop and what a long run needs besides: it
# measures, logs, saves, stops when asked to, and refuses to go on with a loss that is not a number. Read its
# `train_step`: your steps are there, with three differences. The gradients are cleared at the end. The learning rate is
# computed from the step and set just before `optimizer.step()`, not by a scheduler after it. And the parts are equally
# large, so there the mean of the means is right. What is new serves several processes (`ranks`), float16 (`scaler`),
# dropout, and losses that are not numbers (`give_up`). On a CPU such as that of this notebook it is also two to three
# times as fast as your loop, above all by bfloat16 products and by compiling. The schedule is a pure function of the step
# ([schedules.py](../slmlib/training/schedules.py)), and equal to yours:

# %%
check_plan = TrainConfig(
    total_steps=TOTAL, learning_rate=PEAK, schedule="cosine", warmup_fraction=WARMUP / TOTAL
)
assert all(
    abs(learning_rate(step, check_plan) - warmup_cosine(step, TOTAL, WARMUP, PEAK)) < 1e-12
    for step in range(TOTAL)
)
print(f"equal at all {TOTAL:,} steps")

# %% [markdown]
# The real run takes its preset's recipe as it is. It was chosen because it gave a lower loss in runs as short as
# ours, and it differs from the classic one: the schedule is `wsd` (warm up, stay, then a straight line down; after
# [Hu et al. 2024, section 4](https://arxiv.org/abs/2404.06395)), the embedding table has seven times the
# learning rate of the plan (`embedding_rate_factor`), $\beta_2$ is 0.99, there is no weight decay, and the warm-up
# takes only 2% of the steps, fewer than the rule of thumb asks for.
#
# And it moves the hidden matrices by **Muon** ([Jordan et al. 2024](https://kellerjordan.github.io/posts/muon/))
# instead of AdamW. Muon averages a matrix's gradients too, but then makes the average nearly orthogonal, so that
# every direction of the matrix learns equally fast and a few strong ones do not drown the others; embedding, head and
# norms stay with AdamW. `optimizer="adamw"` in the `replace(...)` below goes back to what you wrote by hand. The cell
# prints what this run uses. Its line *Speed* names two tricks that change no result beyond rounding. *Compile*: torch
# joins the many small operations of a block into a few. *Unfused attention*: attention in separate steps, as you wrote
# it in lesson 06; in training on a CPU that is faster than SDPA for windows of up to 256 tokens.
#
# Before it begins, the trainer tries a few steps on a throw-away model: how many fit into the time?

# %% tags=["nbval-ignore-output"]
folder = home() / "runs" / "lesson_08"
shutil.rmtree(folder, ignore_errors=True)  # running this cell again begins anew
config = size.model.change({"vocab_size": data.tokenizer.vocab_size})
plan = replace(
    size.train,
    minutes=4.0,
    total_steps=40 if FAST else 0,
    batch_size=4 if FAST else size.train.batch_size,
    evaluations=2 if FAST else 8,
    checkpoints=2 if FAST else 6,
)
plan = decide(Wish(config, plan, folder), replace(data, valid=valid), device)
parameters = sum(one.numel() for one in practice.parameters())
read = plan.total_steps * plan.batch_size * config.context_length
expected = "some seconds" if FAST else f"{plan.minutes * 60:.0f} seconds, and longer on a busy machine"
rule = "Muon for hidden matrices, AdamW for the rest" if plan.optimizer == "muon" else "AdamW"
print(f"{device}")
print(f"Optimizer: {rule}. Schedule: {plan.schedule}.")
print(f"{parameters:,} parameters, {plan.total_steps:,} steps, {read:,} tokens: planned for {expected}.")

# %% [markdown]
# Watch the loss fall through the grey lines: first the unigram line (it knows which tokens are frequent), then the
# bigram line (it looks back). You may stop the run with its button or with Kernel → Interrupt: it saves first. To begin
# anew, run the cell above once more, too: it empties the run's folder. (An **observer** is a function that the trainer tells what happens. The second one here lets a torch scheduler walk
# along: the trainer computes its rates itself, and the lab wants to see a scheduler.)

# %% tags=["nbval-ignore-output"]
model = Decoder(config, seed=0).to(device.type)
panel = LivePanel(folder, floors=floors)
trainer = Trainer(
    model,
    data.tokenizer,
    data.train,
    valid,
    plan,
    device,
    folder,
    observers=(panel, lambda event: event["event"] == "step" and scheduler.step()),
)
optimizer = trainer.optimizer
scheduler = build_scheduler(optimizer, plan)
evaluation = trainer.run()

# %%
events = read_log(folder / "log.jsonl")
losses, val_losses = (series(events, kind, "loss")[1] for kind in ("step", "evaluation"))
assert scheduler.last_epoch == trainer.step
whole = evaluate(model, valid if FAST else data.valid, device)
print(f"{trainer.step:,} steps, {trainer.seconds:.0f} s of training; validation set: {whole}")
Table(
    "The losses",
    ("", "nats per token"),
    [*floors.items(), ("this run, before", val_losses[0]), ("this run, after", val_losses[-1])],
)

# %% [markdown]
# Three stories, unselected: seeds 1, 2 and 3.

# %%
told = generate(
    model, data.tokenizer, ["Once upon a time"] * 3, Sampling(seed=1, max_tokens=40 if FAST else 200)
)
Table(
    f"Stories after {trainer.step:,} steps",
    ("seed", "story"),
    [(f"{seed}", "".join(c if c.isprintable() else " " for c in text)) for seed, text in enumerate(told, 1)],
)

# %% [markdown]
# Look for names, whole sentences, a beginning and an end; and for what makes no sense. What a model learns when, and
# how to measure it, is the subject of lesson 12.
#
# ## 8. What can go wrong
#
# **Half precision all the way.** Someone reads that 16 bits are faster, and turns the *weights* into float16. With
# AdamW's usual `eps` this breaks at once. Why?

# %% tags=["nbval-check-output"]
gradient = torch.tensor([1e-2, 1e-4, 0.0])
for dtype in (torch.float32, torch.float16):
    half = gradient.to(dtype)
    ratio = half / ((half**2).sqrt() + torch.tensor(1e-8, dtype=dtype))
    print(
        f"{dtype!s:14} gradients 0.01, 0.0001 and 0 give steps of {[round(one, 2) for one in ratio.tolist()]}"
    )

# %% [markdown]
# In float16 the square of 0.0001 is zero, and so is the `eps` of 1e-8. A small gradient is divided by 0 and gives
# infinity; a gradient of 0 gives $0/0$, which is not a number (nan). One such weight is enough to spoil the logits of
# the next step, and with them every gradient.
#
# slmlib's trainer stops before such a step, saves what was good, and says so.
#
# **The line that is forgotten most.** Without `zero_grad()` every gradient is added to all earlier ones:

# %%
curves = {}
for name, forgets in (("zero_grad() at each step", False), ("forgotten", True)):
    learner = Decoder(tiny, seed=0)
    stepper = torch.optim.AdamW(learner.parameters(), lr=1e-2)
    norms = []
    for step in range(10 if FAST else 40):
        learner.loss(*few_windows(step)).backward()
        norms.append(nn.utils.get_total_norm([one.grad for one in learner.parameters()]).item())
        stepper.step()
        if not forgets:
            stepper.zero_grad()
    curves[name] = (list(range(1, len(norms) + 1)), norms)
ratio = curves["forgotten"][1][-1] / curves["zero_grad() at each step"][1][-1]
lines(
    curves,
    f"Without zero_grad() the gradient is {ratio:.0f} times as long after {len(norms)} steps",
    xlabel="step",
    ylabel="gradient norm",
    markers=False,
    write=lambda norm: f"{norm:.2f}",
)

# %% [markdown]
# Nothing crashes. AdamW, which divides by the size, even goes on learning for a while: in an old direction. The loss
# alone would only look somewhat slow. The gradient norm shows the mistake at once; that is why it is in every log.
#
# ## 9. Questions
#
# <details>
# <summary>Why not one rate for the whole run, or a step down now and then?</summary>
#
# A flat rate is a compromise: low enough for the first, wild steps and for the last, fine ones, so too low for all
# between. With a high flat rate the loss stays above what the same model can reach, because the weights keep jumping.
# You can see it in `wsd` runs, whose loss drops as soon as the rate comes down. Steps down (divide by 10 at a third
# and at two thirds, say) were usual for images. They work, but bring more numbers to choose, and each drop comes too
# early or too late. A cosine needs one number, the length. That is its weakness: the length must be known beforehand.
# `wsd` can stay at the peak as long as you like, and come down whenever you want to have a model.
# </details>
#
# <details>
# <summary>How do I find the peak?</summary>
#
# Try. Run 50 to 100 steps, each time from the same start, at 3e-4, 1e-3, 3e-3, 1e-2 and 3e-2. Too low is slow, too
# high is rough or blows up, and one in between ends lowest. The small model of our first race, with one rate for all
# and 80 steps, ended at 6.3 with 1e-3, 5.7 with 5e-3, 5.6 with 1e-2 and 5.9 with 3e-2. For a long run take a half to a
# third of the best, because it stays at its peak for much longer than a trial does. Larger models want less: GPT-3 was
# trained with 6e-4 at 125 million parameters and with a tenth of that at 175 billion ([Brown et al. 2020, table
# 2.1](https://arxiv.org/abs/2005.14165)).
# </details>
#
# <details>
# <summary>What breaks when the same code trains 7 billion parameters?</summary>
#
# **Memory.** Beside each weight AdamW keeps mean and square in float32: 8 bytes a parameter, 56 GB for 7 billion. The
# cell below counts the rest. No single card of 80 GB holds it all, so it is split over several. **Numbers.** float32
# is too slow at that size. float16 overflows: an activation above 65,504 turns into infinity, and one bad step can
# end a run. Hence bfloat16, float32 where sums are long, clipping, and an eye on the gradient norm. **Time.** A run
# of weeks on hundreds of machines will be interrupted: by a broken card, a full disk, a bad batch. What counts then
# is not the loop but how you go on afterwards. That is lesson 11.
# </details>
#
# <details>
# <summary>The training loss is lower than the validation loss. Is that bad?</summary>
#
# Not by itself. Text that a model has trained on is easier than new text, and the gap grows with every epoch. It is
# bad when the *validation* loss rises while the training loss falls: from there on the model learns the stories by
# heart. A run as short as ours reads its corpus once or a few times, so the two curves stay close.
# </details>
#
# <details>
# <summary>How large should a batch be?</summary>
#
# Twice the batch makes the gradient calmer by $\sqrt 2$, and costs twice as much. That pays while the noise is
# larger than the signal, and is wasted afterwards. The turning point (the *critical batch size*;
# [McCandlish et al. 2018](https://arxiv.org/abs/1812.06162)) grows while the loss falls, so large models end with batches of
# millions of tokens. Ours are of some thousands.
# </details>

# %% tags=["nbval-check-output"]
seven = ModelConfig(
    vocab_size=32_000, context_length=2048, embed_dim=4096, num_layers=32, num_heads=32, gated=True, activation="silu",
    ffn_dim=11_008, tie_embeddings=False,
)  # fmt: skip
need = training_memory(seven, micro_batch_size=1, mixed_precision=True)
Table(
    "Llama's 7B (6.7 billion), trained with AdamW: what has to be in memory",
    ("part", "GB"),
    [(name, f"{value / 1e9:.0f}") for name, value in vars(need).items()],
)

# %% [markdown]
# ## 10. What you hand on
#
# Five names stay in your kernel: `model`, `optimizer`, `scheduler`, `losses` and `val_losses`. The lab (lesson 11)
# asks of them: 0.5 to 50 million parameters, on the GPU if there is one; an optimizer that holds all of them, and a
# schedule attached to it; at least 20 logged steps; the mean of the last five losses more than 20% below the mean of
# the first five; the last validation loss below the first.

# %%
check_model(model, optimizer, scheduler).require()  # an error here would name what is missing

# %% tags=["nbval-check-output"]
check_training(losses, val_losses)

# %% [markdown]
# ## What comes next
#
# You have a number, the validation loss. Lesson 09 asks what it means: how it is measured so that it can be trusted,
# and how low it could ever get. What to take along: **shift once, divide by the usual size, start slowly and end
# slowly, limit the odd batch, count targets and not parts, and learn one batch by heart before you train for a
# night.**

# %%
progress()
