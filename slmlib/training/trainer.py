"""The training loop, on one screen, and the object that holds what it needs.

Everything a run does can be repeated: the batch of a step is a pure function of (stream, seed, step), so
are the learning rate and the randomness of dropout. Resuming is loading weights and optimizer and going on.
Several processes (`slmlib.ranks`) each take a share of that batch and make the same step.
"""

import math
import time
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import torch
from torch import Tensor

from slmlib.config import Sampling, TrainConfig
from slmlib.devices import Device, set_threads, to_device
from slmlib.errors import CheckpointError
from slmlib.evaluation import Evaluation, evaluate
from slmlib.generation import generate
from slmlib.model.decoder import Decoder
from slmlib.model.language_model import LanguageModel
from slmlib.ranks import ALONE, Ranks, gradients_stay, largest_divisor
from slmlib.text.base_tokenizer import BaseTokenizer
from slmlib.text.stream import TokenStream
from slmlib.training.budget import FEWEST_STEPS
from slmlib.training.checkpoint import (
    Checkpoint,
    load_optimizer,
    prune,
    require_no_checkpoints,
    save_checkpoint,
    step_folder,
)
from slmlib.training.faults import SMALLEST_SCALE, DivergenceWatch, explained, give_up
from slmlib.training.interrupts import StopRequest
from slmlib.training.logs import Event, JsonlLog, Observer
from slmlib.training.optimizers import build_optimizer
from slmlib.training.progress import Progress
from slmlib.training.schedules import descent_begin, learning_rate, with_descent_of
from slmlib.training.speed import FastLoss

PROBE_LENGTH = 64

SHORTEST_DESCENT = 0.25
"""A budget that is nearly gone leaves the descent at least this share of the steps before it."""


class Trainer:
    """Trains one model on one token stream and leaves checkpoints and a log in `folder`.

    model: the plain model, already on the device. config: decided, that is without `auto` (see `decide`).
    asked: the config before it was decided; stored, so that a later command can be compared with it.
    deadline: when a new run should be over, in seconds of time.perf_counter (see `keep_to_time`); what was spent before
    is not known to a run that goes on, which keeps its steps.
    observers: get every event; the log file always does. ranks: the processes that train together, of which only
    the first logs and saves. Raises CheckpointError when `resume` belongs to other data, TrainingError when the
    loss is no longer a number.
    """

    def __init__(
        self,
        model: LanguageModel,
        tokenizer: BaseTokenizer,
        train: TokenStream,
        valid: TokenStream,
        config: TrainConfig,
        device: Device,
        folder: Path,
        asked: TrainConfig | None = None,
        deadline: float = math.inf,
        resume: Checkpoint | None = None,
        observers: tuple[Observer, ...] = (),
        ranks: Ranks = ALONE,
    ):
        self.model, self.tokenizer, self.train, self.valid = model, tokenizer, train, valid
        self.config, self.asked, self.device, self.folder = config, asked or config, device, folder
        self.ranks, share = ranks, ranks.share(config.batch_size)
        self.deadline = deadline if resume is None else math.inf
        self.micro_batch_size = largest_divisor(share, min(share, config.micro_batch_size or share))
        set_threads(config.threads)
        self.optimizer = build_optimizer(model, config)
        self.scaler = torch.amp.GradScaler(device.type, enabled=config.dtype == "float16")
        # The tricks are for the Decoder as it is; a model that was changed is asked for its own loss.
        loss_of = FastLoss(model, config) if type(model) is Decoder else model.loss
        self.loss_of = ranks.averaging(model, loss_of)
        self.step, self.history, self.seconds = 0, list[dict[str, float]](), 0.0
        self.is_moving = False  # while it is, some weights are new and some are not
        self.watch = DivergenceWatch()
        if resume is not None:
            self._go_on_from(resume)
        self.observers, self.log = observers, tuple[Observer, ...]()

    def run(self) -> Evaluation:
        """Train to the last step or until asked to stop; returns the last measurement of the validation set.

        After a stop the same call goes on. Raises CheckpointError where a new run would mix with another one's folder.
        """
        # As if the steps of an earlier call had been made without a break.
        began, half = time.perf_counter() - self.seconds, (self.step, self.seconds)
        if self.ranks.is_first:
            if not self.history:
                require_no_checkpoints(self.folder)
            self.log = (JsonlLog(self.folder / "log.jsonl", self.last_saved),)
        with StopRequest(self.ranks.is_first, ends=self.ranks.world_size > 1) as stop, explained(self):
            self.tell(
                "start",
                tokens=len(self.train),
                device=str(self.device),
                processes=self.ranks.world_size,
                decided=self.config.to_dict(),
            )
            if not self.history:
                self.write_story("before")
                self.evaluate()
                self.save()
            elif self.evaluation_is_due:
                self.evaluate(stop)  # it was broken off to save in time
                self.save()
            descent = descent_begin(self.config)  # the same when the steps after it are counted anew
            stopping = self.ranks.any(stop.requested)
            while self.step < self.config.total_steps and not stopping:
                if self.step == descent // 2:
                    half = (self.step, self.seconds)
                if self.step == descent:
                    self.keep_to_time(began, half)
                started = time.perf_counter()
                rate = learning_rate(self.step, self.config)
                loss, gradient_norm = self.train_step(rate)
                self.step += 1
                took = time.perf_counter() - started
                self.seconds += took
                speed = self.config.batch_size * self.model.config.context_length / took
                self.tell(
                    "step",
                    loss=loss,
                    learning_rate=rate,
                    gradient_norm=gradient_norm,
                    tokens_per_second=round(speed),
                )
                if warning := self.watch.sees(loss):
                    self.tell("warning", text=warning)
                if self.step in self.evaluation_steps:
                    self.evaluate(stop)
                stopping = self.ranks.any(stop.requested)
                if self.step in self.checkpoint_steps or stopping:
                    self.save()
            if self.finished:
                self.write_story("after")
        self.tell("end", finished=self.finished)
        return self.last_evaluation

    def keep_to_time(self, began: float, half: tuple[int, float]) -> None:
        """Where the rate of `wsd` is about to fall, let it fall in as many steps as end before the deadline.

        The number of steps was decided by some seconds of measuring; by now the pace is known. began: when the run
        did, in seconds of time.perf_counter. half: step and seconds of training half way to here; the pace is that of the
        steps since, of a machine that is warm, and unknown where there are none.
        """
        if self.deadline == math.inf or self.config.schedule != "wsd" or self.step == half[0]:
            return
        now, planned = time.perf_counter(), self.config.total_steps
        pace = (self.seconds - half[1]) / (self.step - half[0])
        measuring = (now - began - self.seconds) / len(self.history)  # with the checkpoints that were written
        fewest = max(math.ceil(SHORTEST_DESCENT * self.step), FEWEST_STEPS - self.step)
        for _ in range(2):  # another number of steps may be measured once more or less
            left = self.deadline - now - measuring * sum(step > self.step for step in self.evaluation_steps)
            steps = self.ranks.from_first(max(fewest, int(left / pace)))
            self.config = with_descent_of(self.config, steps)
        self.tell("plan", planned=planned, total_steps=self.config.total_steps)
        self.save()  # a run that is killed now goes on with these steps

    def train_step(self, rate: float) -> tuple[float, float]:
        """One optimizer step over one global batch; returns its mean loss and the gradient norm before clipping.

        Micro-batches are equally large, so the mean of their mean losses, over all ranks, is the mean over the batch.
        """
        micro_batches = self.micro_batches(self.ranks)
        losses = []
        self.model.train()
        for number, (inputs, targets) in enumerate(micro_batches, start=1):
            self.seed_dropout(self.ranks.rank * len(micro_batches) + number - 1)
            with gradients_stay(self.loss_of, here=number < len(micro_batches)):
                with self.device.autocast():
                    loss = self.loss_of(inputs, targets) / len(micro_batches)
                self.scaler.scale(loss).backward()
            losses.append(loss.detach())  # read later: on a GPU every look at a value waits for it
        total_loss = self.ranks.mean(sum(loss.item() for loss in losses))
        self.scaler.unscale_(self.optimizer)
        limit = self.config.gradient_clip or math.inf
        gradient_norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), limit).item()
        # A step whose gradients overflowed in float16 is left out by the scaler, which then scales less.
        may_overflow = self.scaler.is_enabled() and self.scaler.get_scale() >= SMALLEST_SCALE
        if not math.isfinite(total_loss) or not (math.isfinite(gradient_norm) or may_overflow):
            give_up(self, total_loss, gradient_norm, rate)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["rate_factor"]
        self.is_moving = True
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        self.is_moving = False
        return total_loss, gradient_norm

    def micro_batches(self, ranks: Ranks) -> list[tuple[Tensor, Tensor]]:
        """This step's batch, or this rank's share of it, in equal parts on the device."""
        parts = (to_device(part, self.device) for part in self.batch(self.step, ranks))
        return list(zip(*(part.split(self.micro_batch_size) for part in parts), strict=True))

    def batch(self, step: int, ranks: Ranks = ALONE) -> tuple[Tensor, Tensor]:
        """Inputs and targets of one global batch, or of a rank's share, (batch_size, context_length) each, on the CPU."""
        return self.train.batch(
            step,
            batch_size=self.config.batch_size,
            context_length=self.model.config.context_length,
            seed=self.config.seed,
            rank=ranks.rank,
            world_size=ranks.world_size,
        )

    def seed_dropout(self, place: int) -> None:
        """Make dropout a pure function of (seed, step, place of the micro-batch in the global batch).

        So it does not matter which rank computes a micro-batch. Without dropout torch's state is left alone.
        """
        if self.model.config.dropout:
            torch.manual_seed(self.config.seed * 1_000_003 + self.step + place * 10**12)

    def evaluate(self, stop: StopRequest | None = None) -> None:
        """Measure the whole validation set and remember the result; nothing is remembered if `stop` breaks it off."""
        ranks = self.ranks
        measure = partial(
            evaluate, self.model, self.valid, self.device, rank=ranks.rank, world_size=ranks.world_size
        )
        part = stop.breaks_off(measure) if stop else measure()
        if ranks.any(part is None) or part is None:
            return
        nats, tokens = ranks.sum(part.nats, part.tokens)
        measured = replace(part, nats=nats, tokens=int(tokens))
        self.history.append({"step": self.step, **measured.to_dict()})
        self.tell(
            "evaluation",
            loss=measured.loss,
            perplexity=measured.perplexity,
            bits_per_byte=measured.bits_per_byte,
        )

    @property
    def evaluation_steps(self) -> frozenset[int]:
        """After which steps the validation set is measured."""
        return spread(self.config.total_steps, self.config.evaluations)

    @property
    def checkpoint_steps(self) -> frozenset[int]:
        """After which steps the run is saved."""
        return spread(self.config.total_steps, self.config.checkpoints) | self.evaluation_steps

    @property
    def evaluation_is_due(self) -> bool:
        """Whether this step's measurement is still missing: a stop broke it off."""
        return self.step in self.evaluation_steps and self.history[-1]["step"] != self.step

    @property
    def finished(self) -> bool:
        """Whether all steps are done and measured."""
        return self.step == self.config.total_steps and not self.evaluation_is_due

    @property
    def last_saved(self) -> int:
        """Up to which step logs stay as they are; -1 before the first checkpoint: an earlier attempt that left none is forgotten."""
        return self.step if self.history else -1

    @property
    def last_evaluation(self) -> Evaluation:
        """The newest measurement of the validation set, this process's or an earlier one's."""
        return Evaluation.from_history(self.history[-1])

    def save(self) -> None:
        """Write a checkpoint of this step and delete what is no longer needed; the first rank does, for all."""
        if not self.ranks.is_first:
            return
        folder = step_folder(self.folder / "checkpoints", self.step)
        save_checkpoint(folder, self.model, self.tokenizer, self.progress(), self.optimizer)
        best = min(self.history, key=lambda entry: entry["nats"])["step"]
        prune(folder.parent, self.config.keep_checkpoints, int(best), self.step)
        self.tell("checkpoint", folder=folder.name)

    def write_story(self, name: str) -> None:
        """Let the model tell a story; it goes to the first rank's observers as `story` under the name."""
        if not self.ranks.is_first:
            return
        sampling = Sampling(seed=self.config.seed)
        self.tell(
            "story",
            name=name,
            text=generate(self.model, self.tokenizer, self.config.sample_prompt, sampling)[0],
        )

    def progress(self) -> Progress:
        """What a checkpoint of this moment says beside its tensors."""
        return Progress(
            step=self.step,
            asked=self.asked,
            decided=self.config,
            corpus=self.train.info.corpus_name,
            train_sha256=self.train.info.sha256,
            valid_sha256=self.valid.info.sha256,
            probe_tokens=self.valid.tokens[
                : min(PROBE_LENGTH, self.model.config.context_length) + 1
            ].tolist(),
            history=self.history,
            seconds=self.seconds,
            scaler=self.scaler.state_dict(),
        )

    def tell(self, kind: str, **values: object) -> None:
        """Send one event to every observer."""
        event: Event = {"event": kind, "step": self.step, "seconds": round(self.seconds, 3), **values}
        for observer in (*self.log, *self.observers):
            observer(event)

    def _go_on_from(self, checkpoint: Checkpoint) -> None:
        progress = checkpoint.progress
        for split, ours, theirs in (
            ("training", self.train.info.sha256, progress.train_sha256),
            ("validation", self.valid.info.sha256, progress.valid_sha256),
        ):
            if ours != theirs:
                raise CheckpointError(
                    f"{checkpoint.folder} was trained on another {split} set ({progress.corpus}) than this one.",
                    "Give the same corpus again, or start a new run with another name.",
                )
        load_optimizer(checkpoint, self.model, self.optimizer)
        if progress.scaler:
            self.scaler.load_state_dict(progress.scaler)
        self.step, self.history, self.seconds = progress.step, list(progress.history), progress.seconds


@cache
def spread(total: int, times: int) -> frozenset[int]:
    """`times` steps spread evenly over 1..total, the last one included (all of them when there are fewer)."""
    return frozenset(round(total * (i + 1) / times) for i in range(times)) - {0}
