"""Which device, which number format, and why: decided here and nowhere else.

CUDA first, then the CPU; Apple's MPS only by request, because it has computed wrong losses without a word
before. Whatever is not a CPU passes a self-test first. bfloat16 is used only where the hardware multiplies it.
"""

import ctypes
import os
import platform
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from slmlib.config import DeviceType, DType
from slmlib.errors import ConfigError, first_line
from slmlib.ranks import launched

if TYPE_CHECKING:
    import torch

SELF_TEST_TOLERANCE = 1e-2
"""Largest accepted result of `self_test`. A right float32 gives about 1e-6, TF32 (10 bits) up to 1e-3; a
device that computes something else gives about 1."""

CGROUP = Path("/sys/fs/cgroup")
"""Where Linux tells a container what it may use (version 2 of control groups)."""

THE_CPU = "SLM_DEVICE=cpu (train also has --device cpu)"
"""How a person asks for it; only one command has a flag."""


@dataclass(frozen=True)
class Device:
    """A place to compute, the number format of its matrix products, and the reason for both."""

    type: DeviceType
    """`cuda`, `cpu` or `mps`, as torch names it."""
    name: str
    """The product's own name, for people."""
    dtype: DType
    """`float32`, `bfloat16` or `float16`: inside matrix products only; weights stay float32."""
    reason: str
    """Why this dtype, in words."""

    def __str__(self) -> str:
        return f"{self.name} ({self.type}), {self.dtype}: {self.reason}"

    def autocast(self) -> AbstractContextManager:
        """Run matrix products in `dtype` inside this block; does nothing for float32."""
        import torch

        if self.dtype == "float32":
            return nullcontext()
        return torch.autocast(self.type, dtype=getattr(torch, self.dtype))

    def memory(self) -> int:
        """Bytes of memory free for a model on this device."""
        if self.type == "cuda":
            import torch

            return torch.cuda.mem_get_info()[0]
        return free_memory()

    def peak_memory(self) -> int:
        """The most bytes this process has held so far: on the GPU, or resident in main memory."""
        if self.type == "cuda":
            import torch

            return torch.cuda.max_memory_allocated()
        if sys.platform == "win32":
            import psutil

            return psutil.Process().memory_info().peak_wset
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def free_memory() -> int:
    """Bytes of main memory that this process may still take: what the system has, or what a container's smaller limit
    leaves. Files that Linux keeps in memory give way, so those that nobody has read for a while count as free."""
    import psutil

    available = psutil.virtual_memory().available
    try:
        limit, used = (int((CGROUP / name).read_text("ascii")) for name in ("memory.max", "memory.current"))
        kept = dict(line.split() for line in (CGROUP / "memory.stat").read_text("ascii").splitlines())
        return min(available, max(0, limit - used + int(kept.get("inactive_file", 0))))
    except (OSError, ValueError):  # no such files, or a limit of `max`
        return available


def choose_device(
    device: DeviceType | Literal["auto"] = "auto",
    dtype: DType | Literal["auto"] = "auto",
    because: str = "asked for",
) -> Device:
    """The device and dtype to use, with the reason.

    device: `auto` (SLM_DEVICE if set, then CUDA, then CPU), `cpu`, `cuda` or `mps`. Of several processes that
    torchrun started each gets a GPU of its own.
    dtype: `auto`, or a format to insist on; because: who insists, in words.
    Raises ConfigError when what was asked for is not there.
    """
    import torch

    asked = (os.environ.get("SLM_DEVICE") or "auto").strip().lower() if device == "auto" else device
    if asked not in ("auto", "cpu", "cuda", "mps"):
        raise ConfigError(
            f"There is no device {asked!r}.", "Choose auto, cpu, cuda or mps (SLM_DEVICE, --device)."
        )
    kind = cast(DeviceType, ("cuda" if torch.cuda.is_available() else "cpu") if asked == "auto" else asked)
    if kind == "cpu":
        keep_freed_memory()
    else:
        _require_present(kind)
        _require_trustworthy(kind)
    best, reason = _best_dtype(kind)
    if dtype == "auto":
        return Device(kind, _device_name(kind), best, reason)
    if dtype == "float16" and kind == "cpu":
        raise ConfigError("float16 is too slow and too coarse on a CPU.", "Use --dtype float32 or bfloat16.")
    if kind == "mps" and dtype != "float32":
        raise ConfigError(
            f"{dtype} was never tried on MPS, which needs watching already.", "Use --dtype float32."
        )
    if kind == "cuda" and dtype == "bfloat16" and best != "bfloat16":
        raise ConfigError(
            f"{_device_name(kind)} has no bfloat16 units and would emulate them slowly.",
            f"Use --dtype {best}.",
        )
    reason = because + (f"; auto would take {best}" if best != dtype else "")
    return Device(kind, _device_name(kind), dtype, reason)


def _best_dtype(kind: DeviceType) -> tuple[DType, str]:
    import torch

    if kind == "cuda":
        capability = torch.cuda.get_device_capability()
        if capability >= (8, 0):
            return "bfloat16", "this GPU multiplies bfloat16 in hardware"
        if capability >= (7, 0):
            return "float16", "this GPU has no bfloat16 units; float16 with loss scaling instead"
        return "float32", "this GPU has no tensor cores"
    if kind == "mps":
        return "float32", "the safe choice on MPS"
    for feature, says_so in (("AVX512-BF16", "_is_avx512_bf16_supported"), ("AMX", "_is_amx_tile_supported")):
        if getattr(torch.cpu, says_so, bool)():
            return "bfloat16", f"this CPU multiplies bfloat16 in hardware ({feature})"
    return "float32", "this CPU has no bfloat16 units"


def _device_name(kind: str) -> str:
    import torch

    if kind == "cuda":
        return torch.cuda.get_device_name()
    if kind == "mps":
        return "Apple GPU"
    return f"{_processor_name()}, {torch.get_num_threads()} threads"


def _processor_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _require_present(kind: DeviceType) -> None:
    """ConfigError when torch sees no such device, or too few of them for the processes on this machine."""
    import torch

    ranks = launched()
    if kind == "mps" and ranks.world_size > 1:
        raise ConfigError("MPS serves one process.", f"Leave out torchrun, or use the CPU: {THE_CPU}.")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("MPS was asked for, but torch sees no Apple GPU.", f"Use the CPU: {THE_CPU}.")
    if kind == "cuda" and not torch.cuda.is_available():
        built = f"for CUDA {torch.version.cuda}" if torch.version.cuda else "without CUDA"
        raise ConfigError(
            f"CUDA was asked for, but torch sees no GPU (torch {torch.__version__} was built {built}).",
            f"Check nvidia-smi and the driver, or use the CPU: {THE_CPU}.",
        )
    if kind == "cuda" and ranks.world_size > 1:
        if ranks.local_world_size > torch.cuda.device_count():
            raise ConfigError(
                f"{ranks.local_world_size} processes need a GPU each; here are {torch.cuda.device_count()}.",
                f"Say torchrun --nproc-per-node {torch.cuda.device_count()}, or use the CPU: {THE_CPU}.",
            )
        torch.cuda.set_device(ranks.local_rank)  # `cuda` means this one from now on


@cache
def _require_trustworthy(kind: DeviceType) -> None:
    """ConfigError when the device cannot compute, or computes something else than the CPU."""
    try:
        difference = self_test(kind)
    except RuntimeError as error:  # such as a GPU that is older than anything this torch was built for
        raise ConfigError(
            f"The device {kind} is there, but torch cannot compute on it ({first_line(error)}).",
            f"Install a torch build made for it, or use the CPU: {THE_CPU}.",
        ) from None
    if not difference < SELF_TEST_TOLERANCE:
        raise ConfigError(
            f"The device {kind} disagrees with the CPU (relative gradient difference {difference:.1e}).",
            f"Update the system and torch, or use the CPU: {THE_CPU}.",
        )


def self_test(kind: DeviceType) -> float:
    """How far the device's float32 is from the CPU's float64, in the gradients of a small attention layer.

    The largest difference as a share of the largest gradient: about 1e-6 when all is well, also for `cpu`.
    """
    import torch
    import torch.nn.functional as F

    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(64, 64, generator=generator)
    x = torch.randn(64, 64, generator=generator) / 8  # keeps the softmax away from 0 and 1
    gradients = []
    for device, dtype in (("cpu", torch.float64), (kind, torch.float32)):
        w = weight.to(device, dtype, copy=True).requires_grad_()
        heads = (x.to(device, dtype) @ w).view(1, 64, 4, 16).transpose(1, 2)  # (batch, heads, time, head_dim)
        mixed = F.scaled_dot_product_attention(heads, heads, heads, is_causal=True)
        logits = mixed.transpose(1, 2).reshape(64, 64)
        loss = F.cross_entropy(logits, torch.arange(64, device=device))
        gradients.append(torch.autograd.grad(loss, w)[0].cpu().double())
    exact, computed = gradients
    return ((exact - computed).abs().max() / exact.abs().max()).item()


def keep_freed_memory() -> bool:
    """Tell glibc to reuse large freed blocks instead of returning them to the system. True where it took.

    A training step frees and allocates the same large tensors again; by default each costs a system call
    and a page fault per 4 kB: 40,000 faults a step of the 1M preset, none afterwards. That step then takes
    1.2x less CPU time in float32 and 1.3x less in bfloat16. Works also after torch was imported.
    """
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        return False
    trim_threshold, top_pad, mmap_max = -1, -2, -4  # names from malloc.h
    libc = ctypes.CDLL(None)
    # Take everything from the heap, never give its end back, grow it by 64 MB at a time.
    settings = ((mmap_max, 0), (trim_threshold, -1), (top_pad, 64 << 20))
    accepted = [libc.mallopt(name, value) for name, value in settings]
    return accepted == [1, 1, 1]


def set_threads(threads: int) -> None:
    """Use this many CPU threads inside torch (0: leave it): part of what makes runs equal to the last bit."""
    import torch

    if threads and threads != torch.get_num_threads():
        torch.set_num_threads(threads)


def to_device(tensor: "torch.Tensor", device: Device) -> "torch.Tensor":
    """Move a batch to the device; through pinned memory on CUDA, so that the copy overlaps with computing."""
    if device.type == "cuda":
        return tensor.pin_memory().to("cuda", non_blocking=True)
    return tensor.to(device.type)
