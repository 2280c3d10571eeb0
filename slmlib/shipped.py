"""The small story model that comes with the package: stories before anything was trained."""

from pathlib import Path

from slmlib.errors import CheckpointError
from slmlib.training.checkpoint import Checkpoint, checkpoint_folders, load_checkpoint, newest_checkpoint

SHIPPED = Path(__file__).parent / "shipped" / "tinystories"


def load_model(path: str = "shipped") -> Checkpoint:
    """Model, tokenizer and history from `shipped`, a checkpoint folder, or a run folder (its newest one).

    Raises CheckpointError when there is nothing there or it is damaged.
    """
    if path == "shipped":
        return load_checkpoint(SHIPPED)
    if not path:
        raise CheckpointError("The name of the model is empty.", "Give a run or a checkpoint, or `shipped`.")
    folder = Path(path)
    if not folder.exists() and " " in path:
        raise CheckpointError(
            f"There is no folder {folder}; the first word of the command names a model.",
            f'To begin a story with these words: --prompt "{path}".',
        )
    if not folder.is_dir():
        raise CheckpointError(f"There is no folder {folder}.", "Give a run or a checkpoint, or `shipped`.")
    if (folder / "checkpoints").is_dir():
        checkpoint = newest_checkpoint(folder / "checkpoints")
        if checkpoint is None:
            raise CheckpointError(f"The run {folder} has no checkpoint yet.", "Let it train a little longer.")
        return checkpoint
    if inside := checkpoint_folders(folder):
        raise CheckpointError(
            f"{folder} holds the checkpoints of a run.",
            f"Give the run, {folder.parent}, or one of them, {inside[-1]}.",
        )
    exported = {"config.json": folder, "model.bin": folder / "model.bin"}
    named = [model for name, model in exported.items() if (folder / name).is_file()]
    if named and not (folder / "manifest.json").exists():
        raise CheckpointError(
            f"{folder} is a model for other libraries, not a checkpoint.",
            f"python -m slmlib import {named[0]} makes a checkpoint of it.",
        )
    return load_checkpoint(folder)
