"""All of a run that is not a tensor, and how it is read back from a file that may hold anything."""

import math
from dataclasses import dataclass, field, fields
from typing import Any

from slmlib.config import TrainConfig
from slmlib.evaluation import Evaluation


@dataclass(frozen=True)
class Progress:
    """All of a run that is not a tensor: what a resumed run must know to be the same run."""

    step: int
    """Optimizer steps done."""
    asked: TrainConfig
    """The training as it was asked for."""
    decided: TrainConfig
    """The same with every `auto` and 0 replaced by what was decided before step 0; a time budget counts its steps anew once."""
    corpus: str
    """Name of the corpus."""
    train_sha256: str
    """Fingerprint of the training stream."""
    valid_sha256: str
    """Fingerprint of the validation stream."""
    probe_tokens: list[int]
    """A few tokens of the validation stream, whose loss is stored and computed again at every load."""
    history: list[dict[str, float]] = field(default_factory=list)
    """One entry an evaluation: step, nats, tokens, bytes."""
    seconds: float = 0.0
    """Seconds of training steps so far, those before a resume included."""
    scaler: dict[str, float] = field(default_factory=dict)
    """State of float16's loss scaler; empty otherwise."""


_ENTRY = {"step", *(item.name for item in fields(Evaluation))}


def read_progress(values: Any) -> Progress:
    """The progress that a state.json holds. ValueError in a few words when anything is not what it should be."""
    known = {item.name for item in fields(Progress)}
    if not isinstance(values, dict) or set(values) != known:
        found = sorted(values) if isinstance(values, dict) else values
        raise ValueError(f"its progress has the fields {str(found)[:200]}, expected {sorted(known)}")
    configs = {}
    for name in ("asked", "decided"):
        if not isinstance(values[name], dict):
            raise ValueError(f"its {name} config is {values[name]!r}")
        configs[name] = TrainConfig.from_dict(values[name])
    step, history = values["step"], values["history"]
    limit = max(configs["decided"].total_steps, configs["asked"].total_steps)
    for wrong, what in (
        (not _is_count(step) or step > (limit or step), f"step {step!r} of {limit}"),
        (not all(isinstance(values[name], str) for name in _TEXTS), "a name or fingerprint that is no text"),
        (not _is_tokens(values["probe_tokens"]), "probe tokens that are not a list of at least two tokens"),
        (not _is_number(values["seconds"]) or values["seconds"] < 0, f"{values['seconds']!r} seconds"),
        (not _are_numbers(values["scaler"]), "a loss scaler that is not made of numbers"),
        (
            not isinstance(history, list) or not all(_is_entry(entry, step) for entry in history),
            "a history with impossible measurements",
        ),
    ):
        if wrong:
            raise ValueError(f"it has {what}")
    return Progress(**values | configs)


_TEXTS = ("corpus", "train_sha256", "valid_sha256")


def _is_number(value: Any) -> bool:
    """A finite number; JSON as Python reads it also knows NaN, and True is no number here."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _is_tokens(value: Any) -> bool:
    return isinstance(value, list) and len(value) >= 2 and all(map(_is_count, value))


def _are_numbers(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_number, value.values()))


def _is_entry(entry: Any, step: int) -> bool:
    """Whether this is a measurement that a run of so many steps can have made."""
    return (
        _are_numbers(entry)
        and set(entry) >= _ENTRY
        and all(_is_count(entry[name]) for name in _ENTRY - {"nats"})
        and entry["step"] <= step
        and min(entry["tokens"], entry["bytes"]) > 0
    )
