"""The small story model that comes with the package: stories before anything was trained."""

from pathlib import Path

from slmlib.errors import CheckpointError
from slmlib.training.checkpoint import Checkpoint, load_checkpoint, newest_checkpoint

SHIPPED = Path(__file__).parent / "shipped" / "tinystories"


def load_model(path: str = "shipped") -> Checkpoint:
    """Model, tokenizer and history from `shipped`, a checkpoint folder, or a run folder (its newest one).

    Raises CheckpointError when there is nothing there or it is damaged.
    """
    if path == "shipped":
        return load_checkpoint(SHIPPED)
    folder = Path(path)
    if not folder.is_dir():
        raise CheckpointError(f"There is no folder {folder}.", "Give a run or a checkpoint, or `shipped`.")
    if (folder / "checkpoints").is_dir():
        checkpoint = newest_checkpoint(folder / "checkpoints")
        if checkpoint is None:
            raise CheckpointError(f"The run {folder} has no checkpoint yet.", "Let it train a little longer.")
        return checkpoint
    return load_checkpoint(folder)
