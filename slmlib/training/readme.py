"""The README.md in a run's folder: what the folder holds, in words that need no slmlib to be read."""

from typing import TYPE_CHECKING

from slmlib.config import TrainConfig
from slmlib.files import write_text
from slmlib.model.counts import count_parameters

if TYPE_CHECKING:
    from slmlib.training.run import Wish

CONTENTS = {
    "README.md": "this page, written when the run is started, goes on, or has another number of steps",
    "log.jsonl": "everything that happened, one JSON object a line: steps, measurements, stories, warnings",
    "log-0001.jsonl": "and so on: earlier parts of a long log, oldest first",
    "checkpoints/step-00000123/": "the run after 123 steps; the newest ones and the best one are kept",
    "checkpoints/step-.../model.safetensors": "the weights, float32",
    "checkpoints/step-.../optimizer.safetensors": "the optimizer's means of every weight",
    "checkpoints/step-.../tokenizer.json": "the tokenizer",
    "checkpoints/step-.../state.json": "configs, step, measurements, fingerprints of the data, versions",
    "checkpoints/step-.../manifest.json": "SHA-256 of the other files; a damaged checkpoint is passed over",
    "loss.png": "the loss curve, drawn when a command ends",
    "fault-step-00000123.json": "only after a fault: what was found when that step went wrong",
    "running.json": "only while a process trains here: which one",
    "running.lock": "locked while a process trains here, so that no other one does",
    "tensorboard/, wandb/": "only when asked for: the same numbers for these tools",
}
"""What may be in a run's folder, and what it is."""


def write_readme(wish: "Wish", decided: TrainConfig, corpus_name: str) -> None:
    """Write the page; a later start of the same run replaces it."""
    model = wish.model
    rows = "\n".join(f"| `{name}` | {meaning} |" for name, meaning in CONTENTS.items())
    write_text(
        wish.folder / "README.md",
        f"""# The run {wish.folder.name}

A language model of {count_parameters(model):,} parameters ({model.num_layers} layers, embed_dim {model.embed_dim},
{model.vocab_size:,} tokens) in training on {corpus_name}: {decided.total_steps:,} steps of {decided.batch_size} windows
of {model.context_length} tokens, on {decided.device} in {decided.dtype}, seed {decided.seed}.

| file | what it is |
|---|---|
{rows}

Copied to another machine, a checkpoint folder is complete. `python -m slmlib generate --model FOLDER` tells a story
with the newest checkpoint of a run's folder; the command that started the run goes on with it.
""",
    )
