"""What all configs share: the road to and from JSON, and problems told in sentences."""

import math
from copy import copy
from dataclasses import MISSING, asdict, fields
from typing import Any, Literal, Self, get_args, get_origin

from slmlib.errors import ConfigError


class Config:
    """What all configs share: a round trip through plain dictionaries, with typos named."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        values = asdict(self)  # type: ignore[call-overload]
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The config described by `values`. Unknown and missing fields are named in one ConfigError."""
        if not isinstance(values, dict):
            raise ConfigError(
                f"{cls.__name__} is made of names and values, not of a {type(values).__name__}.",
                'Give a dictionary, or a JSON object: {"name": value}.',
            )
        known = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(map(str, set(values) - set(known)))
        if unknown:
            raise ConfigError(
                f"{cls.__name__} has no field {', '.join(unknown)}.",
                f"It has: {', '.join(known)}. The file may come from another version of slmlib.",
            )
        missing = [name for name, field in known.items() if name not in values and field.default is MISSING]
        if missing:
            raise ConfigError(f"{cls.__name__} lacks {', '.join(missing)}.", "Give the missing values.")
        # JSON has no tuples.
        return cls(
            **{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
        )

    def __post_init__(self) -> None:
        """Refuse values of another type, and choices that do not exist."""
        raise_all(self, *_mistyped(self), *_choices(self))


class LanguageModelConfig(Config):
    """Fields that the shapes of all models have, with the value for models that lack the switch.

    A size that is left at 0 is worked out from the others; `_usual_sizes` has the rules.
    """

    kind = ""
    """Which model it is the shape of; checkpoints store it."""
    vocab_size: int
    context_length: int
    embed_dim: int
    num_layers: int
    block_repeat = 1
    tie_embeddings = True
    dropout = 0.0
    position: str = "none"

    def change(self, changes: dict[str, Any]) -> Self:
        """The same shape with some values changed. A derived size (num_kv_heads, head_dim, ffn_dim) that had
        its usual value and is not among the changes follows the new sizes."""
        return type(self).from_dict(self.with_open_sizes().to_dict() | changes)

    def with_open_sizes(self) -> Self:
        """A copy in which each derived size with its usual value is 0 again: not for building a model, but
        as defaults (of flags, of `change`) that follow when other sizes change."""
        open_sizes = copy(self)
        for name, usual in self._usual_sizes().items():
            if getattr(self, name) == usual:
                object.__setattr__(open_sizes, name, 0)
        return open_sizes

    def _fill_open_sizes(self) -> None:
        """Give each derived size that is 0 its usual value."""
        for name, usual in self._usual_sizes().items():
            object.__setattr__(self, name, getattr(self, name) or int(usual))

    def _usual_sizes(self) -> dict[str, float]:
        """What 0 stands for in each derived size."""
        return {}


def _mistyped(config: Config) -> list[tuple[bool, str]]:
    """One problem for each field whose value is not of its type. Whole numbers serve as float, not as bool."""
    problems = []
    for field in fields(config):  # type: ignore[arg-type]
        value, expected = getattr(config, field.name), field.type
        if expected in (int, float, bool, str):
            fits = isinstance(value, (int, float) if expected is float else expected)
            wrong = not fits or (isinstance(value, bool) and expected is not bool)
            if expected is float and isinstance(value, int):
                wrong = wrong or abs(value) > 2**1000  # JSON may hold more than a float can
            problems.append((wrong, f"{field.name} is {value!r}; expected {expected.__name__}."))
        elif expected == tuple[int, ...]:
            wrong = not isinstance(value, tuple) or not all(type(item) is int for item in value)
            problems.append((wrong, f"{field.name} is {value!r}; expected a tuple of whole numbers."))
    return problems


def below_one(config: Config, *names: str) -> list[tuple[bool, str]]:
    """One problem for each field that counts something and is below 1."""
    return [
        (getattr(config, name) < 1, f"{name} must be at least 1; it is {getattr(config, name)}.")
        for name in names
    ]


def not_above_zero(config: Config, *names: str) -> list[tuple[bool, str]]:
    """One problem for each field that something is multiplied by or divided by, and that is 0, below, or no number."""
    return [
        (not getattr(config, name) > 0, f"{name} must be above 0; it is {getattr(config, name)}.")
        for name in names
    ]


def not_finite(config: Config) -> list[tuple[bool, str]]:
    """One problem for each number that is infinite, or none at all: a checkpoint's JSON has no such numbers."""
    values = {field.name: getattr(config, field.name) for field in fields(config)}  # type: ignore[arg-type]
    return [
        (isinstance(value, float) and not math.isfinite(value), f"{name} must be finite; it is {value}.")
        for name, value in values.items()
    ]


def _choices(config: Config) -> list[tuple[bool, str]]:
    """One problem for each field whose value is not among the choices its type names."""
    problems = []
    for field in fields(config):  # type: ignore[arg-type]
        choices = _literals(field.type)
        value = getattr(config, field.name)
        problems.append(
            (bool(choices) and value not in choices, f"{field.name} is {value!r}; choose from {choices}.")
        )
    return problems


def _literals(annotation: Any) -> tuple[Any, ...]:
    """The values that a Literal, or a union of Literals, allows; empty for other types."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(value for part in get_args(annotation) for value in _literals(part))


def raise_all(config: Config, *problems: tuple[bool, str]) -> None:
    """One ConfigError that tells every problem at once."""
    found = [sentence for wrong, sentence in problems if wrong]
    if found:
        raise ConfigError(f"{type(config).__name__}: " + " Also: ".join(found))
