"""What a model of any size would cost, before anything is allocated: turn a dial, read the bill.

    ParameterCalculator(preset("1M").model)

Every number comes from `slmlib.model.counts`, so it is the number of a model that could really be built.
"""

from typing import TYPE_CHECKING

from slmlib.config import ModelConfig
from slmlib.model.counts import count_parameters, flops_per_token, parameters_by_part, training_memory
from slmlib.plots.table import Table
from slmlib.widgets.base import WHOLE_NAME, Page, Widget, choice, slider, view

if TYPE_CHECKING:
    import ipywidgets

VOCABULARIES = (256, 1024, 4096, 8192, 16384, 32000, 50257, 128256)
WIDTHS = (64, 128, 192, 256, 384, 512, 768, 1024, 1280, 1600, 2048, 4096)
HEADS = (1, 2, 4, 6, 8, 12, 16, 20, 25, 32)
BAR = 24
"""Characters of the longest bar."""


class ParameterCalculator(Widget):
    """Parameters by part, work per token and memory to train; live, sliders and drop-downs change the model.

    config: the model to begin with; what no control changes (norms, positions, biases, tying) stays as it is.
    micro_batch_size: windows that go through the model at once, for the memory.
    """

    def __init__(self, config: ModelConfig, micro_batch_size: int = 16):
        self.config, self.micro_batch_size = config, micro_batch_size

    def still(self) -> Page:
        """The bill of the model to begin with."""
        return _page(self.config, self.micro_batch_size)

    def controls(self) -> "ipywidgets.Widget":
        """One control for every size over the bill."""
        import ipywidgets

        config = self.config
        feedforward = ipywidgets.Dropdown(
            options=[("two matrices, 4 x width", False), ("SwiGLU: three matrices, 8/3 x width", True)],
            value=config.gated,
            description="Feed-forward",
            style=WHOLE_NAME,
        )
        return view(
            self.bill,
            vocab_size=_choice("Vocabulary", VOCABULARIES, config.vocab_size),
            num_layers=slider("Layers", max(48, config.num_layers), config.num_layers, lowest=1),
            embed_dim=_choice("Width", WIDTHS, config.embed_dim),
            num_heads=_choice("Heads", HEADS, config.num_heads),
            num_kv_heads=_choice("Key heads", HEADS, config.num_kv_heads),
            gated=feedforward,
        )

    def bill(
        self,
        vocab_size: int,
        num_layers: int,
        embed_dim: int,
        num_heads: int,
        num_kv_heads: int,
        gated: bool,
    ) -> Page:
        """What such a model costs; ConfigError says why there is no such model."""
        changes = {
            "vocab_size": vocab_size,
            "num_layers": num_layers,
            "embed_dim": embed_dim,
            "num_heads": num_heads,
            "num_kv_heads": num_kv_heads,
            "gated": gated,
            "head_dim": 0,
            "ffn_dim": 0,
        }
        if (gated, embed_dim) == (self.config.gated, self.config.embed_dim):
            changes["ffn_dim"] = self.config.ffn_dim
        return _page(self.config.change(changes), self.micro_batch_size)


def _page(config: ModelConfig, micro_batch_size: int) -> Page:
    total = count_parameters(config)
    parts = parameters_by_part(config)
    largest = max(parts.values())
    rows = [
        (name, count, f"{count / total:.0%}", "█" * round(BAR * count / largest))
        for name, count in parts.items()
    ]
    rows.append(("all", total, "100%", ""))
    memory = training_memory(config, micro_batch_size)
    fixed = memory.weights + memory.gradients + memory.optimizer
    costs = [
        (
            "work per token, writing",
            f"{flops_per_token(config, training=False) / 1e6:,.1f} million operations",
        ),
        ("work per token, training", f"{flops_per_token(config) / 1e6:,.1f} million operations"),
        ("memory: weights, gradients, AdamW", f"{fixed / 1e6:,.0f} MB (16 bytes a parameter)"),
        (
            "memory: kept for the backward pass",
            f"about {(memory.activations + memory.logits) / 1e6:,.0f} MB "
            f"({micro_batch_size} windows of {config.context_length})",
        ),
    ]
    caption = (
        f"{config.num_layers} layers, {config.embed_dim} wide, {config.num_heads} heads on "
        f"{config.num_kv_heads} key heads, feed-forward {config.ffn_dim}, vocabulary {config.vocab_size:,}"
    )
    tables = (
        Table(caption, ("part", "parameters", "share", ""), rows),
        Table("Its costs", ("what", "how much"), costs),
    )
    return Page("".join(table._repr_html_() for table in tables), "\n".join(map(repr, tables)))


def _choice(description: str, options: tuple[int, ...], value: int) -> "ipywidgets.SelectionSlider":
    """A slider over usual sizes, with the present one among them."""
    return choice(description, [(f"{one:,}", one) for one in sorted({*options, value})], value)
