"""Make a finished run the model that comes with the package.

    python benchmarks/ship_model.py RUN_FOLDER "the command that made the run"

Writes slmlib/shipped/tinystories: weights, tokenizer and state as in any checkpoint, without the optimizer, and
a model card. The golden story in tests/test_shipped.py has to be renewed with it.
"""

import sys

from slmlib.config import Sampling, TrainConfig
from slmlib.devices import choose_device
from slmlib.errors import SlmError
from slmlib.evaluation import Evaluation
from slmlib.files import write_text
from slmlib.generation import generate
from slmlib.model.counts import count_parameters
from slmlib.shipped import SHIPPED, load_model
from slmlib.training.checkpoint import Checkpoint, save_checkpoint

CARD = """# The story model that comes with slmlib

A decoder of {parameters:,} parameters that tells short stories for small children, in English. It exists so that
`python -m slmlib generate` and the first lesson work before anything was trained.

- Shape: {layers} layers, width {width}, {heads} heads, context {context}, own byte-level BPE of {vocab:,} tokens.
- Trained from scratch by this repository on {corpus}: {steps:,} steps, {tokens:,} tokens, {seconds:.0f} s of training.
  The stories are TinyStories (Eldan and Li 2023, arXiv 2305.07759; licence CDLA-Sharing-1.0); they are not in here.
- Command: `{command}`. That is {batch} windows a step, {optimizer}, {schedule} schedule,
  {dtype} matrix products, {threads} CPU threads, seed {seed}.
- Whole validation set, end-of-text counted: {evaluation}.
- Made on: {device}.

It knows nothing of the world, makes things up, and loses the thread: it is a teaching object. Weights: MIT, like the code.

One story, unselected (`python -m slmlib generate --seed 1`):

> {story}
"""


def ship(checkpoint: Checkpoint, command: str, device: str) -> None:
    """Write the shipped model and its card from a finished run's checkpoint."""
    progress, config = checkpoint.progress, checkpoint.model.config
    if progress.step != progress.decided.total_steps:
        raise SlmError(f"{checkpoint.folder} is not the end of its run.", "Let the run finish first.")
    save_checkpoint(SHIPPED, checkpoint.model, checkpoint.tokenizer, progress)
    decided = progress.decided
    card = CARD.format(
        parameters=count_parameters(config),
        layers=config.num_layers,
        width=config.embed_dim,
        heads=config.num_heads,
        context=config.context_length,
        vocab=config.vocab_size,
        corpus=progress.corpus,
        steps=progress.step,
        tokens=progress.step * decided.batch_size * config.context_length,
        seconds=progress.seconds,
        batch=decided.batch_size,
        optimizer=in_words(decided),
        command=command,
        threads=decided.threads,
        schedule=decided.schedule,
        dtype=decided.dtype,
        seed=decided.seed,
        evaluation=Evaluation.from_history(progress.history[-1]),
        device=device,
        story=generate(checkpoint.model, checkpoint.tokenizer, "Once upon a time", Sampling(seed=1))[
            0
        ].replace("\n", "\n>\n> "),
    )
    write_text(SHIPPED / "README.md", card)


def in_words(config: TrainConfig) -> str:
    """The optimizer and its rates."""
    rest = f"AdamW at {config.learning_rate:g} (embedding {config.embedding_rate_factor:g} times that)"
    if config.optimizer == "adamw":
        return rest
    return f"Muon at {config.muon_learning_rate:g} on hidden matrices and {rest} on everything else"


if __name__ == "__main__":
    ship(load_model(sys.argv[1]), sys.argv[2], str(choose_device()))
    print(f"Shipped to {SHIPPED}.")
