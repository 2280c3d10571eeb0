"""Several processes that train one model together: who am I among them, and what do we agree on?

`torchrun --nproc-per-node 4 -m -- slmlib train ...` starts four equal processes, the ranks, each with its own GPU
(`--` keeps torchrun from reading our `--run` as one of its own flags). Every rank holds the whole model and takes its
share of each batch; DistributedDataParallel averages the gradients while they are computed, so that all ranks take
the same step (Li et al. 2020, arXiv 2006.15704). The first rank alone speaks, logs and saves. Whatever may differ
between ranks (a signal, a clock, free memory) is agreed on here before anybody acts on it: ranks that did different
things would wait for each other.

One process is the trivial case: each question is answered at once, and torch.distributed stays untouched.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from slmlib.errors import ConfigError, SlmError, TrainingError, first_line

if TYPE_CHECKING:
    from torch import Tensor
    from torch.distributed import Store

    from slmlib.model.language_model import LanguageModel

Value = TypeVar("Value")
LossOf = Callable[["Tensor", "Tensor"], "Tensor"]

PATIENCE = timedelta(hours=2)
"""How long a rank waits for the others, as when the first prepares a large corpus. One that dies is noticed at once."""

_LOST_WORDS = ("gloo", "NCCL", "Connection closed by peer", "Connection reset by peer", "Broken pipe")


@dataclass(frozen=True)
class Ranks:
    """The processes of one run, as one of them sees them. `Ranks()` is a single process."""

    rank: int = 0
    """Which of them this one is; the first, 0, speaks, logs and saves."""
    world_size: int = 1
    """How many they are."""
    local_rank: int = 0
    """Which of those on this machine: the number of its GPU."""
    local_world_size: int = 1
    """How many are on this machine."""

    @property
    def is_first(self) -> bool:
        """Whether this is the rank that speaks, logs and saves."""
        return self.rank == 0

    def share(self, batch_size: int, micro_batch_size: int = 1) -> int:
        """How many windows of a batch each rank takes; ConfigError unless they are whole micro-batches."""
        if batch_size % (self.world_size * micro_batch_size):
            each = f" in micro-batches of {micro_batch_size}" if micro_batch_size > 1 else ""
            raise ConfigError(
                f"batch_size ({batch_size}) cannot be shared evenly by {self.world_size} processes{each}.",
                f"Make it a multiple of {self.world_size * micro_batch_size}, or start another number of processes.",
            )
        return batch_size // self.world_size

    def sum(self, *numbers: float) -> list[float]:
        """Each number added up over all ranks, in float64."""
        if self.world_size == 1:
            return list(numbers)
        return self._reduced("SUM", *numbers)

    def mean(self, number: float) -> float:
        """The mean over all ranks."""
        return self.sum(number)[0] / self.world_size

    def least(self, number: float) -> float:
        """The smallest of all ranks' numbers."""
        return number if self.world_size == 1 else self._reduced("MIN", number)[0]

    def any(self, here: bool) -> bool:
        """Whether it is so on any rank."""
        return self.sum(float(here))[0] > 0

    def from_first(self, value: Value) -> Value:
        """The first rank's value, on all ranks."""
        if self.world_size == 1:
            return value
        import torch.distributed as dist

        carried: list[Any] = [value]
        dist.broadcast_object_list(carried, src=0)
        return carried[0]

    @contextmanager
    def first_goes_first(self) -> Iterator[None]:
        """The first rank runs the block while the others wait; then they do, and find what it has made."""
        if not self.is_first:
            self.any(False)
        yield
        if self.is_first:
            self.any(False)

    def require_same(self, what: str) -> None:
        """Refuse to go on unless `what` is the same on all ranks."""
        if self.any(what != self.from_first(what)):
            raise TrainingError(
                f"The processes of this run start from different states. Rank {self.rank} has: {what}.",
                "Give them the same slmlib, the same command and one shared folder.",
            )

    def averaging(self, model: "LanguageModel", loss_of: LossOf) -> LossOf:
        """`loss_of` such that its backward pass leaves the mean of all ranks' gradients in the model.

        The model itself stays plain. This is the place for FSDP when a model no longer fits on one device.
        """
        if self.world_size == 1:
            return loss_of
        from torch import nn
        from torch.nn.parallel import DistributedDataParallel

        class Loss(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.model = model

            def forward(self, inputs: "Tensor", targets: "Tensor") -> "Tensor":
                return loss_of(inputs, targets)

        device_ids = [self.local_rank] if model.device.type == "cuda" else None
        return DistributedDataParallel(Loss(), device_ids=device_ids, gradient_as_bucket_view=True)

    def _reduced(self, operation: str, *numbers: float) -> list[float]:
        import torch
        import torch.distributed as dist

        tensor = torch.tensor(numbers, dtype=torch.float64, device="cpu")
        dist.all_reduce(tensor, getattr(dist.ReduceOp, operation))
        return tensor.tolist()


ALONE = Ranks()


def launched() -> Ranks:
    """This process's place among those that torchrun started, by the environment it gave them; alone without it.

    A cluster may set WORLD_SIZE for purposes of its own, so that alone means nothing.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return ALONE
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    return Ranks(*(int(os.environ[name]) for name in names))


@contextmanager
def together() -> Iterator[Ranks]:
    """Inside the block this process is connected with the others that torchrun started; alone nothing happens.

    When the run breaks down on any rank, all end and one of them says why: the rank that knows it, or one that
    has lost another. The others leave without a word.
    """
    ranks = launched()
    if ranks.world_size == 1:
        yield ALONE
        return
    import torch
    import torch.distributed as dist

    # gloo carries numbers that are agreed on, between processors; nccl carries gradients, between GPUs.
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    store = _meeting_place(ranks)
    dist.init_process_group(
        backend, store=store, rank=ranks.rank, world_size=ranks.world_size, timeout=PATIENCE
    )
    try:
        yield ranks
    except Exception as error:
        # The connections stay: taking them down properly would wait for ranks that are no more.
        if not (isinstance(error, SlmError) or is_lost_rank(error)):
            raise
        if _is_told(store):
            raise SystemExit(2) from None
        if isinstance(error, SlmError):
            raise
        raise lost_rank(error, "Before the first step") from error
    dist.destroy_process_group()


def is_lost_rank(error: BaseException) -> bool:
    """Whether an error of torch means that another rank is no longer there."""
    if not isinstance(error, RuntimeError) or isinstance(error, SlmError):
        return False
    import torch.distributed as dist

    return isinstance(error, dist.DistError) or any(word in str(error) for word in _LOST_WORDS)


def lost_rank(error: BaseException, when: str) -> TrainingError:
    """The sentence for it."""
    told = first_line(error).rsplit("] ", 1)[-1]  # without the line of gloo's source
    reason = told.partition(". ")[0].rstrip(".")
    return TrainingError(
        f"{when}: another process of this run has ended ({reason}), so this one ends too.",
        "Nothing that was saved is lost; the same command goes on from the last checkpoint.",
    )


def gradients_stay(loss_of: LossOf, here: bool = True) -> AbstractContextManager[None]:
    """Inside the block, if `here`, gradients only add up on this rank; the next pass outside averages their sums."""
    averaging = hasattr(loss_of, "no_sync")
    return loss_of.no_sync() if here and averaging else nullcontext()  # type: ignore[attr-defined]


def largest_divisor(number: int, limit: int) -> int:
    """The largest divisor of `number` that is at most `limit`: micro-batches must be equally large."""
    return max(size for size in range(1, limit + 1) if number % size == 0)


def _meeting_place(ranks: Ranks) -> "Store":
    """torchrun's table of keys and values, where ranks learn each other's address; it outlives them.

    On one machine it also outlives a restart, and a rank that reads an address of the dead attempt waits for it
    (pytorch issue 135712): so each attempt has keys of its own.
    """
    import torch.distributed as dist

    store, _, _ = next(dist.rendezvous("env://", timeout=PATIENCE))
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")  # several machines count each for itself
    return dist.PrefixStore(attempt if ranks.local_world_size == ranks.world_size else "", store)


def _is_told(store: "Store") -> bool:
    """Whether another rank has already said why the run ends."""
    try:
        return store.add("why it ended was told", 1) > 1
    except RuntimeError:  # torchrun itself has gone
        return False
