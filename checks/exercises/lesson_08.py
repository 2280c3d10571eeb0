"""Lesson 08, the training loop: loss, AdamW, schedule, clipping, and a step over several micro-batches."""

import math
from typing import Any

import numpy as np

from checks.exercise import Exercise, Finding, Questions
from checks.plain import same
from checks.student import Student

Array = np.ndarray


class NextTokenLoss(Exercise):
    """`next_token_loss(logits, tokens)`: mean surprise at the tokens that really came next."""

    id, title, points, asks_for = "08.1", "The loss", 3, ("next_token_loss",)
    atol = 1e-4
    hints = (
        "The logits at place 3 are a guess. Which token do they guess, the one at place 3 or another? And which "
        "place has a guess, but no token to compare it with?",
        "Guesses: `logits[:, :-1]`; what came: `tokens[:, 1:]`. The surprise is the logarithm of the sum of "
        "exponentials minus the logit of the token that came; `gather` or an index with `arange` finds that logit.",
        "`guesses.gather(-1, came[..., None])[..., 0]` are the logits of what came; what is each of them subtracted "
        "from? `logsumexp(-1)` takes the largest logit out first, so that nothing overflows. At last `.mean()`.",
    )
    mistakes = {
        "The logits are compared with their own tokens, which the model has just read: shift the targets by one.": dict(
            shift=0
        ),
        "The shift goes the wrong way: the logits at place t guess the token at t + 1.": dict(shift=-1),
        "The last place guesses the first token of its row (roll); it has no target and must be left out.": dict(
            roll=True
        ),
        "You add up the surprises; the loss is their mean.": dict(total=True),
        "Each row is averaged and then the rows are added up: one mean, over all places of all rows.": dict(
            rows=True
        ),
        "The probabilities sum to 1 over the places (axis 1), not over the vocabulary (the last axis).": dict(
            axis=1
        ),
        "Softmax is applied twice: logits go in, not probabilities.": dict(twice=True),
        "Your logarithm has base 2; the loss is measured in nats, with the natural logarithm.": dict(
            base=2.0
        ),
        "The sign is wrong: a logarithm of a probability is negative, a surprise is not.": dict(sign=-1),
        "You return a Python number; leave out .item(), or nothing can be differentiated.": (
            "def next_token_loss(logits, tokens):\n"
            "    chances = logits[:, :-1].log_softmax(-1)\n"
            "    return -chances.gather(-1, tokens[:, 1:, None]).mean().item()\n"
        ),
        "A large logit makes exp overflow, and the loss is not a number any more. Subtract the largest logit "
        "first, as `logsumexp` and `log_softmax` do.": (
            "def next_token_loss(logits, tokens):\n"
            "    p = logits[:, :-1].exp() / logits[:, :-1].exp().sum(-1, keepdim=True)\n"
            "    return -p.gather(-1, tokens[:, 1:, None]).log().mean()\n"
        ),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Random logits; one of them is large enough to overflow float32's exp."""
        rows, time, vocab_size = int(rng.integers(3, 6)), int(rng.integers(4, 8)), int(rng.integers(8, 20))
        logits = rng.normal(size=(rows, time, vocab_size)) * 2
        logits[0, 1, int(rng.integers(vocab_size))] = 100.0
        return {"logits": logits, "tokens": rng.integers(0, vocab_size, size=(rows, time))}

    def probe(self, student: Student, questions: Questions) -> float:
        """A number, from logits that learn."""
        logits = student.tensor(questions["logits"], learns=True)
        return student.scalar(student.next_token_loss(logits, student.tensor(questions["tokens"])))

    def expected(
        self,
        questions: Questions,
        shift: int = 1,
        roll: bool = False,
        total: bool = False,
        rows: bool = False,
        axis: int = -1,
        twice: bool = False,
        base: float = math.e,
        sign: int = 1,
    ) -> float:
        """In float64."""
        logits, tokens = questions["logits"], questions["tokens"]
        if roll:
            guesses, came = logits, np.roll(tokens, -1, axis=1)
        elif shift == 0:
            guesses, came = logits, tokens
        elif shift == 1:
            guesses, came = logits[:, :-1], tokens[:, 1:]
        else:
            guesses, came = logits[:, 1:], tokens[:, :-1]
        logs = _log_softmax(guesses, axis)
        logs = _log_softmax(np.exp(logs)) if twice else logs
        surprise = -np.take_along_axis(logs, came[..., None], axis=-1)[..., 0] * sign / math.log(base)
        return float(surprise.sum() if total else surprise.mean(axis=1).sum() if rows else surprise.mean())

    def judge(self, questions: Questions, answer: Any) -> Any:
        """An overflow shows as inf or nan, whichever way it came about."""
        if not math.isfinite(answer):
            return Finding(list(self.mistakes)[-1], f"{self.expected(questions):.4f}", str(answer))
        return super().judge(questions, answer)


def _log_softmax(scores: Array, axis: int = -1) -> Array:
    shifted = scores - scores.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


class AdamWStep(Exercise):
    """`adamw_step(...)` returns the new weight, mean and square."""

    id, title, points, asks_for = "08.2", "AdamW", 4, ("adamw_step",)
    hints = (
        "Four lines of the formula, four lines of code: mean, square, the two corrections, the new weight. Which "
        "of them touch `weight`?",
        "`mean = beta1 * mean + (1 - beta1) * gradient`, and the same for `square` with `gradient**2`. Then divide "
        "each by `1 - beta ** step`, into new names: the uncorrected ones are what you return.",
        "`weight - learning_rate * (... / (....sqrt() + eps) + weight_decay * weight)`: which of your names stand in the "
        "two gaps?",
    )
    mistakes = {
        "Nothing corrects the bias: mean and square begin at zero and stay too small for long. Divide them by "
        "1 - beta ** step.": dict(correct=False),
        "The correction is one step ahead: steps count from 1, and beta ** step is meant.": dict(ahead=1),
        "You hand on the corrected mean and square; the next step needs the uncorrected ones.": dict(
            keep_corrected=True
        ),
        "The decay is added to the gradient. That is L2 regularisation: AdamW lets the weight shrink by itself, "
        "past mean and square.": dict(coupled=True),
        "The weight decay is missing: a weight also shrinks by learning_rate * weight_decay of itself.": dict(
            decay=False
        ),
        "The weight shrinks by weight_decay of itself; it is learning_rate * weight_decay.": dict(
            decay_scaled=False
        ),
        "You shrink the weight after the step; what shrinks is the weight as it came in.": dict(late=True),
        "eps stands inside the square root; it is added to the root.": dict(eps_inside=True),
        "The square root is missing: the mean is divided by the root of the square.": dict(root=False),
        "beta1 and beta2 are swapped: beta1 belongs to the mean.": dict(swap=True),
        "square remembers the gradients squared (gradient ** 2), not the mean squared.": dict(of_mean=True),
        "The weight goes up the slope: subtract the step.": dict(sign=-1),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """A weight, four gradients of different size, and unusual settings, so that each of them counts."""
        sizes = np.array([0.1, 3.0, 0.5, 1.0])[:, None, None]
        return {
            "weight": rng.normal(size=(3, 4)),
            "gradients": rng.normal(size=(4, 3, 4)) * sizes,
            "learning_rate": float(rng.uniform(0.05, 0.2)),
            "beta1": float(rng.uniform(0.7, 0.9)),
            "beta2": float(rng.uniform(0.95, 0.99)),
            "eps": float(rng.uniform(0.02, 0.05)),
            "weight_decay": float(rng.uniform(0.1, 0.3)),
        }

    def probe(self, student: Student, questions: Questions) -> dict[str, Array]:
        """Four steps, each from what the last one returned."""
        settings = {name: questions[name] for name in _SETTINGS}
        weight = student.tensor(questions["weight"])
        mean, square = weight * 0, weight * 0
        for step, gradient in enumerate(questions["gradients"], start=1):
            result = student.adamw_step(weight, student.tensor(gradient), mean, square, step, **settings)
            three = isinstance(result, (tuple, list)) and len(result) == 3
            weight, mean, square = result if three else (result, result, result)
            arrays = {
                name: student.array(one)
                for name, one in zip(("weight", "mean", "square"), (weight, mean, square), strict=True)
            }
        return arrays

    def expected(
        self,
        questions: Questions,
        correct: bool = True,
        ahead: int = 0,
        keep_corrected: bool = False,
        coupled: bool = False,
        decay: bool = True,
        decay_scaled: bool = True,
        late: bool = False,
        eps_inside: bool = False,
        root: bool = True,
        swap: bool = False,
        of_mean: bool = False,
        sign: int = 1,
    ) -> dict[str, Array]:
        """In float64."""
        rate, beta1, beta2, eps, weight_decay = (questions[name] for name in _SETTINGS)
        beta1, beta2 = (beta2, beta1) if swap else (beta1, beta2)
        weight = questions["weight"]
        mean, square = np.zeros_like(weight), np.zeros_like(weight)
        for step, gradient in enumerate(questions["gradients"], start=1 + ahead):
            gradient = gradient + weight_decay * weight if coupled else gradient
            mean = beta1 * mean + (1 - beta1) * gradient
            square = beta2 * square + (1 - beta2) * (mean if of_mean else gradient) ** 2
            mean_now = mean / (1 - beta1**step) if correct else mean
            square_now = square / (1 - beta2**step) if correct else square
            if keep_corrected:
                mean, square = mean_now, square_now
            below = np.sqrt(square_now + eps) if eps_inside else (np.sqrt(square_now) if root else square_now)
            update = sign * rate * mean_now / (below + (0 if eps_inside else eps))
            share = weight_decay * (rate if decay_scaled else 1) if decay and not coupled else 0
            weight = (weight - update) * (1 - share) if late else weight * (1 - share) - update
        return {"weight": weight, "mean": mean, "square": square}


_SETTINGS = ("learning_rate", "beta1", "beta2", "eps", "weight_decay")


class WarmupCosine(Exercise):
    """`warmup_cosine(step, total_steps, warmup_steps, peak, lowest)`: the learning rate of one step."""

    id, title, points, asks_for = "08.3", "Warm-up, then cosine", 3, ("warmup_cosine",)
    atol = 1e-8
    hints = (
        "Both ends of the descent count. At which step does it begin, at which step must it be over, and how many "
        "steps lie between?",
        "After the warm-up: `progress = (step - warmup_steps) / (total_steps - 1 - warmup_steps)` is 0 at its first "
        "step and 1 at the last one of the run.",
        "`(1 + math.cos(math.pi * progress)) / 2` falls from 1 to 0; stretch it from `lowest` to `peak`.",
    )
    mistakes = {
        "Step 0 has a learning rate of 0: that step is wasted. Warm up with (step + 1) / (warmup_steps + 1).": dict(
            from_zero=True
        ),
        "The peak is reached one step too early: divide by warmup_steps + 1.": dict(early=True),
        "The last step is not the lowest: steps count from 0, so the last one is total_steps - 1.": dict(
            end=0
        ),
        "Your descent ends warmup_steps too early or too late: its length is total_steps - 1 - warmup_steps.": dict(
            whole=True
        ),
        "Your cosine goes down and up again: half a wave is enough, pi and not 2 * pi.": dict(wave=2),
        "The descent is a straight line; a cosine is asked for.": dict(linear=True),
        "The descent ends at 0 and not at `lowest`.": dict(to_zero=True),
        "`lowest` is added to the whole curve, so that it begins above the peak; stretch the curve between the two.": dict(
            add=True
        ),
        "There is no warm-up: the first steps go up in a straight line.": dict(warm=False),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """A schedule, and steps at both ends, around the peak and in between."""
        warmup, total = int(rng.integers(5, 12)), int(rng.integers(60, 120))
        between = sorted(int(one) for one in rng.integers(warmup + 2, total - 2, size=4))
        return {
            "steps": [0, 1, warmup - 1, warmup, warmup + 1, *between, total - 2, total - 1],
            "total_steps": total,
            "warmup_steps": warmup,
            "peak": float(rng.uniform(1e-3, 5e-3)),
            "lowest": float(rng.uniform(1e-4, 5e-4)),
        }

    def probe(self, student: Student, questions: Questions) -> list[float]:
        """One step after the other."""
        shape = {name: questions[name] for name in ("total_steps", "warmup_steps", "peak", "lowest")}
        return [student.number(student.warmup_cosine(step, **shape)) for step in questions["steps"]]

    def expected(
        self,
        questions: Questions,
        from_zero: bool = False,
        early: bool = False,
        end: int = 1,
        whole: bool = False,
        wave: int = 1,
        linear: bool = False,
        to_zero: bool = False,
        add: bool = False,
        warm: bool = True,
    ) -> list[float]:
        """In plain Python."""
        total, warmup, peak, lowest = (
            questions[name] for name in ("total_steps", "warmup_steps", "peak", "lowest")
        )
        rates = []
        for step in questions["steps"]:
            if step < warmup and warm:
                share = step / warmup if from_zero else (step + 1) / (warmup + (0 if early else 1))
                rates.append(peak * share)
                continue
            length = total - 1 if whole else total - end - warmup
            progress = (step - (warmup if warm else 0)) / (length if warm else total - 1)
            height = 1 - progress if linear else (1 + math.cos(wave * math.pi * progress)) / 2
            rates.append(peak * height if to_zero else lowest + (peak if add else peak - lowest) * height)
        return rates


class ClipGradients(Exercise):
    """`clip_gradients(gradients, max_norm)`: all of them scaled by one number, and the norm before."""

    id, title, points, asks_for = "08.4", "Clip the gradient", 2, ("clip_gradients",)
    hints = (
        "Imagine all gradients written into one long vector. How long is it, and by which one number must it be "
        "multiplied to be max_norm long?",
        "The norm is the root of the sum of all squares of all tensors. What is to happen when it is below max_norm?",
        "`scale` is `max_norm / (norm + 1e-6)`, and never above a certain number. Return each tensor times `scale` as a "
        "list, and `norm`.",
    )
    mistakes = {
        "Each tensor is clipped by its own norm, which turns the gradient in another direction: one norm over "
        "all tensors, one factor for all.": dict(each=True),
        "You cut off single numbers at max_norm (clamp); it is the length of the whole gradient that is limited.": dict(
            clamp=True
        ),
        "You stretch short gradients to max_norm; they are to stay as they are.": dict(always=True),
        "The norms of the tensors are added up; add up their squares and take the root.": dict(
            sum_of_norms=True
        ),
        "The root is missing: the norm is the square root of the sum of squares.": dict(root=False),
        "You return the norm after clipping; the one before is what a training log shows.": dict(after=True),
        "When all gradients are 0 you divide by 0; PyTorch divides by norm + 1e-6.": (
            "def clip_gradients(gradients, max_norm):\n"
            "    norm = sum((one**2).sum().item() for one in gradients) ** 0.5\n"
            "    return [one * min(1.0, max_norm / norm) for one in gradients], norm\n"
        ),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Three tensors of different sizes; one limit is below the norm, one above."""
        sizes = ((4, 3), (5,), (2, 2, 3))
        gradients = [
            rng.normal(size=size) * scale for size, scale in zip(sizes, (2.0, 0.3, 1.0), strict=True)
        ]
        norm = math.sqrt(sum(float((one**2).sum()) for one in gradients))
        return {"gradients": gradients, "limits": [0.1 * norm, 0.4 * norm, 1.7 * norm]}

    def probe(self, student: Student, questions: Questions) -> list[dict[str, Any]]:
        """One limit after the other; at last the same tensors full of zeros."""
        gradients = questions["gradients"]
        cases = [(gradients, limit) for limit in questions["limits"]]
        answers = []
        for parts, limit in [*cases, ([one * 0 for one in gradients], 1.0)]:
            try:
                result = student.clip_gradients([student.tensor(one) for one in parts], limit)
            except ZeroDivisionError:
                if parts is gradients:
                    raise  # of its own making: these are not all zero
                result = ([student.tensor(one) for one in parts], math.nan)
            pair = result if isinstance(result, (tuple, list)) and len(result) == 2 else (result, result)
            clipped = pair[0] if isinstance(pair[0], (tuple, list)) else [pair[0]]
            answers.append(
                {"clipped": [student.array(one) for one in clipped], "norm": student.number(pair[1])}
            )
        return answers

    def judge(self, questions: Questions, answer: Any) -> Any:
        """The zeros only when all else is right."""
        zeros = self.expected(questions)[-1]
        found = super().judge(questions, [*answer[:-1], zeros])
        return found or (None if same(zeros, answer[-1], self.atol) else list(self.mistakes)[-1])

    def expected(
        self,
        questions: Questions,
        each: bool = False,
        clamp: bool = False,
        always: bool = False,
        sum_of_norms: bool = False,
        root: bool = True,
        after: bool = False,
    ) -> list[dict[str, Any]]:
        """In float64."""
        gradients = questions["gradients"]
        norms = [math.sqrt(float((one**2).sum())) for one in gradients]
        norm = sum(norms) if sum_of_norms else math.sqrt(sum(one**2 for one in norms))
        norm = norm if root else norm**2
        answers = []
        for limit in questions["limits"]:
            scales = [
                limit / own if always else min(1.0, limit / own)
                for own in (norms if each else [norm] * len(norms))
            ]
            clipped = [
                np.clip(one, -limit, limit) if clamp else one * scale
                for one, scale in zip(gradients, scales, strict=True)
            ]
            answers.append({"clipped": clipped, "norm": min(norm, limit) if after else norm})
        return [*answers, {"clipped": [one * 0 for one in gradients], "norm": 0.0}]


class TrainStep(Exercise):
    """`train_step(model, optimizer, scheduler, micro_batches, max_norm)`: one step, several parts."""

    id, title, points, asks_for = "08.5", "One training step", 4, ("train_step",)
    may_change_inputs = True  # that is what a training step is for
    hints = (
        "Parts of 6 and of 2 rows: how much must each part's mean loss weigh, so that together they are the mean "
        "over all 8 rows?",
        "Count the targets of all parts first. Each part's loss is the *sum* of its surprises "
        '(`reduction="sum"`) divided by that count; `backward()` adds gradients up by itself. `F.cross_entropy` wants '
        "`(targets, vocab_size)`: `model(inputs).flatten(0, 1)` and `targets.flatten()`.",
        "Order: `optimizer.zero_grad()`; for each part loss, `backward()`; then once `clip_grad_norm_`, "
        "`optimizer.step()`, `scheduler.step()`. Return the sum of the parts' losses as a float.",
    )
    mistakes = {
        "Old gradients are still there: backward() adds to them, so call optimizer.zero_grad() once a step.": dict(
            zero=False
        ),
        "All parts weigh the same, though they are not equally large: weight each by its number of targets.": dict(
            equal=True
        ),
        "The parts' mean losses are added and not averaged: with k parts the gradient is k times too long.": dict(
            added=True
        ),
        "Only the last part counts: zero_grad() stands inside the loop over the parts.": dict(last_only=True),
        "The optimizer steps after every part: one step for the whole batch.": dict(step_each=True),
        "Nothing is clipped, or only after the step: clip_grad_norm_ comes between backward() and "
        "optimizer.step().": dict(clip=False),
        "You clip after each part, so that the parts' order counts: clip once, when all gradients are added up.": dict(
            clip_each=True
        ),
        "The scheduler steps before the optimizer, so each step has the learning rate of the next one.": dict(
            ahead=1
        ),
        "The scheduler does not step: the learning rate stays as it is for ever.": dict(frozen=True),
        "You return the loss of the last part; the mean over the whole batch is asked for.": dict(
            report_last=True
        ),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """A table of bigram scores as the model, and three steps whose parts are not equally large.

        The first step sees few different tokens, so its gradient is long; only that one has to be clipped.
        """
        vocab_size, time = 7, 4
        steps = []
        for ids in (2, vocab_size, vocab_size):
            rows = [int(one) for one in rng.permutation([1, 2, 5])]
            parts = [rng.integers(0, ids, size=(count, time + 1)) for count in rows]
            steps.append([{"inputs": part[:, :-1], "targets": part[:, 1:]} for part in parts])
        questions = {
            "weight": rng.normal(size=(vocab_size, vocab_size)),
            "steps": steps,
            "rate": 2.0,
            "max_norm": 1e9,
        }
        norms: list[float] = []
        self.expected(questions, norms=norms)
        return questions | {"max_norm": 0.5 * norms[0]}

    def probe(self, student: Student, questions: Questions) -> dict[str, Any]:
        """Losses and weights of three steps of plain gradient descent, the rate halved after each."""
        import torch

        class Bigram(torch.nn.Module):
            """Scores of the next token from the present one alone."""

            def __init__(self, weight: torch.Tensor):
                super().__init__()
                self.table = torch.nn.Embedding.from_pretrained(weight, freeze=False)

            def forward(self, tokens: torch.Tensor) -> torch.Tensor:
                return self.table(tokens)

            def loss(self, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
                return torch.nn.functional.cross_entropy(self(inputs).flatten(0, 1), targets.flatten())

        model = Bigram(student.tensor(questions["weight"]))
        optimizer = torch.optim.SGD(model.parameters(), lr=questions["rate"])
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5**step)
        losses, weights = [], []
        for step in questions["steps"]:
            parts = [(student.tensor(part["inputs"]), student.tensor(part["targets"])) for part in step]
            losses.append(
                student.number(student.train_step(model, optimizer, scheduler, parts, questions["max_norm"]))
            )
            weights.append(student.array(model.table.weight))
        return {"losses": losses, "weights": weights}

    def expected(
        self,
        questions: Questions,
        zero: bool = True,
        equal: bool = False,
        added: bool = False,
        last_only: bool = False,
        step_each: bool = False,
        clip: bool = True,
        clip_each: bool = False,
        ahead: int = 0,
        frozen: bool = False,
        report_last: bool = False,
        norms: list[float] | None = None,
    ) -> dict[str, Any]:
        """Gradients of the bigram table by hand, in float64."""
        weight, limit = questions["weight"].copy(), questions["max_norm"]
        gradient = np.zeros_like(weight)
        losses, weights = [], []
        for number, parts in enumerate(questions["steps"]):
            rate = questions["rate"] * (1 if frozen else 0.5 ** (number + ahead))
            count = sum(part["targets"].size for part in parts)
            gradient = gradient * 0 if zero else gradient
            shares = []
            for part in parts:
                whole = len(parts) if equal else 1 if added else count / part["targets"].size
                loss, slope = _bigram_loss(weight, part)
                gradient = slope / whole if last_only else gradient + slope / whole
                shares.append(loss / whole)
                gradient = gradient * min(1, limit / _norm(gradient)) if clip_each or step_each else gradient
                if step_each:
                    weight, gradient = weight - rate * gradient, gradient * 0
            if norms is not None:
                norms.append(_norm(gradient))
            gradient = gradient * min(1, limit / max(_norm(gradient), 1e-12)) if clip else gradient
            weight = weight - rate * gradient
            losses.append(shares[-1] if report_last else sum(shares))
            weights.append(weight)
        return {"losses": losses, "weights": weights}


def _bigram_loss(weight: Array, part: dict[str, Array]) -> tuple[float, Array]:
    """Mean loss of a table of scores on one part, and its slope."""
    inputs, targets = part["inputs"].ravel(), part["targets"].ravel()
    logs = _log_softmax(weight[inputs])
    slope = np.exp(logs)
    slope[range(len(targets)), targets] -= 1
    gradient = np.zeros_like(weight)
    np.add.at(gradient, inputs, slope / len(targets))
    return float(-logs[range(len(targets)), targets].mean()), gradient


def _norm(gradient: Array) -> float:
    return math.sqrt(float((gradient**2).sum()))
