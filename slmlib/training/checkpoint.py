"""A checkpoint is a directory that is either whole or not there, and that proves itself when it is read.

    model.safetensors       the plain model's weights, float32; a tied table once
    optimizer.safetensors   the optimizer's means of every weight; absent in a model that is only for use
    tokenizer.json          the tokenizer, so that the two never part
    state.json              configs, step, history, fingerprints, and the loss on a few stored probe tokens
    manifest.json           SHA-256 of each of the others

Nothing here is a pickle: reading a stranger's checkpoint runs no code of theirs.
"""

import math
import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

import slmlib
from slmlib.config import LanguageModelConfig, ModelConfig
from slmlib.errors import CheckpointError, SlmError
from slmlib.files import atomic_write, explain_os_errors, flush_folder, read_json, sha256_file, write_json
from slmlib.model.build import build_model, read_config
from slmlib.model.counts import count_parameters
from slmlib.model.language_model import LanguageModel, evaluating, own_tensors
from slmlib.text.base_tokenizer import BaseTokenizer
from slmlib.text.imported_tokenizer import load_tokenizer
from slmlib.training.optimizers import state_names
from slmlib.training.progress import Progress, read_progress

NEEDED_FILES = {"model.safetensors", "tokenizer.json", "state.json"}
CHECKPOINT_FILES = NEEDED_FILES | {"optimizer.safetensors", "manifest.json"}
"""All that the folder of a checkpoint may hold."""

FORMAT_VERSION = 1
PROBE_TOLERANCE = 1e-4
TEMPORARY = ".unfinished-"


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was read and found good."""

    folder: Path
    model: LanguageModel
    tokenizer: BaseTokenizer
    progress: Progress


def save_checkpoint(
    folder: Path,
    model: LanguageModel,
    tokenizer: BaseTokenizer,
    progress: Progress,
    optimizer: torch.optim.Optimizer | None = None,
) -> Path:
    """Write the directory `folder`: under a temporary name first, flushed, then renamed. Returns `folder`.

    A crash at any moment leaves either the whole checkpoint or none. An existing one of that name is replaced.
    """
    if not isinstance(model, LanguageModel):
        raise _not_ours(model)
    probe = probe_loss(model, progress.probe_tokens)
    if not math.isfinite(probe):
        raise CheckpointError(
            f"The model has loss {probe} on its probe tokens: its weights are no longer good.",
            "Nothing was saved; go on from the last checkpoint.",
        )
    temporary, replaced = (
        folder.with_name(f"{TEMPORARY}{folder.name}-{os.getpid()}{end}") for end in ("", "-old")
    )
    state = {
        "format_version": FORMAT_VERSION,
        "kind": model.config.kind,
        "model": model.config.to_dict(),
        "tokenizer_sha256": tokenizer.fingerprint,
        "probe_loss": probe,
        "progress": asdict(progress),
        "versions": {
            "slmlib": slmlib.__version__,
            "torch": str(torch.__version__),
            "python": platform.python_version(),
        },
    }
    with explain_os_errors(folder):
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            _write_tensors(temporary / "model.safetensors", own_tensors(model))
            if optimizer is not None:
                _write_tensors(temporary / "optimizer.safetensors", _optimizer_tensors(model, optimizer))
            tokenizer.save(temporary / "tokenizer.json")
            write_json(temporary / "state.json", state)
            files = sorted(path.name for path in temporary.iterdir())
            write_json(temporary / "manifest.json", {name: sha256_file(temporary / name) for name in files})
            if folder.exists():
                os.replace(folder, replaced)
            os.replace(temporary, folder)
            flush_folder(folder.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            if replaced.exists() and not folder.exists():
                os.replace(replaced, folder)  # the new one could not take its name
            shutil.rmtree(replaced, ignore_errors=True)
    return folder


def _not_ours(model: object) -> CheckpointError:
    """The refusal of what is no LanguageModel: a wrapper around one, or somebody's own."""
    parts = model.modules() if isinstance(model, torch.nn.Module) else ()
    if inside := next((part for part in parts if isinstance(part, LanguageModel)), None):
        return CheckpointError(
            f"Expected the plain model, got {type(model).__name__} around a {type(inside).__name__}.",
            "Save the model itself, not its compiled or parallel wrapper.",
        )
    return CheckpointError(
        f"{type(model).__name__} is not a model of slmlib: a checkpoint needs a config to rebuild the model from.",
        "Keep its weights with torch.save(model.state_dict(), path).",
    )


def load_checkpoint(folder: Path | str) -> Checkpoint:
    """Read a checkpoint on the CPU, verify every file, rebuild the model and repeat its probe loss.

    Raises CheckpointError in one sentence: missing or damaged file, another format, tensors that do not
    fit the config by name, shape or dtype, a foreign tokenizer, or a probe loss that differs.
    """
    folder = Path(folder)
    verify(folder)
    state = read_json(folder / "state.json")
    if not isinstance(state, dict) or state.get("format_version") != FORMAT_VERSION:
        found = state.get("format_version") if isinstance(state, dict) else None
        raise CheckpointError(
            f"{folder} has checkpoint format {str(found)[:40]!r}, this slmlib reads {FORMAT_VERSION}.",
            "Use the slmlib version that wrote it (see `versions` in its state.json).",
        )
    tensors = _read_tensors(folder / "model.safetensors")
    try:
        config = read_model_config(state)
        progress = read_progress(state["progress"])
        expected_probe, expected_tokenizer = float(state["probe_loss"]), state["tokenizer_sha256"]
        if not all(token < config.vocab_size for token in progress.probe_tokens):
            raise ValueError("its probe tokens are not in the vocabulary")
        if len(progress.probe_tokens) > config.context_length + 1:
            raise ValueError("its probe tokens do not fit into the context")
        _refuse_absurd_size(config, tensors)
    except (KeyError, TypeError, ValueError, OverflowError, SlmError) as error:
        raise CheckpointError(
            f"{folder / 'state.json'} does not describe a run ({error}).", _DAMAGED
        ) from None
    model = build_model(config)
    _fill(model, tensors, folder)
    tokenizer = load_tokenizer(folder / "tokenizer.json")
    if tokenizer.fingerprint != expected_tokenizer or tokenizer.vocab_size != model.config.vocab_size:
        raise CheckpointError(
            f"{folder} holds another tokenizer ({tokenizer.vocab_size} tokens, {tokenizer.fingerprint[:12]}) than its "
            f"model was trained with ({model.config.vocab_size} tokens, {str(expected_tokenizer)[:12]}).",
            "Put the right tokenizer.json back: with another one the model would write fluent nonsense.",
        )
    loss = probe_loss(model, progress.probe_tokens)
    if not abs(loss - expected_probe) <= PROBE_TOLERANCE:
        raise CheckpointError(
            f"{folder}: the model read back has loss {loss:.4f} on its probe tokens, it was saved with "
            f"{expected_probe:.4f}.",
            "The weights do not belong to this config or to this version of slmlib.",
        )
    return Checkpoint(folder, model, tokenizer, progress)


def read_model_config(state: dict[str, Any]) -> LanguageModelConfig:
    """The model's config in a checkpoint's state.json; the first ones did not say that they held a decoder."""
    return read_config(state.get("kind", ModelConfig.kind), state["model"])


_DAMAGED = "The checkpoint is damaged; use an older one."


def verify(folder: Path) -> None:
    """Check that `folder` is a complete checkpoint whose every file has its recorded SHA-256."""
    if not (folder / "manifest.json").is_file():
        raise CheckpointError(f"{folder} is not a checkpoint: it has no manifest.json.", "Check the path.")
    manifest = read_json(folder / "manifest.json")
    if not isinstance(manifest, dict) or not set(manifest) >= NEEDED_FILES:
        raise CheckpointError(
            f"{folder / 'manifest.json'} does not list the files of a checkpoint.", _DAMAGED
        )
    for name, expected in manifest.items():
        if Path(name).name != name or not (folder / name).is_file():
            raise CheckpointError(f"{folder} lacks its file {name}.", _DAMAGED)
        try:
            found = sha256_file(folder / name)
        except OSError as error:
            raise CheckpointError(f"{folder / name} cannot be read: {error.strerror}.", _DAMAGED) from None
        if found != expected:
            raise CheckpointError(
                f"{folder / name} is not the file that was saved: its SHA-256 differs.", _DAMAGED
            )


def load_optimizer(checkpoint: Checkpoint, model: LanguageModel, optimizer: torch.optim.Optimizer) -> None:
    """Give the optimizer of `model` the state it had when the checkpoint was saved."""
    path = checkpoint.folder / "optimizer.safetensors"
    if not path.is_file():
        raise CheckpointError(
            f"{checkpoint.folder} has no optimizer state: it is a model for use, not for going on.",
            "Start a new run.",
        )
    tensors = _read_tensors(path)
    if not tensors:
        return  # saved before the first step
    names = {parameter: name for name, parameter in model.named_parameters()}
    kinds_of = state_names(optimizer)
    expected = {f"{kind}.{names[parameter]}" for parameter, kinds in kinds_of.items() for kind in kinds}
    _require_same_names(path, set(tensors), expected)
    for parameter, name in names.items():
        for kind in kinds_of[parameter]:
            tensor, shape = tensors[f"{kind}.{name}"], () if kind == "step" else parameter.shape
            if tuple(tensor.shape) != tuple(shape) or tensor.dtype != torch.float32:
                raise CheckpointError(
                    f"{path}: {kind}.{name} is {tensor.dtype} {tuple(tensor.shape)}, expected float32 {tuple(shape)}.",
                    "The file belongs to another model config.",
                )
    done = {tensors[f"step.{name}"].item() for name in names.values()}
    expected_steps = checkpoint.progress.step
    # float16's scaler leaves out steps whose gradient overflowed.
    if len(done) != 1 or not (max(done) == expected_steps or checkpoint.progress.scaler):
        raise CheckpointError(
            f"{path} has seen {sorted(done)[:3]} steps, the run has done {expected_steps}.",
            "The file belongs to another checkpoint.",
        )
    fused = {one for group in optimizer.param_groups if group.get("fused") for one in group["params"]}
    for parameter, (step, *means) in kinds_of.items():
        name = names[parameter]
        counts_on = parameter.device if parameter in fused else "cpu"  # where torch's AdamW reads the step
        # Copies, because a file's tensors are memory-mapped and the optimizer writes in place.
        optimizer.state[parameter] = {
            step: tensors[f"{step}.{name}"].to(counts_on, copy=True),
            **{kind: tensors[f"{kind}.{name}"].to(parameter.device, copy=True) for kind in means},
        }


def newest_checkpoint(folder: Path, say: Callable[[str], None] = print) -> Checkpoint | None:
    """The newest good checkpoint below `folder`, or None when there is none at all.

    Good means that it is whole and holds the step it is named after. Others are named and passed over; when no good
    one is left, that is a CheckpointError.
    """
    found = checkpoint_folders(folder)
    problems = []
    for candidate in reversed(found):
        try:
            checkpoint = load_checkpoint(candidate)
            if step_folder(folder, checkpoint.progress.step) != candidate:
                raise CheckpointError(
                    f"{candidate} holds step {checkpoint.progress.step}.",
                    "It was renamed; give its name back.",
                )
        except SlmError as error:
            problems.append(str(error))
            continue
        for problem in problems:
            say(f"Passed over a checkpoint: {problem}")
        return checkpoint
    if problems:
        raise CheckpointError(f"No checkpoint in {folder} can be used. {problems[0]}", "Start a new run.")
    return None


def restore_replaced(folder: Path) -> None:
    """Give back its name to a checkpoint whose replacement was killed between the two renames.

    Only for the process that trains here: in another one it would meddle with a save that is under way.
    """
    for aside in folder.glob(f"{TEMPORARY}*-old"):
        name = aside.name.removeprefix(TEMPORARY).rsplit("-", 2)[0]
        if not (folder / name).exists():
            with explain_os_errors(folder):
                os.replace(aside, folder / name)


def checkpoint_folders(folder: Path) -> list[Path]:
    """The checkpoints below a folder, oldest first; what somebody has given another name is none."""
    return sorted(path for path in folder.glob("step-" + "[0-9]" * 8) if path.is_dir())


def require_no_checkpoints(run: Path) -> None:
    """Refuse to begin a run where another one left its checkpoints: the later ones of both would pass for the newest."""
    if found := checkpoint_folders(run / "checkpoints"):
        raise CheckpointError(
            f"{run} holds checkpoints of an earlier run, the last one {found[-1].name}.",
            "To begin anew, remove that folder or choose another; to go on, Trainer(..., resume=newest_checkpoint(...)).",
        )


def step_folder(folder: Path, step: int) -> Path:
    """Where the checkpoint after `step` steps goes."""
    return folder / f"step-{step:08d}"


def prune(folder: Path, keep: int, best_step: int, newest_step: int) -> None:
    """Delete all but the newest `keep` checkpoints and the best one, and what killed processes left half done.

    newest_step: of the one just saved. Later ones do not count: they are damaged, or this run would have gone on from them.
    """
    newest = step_folder(folder, newest_step)
    for path in [path for path in checkpoint_folders(folder) if path <= newest][:-keep]:
        if path != step_folder(folder, best_step):
            shutil.rmtree(path, ignore_errors=True)
    for path in folder.glob(f"{TEMPORARY}*"):
        shutil.rmtree(path, ignore_errors=True)


@torch.no_grad()
def probe_loss(model: LanguageModel, tokens: list[int]) -> float:
    """Mean loss in nats on a few stored tokens, in float32: a fingerprint of what the model computes."""
    row = torch.tensor([tokens], device=model.device)  # (1, time)
    with evaluating(model):
        return model.loss(row[:, :-1], row[:, 1:]).item()


def _optimizer_tensors(model: LanguageModel, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    names: dict[Tensor, str] = {parameter: name for name, parameter in model.named_parameters()}
    return {
        f"{kind}.{names[parameter]}": value
        for parameter, state in optimizer.state.items()
        for kind, value in state.items()
    }


def _write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    with atomic_write(path) as file:
        file.write(save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}))


def _refuse_absurd_size(config: LanguageModelConfig, tensors: dict[str, Tensor]) -> None:
    """Before anything is allocated; a small difference is told later, by the names of the tensors."""
    asked, found = count_parameters(config), sum(tensor.numel() for tensor in tensors.values())
    if asked > 4 * found + 10**7:
        raise ValueError(f"its config asks for {asked:,} numbers, the file holds {found:,}")


def _read_tensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"{path} is not a readable safetensors file ({error}).", _DAMAGED) from None


def _fill(model: LanguageModel, tensors: dict[str, Tensor], folder: Path) -> None:
    """Copy tensors into the model after comparing names, shapes and dtypes; nothing is skipped or cast."""
    expected = own_tensors(model)
    _require_same_names(folder / "model.safetensors", set(tensors), set(expected))
    for name, tensor in tensors.items():
        if (tensor.shape, tensor.dtype) != (expected[name].shape, expected[name].dtype):
            raise CheckpointError(
                f"{folder}: {name} is {tensor.dtype} {tuple(tensor.shape)}, the config asks for "
                f"{expected[name].dtype} {tuple(expected[name].shape)}.",
                "The weights belong to another config.",
            )
        expected[name].copy_(tensor)


def _require_same_names(path: Path, found: set[str], expected: set[str]) -> None:
    missing, extra = sorted(expected - found), sorted(found - expected)
    if missing or extra:
        told = [f"lacks {', '.join(missing[:3])}"] if missing else []
        told += [f"has the unknown {', '.join(extra[:3])}"] if extra else []
        raise CheckpointError(f"{path} {' and '.join(told)}.", "The file belongs to another model config.")
