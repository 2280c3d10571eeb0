"""The table of families, and one row of it counted part by part, as text for a terminal."""

import textwrap
from functools import singledispatch

from slmlib.config import EncoderDecoderConfig, LanguageModelConfig, MambaConfig, ModelConfig
from slmlib.model.counts import cache_bytes, count_parameters, parameters_by_part, training_memory
from slmlib.model.families import CATALOG, Family

SHAPE_FITS = 130
"""A window narrower than so many columns has no room for the shape beside what was new."""


def listing(window: int | None = None) -> str:
    """All families, one a line: name, year, layers, width, heads, parameters, context, tied, what was new.

    window: how many columns may be used; a narrow one gets name, year, parameters and what was new, broken into
    lines. None means that lines may be as long as they are.
    """
    head = ("name", "year", "layers", "width", "heads", "parameters", "context", "tied", "what was new")
    rows = [head, *(_line(name, row) for name, row in CATALOG.items())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    left, shown = (0, 7), range(8) if window is None or window >= SHAPE_FITS else (0, 1, 5)
    lines = []
    for row in rows:
        numbers = "".join(
            (row[column].ljust if column in left else row[column].rjust)(widths[column]) + "  "
            for column in shown
        )
        room = widths[8] if window is None else window - len(numbers)
        new = textwrap.wrap(row[8], max(room, 20), break_on_hyphens=False)
        lines.append(numbers + ("\n" + " " * len(numbers)).join(new))
    return "\n".join((*lines, "", "One of them in detail: python -m slmlib families pythia-160m"))


def card(name: str, row: Family) -> str:
    """One family: its shape, its parameters part by part, and the memory to train it."""
    config, total = row.config, count_parameters(row.config)
    memory = training_memory(config, micro_batch_size=1)
    parts = {part: size for part, size in parameters_by_part(config).items() if size}
    uses = {
        "weights": memory.weights,
        "gradients": memory.gradients,
        "AdamW's two means": memory.optimizer,
        "activations (estimate)": memory.activations,
        "logits (estimate)": memory.logits,
        "together": memory.total,
    }
    return "\n".join(
        (
            f"{name}: {row.title} ({row.year})",
            f"  New: {row.new}.",
            f"  Source: {row.source}.",
            "",
            f"  {_inside(config)}",
            f"  {_outside(config)}",
            "",
            "Parameters",
            *(f"  {part:<24}{size:>18,}  {size / total:>6.1%}" for part, size in parts.items()),
            f"  {'together':<24}{total:>18,}  {1:>6.1%}",
            "",
            f"Memory to train it in float32, one window of {config.context_length:,} tokens at a time",
            *(f"  {use:<24}{size / 1e9:>15,.2f} GB" for use, size in uses.items()),
            "",
            f"To generate {config.context_length:,} tokens it remembers "
            f"{cache_bytes(config, config.context_length) / 1e6:,.1f} MB in float32"
            + (", as for any number of tokens." if _constant(config) else "."),
        )
    )


def _line(name: str, row: Family) -> tuple[str, ...]:
    config = row.config
    return (
        name,
        str(row.year),
        _depth(config),
        f"{config.embed_dim:,}",
        _heads(config),
        f"{count_parameters(config):,}",
        f"{config.context_length:,}",
        "yes" if config.tie_embeddings else "no",
        row.new,
    )


def _constant(config: LanguageModelConfig) -> bool:
    """Whether what generation remembers does not grow."""
    return cache_bytes(config, 1) == cache_bytes(config, 2)


@singledispatch
def _heads(config: LanguageModelConfig) -> str:
    """Queries, and after a slash the keys they share; none where there is no attention."""
    return "-"


@_heads.register
def _(config: ModelConfig) -> str:
    if config.layer_heads:
        return f"{min(config.layer_heads)}-{config.num_heads}/{config.num_kv_heads}"
    shared = f"/{config.num_kv_heads}" if config.num_kv_heads < config.num_heads else ""
    return f"{config.num_heads}{shared}"


@_heads.register
def _(config: EncoderDecoderConfig) -> str:
    return str(config.num_heads)


@singledispatch
def _depth(config: LanguageModelConfig) -> str:
    """How many layers, and how often each of them runs."""
    return str(config.num_layers) + (f" x {config.block_repeat}" if config.block_repeat > 1 else "")


@_depth.register
def _(config: EncoderDecoderConfig) -> str:
    return f"{config.num_layers} + {config.num_layers}"


@singledispatch
def _inside(config: LanguageModelConfig) -> str:
    """The shape in a sentence."""
    raise NotImplementedError


@_inside.register
def _(config: ModelConfig) -> str:
    twice = f", each run {config.block_repeat} times" if config.block_repeat > 1 else ""
    ffn_dims = f"{min(config.layer_ffn_dims):,} to " if config.layer_ffn_dims else ""
    gate = "gated " if config.gated else ""
    return (
        f"{config.num_layers} layers{twice}, {config.embed_dim:,} wide; {_heads(config)} heads of "
        f"{config.head_dim}; feed-forward {ffn_dims}{config.ffn_dim:,} wide, {gate}{config.activation}."
    )


@_inside.register
def _(config: MambaConfig) -> str:
    return (
        f"{config.num_layers} layers, {config.embed_dim:,} wide; {config.inner_dim:,} channels of "
        f"{config.state_dim} numbers, a convolution over {config.conv_width} tokens."
    )


@_inside.register
def _(config: EncoderDecoderConfig) -> str:
    return (
        f"{config.num_layers} layers to read and {config.num_layers} to write, {config.embed_dim:,} wide; "
        f"{config.num_heads} heads of {config.head_dim}; feed-forward {config.ffn_dim:,} wide, relu."
    )


def _outside(config: LanguageModelConfig) -> str:
    """The rest of the shape in a sentence."""
    return (
        f"{config.vocab_size:,} tokens in the vocabulary, head {'' if config.tie_embeddings else 'not '}tied "
        f"to the embedding; context {config.context_length:,}; positions: {config.position}."
    )
