"""What is wrong with a run? Curves of one, and rules that name the likeliest cause.

The rules compare a run with a healthy one of the same size. They are in the order in which a person should ask:
the first question is answered by the first number of the log, the last one needs the whole run.
"""

import math
from dataclasses import dataclass
from statistics import fmean

LEARNING_RATE = "learning rate x100"
WARMUP = "no warm-up"
MASK = "no mask"
TARGETS = "targets not shifted"
INITIALIZATION = "bad initialization"
FP16 = "fp16 without scaler"
VOCABULARY = "vocabulary off by one"
LEAK = "validation leaked"
TRAINING_MODE = "evaluated in training mode"
ACCUMULATION = "accumulation not averaged"

CAUSES = (
    LEARNING_RATE,
    WARMUP,
    MASK,
    TARGETS,
    INITIALIZATION,
    FP16,
    VOCABULARY,
    LEAK,
    TRAINING_MODE,
    ACCUMULATION,
)
"""The ten causes that `diagnose` knows, each as the name used everywhere."""

HEALTHY = "healthy"


@dataclass(frozen=True)
class Curves:
    """What was recorded of a short run."""

    training: list[float]
    """The loss of each step's batch, before the step, in nats per token."""
    gradient_norm: list[float]
    """The norm of each step's gradient, before clipping."""
    measured_at: list[int]
    """After how many steps the validation set was measured."""
    validation: list[float]
    """The loss on the same validation text each time."""
    repeats: list[float]
    """The last measurement, made again and again with the same weights."""
    zero_gradients: float
    """The share of exact zeros among the entries of the gradients, after the first tenth of the run."""
    uniform: float
    """The loss of a uniform guess, ln(vocab_size)."""

    @property
    def last_training(self) -> float:
        """Mean training loss of the last tenth of the run."""
        return fmean(self.training[-max(1, len(self.training) // 10) :])

    @property
    def spread(self) -> float:
        """The largest of the repeated measurements less the smallest."""
        return max(self.repeats) - min(self.repeats)


def diagnose(run: Curves, healthy: Curves) -> str:
    """One of CAUSES, or HEALTHY. `healthy`: the curves of a good run with the same model, seed and steps."""
    if run.training[0] > run.uniform + 1:
        return INITIALIZATION  # before any step, so only the first weights can be to blame
    if run.spread > 1e-4:
        return TRAINING_MODE  # the same weights and text, another number: something is drawn at random
    if run.zero_gradients > 0.5:
        return FP16
    if not math.isfinite(run.last_training) or run.last_training > run.uniform:
        return LEARNING_RATE
    if run.validation[-1] > run.uniform:  # training looks fine, the model is worse than none
        early = run.training[len(run.training) // 5]
        if early < healthy.last_training / 4:
            return TARGETS  # too easy from the start
        return MASK if run.last_training < healthy.last_training / 2 else VOCABULARY
    if run.validation[-1] < min(run.last_training, healthy.validation[-1]) - 0.1:
        return LEAK
    if max(run.training[: len(run.training) // 4]) > run.training[0] + 0.3:
        return WARMUP
    if run.gradient_norm[0] > 2 * healthy.gradient_norm[0]:
        return ACCUMULATION
    return HEALTHY
