"""Hugging Face folders: written so that AutoModelForCausalLM and AutoTokenizer load them, and read strictly."""

import os
import re
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from slmlib.config import TrainConfig
from slmlib.errors import CheckpointError, SlmError, first_line
from slmlib.export.huggingface import architecture_for, model_from_hf, to_hf_config, to_hf_weights
from slmlib.export.vocabulary import read_hf_tokenizer, to_hf_tokenizer
from slmlib.files import atomic_write, read_json, write_json
from slmlib.model.language_model import LanguageModel, own_tensors
from slmlib.text.base_tokenizer import BaseTokenizer
from slmlib.training.checkpoint import CHECKPOINT_FILES, save_checkpoint
from slmlib.training.progress import Progress

_NEEDED = (
    *("config.json", "*.safetensors", "*.safetensors.index.json"),
    *("tokenizer.json", "tokenizer.model", "tokenizer_config.json"),
)
_WRITTEN = (
    "model.safetensors",
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
)
_MARK = {"made_by": "slmlib"}
"""In model.safetensors, where what transformers saves of an exported model does not have it."""
_IMPORTED = "imported from "
"""How the corpus of a checkpoint begins that was trained elsewhere."""
_ELSEWHERE = "Name a folder that does not exist yet."
_PROBE = "Once upon a time there was a little girl who lived in a house near the sea."


def export_folder(
    folder: Path | str, model: LanguageModel, tokenizer: BaseTokenizer, model_type: str = ""
) -> Path:
    """Write config.json, model.safetensors and the tokenizer's files. Returns the folder.

    model_type: which of transformers' classes, such as llama; empty takes the first that is this model exactly.
    Raises ConfigError when none is, and CheckpointError for a folder in which anything but an earlier export would
    be overwritten.
    """
    folder, config = exportable(folder), model.config
    architecture = architecture_for(config, model_type)
    marks = {
        "bos_token_id": tokenizer.begin_of_text,
        "eos_token_id": tokenizer.end_of_text,
        "pad_token_id": None,
    }
    weights = to_hf_weights(config, architecture, own_tensors(model))
    with atomic_write(folder / "model.safetensors") as file:  # first: it says whose folder this is
        # Copies, because a repeated block's tensors are the same memory under several names.
        plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in weights.items()}
        file.write(save(plain, metadata={"format": "pt"} | _MARK))
    write_json(folder / "config.json", to_hf_config(config, architecture) | marks | {"dtype": "float32"})
    write_json(folder / "generation_config.json", marks)
    write_json(folder / "tokenizer.json", to_hf_tokenizer(tokenizer))
    write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": tokenizer.token_bytes(tokenizer.begin_of_text).decode("utf-8"),
            "eos_token": tokenizer.token_bytes(tokenizer.end_of_text).decode("utf-8"),
            "model_max_length": config.context_length,
            "clean_up_tokenization_spaces": False,
        },
    )
    return folder


def import_folder(source: Path | str, folder: Path | str) -> Path:
    """Turn a Hugging Face folder, or a name on the Hub such as openai-community/gpt2, into a checkpoint.

    Raises CheckpointError for tensors that are missing, too much or of another shape, and DataError for a
    tokenizer that slmlib cannot be.
    """
    folder = replaceable(folder)
    local = find(source)
    model = read_model(local)
    if not isinstance(model, LanguageModel):
        raise CheckpointError(
            f"{source} is no causal model, and a checkpoint holds nothing else.",
            "In Python, slmlib.export.folders.read_model gives it.",
        )
    tokenizer = read_hf_tokenizer(local, model.config.vocab_size)
    return save_imported(folder, model, tokenizer, Path(os.path.abspath(source)).name)


def save_imported(folder: Path | str, model: LanguageModel, tokenizer: BaseTokenizer, source: str) -> Path:
    """A model that was trained elsewhere as a checkpoint; source: what its history calls it.

    Raises CheckpointError for a folder that holds anything but an earlier import: it would be replaced.
    """
    folder = replaceable(folder)
    progress = Progress(
        step=0,
        asked=TrainConfig(),
        decided=TrainConfig(),
        corpus=f"{_IMPORTED}{source}",
        train_sha256="",
        valid_sha256="",
        probe_tokens=tokenizer.encode(_PROBE)[: model.config.context_length + 1],
    )
    return save_checkpoint(folder, model, tokenizer, progress)


def replaceable(folder: Path | str) -> Path:
    """The folder by its whole name, if nothing is lost when a checkpoint takes its place: it is empty, or an import
    that was not trained since. Else CheckpointError."""
    folder = Path(folder).resolve()
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set[str]()
    whole = {"manifest.json", "state.json"} <= names <= CHECKPOINT_FILES
    if folder.is_file() or (names and not (whole and _is_untrained_import(read_json(folder / "state.json")))):
        raise CheckpointError(
            f"{folder} is there already and is no earlier import: it would be replaced.", _ELSEWHERE
        )
    return folder


def exportable(folder: Path | str) -> Path:
    """The folder, if an export into it overwrites nothing but an earlier one, and nothing in it would be read in its
    place; else CheckpointError."""
    folder = Path(folder)
    foreign = ["manifest.json", "state.json", "model.safetensors.index.json"]
    if not _is_our_export(folder):
        foreign += _WRITTEN
    if held := [name for name in foreign if (folder / name).exists()]:
        raise CheckpointError(f"{folder} holds {', '.join(held)}, which no export wrote.", _ELSEWHERE)
    return folder


def _is_untrained_import(state: Any) -> bool:
    """Whether a checkpoint's state says that it came from elsewhere and has made no step since."""
    progress = state.get("progress") if isinstance(state, dict) else None
    if not isinstance(progress, dict):
        return False
    return progress.get("step") == 0 and str(progress.get("corpus")).startswith(_IMPORTED)


def _is_our_export(folder: Path) -> bool:
    """Whether the folder's weights were written by `export_folder`."""
    try:
        with safe_open(folder / "model.safetensors", "pt") as file:
            return (file.metadata() or {}).items() >= _MARK.items()
    except (OSError, SafetensorError):
        return False


def read_model(source: Path | str) -> nn.Module:
    """The model in a Hugging Face folder, without its tokenizer."""
    local = find(source)
    return model_from_hf(read_json(local / "config.json"), _weights(local))


def find(source: Path | str) -> Path:
    """The folder itself, or where the Hub's model of that name was downloaded to."""
    if (Path(source) / "config.json").is_file():
        return Path(source)
    if Path(source).is_dir() or not re.fullmatch(r"[\w.-]+/[\w.-]+", str(source)):
        raise CheckpointError(
            f"{source} is not a Hugging Face folder: it has no config.json.",
            "Give such a folder, or a name on the Hub such as openai-community/gpt2.",
        )
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(str(source), allow_patterns=list(_NEEDED)))
    except Exception as error:  # no network, no such model, not allowed: the Hub's client has many kinds
        raise CheckpointError(
            f"{source} could not be downloaded from the Hub ({type(error).__name__}: {first_line(error)}).",
            "Check the name and the network, or give a folder that has it.",
        ) from None


def _weights(folder: Path) -> dict[str, Tensor]:
    """All tensors of the folder, from one file or from several with an index."""
    index = folder / "model.safetensors.index.json"
    names = ["model.safetensors"]
    if index.is_file():
        names = sorted({str(name) for name in _weight_map(read_json(index), index).values()})
    tensors: dict[str, Tensor] = {}
    for name in names:
        path = folder / name
        if Path(name).name != name or not path.is_file():
            raise CheckpointError(
                f"{folder} has no {name}.",
                "Only safetensors are read: a .bin file is a pickle, which can run a stranger's code.",
            )
        try:
            tensors |= load_file(path)
        except (SafetensorError, OSError) as error:
            raise CheckpointError(
                f"{path} is not a readable safetensors file ({error}).", "Get it anew."
            ) from None
    return tensors


def _weight_map(content: Any, path: Path) -> dict[str, str]:
    if not isinstance(content, dict) or not isinstance(content.get("weight_map"), dict):
        raise SlmError(f"{path} does not say which file holds which tensor.", "Get it anew.")
    return content["weight_map"]
