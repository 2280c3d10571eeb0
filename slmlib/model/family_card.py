"""The table of families, and one row of it counted part by part, as text for a terminal."""

from slmlib.config import ModelConfig
from slmlib.model.counts import cache_bytes, count_parameters, parameters_by_part, training_memory
from slmlib.model.families import CATALOG, Family


def listing() -> str:
    """All families, one a line: name, year, layers, width, heads, parameters, context, tied, what was new."""
    head = ("name", "year", "layers", "width", "heads", "parameters", "context", "tied", "what was new")
    rows = [head, *(_line(name, row) for name, row in CATALOG.items())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    left = (0, 7, 8)
    lines = (
        "  ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
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
            *(f"  {sentence}" for sentence in _shape(config)),
            "",
            "Parameters",
            *(f"  {part:<24}{size:>18,}  {size / total:>6.1%}" for part, size in parts.items()),
            f"  {'together':<24}{total:>18,}  {1:>6.1%}",
            "",
            f"Memory to train it in float32, one window of {config.context_length:,} tokens at a time",
            *(f"  {use:<24}{size / 1e9:>15,.2f} GB" for use, size in uses.items()),
            "",
            f"To generate {config.context_length:,} tokens it remembers keys and values: "
            f"{cache_bytes(config, config.context_length) / 1e9:,.3f} GB in float32.",
        )
    )


def _line(name: str, row: Family) -> tuple[str, ...]:
    config = row.config
    return (
        name,
        str(row.year),
        str(config.num_layers) + (f" x {config.block_repeat}" if config.block_repeat > 1 else ""),
        f"{config.embed_dim:,}",
        _heads(config),
        f"{count_parameters(config):,}",
        f"{config.context_length:,}",
        "yes" if config.tie_embeddings else "no",
        row.new,
    )


def _heads(config: ModelConfig) -> str:
    """Queries, and after a slash the keys they share."""
    if config.layer_heads:
        return f"{min(config.layer_heads)}-{config.num_heads}/{config.num_kv_heads}"
    shared = f"/{config.num_kv_heads}" if config.num_kv_heads < config.num_heads else ""
    return f"{config.num_heads}{shared}"


def _shape(config: ModelConfig) -> tuple[str, ...]:
    """The shape in sentences."""
    twice = f", each run {config.block_repeat} times" if config.block_repeat > 1 else ""
    ffn_dims = f"{min(config.layer_ffn_dims):,} to " if config.layer_ffn_dims else ""
    gate = "gated " if config.gated else ""
    return (
        f"{config.num_layers} layers{twice}, {config.embed_dim:,} wide; {_heads(config)} heads of "
        f"{config.head_dim}; feed-forward {ffn_dims}{config.ffn_dim:,} wide, {gate}{config.activation}.",
        f"{config.vocab_size:,} tokens in the vocabulary, head {'' if config.tie_embeddings else 'not '}tied "
        f"to the embedding; context {config.context_length:,}; positions: {config.position}.",
    )
