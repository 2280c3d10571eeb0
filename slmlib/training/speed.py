"""What makes a training step fast, and what each trick is worth.

All compute the same function; only the rounding differs: in bfloat16 numbers keep two to three digits.

| trick | why | switch |
|---|---|---|
| keep freed memory | glibc gives large blocks back to the system and pays for every page again | none, see \
`devices.keep_freed_memory` |
| bfloat16 products | twice the numbers in a register, where the hardware multiplies them | `dtype` |
| unfused attention | torch's fused CPU kernel is slow for short contexts, above all backward | `attention` |
| compiled blocks | the small steps between the products become one pass over memory | `compile` |
| chunked loss | the scores of a whole batch are never there at once, nor kept for the backward pass | \
`chunked_loss` |
| Muon in batches | one product for all matrices of one shape instead of one for each | none, see `muon` |

What those with a switch are worth: benchmarks/results/step_time.md, by `python benchmarks/step_time.py`.
"""

import importlib.util
import os
import platform
import shutil
import subprocess
import sysconfig
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from slmlib.config import LanguageModelConfig, ModelConfig, TrainConfig
from slmlib.devices import Device
from slmlib.model.attention import AttentionInputs
from slmlib.model.counts import flops_per_token
from slmlib.model.decoder import Decoder

LONGEST_UNFUSED = 256
"""Up to this context unfused attention wins on a CPU. It keeps a number for every pair of tokens, so that the
fused kernel has to win in the end."""

MOST_LOGITS = {"cpu": 2**23, "cuda": 2**28, "mps": 2**26}
"""How many logits a chunk of the loss has: enough for a fast product, few enough to leave the memory to the rest.
Those of GPUs are guesses, not measured."""

COMPILE_PAYS_AFTER = {"cpu": 60.0, "cuda": 120.0, "mps": float("inf")}
"""Seconds a run has to last to get back what compiling costs, between a first time and later ones. On two cores of an
Intel Xeon steps are then 1.48x as fast (benchmarks/results/step_time.md): a first compilation of 23 s is paid back after
71 s, one of 3 s out of torch's cache after 9; on two of an AMD EPYC 12 s and 1.28x, after 55. That of GPUs is a guess."""

TRUSTED_COMPILER = 11
"""From this version on, g++ and clang++ know the x86 instruction sets that torch makes use of, AVX512 and AMX."""

SMALLEST_CHANCE = 1e-38
"""What the chunked loss takes for a probability that is 0 in float32: a token then costs 87 nats, and not infinitely
many. Its gradient is exact."""

PRODUCT_RATE = {"cpu": 200e9, "cuda": 200e12, "mps": 5e12}
"""Floating-point operations a second in matrix products, typical of each kind of device."""


# --- deciding ---


def choose_tricks(
    model: LanguageModelConfig, train: TrainConfig, device: Device, seconds: float
) -> tuple[TrainConfig, str]:
    """`train` without an `auto` for attention and compile, and a sentence that gives the reasons.

    seconds: how long the run will last, about. Other models than the Decoder compute their loss themselves, without
    any trick.
    """
    if not isinstance(model, ModelConfig):
        plain = replace(train, attention="fused", compile="off")
        return plain, f"Speed: a {model.kind} trains as it is; the tricks are the decoder's."
    attention, compiled = train.attention, train.compile
    why = "asked for"
    if compiled == "auto":
        missing = missing_for_compiling(device)
        enough = COMPILE_PAYS_AFTER[device.type]
        compiled = "on" if seconds >= enough and not missing else "off"
        if missing:
            why = f"it could not work without {' and '.join(missing)}"
        elif compiled == "on":
            why = "the run is long enough for it to pay"
        else:
            why = "too short a run for it to pay" if enough < float("inf") else "never tried on this device"
    if attention == "auto":
        short = device.type == "cpu" and model.context_length <= LONGEST_UNFUSED
        attention = "unfused" if short else "fused"
    told = f"Speed: compile {compiled} ({why}), {attention} attention."
    return replace(train, attention=attention, compile=compiled), told


def seconds_of_steps(model: LanguageModelConfig, train: TrainConfig, device: Device) -> float:
    """About how long total_steps take on a typical device of this kind: an estimate, not a measurement."""
    tokens = train.total_steps * train.batch_size * model.context_length
    return tokens * flops_per_token(model) / PRODUCT_RATE[device.type]


def missing_for_compiling(device: Device) -> list[str]:
    """What torch.compile would need and is not here: a C++ compiler, Python's headers, on a GPU Triton."""
    missing = [] if cpp_compiler() else ["a C++ compiler"]
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        missing.append("Python.h (python3-dev)")
    if device.type == "cuda" and importlib.util.find_spec("triton") is None:
        missing.append("the triton package")
    return missing


def cpp_compiler() -> str:
    """The C++ compiler that torch.compile would find; "" without one."""
    names = (os.environ.get("CXX", ""), "g++", "clang++", "cl")
    return next((name for name in names if name and shutil.which(name)), "")


def compiling_options() -> dict[str, Any]:
    """Options for torch.compile that save time while it compiles, and only then.

    Before its first kernel torch tries out each instruction set of the processor with a small program of its own:
    11 of the 43 s of a first compilation here. A g++ or clang++ from version TRUSTED_COMPILER on is
    spared most of it.
    """
    compiler = cpp_compiler()
    if platform.machine() not in ("x86_64", "AMD64") or not compiler.endswith("g++"):  # clang++ does, too
        return {}
    said = subprocess.run([compiler, "-dumpversion"], capture_output=True, text=True, check=False).stdout
    version = said.split(".")[0].strip()
    return {"cpp.vec_isa_ok": True} if version.isdigit() and int(version) >= TRUSTED_COMPILER else {}


# --- computing ---


class FastLoss:
    """`Decoder.loss` with the tricks a config asks for: same arguments, same number up to rounding.

    What is still `auto` in the config is off.
    """

    def __init__(self, model: Decoder, config: TrainConfig):
        self.model, self.unfused = model, config.attention == "unfused"
        self.run_block = compiled_run_block() if config.compile == "on" else run_block
        self.chunked = config.chunked_loss and model.head.bias is None

    def __call__(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy in nats per token. inputs, targets: (B, T)."""
        model = self.model
        x, attention_inputs = model.embed(inputs, explicit_mask=self.unfused)
        attention_inputs = replace(attention_inputs, unfused=self.unfused)
        for block, _ in model.repeated_blocks():
            x = self.run_block(block, x, attention_inputs)
        if not self.chunked:
            logits = model.logits(x).flatten(0, 1)  # (B * T, V)
            return F.cross_entropy(logits.float(), targets.flatten())
        x = model.final_norm(x).flatten(0, 1)  # (B * T, D)
        return chunked_cross_entropy(x, model.head.weight, targets.flatten(), model.config.logit_scale)


def run_block(block: nn.Module, x: Tensor, attention_inputs: AttentionInputs) -> Tensor:
    """(B, T, D) -> (B, T, D). A function of its own, so that what is compiled for one block serves all of them."""
    return block(x, attention_inputs)


@cache
def compiled_run_block() -> Callable[[nn.Module, Tensor, AttentionInputs], Tensor]:
    """`run_block`, compiled: once a process, so that the model that trains reuses what was compiled for the one
    whose speed was measured."""
    return torch.compile(run_block, dynamic=False, options=compiling_options())


def chunked_cross_entropy(
    hidden: Tensor, weight: Tensor, targets: Tensor, scale: float = 1.0, most_logits: int = 0
) -> Tensor:
    """Mean cross-entropy of scale x hidden @ weight^T, with at most so many logits at once.

    hidden: (N, D), weight: (V, D), targets: (N,). Inside autocast the products are in its dtype, and
    in bfloat16 probabilities, too. most_logits: 0 means what MOST_LOGITS says.
    """
    kind = hidden.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else hidden.dtype
    chunk = max(1, (most_logits or MOST_LOGITS[kind]) // len(weight))
    loss: Tensor = ChunkedCrossEntropy.apply(
        hidden * scale if scale != 1 else hidden, weight, targets, chunk, dtype
    )
    return loss


class ChunkedCrossEntropy(torch.autograd.Function):
    """Head and loss in one, a chunk of tokens after the other; see `chunked_cross_entropy`.

    The gradient of a token's logits is softmax minus one-hot: known as soon as the logits are. So the forward
    pass already works out both gradients, and the backward pass only scales them (Hsu et al. 2024, Liger Kernel,
    arXiv 2410.10989, section 3.2).
    """

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, chunk: int, dtype: torch.dtype
    ) -> Tensor:
        """hidden: (N, D), weight: (V, D), targets: (N,); chunk: tokens at once; dtype: of the products."""
        x, w = hidden.to(dtype), weight.to(dtype)
        for_hidden, for_weight = torch.empty_like(x), torch.zeros_like(weight)
        total = torch.zeros((), device=hidden.device)
        # In bfloat16 the probabilities, too: the scores are rounded to it already. float16 ends at 6e-8.
        of_chances = torch.float32 if dtype == torch.float16 else dtype
        ones = torch.ones(len(weight), 1, dtype=of_chances, device=hidden.device)
        for part, right, for_part in zip(
            x.split(chunk), targets.split(chunk), for_hidden.split(chunk), strict=True
        ):
            gradient = (part @ w.T).softmax(dim=-1, dtype=of_chances)  # (chunk, V)
            at_right = torch.arange(len(right), device=right.device), right
            chance = gradient[at_right].float()  # (chunk,)
            gradient[at_right] = 0
            rest = (gradient @ ones)[:, 0].to(of_chances)  # 1 - chance, also where that is nearly 0
            gradient[at_right] = -rest
            unlikely = chance.clamp(min=SMALLEST_CHANCE).log()
            total -= torch.where(chance < 0.5, unlikely, torch.log1p(-rest.float())).sum()
            gradient = gradient.to(dtype)
            torch.mm(gradient, w, out=for_part)
            for_weight += gradient.T @ part
        ctx.save_for_backward(for_hidden, for_weight)
        return total / len(targets)

    @staticmethod
    def backward(ctx: Any, *above: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients of the sum, times what comes from above, divided by the number of tokens."""
        for_hidden, for_weight = ctx.saved_tensors
        scale = above[0] / len(for_hidden)
        return for_hidden * scale, for_weight * scale, None, None, None
