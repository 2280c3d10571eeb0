# %% [markdown]
# # Transformer
#
# *20 minutes of reading, 50 with the exercises; difficulty 4 of 5.*
#
# You have tokens, vectors, positions and attention. Little is missing for a whole model: a layer that computes,
# something that keeps the numbers in bounds, and a way to stack it all. Then the model is yours, and we can ask an
# engineer's question: **what can you know of a model before it exists?**
#
# More than one would think: how many parameters it has, how much work a token is, how much memory training takes, and
# its very first loss. In this lesson we predict all four (two of the formulas are yours), build the model, and look.
#
# After this lesson you can
#
# - write LayerNorm, RMSNorm, two feed-forward layers, and a block in two lines,
# - write the whole decoder, load real weights into it, and let it tell a story,
# - count GPT-2's 124,439,808 parameters on a sheet of paper,
# - derive the first loss of an untrained model, and say what a wrong one means,
# - say how large the start values must be, and what happens when they are not.
#
# This is where we are going: the small model that comes with the course, taken apart.

# %%
import math
import os

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from checks import check, hint, progress, reference
from slmlib.config import ModelConfig, TrainConfig
from slmlib.devices import choose_device
from slmlib.model.counts import count_parameters, flops_per_token, parameters_by_part, training_memory
from slmlib.model.decoder import Decoder
from slmlib.model.families import family
from slmlib.model.feedforward import FeedForward
from slmlib.model.memory import kept_for_backward
from slmlib.model.positions import rope_angles, rotate
from slmlib.plots import Table, bars, lines
from slmlib.presets import default_preset
from slmlib.shipped import load_model
from slmlib.text.baselines import baseline_losses
from slmlib.text.prepare import prepare
from slmlib.training.optimizers import build_optimizer
from slmlib.utilization import PEAK_TFLOPS
from slmlib.widgets.parameter_calculator import ParameterCalculator

FAST = bool(os.environ.get("SLM_FAST"))  # small sizes, for tests
device = choose_device()

# %%
shipped = load_model()
parts = {name: count for name, count in parameters_by_part(shipped.model.config).items() if count}
total = sum(parts.values())
bars(
    parts,
    f"Of {total:,} learned numbers, {parts['feedforward'] / total:.0%} stand in the feed-forward layers",
    write=lambda count: f"{count:,.0f}",
)

# %% [markdown]
# Attention, the famous part, is the smallest. The table of tokens and the feed-forward layers hold the rest. (This
# model's norms learn nothing, so they do not appear.)
#
# ## 1. Norms keep numbers in bounds
#
# In the models of this course every layer *adds* to a token's vector (section 3 says why), and after many layers it may
# be a hundred times as large as at the beginning, or larger. The next layer would have to cope with inputs of any size.
# A **norm** gives it inputs of one size. For one token's vector $x$ of $D$ numbers:
#
# $$\text{LayerNorm}(x) = g \cdot \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + b, \qquad
# \mu = \frac1D \sum_i x_i, \quad \sigma^2 = \frac1D \sum_i (x_i - \mu)^2$$
#
# $$\text{RMSNorm}(x) = g \cdot \frac{x}{\sqrt{\frac1D \sum_i x_i^2 + \epsilon}}$$
#
# The **gain** $g$ and the **bias** $b$ are learned vectors. $\epsilon$ is tiny; it keeps the divisor above zero when
# the vector is all zeros. LayerNorm ([Ba et al. 2016](https://arxiv.org/abs/1607.06450)) is what GPT-2 uses. RMSNorm
# ([Zhang and Sennrich 2019](https://arxiv.org/abs/1910.07467)) leaves the mean alone, is as good and cheaper, and
# stands in nearly every newer model.
#
# ### Exercise 07.1: Two norms
# Write both with plain tensor operations. Each token is normed by itself, over the last axis.


# %%
def layer_norm(x: torch.Tensor, gain: torch.Tensor, bias: torch.Tensor, eps: float) -> torch.Tensor:
    """LayerNorm over the last axis. x: (..., dim); gain, bias: (dim,)."""
    ### BEGIN SOLUTION
    mean = x.mean(dim=-1, keepdim=True)
    variance = (x - mean).square().mean(dim=-1, keepdim=True)
    return gain * (x - mean) / (variance + eps).sqrt() + bias
    ### END SOLUTION


def rms_norm(x: torch.Tensor, gain: torch.Tensor, eps: float) -> torch.Tensor:
    """RMSNorm over the last axis. x: (..., dim); gain: (dim,)."""
    ### BEGIN SOLUTION
    return gain * x / (x.square().mean(dim=-1, keepdim=True) + eps).sqrt()
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("07.1")

# %%
torch.manual_seed(0)
x, gain, bias = 5 + 3 * torch.randn(2, 7, 48), torch.randn(48), torch.randn(48)
torch.testing.assert_close(
    layer_norm(x, gain, bias, 1e-5), F.layer_norm(x, (48,), gain, bias, 1e-5), atol=1e-5, rtol=0
)
torch.testing.assert_close(rms_norm(x, gain, 1e-5), F.rms_norm(x, (48,), gain, 1e-5), atol=1e-5, rtol=0)
print("both equal to PyTorch's, to 1e-5")
one = torch.ones(48)
for factor in (0.01, 1.0, 100.0):
    print(
        f"input times {factor:6}: root mean square {rms_norm(factor * x, one, 1e-5).square().mean().sqrt():.4f}"
    )

# %% [markdown]
# Whatever the size that goes in, size 1 comes out. (A little less in the first line: beside so small an input
# $\epsilon$ = 1e-5 is no longer nothing.) RMSNorm keeps a vector's direction and forgets its length; LayerNorm first
# removes the part along $(1, 1, \dots, 1)$.
#
# ## 2. Feed-forward: where each token thinks alone
#
# Attention only mixes what is there. The **feed-forward layer** (also **MLP**, multi-layer perceptron) computes
# something new, for every token by itself: go up to a wider vector, bend it with a function that is not a straight line
# (an **activation function**), go down again. The bend is what counts; without it two matrices are no more than one.
#
# GPT-2's bend is **GELU** ([Hendrycks and Gimpel 2016](https://arxiv.org/abs/1606.08415)): $x \cdot \Phi(x)$, where
# $\Phi(x)$ is the probability that a standard normal number is below $x$ (GPT-2 computes a close approximation of
# it). Llama's layer has a **gate**: a second wide vector, bent by SiLU, $x \cdot \text{sigmoid}(x)$ with
# $\text{sigmoid}(x) = 1 / (1 + e^{-x})$, multiplies the first. That is **SwiGLU** ([Shazeer
# 2020](https://arxiv.org/abs/2002.05202)):
#
# $$\text{MLP}(x) = W_{down}\, \text{GELU}(W_{up}\, x) \qquad
# \text{SwiGLU}(x) = W_{down} \left( \text{SiLU}(W_{gate}\, x) \odot W_{up}\, x \right)$$
#
# ### Exercise 07.2: Two feed-forward layers
# Write both. Weights are `(outputs, inputs)`, as `nn.Linear` keeps them. `F.gelu` and `F.silu` may be used.


# %%
def gelu_mlp(x: torch.Tensor, up: torch.Tensor, down: torch.Tensor) -> torch.Tensor:
    """x: (..., dim), up: (ffn_dim, dim), down: (dim, ffn_dim) -> (..., dim)."""
    ### BEGIN SOLUTION
    return F.gelu(x @ up.T) @ down.T
    ### END SOLUTION


def swiglu(x: torch.Tensor, gate: torch.Tensor, up: torch.Tensor, down: torch.Tensor) -> torch.Tensor:
    """x: (..., dim), gate and up: (ffn_dim, dim), down: (dim, ffn_dim) -> (..., dim)."""
    ### BEGIN SOLUTION
    return (F.silu(x @ gate.T) * (x @ up.T)) @ down.T
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("07.2")

# %% [markdown]
# Three matrices instead of two would be half as many parameters again. For a fair comparison the gated layer is made
# narrower: $3 D F' = 2 D \cdot 4D$ gives $F' = \frac83 D$, rounded so that the hardware likes it.

# %%
rows = []
for name, switches in (
    ("GELU MLP", dict(activation="gelu")),
    ("SwiGLU", dict(activation="silu", gated=True)),
):
    config = ModelConfig(vocab_size=50257, embed_dim=768, num_heads=12, **switches)
    layer = FeedForward(config)
    rows.append((name, config.ffn_dim, sum(one.numel() for one in layer.parameters())))
    x = torch.randn(3, 768)
    ours = (
        swiglu(x, layer.gate.weight, layer.up.weight, layer.down.weight)
        if config.gated
        else gelu_mlp(x, layer.up.weight, layer.down.weight)
    )
    torch.testing.assert_close(ours, layer(x), atol=1e-5, rtol=0)
print("yours are equal to slmlib's, to 1e-5")
Table("At a width of 768", ("feed-forward", "ffn_dim", "parameters"), rows)

# %% [markdown]
# The small models of this course use a third bend, the square of **ReLU**. ReLU itself is the simplest bend there is:
# $\max(0, x)$, negative numbers become 0. Its square did better than GELU and gated layers in the tests of [So et al.
# 2021](https://arxiv.org/abs/2109.08668), and needs neither an exponential nor a third matrix.
#
# ## 3. The residual stream
#
# How to stack? The idea that made depth possible: **a layer does not replace the vector, it adds to it**
# ([He et al. 2015](https://arxiv.org/abs/1512.03385)). Every token has one vector that runs from the bottom to the
# top, the **residual stream**. Each layer reads a normed copy, computes, and adds what it found:
#
# $$x \leftarrow x + \text{Attention}(\text{norm}_1(x)), \qquad x \leftarrow x + \text{FeedForward}(\text{norm}_2(x))$$
#
# Two lines; together they are a **block**, and a model is blocks on blocks.
#
# ### Exercise 07.3: The block in two lines
# The layers and norms come as functions, and `x` is `(batch, time, embed_dim)`. Return the new stream.


# %%
def block(x, attention, feedforward, attention_norm, feedforward_norm):
    """One pre-norm block: (batch, time, embed_dim) -> (batch, time, embed_dim). The four others are functions."""
    ### BEGIN SOLUTION
    x = x + attention(attention_norm(x))
    return x + feedforward(feedforward_norm(x))
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("07.3")

# %% [markdown]
# **Compared with code that is not ours.** `nn.TransformerEncoderLayer` is a whole block. With `norm_first=True` it is
# yours, **pre-norm**, built of your parts. With `norm_first=False` it is the block of 2017, **post-norm**, which
# norms after adding:


# %%
def post_norm_block(x, attention, feedforward, attention_norm, feedforward_norm):
    """The block of Vaswani et al. 2017: the stream itself is normed, after each addition."""
    x = attention_norm(x + attention(x))
    return feedforward_norm(x + feedforward(x))


torch.manual_seed(1)
hidden = nn.Transformer.generate_square_subsequent_mask(9)
x = torch.randn(2, 9, 48)
for ours, pre in ((block, True), (post_norm_block, False)):
    theirs = nn.TransformerEncoderLayer(
        48, 4, 192, dropout=0.0, activation="gelu", batch_first=True, norm_first=pre
    )
    for name, parameter in theirs.named_parameters():
        if parameter.dim() == 1 and not name.startswith("self_attn"):
            nn.init.zeros_(parameter) if "linear" in name else nn.init.normal_(parameter)
    first, second = theirs.norm1, theirs.norm2
    result = ours(
        x,
        lambda y, theirs=theirs: theirs.self_attn(y, y, y, attn_mask=hidden, need_weights=False)[0],
        lambda y, theirs=theirs: gelu_mlp(y, theirs.linear1.weight, theirs.linear2.weight),
        lambda y, norm=first: layer_norm(y, norm.weight, norm.bias, norm.eps),
        lambda y, norm=second: layer_norm(y, norm.weight, norm.bias, norm.eps),
    )
    torch.testing.assert_close(result, theirs(x, src_mask=hidden), atol=1e-5, rtol=0)
    print(f"{'pre' if pre else 'post'}-norm: equal to nn.TransformerEncoderLayer, to 1e-5")

# %% [markdown]
# ### Pre or post? Look at depth
#
# Who is right, 2017 or today? We stack up to 64 random blocks, nothing trained, and measure two things. First: how
# large is the stream after each block?


# %%
def random_layers(num_layers: int, dim: int = 64) -> list[tuple]:
    """For each block an attention and a feed-forward layer with random weights of usual size."""
    torch.manual_seed(0)
    return [
        ([torch.randn(dim, dim) / dim**0.5 for _ in range(4)],
         [torch.randn(4 * dim, dim) / dim**0.5, torch.randn(dim, 4 * dim) / (4 * dim) ** 0.5])
        for _ in range(num_layers)
    ]  # fmt: skip


def run(x: torch.Tensor, layers: list[tuple], kind: str) -> list[torch.Tensor]:
    """The stream after every block. x: (batch, time, dim); kind: pre-norm, post-norm or no norm."""

    def norm(y: torch.Tensor) -> torch.Tensor:
        return y if kind == "no norm" else F.layer_norm(y, y.shape[-1:])

    streams = []
    for attention_weights, mlp_weights in layers:

        def attention(y: torch.Tensor, weights: list = attention_weights) -> torch.Tensor:
            q, k, v = (y @ w.T for w in weights[:3])  # one head is enough here
            return F.scaled_dot_product_attention(q, k, v, is_causal=True) @ weights[3].T

        def feedforward(y: torch.Tensor, weights: list = mlp_weights) -> torch.Tensor:
            return gelu_mlp(y, *weights)

        form = post_norm_block if kind == "post-norm" else block
        x = form(x, attention, feedforward, norm, norm)
        streams.append(x)
    return streams


num_layers = 12 if FAST else 64
x = torch.randn(4, 32, 64)
sizes = {
    kind: (
        list(range(1, num_layers + 1)),
        [stream.square().mean().sqrt().item() for stream in run(x, random_layers(num_layers), kind)],
    )
    for kind in ("no norm", "pre-norm", "post-norm")
}
shown = min(16, num_layers)  # beyond that it would only squeeze the other two
sizes[f"no norm, {shown} blocks"] = tuple(side[:shown] for side in sizes.pop("no norm"))
lines(
    sizes,
    "Without norms the stream explodes; pre-norm lets it grow slowly, post-norm holds it at 1",
    xlabel="block",
    ylabel="root mean square of the stream",
    log_y=True,
    markers=False,
    write=lambda size: f"{size:.3g}",
)

# %% [markdown]
# Without norms every block multiplies: exponential growth. With pre-norm every block reads an input of size 1 and
# adds something of about the same size, so the variance grows by a fixed amount a block, and the size like the
# square root of the depth. (All this is at the start: training may enlarge what a block adds.) Post-norm looks
# tidiest of all.
#
# Now the second measurement. The first steps of training move every weight by about the same small amount, the
# learning rate, in a direction that is still half noise (lesson 08). **If we move every weight by $\pm 0.003$ at
# random, how far does the output move?**

# %%
depths = [2, 4, 8, 16, 32, 64][: 3 if FAST else 6]
moved = {}
for kind in ("pre-norm", "post-norm"):
    shifts = []
    for depth in depths:
        layers = random_layers(depth)
        nudged = [
            tuple([w + 0.003 * torch.randn(w.shape).sign() for w in weights] for weights in pair)
            for pair in layers
        ]
        before, after = (F.layer_norm(run(x, some, kind)[-1], (64,)) for some in (layers, nudged))
        shifts.append(((after - before).square().mean() / before.square().mean()).sqrt().item())
    moved[kind] = (depths, shifts)
deepest = {kind: shifts[-1] for kind, (_, shifts) in moved.items()}
lines(
    moved,
    f"The same small step moves {depths[-1]} post-norm blocks {deepest['post-norm'] / deepest['pre-norm']:.1f} times as far",
    xlabel="blocks",
    ylabel="change of the output (1: as large as itself)",
    log_x=True,
    write=lambda shift: f"{shift:.0%}",
)

# %% [markdown]
# In a post-norm stack each norm shrinks the old stream and so gives the newest layers a large say: small changes add
# up on their way. A deep one needs a careful **warm-up**, that is, very small first steps, or it does not train at
# all ([Xiong et al. 2020](https://arxiv.org/abs/2002.04745); [Liu et al. 2020](https://arxiv.org/abs/2004.08249)
# measured just this). With pre-norm there is a straight road from the loss to every layer. The price: at the start late
# blocks add to a stream that is already large, so they matter less. (Training can change that. In the model that comes
# with the course, which you take apart below, the last block adds most.) With a dozen blocks or fewer, and with a
# warm-up, both train well.
#
# ### Read the stream on every floor
#
# Because all layers add to one and the same vector, we may ask at any height: what would the model say if it had to
# stop here? That is the **logit lens** ([nostalgebraist
# 2020](https://www.lesswrong.com/posts/AcKRB8wDpdaN6v6ru/interpreting-gpt-the-logit-lens)):

# %%
model, tokenizer = shipped.model, shipped.tokenizer
PROMPT = "Once upon a time, there was a little girl named Lily. She loved to"
prompt = torch.tensor([[tokenizer.end_of_text, *tokenizer.encode(PROMPT)]])  # (batch 1, time)
rows = []
with torch.no_grad():
    x, attention_inputs = model.embed(prompt)  # the second: the rotations and the mask that every block needs
    for height in range(len(model.blocks) + 1):
        chances = model.head(model.final_norm(x))[0, -1].softmax(-1)
        best = chances.topk(3)
        told = ", ".join(
            f"{tokenizer.decode([token])!r} {chance:.0%}"
            for token, chance in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        )
        rows.append(
            (f"after block {height}" if height else "embedding", x.square().mean().sqrt().item(), told)
        )
        if height < len(model.blocks):
            x = model.blocks[height](x, attention_inputs)
Table(f"{PROMPT} ...", ("where", "size of the stream", "what it would say"), rows)

# %% [markdown]
# At the bottom the stream is the last token itself. Block by block it turns into the next one. (In the embedding row
# the tied head finds its own input.)
#
# ## 4. The whole model
#
# All parts are there. From the bottom to the top, as the models of this course have it:
#
# 1. the table of tokens (lesson 04), then an RMSNorm,
# 2. `num_layers` blocks. Attention: project, split heads, RMSNorm on every query and every key (*QK-norm*), rotate
#    both by their positions (RoPE, lesson 05), attend, merge, project. Feed-forward: up, square of ReLU, down,
# 3. an RMSNorm, and the table of tokens once more as the head: a logit is the dot product of the stream with
#    a token's vector (**tied**, lesson 04).
#
# No norm has a gain, no matrix a bias. How you cut it into classes is up to you. As a picture, with the tokens on top:
#
# ```
# tokens (batch, time)
#    |
#  table, RMSNorm
#    |
#    +---> RMSNorm ---> attention ------+    |
#    |                                  |    |
#    + <--------------------------------+    |  one block,
#    |                                       |  num_layers times
#    +---> RMSNorm ---> feed-forward ---+    |
#    |                                  |    |
#    + <--------------------------------+    |
#    |
#  RMSNorm, table once more (the head)
#    |
# logits (batch, time, vocab_size)
# ```
#
# ### Exercise 07.4: The whole model
# `StoryModel(config)` builds it, `forward(tokens)` gives logits, and `load(weights)` copies trained weights in. They
# have these names: `embedding.weight`, and for each block `i` `blocks.i.attention.query.weight` (and `key`, `value`,
# `output`), `blocks.i.feedforward.up.weight` (and `down`); and `head.weight`, the same table under a second name: leave
# it.
#
# What you need, one piece after the other:
#
# - `nn.Embedding(vocab_size, embed_dim)` is a table; `nn.Linear(inputs, outputs, bias=False)` is a matrix. Each keeps
#   its numbers in `.weight`, a linear one as `(outputs, inputs)`, and `linear(x)` is `x @ linear.weight.T`.
# - `nn.Embedding` draws its first numbers with a standard deviation of 1. That is far too much for a table that is the
#   head as well; section 6 shows what it does. So draw them again: `nn.init.normal_(self.embedding.weight, std=0.02)`.
# - A trained weight is copied in place, `linear.weight.copy_(...)`, and that inside `with torch.no_grad():`, because
#   torch refuses to change in place what it computes gradients for.
# - `nn.ModuleList([...])` is a list of such layers, and `nn.ModuleDict({...})` a dict of them. In a plain list the
#   model would not find their weights.
# - Bring `split_heads` and `merge_heads` from lesson 06: two lines each. `F.scaled_dot_product_attention(q, k, v,
#   is_causal=True)` is your `attend`.
# - `rope_angles(torch.arange(time), head_dim)` gives `cos` and `sin`, each `(time, head_dim / 2)`. `rotate(x, cos, sin)`
#   wants heads already split, `(batch, heads, time, head_dim)`, and returns that shape.
# - A norm is `F.rms_norm(x, x.shape[-1:], eps=config.norm_eps)`; it serves the stream and single heads alike. The
#   square of ReLU is `F.relu(x).square()`. Then `block(x, attention, feedforward, norm, norm)` from 07.3 is one layer.
#
# If the logits are wrong, do not search all of it at once: the cell below your class compares it with slmlib's model
# stage by stage, and names the first stage that differs. Mend that one, and run both cells again.


# %%
class StoryModel(nn.Module):
    """A decoder. config: vocab_size, embed_dim, num_layers, num_heads, head_dim, ffn_dim, norm_eps."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        ### BEGIN SOLUTION
        dim, wide = config.embed_dim, config.ffn_dim
        shapes = {"query": (dim, dim), "key": (dim, dim), "value": (dim, dim), "output": (dim, dim)}
        shapes |= {"up": (dim, wide), "down": (wide, dim)}
        self.embedding = nn.Embedding(config.vocab_size, dim)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.layers = nn.ModuleList(
            nn.ModuleDict({name: nn.Linear(*shape, bias=False) for name, shape in shapes.items()})
            for _ in range(config.num_layers)
        )
        ### END SOLUTION

    def load(self, weights: dict[str, torch.Tensor]) -> None:
        """Copy weights into this model, by the names above."""
        ### BEGIN SOLUTION
        with torch.no_grad():
            self.embedding.weight.copy_(weights["embedding.weight"])
            for i, layer in enumerate(self.layers):
                for name, linear in layer.items():
                    part = "feedforward" if name in ("up", "down") else "attention"
                    linear.weight.copy_(weights[f"blocks.{i}.{part}.{name}.weight"])
        ### END SOLUTION

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """tokens: (batch, time) -> logits: (batch, time, vocab_size)."""
        ### BEGIN SOLUTION
        batch, time = tokens.shape
        heads, head_dim = self.config.num_heads, self.config.head_dim
        cos, sin = rope_angles(torch.arange(time, device=tokens.device), head_dim)

        def norm(x: torch.Tensor) -> torch.Tensor:
            return F.rms_norm(x, x.shape[-1:], eps=self.config.norm_eps)

        x = norm(self.embedding(tokens))  # (batch, time, embed_dim)
        for layer in self.layers:

            def attention(x: torch.Tensor, layer: nn.ModuleDict = layer) -> torch.Tensor:
                q, k, v = (
                    layer[name](x).view(batch, time, heads, head_dim).transpose(1, 2)
                    for name in ("query", "key", "value")
                )  # (batch, heads, time, head_dim)
                q, k = rotate(norm(q), cos, sin), rotate(norm(k), cos, sin)
                mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
                return layer["output"](mixed.transpose(1, 2).flatten(2))  # (batch, time, embed_dim)

            def feedforward(x: torch.Tensor, layer: nn.ModuleDict = layer) -> torch.Tensor:
                return layer["down"](F.relu(layer["up"](x)).square())

            x = block(x, attention, feedforward, norm, norm)
        return norm(x) @ self.embedding.weight.T
        ### END SOLUTION


# %%
@torch.no_grad()
def stages_of_slmlib(tokens: torch.Tensor) -> dict[str, torch.Tensor]:
    """The stream of slmlib's model from the table upwards, and what each layer adds to it."""
    x, attention_inputs = model.embed(tokens)
    found = {"table and norm": x}
    for number, layer in enumerate(model.blocks, 1):
        found[f"block {number}: attention adds"] = added = layer.attention(
            layer.attention_norm(x), attention_inputs
        )
        x = x + added
        found[f"block {number}: feed-forward adds"] = added = layer.feedforward(layer.feedforward_norm(x))
        x = x + added
        found[f"block {number}: the stream after it"] = x
    return found | {"logits": model.head(model.final_norm(x))}


@torch.no_grad()
def stages_of_yours(tokens: torch.Tensor) -> dict[str, torch.Tensor]:
    """The same of StoryModel with the same weights, by listening whenever it calls `block`."""
    global block
    found, own = {}, block

    def note(name: str, value: torch.Tensor) -> torch.Tensor:
        found[name] = value
        return value

    def listening(x, attention, feedforward, *norms, **named):
        number = 1 + sum("after" in name for name in found)
        found.setdefault("table and norm", x)
        x = own(
            x,
            lambda y: note(f"block {number}: attention adds", attention(y)),
            lambda y: note(f"block {number}: feed-forward adds", feedforward(y)),
            *norms,
            **named,
        )
        return note(f"block {number}: the stream after it", x)

    block = listening
    try:
        yours = StoryModel(model.config)
        yours.load(model.state_dict())
        return found | {"logits": yours(tokens)}
    finally:
        block = own


def where_do_i_part() -> Table | None:
    """Both side by side, up to the first stage that differs."""
    try:
        yours = stages_of_yours(prompt)
    except Exception as error:  # not written yet, or it does not run yet
        print(f"Nothing to compare yet. {type(error).__name__}: {error}")
        return None
    if len(yours) == 1:
        print("Your forward does not call `block`, so this cell sees only the logits. By hand: compare your")
        print(
            "attention(norm(x)) with model.blocks[0].attention(norm(x), attention_inputs), and go on from there."
        )
    rows = []
    for name, theirs in stages_of_slmlib(prompt).items():
        ours = yours.get(name)
        if ours is None:
            continue
        same_shape = ours.shape == theirs.shape
        apart = (ours - theirs).abs().max().item() if same_shape else math.inf
        size, wanted = (part.square().mean().sqrt().item() for part in (ours, theirs))
        rows.append((name, size, wanted, f"{apart:.0e}"))
        if not apart < 1e-3 * max(wanted, 1.0):
            told = "" if same_shape else f", with shape {tuple(ours.shape)} and not {tuple(theirs.shape)}"
            return Table(f"It parts here: {name}{told}", COLUMNS, rows)
    return Table("It never parts", COLUMNS, rows)


COLUMNS = ("stage", "your size", "slmlib's size", "largest difference")
where_do_i_part()

# %% tags=["nbval-check-output"]
check("07.4")

# %% [markdown]
# And now the real weights. First the logits beside those of slmlib's model, then a story from your own code: always
# the likeliest token (lesson 10 does better).

# %%
mine = StoryModel(model.config)
mine.load(model.state_dict())
with torch.no_grad():
    torch.testing.assert_close(mine(prompt), model(prompt), atol=1e-4, rtol=1e-5)
print("logits: the same as slmlib's model")

row = prompt
with torch.no_grad():
    for _ in range(10 if FAST else 60):
        likeliest = mine(row[:, -model.config.context_length :])[:, -1].argmax(-1, keepdim=True)  # (1, 1)
        if likeliest.item() == tokenizer.end_of_text:
            break
        row = torch.cat((row, likeliest), dim=1)
print(tokenizer.decode(row[0, 1:].tolist()))

# %% [markdown]
# **The real one** is [slmlib/model/decoder.py](../slmlib/model/decoder.py). It does what yours does, and its config
# has a switch for every choice in which published models differ: GPT-2, Llama and others are rows of data in
# [families.py](../slmlib/model/families.py). The tests of this repository compare each with its Hugging Face class.
#
# ## 5. Four prophecies
#
# ### How many parameters?
#
# GPT-2 differs from your model in a few things: learned positions, GELU, LayerNorm with gain and bias (two in every block,
# one at the end), and a bias for each of the matrices in its blocks. It has no norm after its tables,
# and none on queries and keys. Its head is tied, its `ffn_dim` is 4 times `embed_dim`.
#
# ### Exercise 07.5: Count before you build
# Return the exact number of parameters of a GPT-2 of any size.


# %%
def gpt2_parameters(vocab_size: int, context_length: int, embed_dim: int, num_layers: int) -> int:
    """Every learned number, once."""
    ### BEGIN SOLUTION
    attention = 4 * (embed_dim * embed_dim + embed_dim)  # query, key, value, output, each with a bias
    feedforward = 2 * 4 * embed_dim * embed_dim + 4 * embed_dim + embed_dim
    norm = 2 * embed_dim
    tables = (vocab_size + context_length) * embed_dim
    return tables + num_layers * (attention + feedforward + 2 * norm) + norm
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("07.5")

# %% [markdown]
# The proof is the model itself. On the **meta device** tensors have shapes and no contents, so even the
# largest is built at once and takes no memory:

# %% tags=["nbval-check-output"]
rows = []
for name in ("gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl"):
    config = family(name)
    with torch.device("meta"):
        giant = Decoder(config)
        logits = giant(torch.empty(1, config.context_length, dtype=torch.long))
    counted = gpt2_parameters(config.vocab_size, config.context_length, config.embed_dim, config.num_layers)
    built = sum(parameter.numel() for parameter in giant.parameters())
    rows.append((name, counted, built, " x ".join(map(str, logits.shape))))
    assert counted == built
Table("GPT-2, predicted and built", ("model", "your count", "the model has", "its logits"), rows)

# %% [markdown]
# 124,439,808 it is. The paper's table says 117M, an error its authors later corrected. Count the head twice and you get
# 163 million: ask of every published size whether the embedding was counted once, twice or not at all.
#
# ### How much work?
#
# A matrix of $P$ numbers times a vector costs $P$ multiplications and $P$ additions: $2P$ operations. So a forward
# pass costs 2 operations per parameter and token, where the head counts and a table that is only looked up does not.
# Going backward costs twice as much, because each product becomes two: for the gradient of the input and for that of
# the weights. Together that is $6P$, the rule of thumb for training. The scores and mixtures of attention come on
# top: $2 T D$ a layer forward, counting only what the mask lets through (lesson 06).
#
# Work turns into time: tokens times operations per token, divided by what the machine does in a second, is the number
# of seconds. A whole training of $N$ parameters on $D$ tokens costs about $6 N D$ operations. ($D$ is the number of
# tokens here, not the width.) No machine does all the time what its maker promises. The share is its **utilization**
# (MFU, *model FLOPs utilization*): the operations that the model needs, divided by those that were possible in that
# time. For Llama 3 405B and its 15.6 trillion tokens, 38 to 43% are reported ([Grattafiori et al.
# 2024](https://arxiv.org/abs/2407.21783)):

# %% tags=["nbval-check-output"]
work = 6 * 405e9 * 15.6e12
possible = 16_384 * PEAK_TFLOPS["H100"] * 1e12  # in a second, by all GPUs of that training
days = work / (0.4 * possible) / (24 * 3600)
print(f"{work:.1e} operations; at 40% of what 16,384 H100s promise, {days:.0f} days")

# %% [markdown]
# Lesson 08 measures tokens a second, so there you can do the same sum for your own machine. On a GPU whose promise is
# published slmlib prints the share while it trains ([utilization.py](../slmlib/utilization.py)).
#
# ### How much memory?
#
# AdamW, the optimizer of lesson 08, remembers two running means for each weight. In float32 that makes 4 bytes for the
# weight, 4 for its gradient and 8 for the means: 16 bytes a parameter. On top come the **activations**: not the
# functions this time, but the results of every layer that the backward pass needs again. They grow with the batch, and
# in small models they are most of it. The logits alone are a batch × time × vocabulary block, more than once.
#
# ### Which first loss?
#
# A model that knows nothing should give each token the same probability, $1/V$, and have the loss $\ln V$. But its
# logits are not quite equal; they are random, and that costs something. How much?
#
# The head is tied: logit $j$ is the dot product $\sum_{i=1}^{D} x_i e_{ji}$ of the normed stream with row $j$ of the table, whose
# numbers were drawn with standard deviation $s$. After the norm $\sum x_i^2 = D$. So each logit is normal with mean 0 and variance
# $D s^2 = \sigma^2$. The loss is
#
# $$\ln \sum_{j=1}^{V} e^{z_j} - z_{target}.$$
#
# The second term is 0 on average. In the first, with so many terms, the sum is close to $V$ times the expected value of one term,
# and for a normal $z$ that of $e^z$ is $e^{\sigma^2/2}$. The last step is yours.
#
# ### Exercise 07.6: The first loss
# Return the expected loss before the first step. `init_std` is $s$.


# %%
def first_loss(vocab_size: int, embed_dim: int, init_std: float) -> float:
    """Expected loss before the first step, in nats per token."""
    ### BEGIN SOLUTION
    return math.log(vocab_size) + embed_dim * init_std**2 / 2
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("07.6")

# %% [markdown]
# $$\text{first loss} = \ln V + \frac{D s^2}{2}$$
#
# Now run. The model has the size of the course's preset for your machine, is started the way GPT-2 was, and gets one
# batch of stories. All predictions come from [counts.py](../slmlib/model/counts.py) and from you. The counter of
# operations is PyTorch's. We take only its plain matrix products, those of the layers and the head, and so leave out
# what happens inside SDPA.

# %%
data = prepare(vocab_size=4096, max_bytes=1_000_000 if FAST else 10_000_000, progress=False)
chosen = default_preset(device.type)  # on a GPU a larger one
size = chosen.model.change({"vocab_size": data.tokenizer.vocab_size, "initialization": "gpt2"})
batch_size = 16
inputs, targets = (
    part.to(device.type)
    for part in data.train.batch(0, batch_size=batch_size, context_length=size.context_length, seed=0)
)
newborn = Decoder(size, seed=0).to(device.type)
with FlopCounterMode(display=False) as counter:
    loss = newborn.loss(inputs, targets)
    loss.backward()
products = counter.get_flop_counts()["Global"][torch.ops.aten.mm]
optimizer = torch.optim.AdamW(newborn.parameters())
optimizer.step()
kept = kept_for_backward(lambda: newborn.loss(inputs, targets), newborn.parameters())

parameters = list(newborn.parameters())
state = sum(value.nbytes for one in optimizer.state.values() for value in one.values() if value.dim())
memory = training_memory(size, batch_size)
inside = 3 * size.num_layers * 2 * size.num_heads * size.head_dim * size.context_length  # scores and mixtures
Table(
    f"{size.num_layers} layers, {size.embed_dim} wide, {batch_size} windows of {size.context_length} tokens",
    ("what", "predicted", "measured"),
    [
        ("parameters", count_parameters(size), sum(one.numel() for one in parameters)),
        ("operations per token, in matrices", flops_per_token(size) - inside, products // inputs.numel()),
        (
            "bytes: weights and gradients",
            memory.weights + memory.gradients,
            sum(2 * one.nbytes for one in parameters),
        ),
        ("bytes: AdamW's state", memory.optimizer, state),
        ("bytes: activations and logits (an estimate)", memory.activations + memory.logits, kept),
        ("first loss", first_loss(size.vocab_size, size.embed_dim, size.init_std), loss.item()),
    ],
)

# %% [markdown]
# The first four are exact, to the last digit. The estimate is an estimate: it counts some tensors that PyTorch can do
# without. And the loss is a mean over a batch, near the prediction. In lesson 00 you compared a first loss with
# $\ln V$; now you know what the rest was.
#
# Put your own model together (in a running notebook with sliders and drop-downs; the arrow keys move them):

# %%
ParameterCalculator(size)

# %% [markdown]
# ## 6. Start values, and what breaks without them
#
# The formula says how large the start values may be: keep $D s^2 / 2$ small. Turn $s$ up and down, and see how far
# the prediction holds:

# %%
stds = [0.002, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7]
small = ModelConfig(
    vocab_size=data.tokenizer.vocab_size, context_length=32, embed_dim=128, num_layers=4, num_heads=2,
    initialization="gpt2",
)  # fmt: skip
few, answers = (
    part.to(device.type) for part in data.train.batch(0, batch_size=16, context_length=32, seed=0)
)
found = []
for std in stds:
    tried = Decoder(small.change({"init_std": std}), seed=0).to(device.type)
    with torch.no_grad():
        found.append(tried.loss(few, answers).item())
predicted = [first_loss(small.vocab_size, small.embed_dim, std) for std in stds]
lines(
    {"measured": (stds, found), "predicted": (stds, predicted)},
    f"The formula holds up to a loss of about {found[5]:.0f}; at 0.02 the model starts {found[2] - math.log(small.vocab_size):.2f} above ln V",
    xlabel="init_std",
    ylabel="loss before the first step",
    floors={"a uniform guess": math.log(small.vocab_size)},
    log_x=True,
    write=lambda loss: f"{loss:.2f}",
)

# %% [markdown]
# Why does it fail on the right? "The sum is close to $V$ times the expected value" needs many terms of similar size. When $\sigma$ grows
# beyond $\sqrt{2 \ln V}$, the largest few terms are nearly the whole sum, and the loss grows like
# $\sigma \sqrt{2 \ln V}$ instead of $\sigma^2/2$. (Physicists know this as the freezing of the random energy model.)
#
# And your own model? Here is its first loss, with a table drawn as in 07.4, and with one drawn as `nn.Embedding` does:

# %%
rows = []
for std in (0.02, 1.0):
    torch.manual_seed(0)
    yours = StoryModel(small)
    for parameter in yours.parameters():
        if parameter.shape == (small.vocab_size, small.embed_dim):  # the table, whatever its name
            nn.init.normal_(parameter, std=std)
    with torch.no_grad():
        scores = yours(few.cpu())  # (batch, time, vocab_size)
    loss = F.cross_entropy(scores.flatten(0, 1), answers.cpu().flatten()).item()
    again = scores.softmax(-1).gather(-1, few.cpu()[..., None]).mean().item()
    rows.append((std, loss, first_loss(small.vocab_size, small.embed_dim, std), f"{again:.1%}"))
Table(
    "StoryModel before its first step",
    ("numbers in the table", "first loss", "predicted", "chance it gives to the token it has just read"),
    rows,
)

# %% [markdown]
# With 1 the loss is far above even the formula, and the last column shows why: the model is certain that each token
# comes twice. This is a second trap, made by tying. The stream begins as the input token's own vector, so the model has a
# preference for saying the *same token again*, by a score of up to $D s$: here 2.6 with 0.02, and 128 with 1.
# GPT-2's blocks bury it under their noise.
# Our presets start the blocks silent (**`zero_output`**: the last matrix of each layer begins at zero), and nothing
# buries it; hence their smaller $s$ in wide models. The docstring of `init_weights` has the numbers.
#
# Does a wrong start matter once training begins? The same model, the same batches, five starts:

# %%
steps = 6 if FAST else 40
starts = {"0.02": 0.02, "far too small": 1e-5, "too large": 0.2, "far too large": 1.0, "all zero": 0.0}
plan = TrainConfig(learning_rate=1e-3)
curves, rows = {}, []
for name, std in starts.items():
    tried = Decoder(small.change({"init_std": std or 0.02}), seed=0).to(device.type)
    if std == 0.0:
        for parameter in tried.parameters():
            nn.init.zeros_(parameter)
    optimizer = build_optimizer(tried, plan)
    losses, gradient_norms = [], []
    for step in range(steps):
        few, answers = (
            part.to(device.type) for part in data.train.batch(step, batch_size=16, context_length=32, seed=0)
        )
        loss = tried.loss(few, answers)
        loss.backward()
        gradient_norms.append(nn.utils.clip_grad_norm_(tried.parameters(), math.inf).item())
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    curves[name] = (list(range(1, steps + 1)), losses)
    rows.append((name, losses[0], f"{gradient_norms[0]:.2g}", losses[-1]))
Table("Five starts", ("start", "first loss", "first gradient norm", f"loss at step {steps}"), rows)

# %%
far_off = curves.pop("far too large")  # beyond the top of the picture
lines(
    curves,
    "A start that is too large loses its first steps, one at zero loses all of them",
    xlabel="step",
    ylabel="training loss (nats per token)",
    floors=baseline_losses(data.train, data.valid),
    markers=False,
    write=lambda loss: f"{loss:.2f}",
)

# %% [markdown]
# - **All zero** has the most beautiful first loss of all, exactly $\ln V$, and a gradient of exactly zero: both
#   factors of every product are zero, so changing one of them alone does not help. It stays there for ever. A good
#   first loss is necessary, not sufficient. Look at the gradient too, and at the second loss.
# - **Far too small** lags at first and then nearly catches up. Norms enlarge whatever is small, and AdamW divides
#   each gradient by its size, so both forgive it. A model without norms, or plain gradient descent, would not.
# - **Too large** begins sure of itself and wrong, and spends its first steps unlearning that; then it is as good as any.
#   **Far too large** spends all its steps on it.
#
# A rule that works: matrices at $1/\sqrt{\text{inputs}}$ or somewhat below, tables such that $D s^2 \ll 1$, and what
# is added to the stream small or zero at first. GPT-2 divides its output matrices by $\sqrt{2 \cdot \text{layers}}$,
# the root of the number of additions, so that the stream ends up no larger in a deep model than in a shallow one.
#
# ## 7. Questions
#
# <details>
# <summary>Why does a block have two norms, and not one for both lines?</summary>
#
# After attention the stream has changed, so it has to be normed anew for the feed-forward layer. (GPT-J reads the same
# normed stream for both and adds both at once, a *parallel* block: one norm, and a little faster. In large models it
# costs almost nothing in loss.)
# </details>
#
# <details>
# <summary>A colleague's model of 32,000 tokens starts with a loss of 10.9. Well?</summary>
#
# $\ln 32{,}000$ is 10.37, so it starts 0.5 above. $D s^2/2 = 0.5$ means that the logits have variance 1. With
# $D = 2048$ that is an init_std of 0.022: as expected of a wide tied model. With $D = 256$ it would be 0.063, three
# times the usual; ask. If the loss were *below* 10.37, ask harder: an untrained model cannot know anything, so
# something leaks, or the targets are not shifted.
# </details>
#
# <details>
# <summary>In large models most of the parameters are in the feed-forward layers. What do they hold?</summary>
#
# One reading: row $i$ of $W_{up}$ is a pattern to look for, column $i$ of $W_{down}$ what to add when it is found, a memory of key and
# value pairs ([Geva et al. 2021](https://arxiv.org/abs/2012.14913)). Facts about the world seem to be kept there, and can be edited there
# ([Meng et al. 2022](https://arxiv.org/abs/2202.05262)).
# </details>
#
# <details>
# <summary>Why is the head tied? Would a table of its own not be better?</summary>
#
# For large models it is, and most of them untie. In a small one the table is a large share already (see the first
# picture), and a second table would double it. The parameters are better spent on layers.
# </details>
#
# ## What comes next
#
# You have written a whole language model, and you know its cost before it runs. What it lacks is training, and lesson
# 08 gives it that: the loop that turns batches into a better model. What to take along: **norm, compute, add; count
# before you build; and the first loss is ln V plus half the variance of the logits.**

# %%
progress()
