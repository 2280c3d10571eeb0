"""llama2.c's files (Karpathy 2023), in and out: a Llama that 700 lines of C, `run.c`, can run.

    model.bin        7 int32: embed_dim, ffn_dim, num_layers, num_heads, num_kv_heads, vocab_size (negative when
                     the head has a table of its own), context_length; then float32 tensors in a fixed order
    tokenizer.bin    see `llama2c_vocabulary`

This is version 0 of the format, the one run.c reads (`legacy_export` in llama2.c's export.py). It has no
checksum, no names, and no word for anything else: what a model is apart from these seven numbers stands in run.c.
So a model with other parts is refused, and a file must have exactly the size that its header announces. The
tables of RoPE's cosines and sines, which run.c passes over today, are written for older programs.
"""

import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor

from slmlib.config import LanguageModelConfig, ModelConfig
from slmlib.errors import CheckpointError, ConfigError
from slmlib.export.folders import exportable, save_imported
from slmlib.export.llama2c_vocabulary import ids_in_file, read_tokenizer, write_tokenizer
from slmlib.export.tensors import turn_pairs
from slmlib.files import atomic_write
from slmlib.model.decoder import Decoder
from slmlib.model.houses.row import MODERN
from slmlib.model.language_model import LanguageModel, own_tensors
from slmlib.model.positions import rope_angles
from slmlib.text.base_tokenizer import BaseTokenizer

_HEADER = struct.Struct("<7i")
_FLOAT = np.dtype("<f4")
_MAGIC = 0x616B3432  # "ak42": how versions 1 and 2 begin, in the place of embed_dim
_BLOCK = (
    *("attention_norm.gain", "attention.query.weight", "attention.key.weight", "attention.value.weight"),
    *("attention.output.weight", "feedforward_norm.gain", "feedforward.gate.weight"),
    *("feedforward.down.weight", "feedforward.up.weight"),
)
"""A block's tensors in the order of the file, which holds the first of all blocks, then the second of all."""
_NO_PART_OF_THE_FILE = {"rope_pairs", "dropout", "init_std", "initialization"}
"""Rows of queries and keys can be moved; the others decide how training goes, not what the model computes."""
_CHECKED_POSITIONS = 64


def write_llama2c(folder: Path | str, model: LanguageModel, tokenizer: BaseTokenizer) -> Path:
    """Write model.bin and tokenizer.bin for `./run model.bin -z tokenizer.bin`. Returns the folder.

    The rows of the embedding are in the order of tokenizer.bin. Raises ConfigError for a model that the format
    cannot hold, with what it is, and CheckpointError for a folder where more than such a pair of files would be lost.
    """
    folder, config = _require_room(exportable(folder)), _require_a_llama(model.config)
    if tokenizer.vocab_size != config.vocab_size:
        raise ConfigError(
            f"The tokenizer has {tokenizer.vocab_size} tokens and the model {config.vocab_size}.",
            "Take the tokenizer that the model was trained with.",
        )
    tensors = turn_pairs(config, model.state_dict(), config.rope_pairs, "interleaved")
    tensors = _reordered(tensors, ids_in_file(tokenizer))
    sizes = (config.embed_dim, config.ffn_dim, config.num_layers, config.num_heads, config.num_kv_heads)
    signed_vocab_size = config.vocab_size if config.tie_embeddings else -config.vocab_size
    with atomic_write(folder / "model.bin") as file:
        file.write(_HEADER.pack(*sizes, signed_vocab_size, config.context_length))
        for name in _names(config):
            _write(file, tensors[name])
        for table in rope_angles(torch.arange(config.context_length), config.head_dim):
            _write(file, table)
        if not config.tie_embeddings:
            _write(file, tensors["head.weight"])
    write_tokenizer(folder / "tokenizer.bin", tokenizer)
    return folder


def read_llama2c(path: Path | str) -> Decoder:
    """The model in a llama2.c file such as stories15M.bin, its tokens numbered as in the file.

    Raises CheckpointError for a file that is not one, is cut off or too long, or turns at other speeds than
    run.c. Nothing is allocated before the header and the size of the file agree.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            config = _read_header(path, file.read(_HEADER.size))
            with torch.device("meta"):
                shapes = own_tensors(Decoder(config))
            tensors = {name: _read(file, shapes[name].shape) for name in _names(config)}
            tables = [_read(file, (config.context_length, config.head_dim // 2)) for _ in range(2)]
            if not config.tie_embeddings:
                tensors["head.weight"] = _read(file, shapes["head.weight"].shape)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}.", "Check the path.") from None
    _require_our_angles(path, config, tables)
    tensors = turn_pairs(config, tensors, "interleaved", config.rope_pairs)
    if config.tie_embeddings:
        tensors["head.weight"] = tensors["embedding.weight"]
    model = Decoder(config, seed=0)  # a seed leaves torch's own randomness alone
    model.load_state_dict(tensors)
    return model.eval()


def import_llama2c(path: Path | str, folder: Path | str) -> Path:
    """Turn a model.bin and the tokenizer.bin beside it into a checkpoint, its tokens numbered as ours.

    Raises CheckpointError for a damaged file, and DataError for a tokenizer that slmlib cannot be.
    """
    path = Path(path)
    model = read_llama2c(path)
    tokenizer, order = read_tokenizer(path.with_name("tokenizer.bin"), model.config.vocab_size)
    place_of_ours = torch.tensor(order).argsort().tolist()
    model.load_state_dict(_reordered(model.state_dict(), place_of_ours))
    return save_imported(folder, model, tokenizer, path.name)


def _require_room(folder: Path) -> Path:
    """The folder, unless it has a tokenizer.bin without its model, as a checkout of llama2.c does, or another model.bin."""
    model = folder / "model.bin"
    if model.exists() or (folder / "tokenizer.bin").exists():
        try:
            with open(model, "rb") as file:
                _read_header(model, file.read(_HEADER.size))
        except (OSError, CheckpointError):
            raise CheckpointError(
                f"{folder} holds a model.bin or tokenizer.bin that is no part of a model of llama2.c.",
                "Name a folder that does not exist yet.",
            ) from None
    return folder


def _require_a_llama(config: LanguageModelConfig) -> ModelConfig:
    if not isinstance(config, ModelConfig):
        raise ConfigError(f"llama2.c's format cannot hold a {config.kind}.", "Leave out --format.")
    wanted = config.to_dict()
    sizes = (config.embed_dim, config.ffn_dim, config.num_layers, config.num_heads, config.num_kv_heads)
    found = _config(*sizes, config.vocab_size, config.context_length, config.tie_embeddings).to_dict()
    lost = [name for name in wanted if name not in _NO_PART_OF_THE_FILE and wanted[name] != found[name]]
    if lost:
        raise ConfigError(
            f"llama2.c's format cannot hold this model: it differs from run.c's Llama in {', '.join(lost)}.",
            "Train one with --norm-gain --no-embedding-norm --no-qk-norm --activation silu --gated.",
        )
    return config


def _config(
    embed_dim: int,
    ffn_dim: int,
    num_layers: int,
    num_heads: int,
    num_kv_heads: int,
    vocab_size: int,
    context_length: int,
    tie_embeddings: bool,
) -> ModelConfig:
    """The one model that run.c is, in these sizes."""
    return ModelConfig.from_dict(
        MODERN
        | dict(
            vocab_size=vocab_size,
            context_length=context_length,
            embed_dim=embed_dim,
            num_layers=num_layers,
            num_heads=num_heads,
            num_kv_heads=num_kv_heads,
            ffn_dim=ffn_dim,
            norm_eps=1e-5,
            tie_embeddings=tie_embeddings,
        )
    )


def _read_header(path: Path, header: bytes) -> ModelConfig:
    """The shape that the first bytes announce, once the file has exactly the size of such a model."""
    size = path.stat().st_size
    if len(header) < _HEADER.size:
        raise CheckpointError(f"{path} has {size} bytes, too few for a llama2.c header.", _NOT_ONE)
    dim, ffn_dim, layers, heads, kv_heads, vocab_size, context = _HEADER.unpack(header)
    if dim == _MAGIC:
        raise CheckpointError(
            f"{path} is a llama2.c file of version {ffn_dim}.",
            "slmlib reads version 0; export it anew with `export.py --version 0`.",
        )
    tied, vocab_size = vocab_size > 0, abs(vocab_size)
    told = (
        f"embed_dim {dim}, ffn_dim {ffn_dim}, {layers} layers, {heads} heads, {kv_heads} key-value heads, "
        f"{vocab_size} tokens, context {context}"
    )
    if min(dim, ffn_dim, layers, heads, kv_heads, vocab_size, context) < 1:
        raise CheckpointError(f"{path} begins with impossible sizes: {told}.", _NOT_ONE)
    if dim % (2 * heads) or heads % kv_heads:
        raise CheckpointError(f"{path} begins with sizes that do not divide: {told}.", _NOT_ONE)
    shared = dim * dim * kv_heads // heads  # keys of one layer, and values
    block = 2 * dim + 2 * dim * dim + 2 * shared + 3 * dim * ffn_dim
    floats = (1 if tied else 2) * vocab_size * dim + layers * block + dim + context * (dim // heads)
    expected = _HEADER.size + 4 * floats
    if size != expected:
        raise CheckpointError(
            f"{path} has {size:,} bytes, but its header announces {expected:,} ({told}).", _NOT_ONE
        )
    try:
        return _config(dim, ffn_dim, layers, heads, kv_heads, vocab_size, context, tied)
    except ConfigError as error:
        raise CheckpointError(f"{path} describes no model of slmlib ({error}).", _NOT_ONE) from None


_NOT_ONE = "Get it anew; PyTorch's .bin files are something else, and slmlib does not read those."


def _require_our_angles(path: Path, config: ModelConfig, tables: list[Tensor]) -> None:
    """Other angles mean another rope_theta, or tensors that lie elsewhere; some writers leave them 0."""
    # Far positions are left out: the angle there is a large number, and rounding shows.
    near = torch.arange(min(config.context_length, _CHECKED_POSITIONS))
    for found, expected in zip(tables, rope_angles(near, config.head_dim), strict=True):
        if found.any() and not torch.allclose(found[: len(near)], expected, rtol=0, atol=1e-3):
            raise CheckpointError(
                f"{path} has RoPE tables for another rope_theta than 10,000, or is damaged.",
                "run.c would turn at the usual speeds and tell nonsense, so it is refused here.",
            )


def _names(config: ModelConfig) -> list[str]:
    """Our names of the tensors in the order of the file, up to RoPE's tables."""
    blocks = [f"blocks.{layer}.{name}" for name in _BLOCK for layer in range(config.num_layers)]
    return ["embedding.weight", *blocks, "final_norm.gain"]


def _reordered(tensors: dict[str, Tensor], rows: list[int]) -> dict[str, Tensor]:
    """The same with row rows[i] of the embedding and the head in place i."""
    return tensors | {name: tensors[name][rows] for name in ("embedding.weight", "head.weight")}


def _write(file: BinaryIO, tensor: Tensor) -> None:
    file.write(tensor.detach().float().cpu().contiguous().numpy().astype(_FLOAT, copy=False).tobytes())


def _read(file: BinaryIO, shape: tuple[int, ...]) -> Tensor:
    values = np.fromfile(file, _FLOAT, int(np.prod(shape)))
    return torch.from_numpy(values.astype(np.float32, copy=False)).reshape(tuple(shape))
