"""Runs side by side on one page: `python -m slmlib report RUN [RUN...]`.

The page is one HTML file with everything in it, so it can be mailed, archived, or opened years later. It is made of
what a run leaves in its folder (the log and the newest checkpoint's state.json); no model is loaded.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import slmlib
from slmlib.config import LanguageModelConfig
from slmlib.errors import CheckpointError, SlmError
from slmlib.files import read_json
from slmlib.model.counts import count_parameters
from slmlib.plots import Picture, Table, lines
from slmlib.plots.table import spaced
from slmlib.plots.training import smoothed
from slmlib.training.checkpoint import checkpoint_folders, read_model_config
from slmlib.training.logs import Event, read_log, series

MOST_RUNS = 7
"""As many as there are colours that everyone can tell apart."""

NO_DIFFERENCE = (
    "minutes",
    "evaluations",
    "checkpoints",
    "keep_checkpoints",
    "tensorboard",
    "wandb",
    "sample_prompt",
)
"""Settings of the training that change what is written down, not what is learned."""


@dataclass(frozen=True)
class RunRecord:
    """What one run left behind."""

    name: str
    model: LanguageModelConfig
    training: dict[str, Any]
    """The decided TrainConfig, as plain data."""
    progress: dict[str, Any]
    """Step, corpus and fingerprints, as the newest checkpoint tells them."""
    events: list[Event]

    @classmethod
    def read(cls, folder: Path | str) -> "RunRecord":
        """Read a run's folder, by the newest checkpoint that can be read; CheckpointError in one sentence when it is none."""
        folder = Path(folder)
        if not (folder / "log.jsonl").is_file():
            raise CheckpointError(
                f"{folder} is not a run: it has no log.jsonl.", "Give folders such as work/runs/1M-5min."
            )
        found = [one for one in checkpoint_folders(folder / "checkpoints") if (one / "state.json").is_file()]
        if not found:
            raise CheckpointError(f"The run {folder} has no checkpoint yet.", "Let it train a little longer.")
        problems = []
        for checkpoint in reversed(found):
            try:
                return cls._of(folder, checkpoint)
            except SlmError as error:
                problems.append(error)
        raise problems[0]

    @classmethod
    def _of(cls, folder: Path, checkpoint: Path) -> "RunRecord":
        """What a run's log and one of its checkpoints tell."""
        try:
            state = read_json(checkpoint / "state.json")
            progress = state["progress"]
            model, training = read_model_config(state), dict(progress["decided"])
            record = cls(folder.resolve().name, model, training, progress, read_log(folder / "log.jsonl"))
            record._read_all()
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise CheckpointError(
                f"{folder} does not tell what was trained ({type(error).__name__}: {error}).",
                "It may be damaged, or of another version of slmlib.",
            ) from None
        return record

    def _read_all(self) -> None:
        """Ask for everything that the page needs, so that what is missing is told when the run is read."""
        self.row()
        self.settings()
        self.stories()
        _caution([self])

    @property
    def step(self) -> int:
        """Optimizer steps done, by the log: the newest checkpoint may be older."""
        return int(max(event["step"] for event in self.events))

    @property
    def tokens_per_step(self) -> int:
        """Tokens in one global batch."""
        return int(self.training["batch_size"]) * self.model.context_length

    @property
    def seconds(self) -> float:
        """Time spent in training steps."""
        return float(max(event["seconds"] for event in self.events))

    def row(self) -> tuple[object, ...]:
        """This run's line in the first table."""
        total = int(self.training["total_steps"])
        last = [event for event in self.events if event["event"] == "evaluation"][-1]
        tokens = self.step * self.tokens_per_step
        return (
            self.name,
            "finished" if self.step >= total else f"stopped at {self.step / total:.0%}",
            count_parameters(self.model),
            self.step,
            tokens,
            self.seconds / 60,
            round(tokens / self.seconds) if self.seconds else 0,
            f"{last['bits_per_byte']:.3f}",
            float(last["perplexity"]),
        )

    def settings(self) -> dict[str, Any]:
        """Every setting that can make two runs differ; shares of a run as they were asked for, not fitted to its steps."""
        asked = {name: self.progress["asked"][name] for name in ("warmup_fraction", "decay_fraction")}
        training = {name: value for name, value in self.training.items() if name not in NO_DIFFERENCE} | asked
        return {"corpus": self.progress["corpus"], **self.model.to_dict(), **training}

    def stories(self) -> dict[str, str]:
        """What the model wrote `before` and `after` training."""
        return {event["name"]: event["text"] for event in self.events if event["event"] == "story"}


def write_report(folders: Sequence[Path | str]) -> str:
    """The page that compares these runs, as HTML.

    Raises SlmError for none, for too many, or for a folder that is no run.
    """
    if not folders:
        raise SlmError("A report needs a run; none was given.", "Give folders such as work/runs/1M-5min.")
    if len(folders) > MOST_RUNS:
        raise SlmError(
            f"A report compares up to {MOST_RUNS} runs; {len(folders)} were given.", "Choose fewer."
        )
    runs = _distinct([RunRecord.read(folder) for folder in folders])
    caution = _caution(runs)
    title = f"The run {runs[0].name}" if len(runs) == 1 else f"{len(runs)} runs side by side"
    columns = (
        *("run", "state", "parameters", "steps", "tokens read", "minutes", "tokens a second"),
        *("bits per byte", "perplexity"),
    )
    parts = [
        f"<h1>{html.escape(title)}</h1>",
        Table(
            "Where each run stands, by its last measurement on the validation set",
            columns,
            [run.row() for run in runs],
        )._repr_html_(),
        f"<p><strong>Careful.</strong> {html.escape(caution)}</p>" if caution else "",
        "<h2>Curves</h2>",
        *(picture.html() for picture in _curves(runs)),
        "<h2>Settings</h2>",
        _settings(runs)._repr_html_(),
        "<h2>Stories</h2>",
        *(_stories(name, runs) for name in ("before", "after")),
        f"<footer>Made by <code>python -m slmlib report</code>, slmlib {slmlib.__version__}.</footer>",
    ]
    return _PAGE.format(title=html.escape(title), body="\n".join(part for part in parts if part))


def _distinct(runs: list[RunRecord]) -> list[RunRecord]:
    """The same runs, a number behind each name that occurs twice."""
    names = [run.name for run in runs]
    return [
        run
        if names.count(run.name) == 1
        else RunRecord(
            f"{run.name} ({names[: place + 1].count(run.name)})",
            run.model,
            run.training,
            run.progress,
            run.events,
        )
        for place, run in enumerate(runs)
    ]


def _same_text(runs: list[RunRecord]) -> bool:
    """Whether all were measured on the same stories, whatever their tokenizers made of them."""
    return len({(run.progress["corpus"], run.progress["history"][-1]["bytes"]) for run in runs}) == 1


def _caution(runs: list[RunRecord]) -> str:
    """What must not be compared, and why; empty when everything may be."""
    if not _same_text(runs):
        return (
            "These runs were measured on different validation stories, so their numbers cannot be compared."
        )
    if len({run.progress["valid_sha256"] for run in runs}) > 1:
        return (
            "These runs have different tokenizers: compare their bits per byte, not their perplexity or loss."
        )
    return ""


def _curves(runs: list[RunRecord]) -> list[Picture]:
    tokens, minutes, training = {}, {}, {}
    for run in runs:
        measured = [event for event in run.events if event["event"] == "evaluation" and event["step"]]
        bits = [event["bits_per_byte"] for event in measured]
        if measured:
            tokens[run.name] = ([event["step"] * run.tokens_per_step / 1e6 for event in measured], bits)
            minutes[run.name] = ([event["seconds"] / 60 for event in measured], bits)
        steps, losses = series(run.events, "step", "loss")
        if steps:
            training[run.name] = (steps, smoothed(losses))
    validation, three = "validation, bits per byte", "{:.3f}".format
    pictures = []
    if tokens:
        message = _message({name: bits[-1] for name, (_, bits) in tokens.items()}, _same_text(runs))
        pictures += [
            lines(tokens, message, xlabel="million tokens read", ylabel=validation, write=three),
            lines(minutes, "By the clock", xlabel="minutes of training", ylabel=validation, write=three),
        ]
    if training:
        pictures.append(
            lines(
                training,
                "Training loss, smoothed",
                xlabel="step",
                ylabel="nats per token",
                markers=False,
                write="{:.2f}".format,
            )
        )
    return pictures


def _message(ends: dict[str, float], comparable: bool) -> str:
    """What the curves say: where the best of them ends."""
    best = min(ends, key=ends.__getitem__)
    if not comparable:
        return "Each run on validation stories of its own"
    return f"{best} ends at {ends[best]:.3f} bits per byte" + (", the lowest" if len(ends) > 1 else "")


def _settings(runs: list[RunRecord]) -> Table:
    """What differs; of a single run, everything."""
    settings = [run.settings() for run in runs]
    names = list(dict.fromkeys(name for one in settings for name in one))
    rows = [(name, *(str(one.get(name, "none")) for one in settings)) for name in names]
    if len(runs) > 1:
        rows = [row for row in rows if len(set(row[1:])) > 1]
    caption = "Every setting" if len(runs) == 1 else "What differs" if rows else "Nothing differs"
    return Table(caption, ("setting", *(run.name for run in runs)), rows)


def _stories(name: str, runs: list[RunRecord]) -> str:
    rows = [(run.name, spaced(run.stories().get(name, "none"))) for run in runs]
    return Table(f"A story {name} training, unselected", ("run", "text"), rows)._repr_html_()


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }}
caption {{ font-weight: bold; padding: 0.3rem 0; }}
th, td {{ padding: 0.3rem 0.7rem; border-bottom: 1px solid #8886; vertical-align: top; }}
figure {{ margin: 1.5rem 0 !important; }}
footer {{ margin-top: 3rem; opacity: 0.8; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""
