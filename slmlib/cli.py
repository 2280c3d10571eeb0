"""The command line: `python -m slmlib COMMAND`, each command one class in this file (`stories` stands in StoryWorld).

Flags, help texts and validation come from the config dataclasses (see `flags`); nothing is written twice. torch is
imported only by the commands that need it, so that help and mistakes are answered at once.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import tyro

from slmlib.config import MambaConfig, ModelConfig, Sampling, TrainConfig
from slmlib.errors import ConfigError, DataError, SlmError
from slmlib.files import home, print_any_character
from slmlib.flags import parse
from slmlib.presets import PRESETS, Preset, default_preset, preset
from slmlib.ranks import launched
from slmlib.shell import terminal_width
from slmlib.storyworld.command import StoriesCommand

if TYPE_CHECKING:
    from slmlib.text.base_tokenizer import BaseTokenizer
    from slmlib.training.checkpoint import Checkpoint

INTERRUPTED = 130
"""The exit code of what Ctrl-C ended (128 + SIGINT), so that `train && export` does not export half a run."""

_SIZES = "; ".join(f"{name} for {size.good_for}" for name, size in PRESETS.items())
_PRESET = tyro.conf.arg(help=f"Size: {_SIZES}; or auto, the device's. The defaults below are the preset's.")


@dataclass(frozen=True)
class Train:
    """Train a story model from scratch on this machine.

    Ctrl-C saves; the same command goes on where it stopped. On N GPUs of one machine the same run goes N at a
    time: torchrun --nproc-per-node N -m -- slmlib train, with the same words after it, also to go on with a run that
    another number of processes began. --batch-size counts the windows of all of them together. If one is killed the
    others end; torchrun --max-restarts 3 goes on from the last checkpoint by itself.
    """

    preset: Annotated[str, _PRESET] = "auto"
    corpus: str = "auto"
    """A .txt, .jsonl, .csv or .parquet file or a folder of these (stories.csv#body names the column), `tinystories`,
    `storyworld` (stories made here), or `auto`: SLM_CORPUS, else tinystories, else storyworld."""
    run: str = ""
    """Name of the run, a folder below work/runs; empty means one made of the preset and the budget."""
    model: tyro.conf.AvoidSubcommands[ModelConfig | MambaConfig] = field(
        default_factory=lambda: cast(ModelConfig, PRESETS["1M"].model.with_open_sizes())
    )
    train: TrainConfig = field(default_factory=lambda: PRESETS["1M"].train)
    """How it is trained. A run stores these values and a resumed run repeats them."""

    def execute(self) -> None:
        """Run the command."""
        from slmlib.plots import loss_curve
        from slmlib.training.logs import read_log
        from slmlib.training.run import Wish, start_or_resume
        from slmlib.training.terminal import TerminalProgress, closing_card, left_at_once

        budget = f"{self.train.total_steps}steps" if self.train.total_steps else f"{self.train.minutes:g}min"
        chosen = _chosen_preset(self.preset, self.train.device)
        folder = home() / "runs" / (self.run or f"{chosen.name}-{budget}")
        wish = Wish(self.model, self.train, folder, self.corpus, chosen.tokenizer)
        with TerminalProgress() as progress:
            try:
                result = start_or_resume(wish, (progress,), progress.say, started=_process_start())
            except KeyboardInterrupt:
                raise KeyboardInterrupt(left_at_once(folder)) from None
        if not result.trainer.ranks.is_first:
            return
        loss_curve(read_log(folder / "log.jsonl")).save(folder / "loss.png")
        print(closing_card(result))
        if not result.finished and result.trainer.ranks.world_size == 1:  # torchrun would start it again
            raise SystemExit(INTERRUPTED)


@dataclass(frozen=True)
class ModelCommand:
    """What the commands about one model share: which one."""

    name: tyro.conf.Positional[str] = ""
    """`shipped`, a run folder such as work/runs/1M-5min, or a checkpoint folder; empty means what --model says."""
    model: str = "shipped"
    """The same, by its flag."""

    @property
    def path(self) -> str:
        """Where the model is, or `shipped`; ConfigError when two were named."""
        if self.name and self.model not in ("shipped", self.name):
            raise ConfigError(
                f"Two models were named, {self.name} and {self.model}.",
                "Name one; words with spaces need quotes.",
            )
        return self.name or self.model

    def load(self) -> "Checkpoint":
        """The model, on the CPU."""
        from slmlib.shipped import load_model

        return load_model(self.path)


@dataclass(frozen=True)
class Generate(ModelCommand):
    """Let a model tell a story. Works before any training, with the model that comes with the package."""

    prompt: str = "Once upon a time"
    """How the story begins."""
    count: int = 1
    """How many stories, each from its own seed."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """What to compute in. In bfloat16 the loaded weights take half as much; on a Xeon that multiplies it in hardware 30
    million parameters were 1.5 times as fast with it, 2 million slower. Where two tokens are almost equally likely
    a story may take another turn."""
    sampling: Sampling = field(default_factory=Sampling)

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ConfigError(f"count must be at least 1; it is {self.count}.")

    def require_usable_prompt(self, tokenizer: "BaseTokenizer") -> None:
        """Refuse what cannot be encoded, before the first word is printed and with a remedy for a shell."""
        try:
            tokenizer.encode(self.prompt)
        except DataError as error:
            raise DataError(
                f"--prompt cannot be read. {error.problem}",
                "Leave marks such as <|endoftext|> out of it; letters beyond ASCII need a terminal in UTF-8.",
            ) from None

    def execute(self) -> None:
        """Run the command."""
        import torch

        from slmlib.devices import choose_device
        from slmlib.generation import stream

        checkpoint, device = self.load(), choose_device(dtype=self.dtype)
        self.require_usable_prompt(checkpoint.tokenizer)
        checkpoint.model.to(device.type, getattr(torch, device.dtype))
        for number in range(self.count):
            if number:
                print("\n---")
            print(self.prompt, end="", flush=True)
            sampling = replace(self.sampling, seed=self.sampling.seed + number)
            for piece in stream(checkpoint.model, checkpoint.tokenizer, self.prompt, sampling):
                print(piece, end="", flush=True)
            print()


@dataclass(frozen=True)
class Evaluate(ModelCommand):
    """Measure a model on the whole validation set: bits per byte, perplexity, loss."""

    corpus: str = "auto"
    """Where the validation stories come from, as in `train`."""

    def execute(self) -> None:
        """Run the command."""
        from slmlib.devices import choose_device
        from slmlib.evaluation import evaluate
        from slmlib.training.run import stories_of

        checkpoint, device = self.load(), choose_device()
        checkpoint.model.to(device.type)
        data = stories_of(checkpoint, self.corpus, device)
        run, name = checkpoint.progress, checkpoint.folder.name
        print(f"{name} on {data.corpus_name} ({len(data.valid):,} tokens), float32 on {device.name}:")
        if run.valid_sha256 and data.valid.info.sha256 != run.valid_sha256:
            print(f"(These are not the validation stories of its run, which came from {run.corpus}.)")
        print(evaluate(checkpoint.model, data.valid, progress=True))


@dataclass(frozen=True)
class Report:
    """Write one HTML page that compares runs: numbers, curves, settings, stories."""

    runs: tyro.conf.Positional[tuple[str, ...]] = ()
    """Folders of runs, such as work/runs/1M-5min."""
    out: str = "report.html"
    """The file to write."""

    def execute(self) -> None:
        """Run the command."""
        from slmlib.files import write_text
        from slmlib.report import write_report

        # work/runs/* also names what lessons keep there.
        runs = [name for name in self.runs if (Path(name) / "log.jsonl").is_file()]
        runs = runs or list(self.runs)  # none at all is refused with a reason
        if left_out := len(self.runs) - len(runs):
            print(f"Left out, because they are not runs: {left_out} of {len(self.runs)}.", file=sys.stderr)
        write_text(self.out, write_report(runs))
        print(f"Written: {self.out}. Open it in a browser.")


@dataclass(frozen=True)
class Doctor:
    """Say what this machine has, what would be used and why, and how fast it is."""

    def execute(self) -> None:
        """Run the command."""
        from slmlib.doctor import examine

        print(examine())


@dataclass(frozen=True)
class Families:
    """List the published models that slmlib can be, or count one of them before anything is allocated."""

    name: tyro.conf.Positional[str] = ""
    """Which one, such as pythia-160m; without a name all are listed."""

    def execute(self) -> None:
        """Run the command."""
        from slmlib.model.families import catalogued
        from slmlib.model.family_card import card, listing

        print(card(self.name, catalogued(self.name)) if self.name else listing(terminal_width()))


@dataclass(frozen=True)
class Export(ModelCommand):
    """Write a model as a Hugging Face folder, which AutoModelForCausalLM and AutoTokenizer load, or for llama2.c."""

    folder: str = ""
    """Where to; empty means a folder below work/exported, named after the run and the checkpoint."""
    model_type: str = ""
    """Which class of transformers, such as llama; empty takes the first that is this model exactly."""
    format: Literal["huggingface", "llama2c"] = "huggingface"
    """`llama2c` writes model.bin and tokenizer.bin, which run.c of llama2.c takes; only a Llama fits."""

    def __post_init__(self) -> None:
        if self.model_type and self.format != "huggingface":
            raise ConfigError(
                "model_type is a class of transformers.", "Leave it out, or leave out --format."
            )

    def execute(self) -> None:
        """Run the command."""
        from slmlib.export.folders import export_folder
        from slmlib.export.llama2c import write_llama2c

        checkpoint = self.load()
        folder = self.folder or home() / "exported" / _name_of(self.path)
        if self.format == "llama2c":
            print(f"Written: {write_llama2c(folder, checkpoint.model, checkpoint.tokenizer)}")
            return
        print(f"Written: {export_folder(folder, checkpoint.model, checkpoint.tokenizer, self.model_type)}")


@dataclass(frozen=True)
class Import:
    """Make a checkpoint, for generate and evaluate, of a Hugging Face folder, a model of the Hub, or llama2.c's .bin."""

    source: tyro.conf.Positional[str] = ""
    """The folder, a name on the Hub such as openai-community/gpt2, or a model.bin with tokenizer.bin beside it."""
    folder: str = ""
    """Where to; empty means a folder below work/imported, named after the owner and the model."""

    def execute(self) -> None:
        """Run the command."""
        if not self.source:
            raise ConfigError("Nothing to import.", "Give a folder, or a name on the Hub: import my/folder")
        from slmlib.export.folders import import_folder
        from slmlib.export.llama2c import import_llama2c

        if Path(self.source).suffix == ".bin" and Path(self.source).is_file():
            folder = self.folder or home() / "imported" / _name_of(self.source.removesuffix(".bin"))
            print(f"Written: {import_llama2c(self.source, folder)}")
            return
        folder = self.folder or home() / "imported" / _name_of(self.source)
        print(f"Written: {import_folder(self.source, folder)}")


def _name_of(source: str) -> str:
    """What the folder of a model is called that nobody named: two runs have a step-00000100 each, two owners a gpt2, so
    the run's or the owner's name stands before it. Runs, exports and imports at home have names of their own."""
    path = Path(os.path.abspath(source))
    owners = [part for part in path.parent.parts[1:] if part != "checkpoints"]
    at_home = [Path(os.path.abspath(home())) / name for name in ("runs", "exported", "imported")]
    alone = source == "shipped" or path.parent in at_home or not owners
    return path.name if alone else f"{owners[-1]}-{path.name}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse, run, and answer any mistake with one sentence and exit code 2."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    print_any_character()
    try:
        with _said_once():
            command = parse(_commands(arguments), arguments, "python -m slmlib")
        command.execute()
    except SlmError as error:
        print(f"Error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt as stop:
        print(f"\nStopped. {stop}".rstrip(), file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None
    except BrokenPipeError:  # the reader of our output has gone, as in `... | head`
        sys.stderr.close()
        raise SystemExit(1) from None
    except OSError as error:  # a name that is too long, a folder that may not be entered
        where = f" ({error.filename})" if error.filename else ""
        print(f"Error: The system refused: {error.strerror or error}{where}.", file=sys.stderr)
        raise SystemExit(2) from None


@contextmanager
def _said_once() -> Iterator[None]:
    """All processes of torchrun read the same words: only the first answers a mistake in them, or a request for help."""
    with ExitStack() as stack:
        if not launched().is_first:
            nowhere = stack.enter_context(open(os.devnull, "w"))
            stack.enter_context(redirect_stdout(nowhere))
            stack.enter_context(redirect_stderr(nowhere))
        yield


def _commands(arguments: Sequence[str]) -> dict[str, Any]:
    """Each command by name. The flags of `train` show the chosen preset's values as their defaults."""
    return {
        "train": _train_defaults(arguments) if arguments[:1] == ["train"] else Train(),
        "generate": Generate(),
        "evaluate": Evaluate(),
        "report": Report(),
        "doctor": Doctor(),
        "stories": StoriesCommand(),
        "families": Families(),
        "export": Export(),
        "import": Import(),
    }


def _process_start() -> float:
    """When this process began, on the clock of time.perf_counter: loading libraries counts in a time budget too."""
    import time

    import psutil

    return time.perf_counter() - (time.time() - psutil.Process().create_time())


def _train_defaults(arguments: Sequence[str]) -> Train:
    """The `train` command as it is when only its preset, or the device it depends on, was given."""
    chosen = _chosen_preset(_value_of("--preset", arguments), _value_of("--device", arguments))
    return Train(
        preset=chosen.name, model=cast(ModelConfig, chosen.model.with_open_sizes()), train=chosen.train
    )


def _chosen_preset(name: str, device: str) -> Preset:
    """The preset of that name; for `auto`, the one for the device."""
    if name == "auto":
        from slmlib.devices import choose_device

        return default_preset(choose_device(cast(Any, device)).type)
    return preset(name)


def _value_of(flag: str, arguments: Sequence[str]) -> str:
    """The word after the last `flag`, also in the form `--flag=word`; `auto` when it was not given."""
    found = "auto"
    for word, after in zip(arguments, [*arguments[1:], "auto"], strict=True):
        if word == flag or word.startswith(f"{flag}="):
            found = after if word == flag else word.removeprefix(f"{flag}=")
    return found
