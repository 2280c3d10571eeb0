"""Weights under other names: one table a house, read in both directions.

A rule says which of our tensors lie in which of theirs, and how. Nothing is guessed and nothing is skipped:
what the table does not name is missing or too much, and that is an error.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from slmlib.config import LanguageModelConfig, ModelConfig
from slmlib.errors import CheckpointError
from slmlib.model.positions import half_to_interleaved

Layout = Literal["plain", "transposed", "per_head"]
Pairs = Literal["half", "interleaved", "backwards"]
"""How RoPE pairs the numbers of a head, see ModelConfig.rope_pairs; `backwards` is `half` turned the other way."""


@dataclass(frozen=True)
class Rule:
    """Our modules `ours` are their module `theirs`, weights and biases alike; or our tensor is their tensor.
    {layer} stands for a number."""

    ours: tuple[str, ...]
    """One of our modules, or several that they keep in one tensor, in their order."""
    theirs: str
    """Their module."""
    layout: Layout = "plain"
    """`plain`: one below the other. `transposed`: the same, turned (GPT-2's Conv1D). `per_head`: query, key and
    value of the first head, then those of the second (GPT-NeoX)."""


def to_theirs(
    config: LanguageModelConfig, rules: tuple[Rule, ...], ours: dict[str, Tensor]
) -> dict[str, Tensor]:
    """All of our tensors under their names. A repeated block is written once for each run."""
    theirs: dict[str, Tensor] = {}
    for names, target, layout, layer in _matches(config, rules, set(ours)):
        joined = _join([ours[name] for name in names], layout, config)
        for run in range(1 if layer is None else config.block_repeat):
            place = 0 if layer is None else layer * config.block_repeat + run
            theirs[target.replace("{layer}", str(place))] = joined
    return theirs


def to_ours(
    config: LanguageModelConfig,
    rules: tuple[Rule, ...],
    shapes: dict[str, Tensor],
    theirs: dict[str, Tensor],
) -> dict[str, Tensor]:
    """All of their tensors under our names, in float32; shapes: our own tensors, whose numbers do not matter.

    Raises CheckpointError that names the first three tensors that are missing, too much, or of another shape.
    """
    _require_fit({name: tensor.shape for name, tensor in to_theirs(config, rules, shapes).items()}, theirs)
    ours: dict[str, Tensor] = {}
    for names, target, layout, layer in _matches(config, rules, set(shapes)):
        tensor = theirs[target.replace("{layer}", str(layer))].float()
        parts = _split(tensor, [shapes[name].shape[0] for name in names], layout, config)
        ours |= {name: part.contiguous() for name, part in zip(names, parts, strict=True)}
    return ours


def turn_pairs(
    config: LanguageModelConfig,
    tensors: dict[str, Tensor],
    before: Pairs | None = None,
    after: Pairs | None = None,
) -> dict[str, Tensor]:
    """The same model for code that turns other pairs of numbers: rows of queries and keys in another order.

    before, after: None means the pairs of the config. What does not turn stays as it is.
    """
    if not isinstance(config, ModelConfig) or config.position != "rope":
        return tensors
    before, after = before or config.rope_pairs, after or config.rope_pairs
    if before == after:
        return tensors
    turned = config.rope_dim or config.head_dim
    order = _order(turned, before).argsort()[_order(turned, after)]
    order = torch.cat((order, torch.arange(turned, config.head_dim)))  # the rest does not turn
    result = dict(tensors)
    for name, tensor in tensors.items():
        if ".attention.query." in name or ".attention.key." in name:
            heads = tensor.unflatten(0, (-1, config.head_dim))  # (H or K, E, D), biases (H or K, E)
            result[name] = heads[:, order.to(tensor.device)].flatten(0, 1)
    return result


def _order(turned: int, pairs: Pairs) -> Tensor:
    """The permutation that leads to this convention from `half`."""
    if pairs == "interleaved":
        return half_to_interleaved(turned)
    # Turning (b, a) backwards is turning (a, b) forwards.
    return torch.arange(turned).roll(turned // 2 if pairs == "backwards" else 0)


def _matches(
    config: LanguageModelConfig, rules: tuple[Rule, ...], known: set[str]
) -> Iterator[tuple[list[str], str, Layout, int | None]]:
    """Our full names, their full name (its layer still open), the layout, and our layer, for each of their tensors."""
    for rule in rules:
        layers = range(config.num_layers) if "{layer}" in rule.theirs else (None,)
        for layer in layers:
            for kind in (".weight", ".bias", ""):
                names = [_our_name(module, kind).replace("{layer}", str(layer)) for module in rule.ours]
                if known.issuperset(names):
                    yield names, f"{rule.theirs}{kind}", rule.layout, layer


def _our_name(module: str, kind: str) -> str:
    return module + (".gain" if kind == ".weight" and module.endswith("norm") else kind)


def _join(parts: list[Tensor], layout: Layout, config: LanguageModelConfig) -> Tensor:
    if layout == "per_head" and isinstance(config, ModelConfig):
        heads = [part.unflatten(0, (config.num_heads, config.head_dim)) for part in parts]  # (H, E, D) each
        return torch.stack(heads, dim=1).flatten(0, 2)  # (H, 3, E, D) -> (H * 3 * E, D)
    joined = parts[0] if len(parts) == 1 else torch.cat(parts)
    return joined.T if layout == "transposed" and joined.dim() == 2 else joined


def _split(tensor: Tensor, sizes: list[int], layout: Layout, config: LanguageModelConfig) -> list[Tensor]:
    if layout == "per_head" and isinstance(config, ModelConfig):
        heads = tensor.unflatten(0, (config.num_heads, len(sizes), config.head_dim))  # (H, 3, E, D)
        return [part.flatten(0, 1) for part in heads.unbind(1)]
    if layout == "transposed" and tensor.dim() == 2:
        tensor = tensor.T
    return list(tensor.split(sizes))


def _require_fit(expected: dict[str, torch.Size], found: dict[str, Tensor]) -> None:
    missing = [name for name in expected if name not in found]
    extra = [name for name in found if name not in expected]
    misshaped = [
        f"{name} {tuple(found[name].shape)} instead of {tuple(shape)}"
        for name, shape in expected.items()
        if name in found and found[name].shape != shape
    ]
    told = [
        f"{what} {', '.join(names[:3])}{' and more' if len(names) > 3 else ''}"
        for what, names in (("lack", missing), ("have the unknown", extra), ("have", misshaped))
        if names
    ]
    if told:
        raise CheckpointError(
            f"The weights {'; they '.join(told)}.", "They belong to another model than config.json describes."
        )
