"""Training: the same GPT-2 from the same weights on the same batches, by AdamW with clipped gradients.

transformers and nanoGPT must reach our loss. litgpt has no learned positions, so it trains its nearest model from weights
of its own and may be off by more. Which architecture and optimizer learn most in a given time is another question.
"""

import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.peers import peers, sizes
from benchmarks.peers.harness import Contestant, Row, Unavailable
from slmlib.config import TrainConfig
from slmlib.devices import choose_device
from slmlib.text.stream import StreamInfo, TokenStream
from slmlib.text.tokenizer import Tokenizer
from slmlib.training.speed import choose_tricks
from slmlib.training.trainer import Trainer
from slmlib.utilization import model_flops_utilization

RATE, BETAS, CLIP = 1e-3, (0.9, 0.95), 1.0
ON_CPU = (
    *("slmlib", "slmlib compiled", "slmlib bf16", "slmlib bf16 compiled"),
    *("transformers", "transformers compiled", "transformers Trainer", "litgpt", "litgpt compiled"),
    *("nanogpt", "nanogpt compiled"),
)
ON_GPU = ("slmlib bf16", "slmlib bf16 compiled", "transformers", "litgpt", "nanogpt")

ROWS = [
    Row(
        f"training/{name}",
        f"training on the CPU, {name}: {', '.join(f'{key} {value}' for key, value in size.items())}, batch {batch}",
        "tokens/s",
        ON_CPU,
        ("slmlib", "slmlib bf16", "slmlib bf16 compiled"),
        dict(sizes=size, batch_size=batch, steps=steps, device="cpu"),
    )
    for name, size, batch, steps in (("S", sizes.SMALL, 8, 6), ("M", sizes.MEDIUM, 4, 2))
] + [
    Row(
        f"training/gpu-{name}",
        f"training on a GPU in bfloat16, width {size['embed_dim']}, vocabulary {size['vocab_size']}",
        "tokens/s",
        ON_GPU,
        ("slmlib bf16", "slmlib bf16 compiled"),
        dict(sizes=size, batch_size=65536 // size["context_length"], steps=20, device="cuda"),
    )
    for name, size in sizes.ON_A_GPU.items()
]
QUICK = Row(
    "training/quick",
    "a model of nothing, to try the machinery",
    "tokens/s",
    ("slmlib", "transformers", "litgpt", "nanogpt"),
    work=dict(sizes=sizes.QUICK, batch_size=2, steps=2, device="cpu"),
    turns=2,
)


def differs(name: str, outcome: float, expected: float) -> str:
    """Whether a mean loss is another one than ours."""
    allowed = 0.03 if "litgpt" in name else 0.005
    if abs(outcome / expected - 1) <= allowed:
        return ""
    return f"loss {outcome:.4f} where {expected:.4f} was expected, {allowed:.1%} allowed"


def build(name: str, work: dict[str, Any], checkouts: dict[str, str]) -> Contestant:
    """The contestant of that name, warmed up."""
    if work["device"] == "cuda" and not torch.cuda.is_available():
        raise Unavailable("unmeasured: no CUDA GPU here")
    peer, *how = name.split(" ")
    if peer == "slmlib":
        return Slmlib(work, how)
    if how == ["Trainer"]:
        return TransformersTrainer(work)
    make: Callable[[], nn.Module] = {
        "transformers": lambda: peers.transformers_model(work["sizes"]),
        "litgpt": lambda: peers.litgpt_model(work["sizes"]),
        "nanogpt": lambda: peers.nanogpt_model(work["sizes"], checkouts.get("nanogpt")),
    }[peer]
    return BareLoop(peer, make(), work, how == ["compiled"])


def token_stream(vocab_size: int) -> TokenStream:
    """A million tokens of which a few are frequent (Zipf's law), so that there is something to learn: the same for all."""
    folder = Path(tempfile.mkdtemp(prefix="slm_bench_"))
    dtype = "<u2" if vocab_size <= 2**16 else "<u4"
    tokens = (np.random.default_rng(0).zipf(1.3, 10**6) % vocab_size).astype(dtype)
    tokens.tofile(folder / "tokens.bin")
    info = StreamInfo(dtype, vocab_size, len(tokens), 1, len(tokens), "", "", "", "Zipf")
    stream = TokenStream(folder / "tokens.bin", info)
    (folder / "tokens.bin").unlink()  # it stays mapped
    folder.rmdir()
    return stream


class Training(Contestant):
    """What all have in common: a turn is some steps; the outcome is their mean loss."""

    def __init__(self, work: dict[str, Any]):
        self.work, self.step = work, 0
        self.stream = token_stream(work["sizes"]["vocab_size"])
        if (
            work["device"] == "cuda"
        ):  # on a CPU `choose_device` would lend everybody our way with freed memory
            self.device = choose_device("cuda", "bfloat16")

    def train_step(self) -> float:
        """One optimizer step; returns its loss."""
        raise NotImplementedError

    def turn(self) -> tuple[float, float]:
        """Tokens a second, and the mean loss."""
        started = time.perf_counter()
        losses = []
        for _ in range(self.work["steps"]):
            losses.append(self.train_step())
            self.step += 1
        took = time.perf_counter() - started  # each step ended by reading its loss, which waits for a GPU
        tokens = self.work["steps"] * self.work["batch_size"] * self.work["sizes"]["context_length"]
        if self.work["device"] == "cuda":
            used = model_flops_utilization(sizes.gpt2(self.work["sizes"]), tokens / took, self.device)
            self.precision = "bfloat16" if used is None else f"bfloat16, MFU {used:.1%}"
        return tokens / took, float(np.mean(losses))

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets, (B, T) each: what our Trainer would take at that step."""
        return self.stream.batch(
            step,
            batch_size=self.work["batch_size"],
            context_length=self.work["sizes"]["context_length"],
            seed=0,
        )


class Slmlib(Training):
    """Our Trainer's own step."""

    def __init__(self, work: dict[str, Any], how: list[str]):
        super().__init__(work)
        wanted = "auto" if "bf16" in how else "float32"
        device = choose_device(work["device"], wanted)
        self.precision = device.dtype
        if wanted == "auto" and device.dtype == "float32":
            raise Unavailable(f"not different here: {device.reason}")
        config = TrainConfig(
            total_steps=10**6,
            batch_size=work["batch_size"],
            optimizer="adamw",
            learning_rate=RATE,
            schedule="constant",
            warmup_fraction=0.0,
            weight_decay=0.0,
            beta1=BETAS[0],
            beta2=BETAS[1],
            gradient_clip=CLIP,
            dtype=device.dtype,
            compile="on" if "compiled" in how else "off",
        )
        model = peers.ours(work["sizes"])
        config, _ = choose_tricks(model.config, config, device, seconds=0.0)  # what is still `auto`
        self.rate = config.learning_rate
        self.trainer = Trainer(
            model.to(device.type),
            Tokenizer(()),
            self.stream,
            self.stream,
            config,
            device,
            Path(),
        )
        self.turn()

    def train_step(self) -> float:
        """Batch, forward, backward, clip, update."""
        self.trainer.step = self.step
        return self.trainer.train_step(self.rate)[0]


class BareLoop(Training):
    """The loop that everybody writes around somebody's model."""

    def __init__(self, peer: str, model: nn.Module, work: dict[str, Any], compiled: bool):
        super().__init__(work)
        self.peer, self.packages = peer, ("torch", *({peer} & {"transformers", "litgpt"}))
        self.model = model.to(work["device"]).train()
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(),
            lr=RATE,
            betas=BETAS,
            weight_decay=0.0,
            fused=work["device"] == "cuda" or None,
        )
        self.loss_of = torch.compile(self.loss) if compiled else self.loss
        self.turn()

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy, by the peer's own way where it has one for targets that are shifted already."""
        if self.peer == "nanogpt":
            return self.model(inputs, targets)[1]
        logits = self.model(inputs) if self.peer == "litgpt" else self.model(inputs).logits
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())

    def autocast(self) -> AbstractContextManager:
        """bfloat16 on a GPU; float32 on a CPU, which is what all of them do there by default."""
        return torch.autocast("cuda", torch.bfloat16, enabled=self.work["device"] == "cuda")

    def train_step(self) -> float:
        """The same for all models."""
        inputs, targets = (part.to(self.work["device"]) for part in self.batch(self.step))
        with self.autocast():
            loss = self.loss_of(inputs, targets)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss.item()


class TransformersTrainer(Training):
    """transformers' own Trainer, which many people take; it needs the package `accelerate`."""

    packages = ("torch", "transformers", "accelerate")

    def __init__(self, work: dict[str, Any]):
        super().__init__(work)
        import accelerate  # noqa: F401  (Trainer says less clearly that it is missing)

        self.model = peers.transformers_model(work["sizes"])
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=RATE, betas=BETAS, weight_decay=0.0)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, lambda step: 1.0)
        self.turn()

    def turn(self) -> tuple[float, float]:
        """One `train()` of so many steps; its start and end are not counted."""
        from torch.utils.data import SequentialSampler
        from transformers import Trainer as Theirs
        from transformers import TrainerCallback, TrainingArguments

        steps, moments = self.work["steps"], list[float]()

        class Clock(TrainerCallback):
            def on_step_begin(self, *ignored: Any, **more: Any) -> None:
                moments.append(time.perf_counter())

            on_step_end = on_step_begin

        class InOrder(Theirs):
            def _get_train_sampler(self, *ignored: Any) -> SequentialSampler:
                return SequentialSampler(self.train_dataset)

            def compute_loss(
                self, model: nn.Module, inputs: dict[str, Tensor], *rest: Any, **more: Any
            ) -> Any:
                logits = model(inputs["inputs"]).logits
                return F.cross_entropy(logits.flatten(0, 1), inputs["targets"].flatten())

        examples = [
            {"inputs": inputs, "targets": targets}
            for step in range(self.step, self.step + steps)
            for inputs, targets in zip(*self.batch(step), strict=True)
        ]
        with tempfile.TemporaryDirectory() as folder:
            arguments = TrainingArguments(
                folder,
                max_steps=steps,
                per_device_train_batch_size=self.work["batch_size"],
                max_grad_norm=CLIP,
                use_cpu=True,
                report_to="none",
                save_strategy="no",
                logging_steps=steps,
                disable_tqdm=True,
                remove_unused_columns=False,
            )
            trainer = InOrder(
                self.model,
                arguments,
                train_dataset=examples,
                optimizers=(self.optimizer, self.schedule),
                callbacks=[Clock()],
            )
            loss = trainer.train().training_loss
        self.step += steps
        tokens = steps * self.work["batch_size"] * self.work["sizes"]["context_length"]
        return tokens / (moments[-1] - moments[0]), loss
