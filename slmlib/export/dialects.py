"""Values of a config that Hugging Face's classes write differently, each with both directions beside each other."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slmlib.config import ModelConfig
from slmlib.config.model import shortest_windows
from slmlib.errors import CheckpointError

Values = dict[str, Any]


def _head_dim(ours: Values) -> int:
    return int(ours.get("head_dim") or ours["embed_dim"] // ours["num_heads"])


def _unless_usual(value: Any, usual: Any) -> Any:
    """0 stands for the usual value."""
    return 0 if value is None or abs(value - usual) < 1e-12 else value


def share_of_a_head(part: int, whole: int) -> float:
    """part / whole, so that int(whole * share) is part again: of 30 / 44 it would be 29."""
    share = part / whole
    return share if int(whole * share) == part else math.nextafter(share, 1.0)


@dataclass(frozen=True)
class Dialect:
    """One translation."""

    write: Callable[[Any], Values]
    """Our config -> their keys."""
    read: Callable[[Values, Values], Values]
    """(their config.json, what is known of ours so far) -> more of ours."""


def activation(key: str, default: str) -> Dialect:
    """The name of the activation function in the feed-forward layer, under `key`."""
    ours = {"gelu": "gelu", "gelu_tanh": "gelu_new", "silu": "silu", "relu2": "relu2"}
    theirs = {name: mine for mine, name in ours.items()} | {
        "gelu_pytorch_tanh": "gelu_tanh",
        "gelu_fast": "gelu_tanh",
        "swish": "silu",
    }

    def read(values: Values, _: Values) -> Values:
        name = values.get(key, default)
        if name not in theirs:
            raise CheckpointError(
                f"{key} is {name!r}, which slmlib does not have.", f"It has {list(theirs)}."
            )
        return {"activation": theirs[name]}

    return Dialect(lambda config: {key: ours[config.activation]}, read)


def _read_gpt1_activation(values: Values, _: Values) -> Values:
    if values.get("afn", "gelu") != "gelu":
        raise CheckpointError(f"afn is {values['afn']!r}; slmlib reads 'gelu'.", "Use another model.")
    return {"activation": "gelu_tanh"}


HIDDEN_ACTIVATION = activation("hidden_act", "silu")

GPT1_ACTIVATION = Dialect(lambda config: {"afn": "gelu"}, _read_gpt1_activation)
"""GPT-1's code calls the tanh approximation simply `gelu`."""

ATTENTION_BIAS = Dialect(
    lambda config: {"attention_bias": config.qkv_bias},
    lambda values, _: dict.fromkeys(("qkv_bias", "output_bias"), bool(values.get("attention_bias"))),
)
"""One switch for all four projections."""

INVERSE_LOGIT_SCALE = Dialect(
    lambda config: {"logits_scaling": 1 / config.logit_scale},
    lambda values, _: {"logit_scale": 1 / values.get("logits_scaling", 1.0)},
)
"""Granite divides."""

ATTENTION_SCALE = Dialect(
    lambda config: {"attention_multiplier": config.attention_scale or config.head_dim**-0.5},
    lambda values, ours: {
        "attention_scale": _unless_usual(values.get("attention_multiplier", 1.0), _head_dim(ours) ** -0.5)
    },
)
"""Granite always says it."""

ROTARY_DIM = Dialect(
    lambda config: {"rotary_dim": config.rope_dim or config.head_dim},
    lambda values, ours: {"rope_dim": _unless_usual(values.get("rotary_dim", 64), _head_dim(ours))},
)
"""GPT-J counts the numbers that turn, as we do; null and all of them are the same."""

EXPANSION = Dialect(
    lambda config: {"expansion_ratio": config.ffn_dim // config.embed_dim},
    lambda values, ours: {"ffn_dim": values.get("expansion_ratio", 4) * ours["embed_dim"]},
)
"""MPT tells the feed-forward width as a multiple."""

AUTO_RANK = Dialect(
    lambda config: {"time_step_rank": config.step_rank},
    lambda values, _: {
        "step_rank": 0 if values.get("time_step_rank", "auto") == "auto" else values["time_step_rank"]
    },
)
"""Mamba's `auto` is our 0."""


SCALINGS: dict[str, Values] = {
    "llama3": {"low_freq_factor": 1.0, "high_freq_factor": 4.0},
    "yarn": {"beta_fast": 32.0, "beta_slow": 1.0, "truncate": True},
}
"""The ways to slow RoPE down, and what they fix: from and up to how many turns speeds are mixed."""


def rope(part: float = 0.0) -> Dialect:
    """RoPE's speeds. part: the share of a head that turns where the file does not say; 0 where the class has
    no word for it, and all of it turns."""

    def write(config: ModelConfig) -> Values:
        values: Values = {"rope_theta": config.rope_theta, "rope_type": "default"}
        if part:
            values["partial_rotary_factor"] = share_of_a_head(
                config.rope_dim or config.head_dim, config.head_dim
            )
        if config.rope_scaling != 1:
            values |= {
                "rope_type": config.rope_scaling_kind,
                "factor": config.rope_scaling,
                "original_max_position_embeddings": config.rope_scaling_context,
            } | SCALINGS[config.rope_scaling_kind]
        return {"rope_parameters": values}

    def read(values: Values, ours: Values) -> Values:
        found = _rope_parameters(values)
        kind = found.get("rope_type") or found.get("type") or "default"
        if kind not in ("default", *SCALINGS):
            raise CheckpointError(
                f"RoPE is scaled by {kind!r}, which slmlib does not have.", f"It has {', '.join(SCALINGS)}."
            )
        result: Values = {"rope_theta": float(found.get("rope_theta") or 10_000.0)}
        if part:
            share = found.get("partial_rotary_factor") or part
            turned = int(_head_dim(ours) * share)  # cut off, as they do
            result["rope_dim"] = _unless_usual(turned, _head_dim(ours))
        if kind in SCALINGS:
            other = [key for key, usual in SCALINGS[kind].items() if found.get(key, usual) != usual]
            other += [key for key in ("attention_factor", "mscale") if found.get(key) is not None]
            if other:
                raise CheckpointError(
                    f"RoPE is scaled by {kind!r} with another {', '.join(other)} than usual.",
                    f"slmlib has only {SCALINGS[kind]}.",
                )
            if found.get("factor") is None:
                raise CheckpointError(
                    f"RoPE is scaled by {kind!r} without a factor.", "Add it to rope_scaling in config.json."
                )
            result["rope_scaling_kind"] = kind
            result["rope_scaling"] = float(found["factor"])
            result["rope_scaling_context"] = (
                found.get("original_max_position_embeddings") or ours["context_length"]
            )
        return result

    return Dialect(write, read)


def _rope_parameters(values: Values) -> Values:
    """transformers 5 keeps everything about RoPE in one place; older files have it in several."""
    old = (values.get("rope_scaling") or {}) | {
        "rope_theta": values.get("rope_theta", values.get("rotary_emb_base")),
        "partial_rotary_factor": values.get("partial_rotary_factor", values.get("rotary_pct")),
    }
    new = values.get("rope_parameters") or {}
    return old | {key: value for key, value in new.items() if value is not None}


ROPE = rope()


def _write_rope_by_layer_type(config: ModelConfig) -> Values:
    values = ROPE.write(config)["rope_parameters"]
    return {"rope_parameters": {"sliding_attention": values, "full_attention": dict(values)}}


def _read_rope_by_layer_type(values: Values, ours: Values) -> Values:
    both = values.get("rope_parameters") or {}
    if "full_attention" not in both:
        return ROPE.read({"rope_theta": 500_000.0} | values, ours)
    if both["full_attention"] != both.get("sliding_attention"):
        raise CheckpointError(
            "Layers with and without a window turn differently.", "slmlib has one RoPE for all."
        )
    return ROPE.read(values | {"rope_parameters": both["full_attention"]}, ours)


ROPE_BY_LAYER_TYPE = Dialect(_write_rope_by_layer_type, _read_rope_by_layer_type)
"""Olmo 3 says it once for layers with a window and once for the others."""


def _windows(widths: list[int], context_length: int) -> Values:
    """A window as wide as the context is none."""
    return {"windows": shortest_windows([0 if width >= context_length else width for width in widths])}


def _write_sliding_window(config: ModelConfig) -> Values:
    return {"sliding_window": config.window(0) or None}


def sliding_window(default: int) -> Dialect:
    """One window for all layers. default: the window where the file does not say; null and 0 mean none."""

    def read(values: Values, ours: Values) -> Values:
        width = values.get("sliding_window", default) or 0
        return _windows([width] * ours["num_layers"], ours["context_length"])

    return Dialect(_write_sliding_window, read)


def _write_neo_layers(config: ModelConfig) -> Values:
    kinds = ["local" if config.window(layer) else "global" for layer in range(config.num_layers)]
    return {"attention_types": [[kinds, 1]], "window_size": max(config.windows, default=256)}


def _read_neo_layers(values: Values, ours: Values) -> Values:
    width = values.get("window_size", 256)
    kinds = [
        kind
        for kinds, times in values.get("attention_types", [[["global", "local"], 12]])
        for kind in kinds * times
    ]
    return _windows([width if kind == "local" else 0 for kind in kinds], ours["context_length"])


NEO_LAYERS = Dialect(_write_neo_layers, _read_neo_layers)
"""GPT-Neo: [[["global", "local"], 6]] are twelve layers."""


def _write_layer_types(config: ModelConfig) -> Values:
    kinds = [
        "sliding_attention" if config.window(layer) else "full_attention"
        for layer in range(config.num_layers)
    ]
    return {"layer_types": kinds, "sliding_window": max(config.windows, default=4096)}


def _read_layer_types(values: Values, ours: Values) -> Values:
    kinds = values.get("layer_types") or [
        "full_attention" if (layer + 1) % 4 == 0 else "sliding_attention"
        for layer in range(ours["num_layers"])
    ]
    width = values.get("sliding_window", 4096)
    return _windows([width if kind == "sliding_attention" else 0 for kind in kinds], ours["context_length"])


LAYER_TYPES = Dialect(_write_layer_types, _read_layer_types)
"""Olmo 3: a word for each layer."""
