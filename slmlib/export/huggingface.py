"""Hugging Face's configs and weights, and ours: the same model, said in two languages."""

from typing import Any

import torch
from torch import Tensor, nn

from slmlib.config import LanguageModelConfig, ModelConfig
from slmlib.config.model import shortest_windows
from slmlib.errors import CheckpointError, ConfigError, SlmError
from slmlib.export.architectures import ARCHITECTURES, Architecture
from slmlib.export.tensors import to_ours, to_theirs, turn_pairs
from slmlib.model.language_model import own_tensors

# What decides how training goes, not what the model computes; transformers have no word for it.
_TRAINING = ("dropout", "init_std", "initialization")
_MISSING = object()


def architecture_for(config: LanguageModelConfig, model_type: str = "") -> Architecture:
    """The first class of transformers that is this model exactly, or the one of that model_type.

    Proved by translating there and back: ConfigError when something would be lost, with what it is.
    """
    if model_type and model_type not in ARCHITECTURES:
        raise ConfigError(
            f"There is no model_type {model_type!r} here.", f"Choose from {list(ARCHITECTURES)}."
        )
    candidates = [
        candidate
        for candidate in ([ARCHITECTURES[model_type]] if model_type else ARCHITECTURES.values())
        if candidate.config_class is type(config)
    ]
    if not candidates:
        raise ConfigError(f"A {config.kind} cannot be a {model_type}.", "Leave out the model_type.")
    losses, refusal = {}, ""
    for candidate in candidates:
        try:
            losses[candidate.model_type] = _lost(config, candidate)
        except SlmError as error:  # its config cannot even be read again: no class to be near to
            refusal = refusal or f": {error.problem.rstrip('.')}"
            continue
        if not losses[candidate.model_type]:
            return candidate
    nearest = min(losses, key=lambda name: len(losses[name]), default="")
    if nearest:
        refusal = f"; the nearest, {nearest}, differs in {', '.join(losses[nearest])}"
    raise ConfigError(
        f"No class of transformers is this model{refusal}.",
        "Train a model of a family, as in `python -m slmlib families`, or keep using it with slmlib.",
    )


def to_hf_config(config: LanguageModelConfig, architecture: Architecture) -> dict[str, Any]:
    """What their config.json says about the model's shape. A repeated block becomes several equal ones."""
    config = _unrolled(config)
    values: dict[str, Any] = {
        "architectures": [architecture.class_name],
        "model_type": architecture.model_type,
    }
    for ours, theirs in architecture.fields.items():
        value = getattr(config, ours)
        # Where 0 means "off" or "as usual" with us, they write null.
        values[theirs] = value if value or isinstance(value, bool) else None
    for dialect in architecture.dialects:
        values |= dialect.write(config)
    for path, value in architecture.fixed.items():
        *outer, key = path.split(".")
        place = values.setdefault(outer[0], {}) if outer else values
        place[key] = value
    return values


def from_hf_config(values: dict[str, Any]) -> LanguageModelConfig:
    """The shape that their config.json describes.

    Raises CheckpointError for a class or a setting that slmlib does not have.
    """
    model_type = values.get("model_type") if isinstance(values, dict) else None
    if not isinstance(model_type, str) or model_type not in ARCHITECTURES:
        raise CheckpointError(f"model_type is {model_type!r}.", f"slmlib reads {', '.join(ARCHITECTURES)}.")
    try:
        return _understood(values, ARCHITECTURES[model_type])
    except SlmError:
        raise
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        raise CheckpointError(
            f"config.json holds a value that no {model_type} can have ({type(error).__name__}: {error}).",
            "Use the config.json that belongs to the weights.",
        ) from None


def _understood(values: dict[str, Any], architecture: Architecture) -> LanguageModelConfig:
    """What `from_hf_config` returns, for values of the right types."""
    for path, expected in architecture.fixed.items():
        found = _at(values, path, architecture.defaults.get(path, expected))
        if found != expected:
            raise CheckpointError(f"{path} is {found!r}.", f"slmlib reads only {expected!r}.")
    ours = dict(architecture.switches)
    for name, key in architecture.fields.items():
        value = values.get(key, architecture.defaults.get(key, _MISSING))
        if value is _MISSING:
            raise CheckpointError(
                f"config.json lacks {key}.", "Use the config.json that belongs to the weights."
            )
        ours[name] = 0 if value is None else value
    for dialect in architecture.dialects:
        ours |= dialect.read(values, ours)
    return architecture.config_class.from_dict(ours)


def to_hf_weights(
    config: LanguageModelConfig, architecture: Architecture, tensors: dict[str, Tensor]
) -> dict[str, Tensor]:
    """Our tensors under their names; a tied head is left out."""
    turned = turn_pairs(config, tensors, after=architecture.pairs)
    return to_theirs(config, architecture.rules, turned)


def from_hf_weights(
    config: LanguageModelConfig, architecture: Architecture, tensors: dict[str, Tensor]
) -> dict[str, Tensor]:
    """Their tensors under our names, in float32. Raises CheckpointError for any that is missing, too much or
    of another shape; a head that is told to be tied must be the embedding."""
    tensors = {
        _name_now(name, architecture): tensor
        for name, tensor in tensors.items()
        if not (architecture.buffers and name.endswith(architecture.buffers))
    }
    if config.tie_embeddings and "lm_head.weight" in tensors:
        embedding = next(rule.theirs for rule in architecture.rules if rule.ours == ("embedding",))
        head, table = tensors.pop("lm_head.weight"), tensors.get(f"{embedding}.weight")
        if table is not None and not head.equal(table):
            raise CheckpointError(
                "lm_head.weight is not the embedding, though config.json says they are tied.",
                "Set tie_word_embeddings to false in config.json if the head was trained by itself.",
            )
    with torch.device("meta"):
        shapes = own_tensors(architecture.model(config))
    ours = to_ours(config, architecture.rules, shapes, tensors)
    return turn_pairs(config, ours, before=architecture.pairs)


def _name_now(name: str, architecture: Architecture) -> str:
    """The name that transformers gives a tensor today."""
    for old, new in architecture.old_names.items():
        if name.startswith(old):
            name = new + name.removeprefix(old)
    return name if name.startswith((architecture.prefix, "lm_head.")) else architecture.prefix + name


@torch.no_grad()
def model_from_hf(values: dict[str, Any], tensors: dict[str, Tensor]) -> nn.Module:
    """The model that their config.json and weights describe, ready for use."""
    config, architecture = from_hf_config(values), ARCHITECTURES[values["model_type"]]
    weights = from_hf_weights(config, architecture, tensors)
    model = architecture.model(config, seed=0)  # a seed leaves torch's own randomness alone
    for name, tensor in own_tensors(model).items():
        tensor.copy_(weights[name])
    return model.eval()


def _lost(config: LanguageModelConfig, architecture: Architecture) -> list[str]:
    """The switches that would not survive the way there and back; empty when the class is this model.

    Raises SlmError when there is no way back.
    """
    wanted = _unrolled(config).to_dict()
    if isinstance(config, ModelConfig) and config.position == "rope":
        wanted["rope_pairs"] = architecture.switches.get("rope_pairs", "half")  # rows can be moved
    found = from_hf_config(to_hf_config(config, architecture)).to_dict()
    return [name for name in wanted if name not in _TRAINING and not _same(wanted[name], found[name])]


def _unrolled(config: LanguageModelConfig) -> LanguageModelConfig:
    """The same model with each run of a block as a layer of its own."""
    if not isinstance(config, ModelConfig):
        return config
    layers = [layer for layer in range(config.num_layers) for _ in range(config.block_repeat)]
    windows = shortest_windows([config.window(layer) for layer in layers])
    return config.change({"num_layers": len(layers), "block_repeat": 1, "windows": windows})


def _same(one: Any, other: Any) -> bool:
    """Equal, up to the last digits that 1 / (1 / x) costs."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= 1e-12 * abs(one)
    return bool(one == other)


def _at(values: dict[str, Any], path: str, missing: Any) -> Any:
    """What lies at a.b, or `missing`."""
    for key in path.split("."):
        if not isinstance(values, dict) or key not in values:
            return missing
        values = values[key]
    return values
