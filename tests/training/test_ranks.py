"""Several processes train one model: the same numbers as one, stopped, broken and gone on with together.

Two ranks are two forks of this process, connected by gloo on loopback as torchrun would; the real command line with the
real torchrun is tried once, at the end.
"""

import json
import multiprocessing
import os
import pickle
import re
import signal
import subprocess
import sys
import tempfile
import traceback
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch
import torch.distributed as dist
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook

from slmlib import devices
from slmlib.config import ModelConfig, TrainConfig
from slmlib.devices import Device
from slmlib.errors import ConfigError, TrainingError
from slmlib.evaluation import evaluate
from slmlib.model.decoder import Decoder
from slmlib.ranks import ALONE, Ranks, launched, together
from slmlib.training import run as run_module
from slmlib.training.checkpoint import load_checkpoint, newest_checkpoint, step_folder
from slmlib.training.claim import only_process_in
from slmlib.training.fitting import fit_memory, memory_needed
from slmlib.training.logs import read_log, series
from slmlib.training.run import Wish, start_or_resume, try_step
from slmlib.training.speed import FastLoss
from slmlib.training.trainer import Trainer
from tests.training.conftest import CPU, tiny_stories

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork to start many processes quickly")


def on_ranks(work, count: int = 2) -> list:
    """What `work(ranks)` returns on each of `count` connected processes, or the exception that ended it.

    A process that was killed gives its exit code. The store stands in for torchrun's: it outlives the ranks.
    """
    store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    context = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as folder:
        answers = [Path(folder) / str(rank) for rank in range(count)]
        processes = [
            context.Process(target=_be_rank, args=(work, rank, count, store.port, answers[rank]))
            for rank in range(count)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join(timeout=120)
        stuck = [rank for rank, process in enumerate(processes) if process.is_alive()]
        for process in processes:
            process.kill()
        assert not stuck, f"ranks {stuck} wait for ever"
        return [
            pickle.loads(answer.read_bytes()) if answer.exists() else process.exitcode
            for answer, process in zip(answers, processes, strict=True)
        ]


def _be_rank(work, rank: int, count: int, port: int, answer: Path) -> None:
    os.environ |= {
        **{"TORCHELASTIC_RUN_ID": "test", "TORCHELASTIC_USE_AGENT_STORE": "True"},
        **{"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)},
        **{"GLOO_SOCKET_IFNAME": "lo0" if sys.platform == "darwin" else "lo"},
        **{"RANK": str(rank), "WORLD_SIZE": str(count)},
        **{"LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": str(count)},
    }
    try:
        with together() as ranks:
            found = work(ranks)
    except BaseException as error:
        traceback.print_exception(error)
        found = error
    answer.write_bytes(pickle.dumps(found))
    os._exit(0)


def trainer_for(world, ranks: Ranks, name: str, resume=None, observers=(), dropout=0.1, **changes) -> Trainer:
    config = world.model_config.change({"dropout": dropout})
    model = resume.model if resume else Decoder(config, seed=0)
    return world.trainer(name, resume, observers, model, ranks, **changes)


def run_together(world, name: str, count: int = 2, **changes) -> list:
    """Train, or go on, with so many processes; from each: what came of it, as plain data."""

    def work(ranks):
        newest = newest_checkpoint(world.folder / name / "checkpoints", lambda problem: None)
        ranks.any(False)  # all have looked before the first one writes
        trainer = trainer_for(world, ranks, name, resume=newest, **changes)
        trainer.run()
        return told(trainer)

    return on_ranks(work, count) if count > 1 else [work(ALONE)]


def told(trainer: Trainer) -> SimpleNamespace:
    return SimpleNamespace(
        step=trainer.step,
        finished=trainer.finished,
        history=trainer.history,
        mean=trainer.watch.mean,
        weights={name: tensor.clone() for name, tensor in trainer.model.state_dict().items()},
    )


def losses(world, name: str) -> list[float]:
    steps, values = series(read_log(world.folder / name / "log.jsonl"), "step", "loss")
    assert steps == list(range(1, len(steps) + 1)), "every step is in the log exactly once"
    return values


def assert_same_weights(first: SimpleNamespace, second: SimpleNamespace, atol: float) -> None:
    for name, tensor in first.weights.items():
        torch.testing.assert_close(tensor, second.weights[name], rtol=0, atol=atol, msg=name)


# --- the same numbers as one process ---


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("micro_batch_size", [1, 2])
def test_gradients_and_losses_equal_those_of_one_process(world, optimizer, micro_batch_size):
    """Clipped by the global norm; accumulated; with dropout, which belongs to the micro-batch and not to the rank."""

    def steps(ranks):
        changes = dict(optimizer=optimizer, micro_batch_size=micro_batch_size, gradient_clip=0.5)
        trainer = trainer_for(world, ranks, "gradients", **changes)
        found = []
        trainer.optimizer.register_step_pre_hook(
            lambda *_: found.append({name: p.grad.clone() for name, p in trainer.model.named_parameters()})
        )
        numbers = []
        for _ in range(2):
            numbers.append(trainer.train_step(rate=1e-4))
            trainer.step += 1
        return found, numbers, told(trainer)

    gradients, numbers, alone = steps(ALONE)
    assert numbers[0][1] > 0.5, "clipping has something to do"
    answers = on_ranks(steps)
    for their_gradients, their_numbers, state in answers:
        for (loss, norm), (their_loss, their_norm) in zip(numbers, their_numbers, strict=True):
            assert their_loss == pytest.approx(loss, abs=1e-6)
            assert their_norm == pytest.approx(norm, abs=1e-5)
        for mine, theirs in zip(gradients, their_gradients, strict=True):
            assert max((mine[name] - theirs[name]).abs().max().item() for name in mine) < 1e-6
        assert_same_weights(alone, state, atol=1e-3)
    assert_same_weights(answers[0][2], answers[1][2], atol=0.0)


def test_gradients_travel_once_a_step(world):
    """Those of all micro-batches but the last only add up where they are."""

    def work(ranks):
        trainer, sent = trainer_for(world, ranks, "once", micro_batch_size=1), []

        def send(group, bucket):
            sent.append(bucket.index())
            return allreduce_hook(group, bucket)

        trainer.loss_of.register_comm_hook(None, send)
        trainer.train_step(rate=1e-3)
        return sent

    assert on_ranks(work) == [[0], [0]]


def test_a_whole_run_is_that_of_one_process_and_written_down_once(world):
    (alone,) = run_together(world, "alone", 1, micro_batch_size=2)
    both = run_together(world, "both", micro_batch_size=2)
    assert losses(world, "both") == pytest.approx(losses(world, "alone"), abs=1e-4)
    for state in both:
        assert (state.step, state.finished) == (12, True)
        assert [entry["tokens"] for entry in state.history] == [len(world.valid) - 1] * 4
        for mine, theirs in zip(alone.history, state.history, strict=True):
            assert theirs["nats"] == pytest.approx(mine["nats"], rel=1e-5)
    assert both[0].history == both[1].history
    assert both[0].mean == both[1].mean, "both watch the same loss for divergence"
    assert_same_weights(both[0], both[1], atol=0.0)
    events = [event["event"] for event in read_log(world.folder / "both" / "log.jsonl")]
    assert [events.count(kind) for kind in ("start", "step", "story", "end")] == [1, 12, 2, 1]
    saved = load_checkpoint(step_folder(world.folder / "both" / "checkpoints", 12))
    assert torch.equal(saved.model.embedding.weight, both[0].weights["embedding.weight"])


@pytest.mark.parametrize("world_size", [2, 3, 50])
def test_every_validation_token_is_counted_once(world, world_size):
    """50 ranks: some have no window left."""
    model = Decoder(world.model_config, seed=0)
    whole = evaluate(model, world.valid)
    parts = [evaluate(model, world.valid, rank=rank, world_size=world_size) for rank in range(world_size)]
    assert sum(part.tokens for part in parts) == whole.tokens == len(world.valid) - 1
    assert sum(part.nats for part in parts) == pytest.approx(whole.nats, rel=1e-6)
    seen = sorted(
        (rank + number * world_size, targets.tolist())
        for rank in range(world_size)
        for number, (_, targets) in enumerate(
            world.valid.evaluation_windows(16, rank=rank, world_size=world_size)
        )
    )
    tokens = [token for _, targets in seen for token in targets]
    assert tokens == world.valid.tokens[1:].tolist()


def test_going_on_with_another_number_of_processes(world):
    """2 -> 1 -> 2, by a run that is stopped and asked for again."""

    def stop_at(step):
        def observe(event):
            if event["event"] == "step" and event["step"] == step:
                os.kill(os.getpid(), signal.SIGINT)

        return (observe,)

    (alone,) = run_together(world, "alone", 1, micro_batch_size=2)
    stopped = run_together(world, "changing", 2, micro_batch_size=2, observers=stop_at(3))
    assert [state.step for state in stopped] == [3, 3]
    (second,) = run_together(world, "changing", 1, micro_batch_size=2, observers=stop_at(7))
    assert second.step == 7
    last = run_together(world, "changing", 2, micro_batch_size=2)
    assert [state.finished for state in last] == [True, True]
    assert losses(world, "changing") == pytest.approx(losses(world, "alone"), abs=1e-4)
    assert [entry["step"] for entry in last[0].history] == [0, 4, 8, 12]
    assert last[0].history[-1]["nats"] == pytest.approx(alone.history[-1]["nats"], rel=1e-5)


def test_a_micro_batch_that_was_decided_by_fewer_processes_is_cut_to_the_share(world):
    two = Ranks(rank=1, world_size=2)
    trainer = trainer_for(world, replace(two, world_size=1, rank=0), "one", batch_size=12, micro_batch_size=4)
    assert trainer.micro_batch_size == 4
    fake = SimpleNamespace(**{name: getattr(two, name) for name in ("rank", "world_size", "is_first")})
    fake.share, fake.averaging = two.share, lambda model, loss_of: loss_of
    assert trainer_for(world, fake, "two", batch_size=12, micro_batch_size=4).micro_batch_size == 3


# --- stopped together ---


@pytest.mark.parametrize("rank", [0, 1])
def test_a_signal_to_one_rank_stops_all_after_the_same_step_and_saves_once(world, rank):
    def work(ranks):
        def terminate(event):
            if ranks.rank == rank and event["event"] == "step" and event["step"] == 5:
                os.kill(os.getpid(), signal.SIGTERM)

        trainer = trainer_for(world, ranks, "stopped", observers=(terminate,))
        trainer.run()
        return told(trainer)

    first, second = on_ranks(work)
    assert (first.step, second.step, first.finished, second.finished) == (5, 5, False, False)
    saves = [e["step"] for e in read_log(world.folder / "stopped/log.jsonl") if e["event"] == "checkpoint"]
    assert saves == [0, 3, 4, 5]


def test_a_measurement_that_is_broken_off_on_one_rank_is_remembered_by_none(world, monkeypatch):
    from slmlib.training import trainer as trainer_module

    real = trainer_module.evaluate

    def work(ranks):
        def broken_off(*arguments, **share):
            if ranks.rank == 1 and trainer.step == 4:
                os.kill(os.getpid(), signal.SIGTERM)
                raise AssertionError("the measurement went on")
            return real(*arguments, **share)

        trainer_module.evaluate = broken_off
        trainer = trainer_for(world, ranks, "broken-off", micro_batch_size=2)
        trainer.run()
        return told(trainer)

    for state in on_ranks(work):
        assert (state.step, [entry["step"] for entry in state.history]) == (4, [0])
    (alone,) = run_together(world, "alone", 1, micro_batch_size=2)
    resumed = run_together(world, "broken-off", 2, micro_batch_size=2)
    assert [entry["nats"] for entry in resumed[1].history] == pytest.approx(
        [entry["nats"] for entry in alone.history], rel=1e-5
    )


# --- broken ---


@pytest.mark.parametrize("killed", [0, 1])
def test_a_killed_rank_ends_the_others_and_nothing_is_lost(world, killed):
    def work(ranks):
        def die(event):
            if ranks.rank == killed and event["event"] == "step" and event["step"] == 6:
                os.kill(os.getpid(), signal.SIGKILL)

        trainer = trainer_for(world, ranks, "killed", micro_batch_size=2, observers=(die,))
        trainer.run()

    answers = on_ranks(work)
    assert answers[killed] == -signal.SIGKILL
    sentence = str(answers[1 - killed])
    assert isinstance(answers[1 - killed], TrainingError)
    assert re.match(r"Step 6: another process of this run has ended .*the same command goes on", sentence)
    saved = newest_checkpoint(world.folder / "killed" / "checkpoints")
    assert saved.progress.step == (4 if killed == 0 else 6), "the first rank saves what it has"
    run_together(world, "alone", 1, micro_batch_size=2)
    assert all(state.finished for state in run_together(world, "killed", micro_batch_size=2))
    assert losses(world, "killed") == pytest.approx(losses(world, "alone"), abs=1e-4)


def break_on(rank: int, here: Ranks, wrong) -> None:
    """Let `wrong(loss)` replace the training loss on one rank of this forked process, from the fourth call on."""
    real, calls = FastLoss.__call__, [0]

    def loss(self, inputs, targets):
        calls[0] += 1
        sound = real(self, inputs, targets)
        return wrong(sound) if here.rank == rank and calls[0] > 3 else sound

    FastLoss.__call__ = loss


@pytest.mark.parametrize("rank", [0, 1])
def test_memory_that_runs_out_on_one_rank_ends_all_and_saves(world, rank):
    def work(ranks):
        def runs_out(loss):
            raise torch.OutOfMemoryError("out of memory")

        break_on(rank, ranks, runs_out)
        trainer_for(world, ranks, "memory").run()

    answers = on_ranks(work)
    assert re.match("Step 3: there is no memory left", str(answers[rank]))
    assert isinstance(answers[1 - rank], SystemExit), "one sentence is enough"
    assert newest_checkpoint(world.folder / "memory" / "checkpoints").progress.step == 3


def test_a_loss_that_is_no_number_on_one_rank_stops_all_and_the_whole_batch_is_examined(world):
    def work(ranks):
        break_on(1, ranks, lambda loss: loss * float("nan"))
        trainer_for(world, ranks, "nan").run()

    answers = on_ranks(work)
    (sentence,) = (str(answer) for answer in answers if isinstance(answer, TrainingError))
    assert len([answer for answer in answers if isinstance(answer, SystemExit)]) == 1
    assert re.match(r"Step 3: the loss is nan .*the hardware made a mistake", sentence), (
        "the first rank is sound"
    )
    (path,) = (world.folder / "nan").glob("fault-step-*.json")
    report = json.loads(path.read_text())
    starts = world.train.window_starts(3, batch_size=4, context_length=16, seed=0)
    assert sorted(window["starts_at_token"] for window in report["batch"]) == sorted(starts.tolist())
    assert newest_checkpoint(world.folder / "nan" / "checkpoints").progress.step == 3


def test_float16_scales_alike_on_all_ranks(world):
    """An overflow on one rank is left out by both, and both halve the scale."""

    def work(ranks):
        break_on(1, ranks, lambda loss: loss + (loss - loss.detach()) * 1e30 * 1e30)
        trainer = trainer_for(world, ranks, "half", dtype="float16", dropout=0.0)
        for _ in range(5):
            trainer.train_step(rate=1e-3)
            trainer.step += 1
        return trainer.scaler.get_scale(), told(trainer)

    (scale, first), (their_scale, second) = on_ranks(work)
    assert scale == their_scale == 2.0**16 / 4
    assert_same_weights(first, second, atol=0.0)


# --- decided together ---


@pytest.fixture
def wish(tmp_path, monkeypatch) -> Wish:
    monkeypatch.setenv("SLM_HOME", str(tmp_path / "home"))
    (tmp_path / "stories.txt").write_text("\n<|endoftext|>\n".join(tiny_stories(0)))
    model = ModelConfig(vocab_size=280, context_length=16, embed_dim=16, num_layers=1, num_heads=2)
    train = TrainConfig(
        total_steps=6, batch_size=4, dtype="float32", device="cpu", sample_prompt="Tom", threads=1
    )
    return Wish(model, train, tmp_path / "runs" / "one", str(tmp_path / "stories.txt"))


def test_a_time_budget_is_decided_by_the_first_rank_and_its_run_is_locked(wish, monkeypatch):
    timed = replace(wish, train=replace(wish.train, total_steps=0, minutes=0.5, compile="off"))
    said: list[str] = []

    def work(ranks):
        run_module.measure_step = lambda *_: 0.5 if ranks.is_first else 0.001
        owners = []

        def look(event):
            owners.append(json.loads((wish.folder / "running.json").read_text())["pid"] == os.getpid())

        said.clear()
        run_module.together = lambda: _already(ranks)
        result = start_or_resume(timed, (look,), said.append, progress=False)
        return result.trainer.config, all(owners), len(owners), said, result.finished

    (config, owned, events, sentences, finished), (other, _, none, silence, _) = on_ranks(work)
    assert config == other
    assert 20 <= config.total_steps <= 60
    assert config.micro_batch_size == 2
    assert (owned, finished, none, silence) == (True, True, 0, [])
    assert events > config.total_steps
    assert "Processes: 2, each with 2 of a batch's 4 windows." in sentences
    assert not (wish.folder / "running.json").exists()


def test_the_first_ranks_clock_corrects_the_steps_of_all(wish, monkeypatch):
    timed = replace(
        wish, train=replace(wish.train, total_steps=0, minutes=0.5, schedule="wsd", compile="off")
    )

    def work(ranks):
        run_module.measure_step = lambda *_: 0.5
        run_module.deadline_of = lambda *_: 0.0 if ranks.is_first else 1e12
        run_module.together = lambda: _already(ranks)
        trainer = start_or_resume(timed, (), lambda _: None, progress=False).trainer
        return trainer.config, trainer.step

    (config, step), (other, others_step) = on_ranks(work)
    assert config == other
    assert step == others_step == config.total_steps
    assert config.decay_fraction < 0.4, "shorter than the half that was planned"


class _already:
    """Stands in for `together` where the processes are connected already."""

    def __init__(self, ranks):
        self.ranks = ranks

    def __enter__(self):
        return self.ranks

    def __exit__(self, *_):
        return None


def test_a_folder_in_use_is_told_once(wish):
    def work(ranks):
        run_module.together = lambda: _already(ranks)
        start_or_resume(wish, (), lambda _: None, progress=False)

    with only_process_in(wish.folder):
        first, second = on_ranks(work)
    assert isinstance(first, TrainingError)
    assert f"Process {os.getpid()} is training" in str(first)
    assert isinstance(second, SystemExit)


def test_a_micro_batch_that_does_not_fit_on_one_rank_is_halved_on_all(world, wish):
    data = SimpleNamespace(tokenizer=world.tokenizer, train=world.train, valid=world.valid)
    config = replace(wish.train, batch_size=8, micro_batch_size=4)

    def work(ranks):
        real = FastLoss.__call__

        def loss(self, inputs, targets):
            if ranks.rank == 1 and len(inputs) > 2:
                raise torch.OutOfMemoryError("out of memory")
            return real(self, inputs, targets)

        FastLoss.__call__ = loss
        said: list[str] = []
        decided, _ = try_step(wish, config, data, CPU, said.append, ranks)
        return decided.micro_batch_size, said

    for size, said in on_ranks(work):
        assert size == 2
        assert [re.match("A micro-batch of 4 windows", sentence) is not None for sentence in said] == [True]


def test_the_rank_with_the_least_memory_decides(world, monkeypatch):
    needs = memory_needed(world.model_config, world.config(), 2, CPU)

    def work(ranks):
        Device.memory = lambda self: needs * (20 if ranks.is_first else 2)  # two share one machine's memory
        config = world.config(batch_size=16)
        return fit_memory(world.model_config, config, CPU, lambda _: None, ranks=ranks).micro_batch_size

    assert on_ranks(work) == [2, 2]


def test_ranks_that_do_not_begin_with_the_same_are_refused():
    answers = on_ranks(lambda ranks: ranks.require_same(f"step {ranks.rank}"))
    kinds = sorted(type(answer).__name__ for answer in answers)
    assert kinds == ["SystemExit", "TrainingError"]


# --- refused ---


@pytest.mark.parametrize(
    ("batch_size", "micro_batch_size", "world_size", "sentence"),
    [
        (16, 1, 3, r"batch_size \(16\) cannot be shared evenly by 3 processes\. Make it a multiple of 3"),
        (16, 4, 8, r"by 8 processes in micro-batches of 4\. Make it a multiple of 32"),
    ],
)
def test_a_batch_that_cannot_be_shared_is_one_sentence(batch_size, micro_batch_size, world_size, sentence):
    with pytest.raises(ConfigError, match=sentence):
        Ranks(world_size=world_size).share(batch_size, micro_batch_size)
    assert Ranks(world_size=2).share(16, 8) == 8


def test_only_torchrun_makes_ranks(monkeypatch):
    """Clusters set WORLD_SIZE for purposes of their own."""
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("RANK", "2")
    assert launched() == ALONE
    with together() as ranks:
        assert ranks == ALONE
    assert not dist.is_initialized()


def test_too_few_gpus_are_one_sentence(monkeypatch):
    for name, value in dict(RANK=1, WORLD_SIZE=4, LOCAL_RANK=1, LOCAL_WORLD_SIZE=4).items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "test")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ConfigError, match=r"4 processes need a GPU each; here are 2\. .*--nproc-per-node 2"):
        devices.choose_device("cuda")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    with pytest.raises(ConfigError, match="MPS serves one process"):
        devices.choose_device("mps")


# --- the real command ---


def newest_step(folder: Path) -> int:
    return max((int(path.name[5:]) for path in folder.glob("checkpoints/step-*")), default=-1)


def test_torchrun_restarts_a_killed_rank_and_the_command_goes_on(wish, tmp_path):
    """One rank gets SIGKILL in the middle; torchrun starts both again, and they finish what was begun."""
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"),
        *("--max-restarts", "1", "-m", "--", "slmlib", "train", "--preset", "0.3M", "--corpus", wish.corpus),
        *("--vocab-size", "280", "--embed-dim", "16", "--num-heads", "1", "--context-length", "16"),
        *("--num-layers", "1", "--total-steps", "200", "--batch-size", "4", "--checkpoints", "20"),
        *("--evaluations", "1", "--device", "cpu", "--dtype", "float32", "--threads", "1"),
        *("--compile", "off", "--run", "killed"),
    ]
    environment = os.environ | {"SLM_HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1"}
    folder = tmp_path / "home" / "runs" / "killed"
    output = tmp_path / "output.txt"
    with (
        open(output, "wb") as file,
        subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT) as launcher,
    ):
        try:
            while launcher.poll() is None and newest_step(folder) < 20:
                with suppress(subprocess.TimeoutExpired):
                    launcher.wait(timeout=0.02)
            assert launcher.poll() is None, output.read_text(errors="replace")
            ranks = psutil.Process(launcher.pid).children()
            next(rank for rank in ranks if rank.environ()["RANK"] == "1").kill()
            code = launcher.wait(timeout=200)
        finally:
            launcher.terminate()  # torchrun ends its ranks
    said = output.read_text(errors="replace")
    assert code == 0, said
    assert re.search(r"Error: Step \d+: another process of this run has ended", said)
    assert len(re.findall("Going on from step", said)) == 1
    assert len(re.findall("Finished: step 200 of 200", said)) == 1
    assert "Traceback" not in said
    steps, _ = series(read_log(folder / "log.jsonl"), "step", "loss")
    assert steps == list(range(1, 201))


@pytest.mark.cuda
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_two_gpus_train_through_the_command_line(wish, tmp_path):
    """nccl, one GPU a process. Never run so far: there were no two GPUs at hand."""
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"),
        *("-m", "--", "slmlib", "train", "--preset", "0.3M", "--corpus", wish.corpus, "--vocab-size", "280"),
        *("--total-steps", "20", "--device", "cuda", "--run", "gpus"),
    ]
    environment = os.environ | {"SLM_HOME": str(tmp_path / "home")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert "Processes: 2" in done.stdout
    assert "Finished: step 20 of 20" in done.stdout
