"""Models made out of models: deeper by copying layers, smaller by dropping tokens, started from a larger one.

All are functions of a Decoder that leave it as it is and return a new one; nothing is trained here. No command calls
them: they are for experiments in a notebook, before `Trainer` goes on with what they return.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from slmlib.config import ModelConfig
from slmlib.config.model import shortest_windows
from slmlib.errors import ConfigError
from slmlib.model.decoder import Decoder


def scale_up_depth(model: Decoder, dropped: int) -> Decoder:
    """Depth up-scaling (Kim et al. 2023, SOLAR, section 2): two copies one after the other, the first without its
    last `dropped` layers, the second without its first ones. 12 layers become 16 with dropped=4."""
    layers = model.config.num_layers
    if not 0 <= dropped < layers:
        raise ConfigError(f"dropped must be from 0 to below num_layers ({layers}); it is {dropped}.")
    return take_layers(model, [*range(layers - dropped), *range(dropped, layers)])


def take_layers(model: Decoder, layers: Sequence[int]) -> Decoder:
    """A model of these layers of another one, in this order; each may be taken more than once or not at all.

    A smaller model begins so with a larger one's first and last layers (Tang et al. 2024, PanGu-pi Pro).
    """
    config = model.config
    if not layers or not all(0 <= layer < config.num_layers for layer in layers):
        raise ConfigError(f"layers must be among 0 to {config.num_layers - 1}; they are {list(layers)}.")
    heads = [config.for_layer(layer).num_heads for layer in layers]
    ffn_dims = [config.for_layer(layer).ffn_dim for layer in layers]
    changes = {
        "num_layers": len(layers),
        "num_heads": max(heads),
        "num_kv_heads": max(heads) * config.num_kv_heads // config.num_heads,
        "head_dim": config.head_dim,  # also where the layer with the most heads is gone
        "ffn_dim": max(ffn_dims),
        "layer_heads": heads if len(set(heads)) > 1 else [],
        "layer_ffn_dims": ffn_dims if len(set(ffn_dims)) > 1 else [],
        "windows": shortest_windows([config.window(layer) for layer in layers]),
    }
    old = model.state_dict()
    new = {name: tensor for name, tensor in old.items() if not name.startswith("blocks.")}
    for place, layer in enumerate(layers):
        prefix = f"blocks.{layer}."
        new |= {
            f"blocks.{place}.{name.removeprefix(prefix)}": tensor
            for name, tensor in old.items()
            if name.startswith(prefix)
        }
    return _filled(config.change(changes), new)


def keep_tokens(model: Decoder, tokens: Sequence[int]) -> Decoder:
    """Vocabulary pruning (Tang et al. 2024, PanGu-pi Pro): a model that knows only these tokens, in this order."""
    size = model.config.vocab_size
    if not tokens or len(set(tokens)) != len(tokens) or not all(0 <= token < size for token in tokens):
        raise ConfigError(f"tokens must be different ids from 0 to {size - 1}, and at least one.")
    rows = torch.tensor(list(tokens), device=model.device)
    new = {
        name: tensor[rows] if name.startswith(("embedding.", "head.")) else tensor
        for name, tensor in model.state_dict().items()
    }
    return _filled(model.config.change({"vocab_size": len(tokens)}), new)


def _filled(config: ModelConfig, tensors: dict[str, Tensor]) -> Decoder:
    """A Decoder of that config with copies of these tensors, where they are."""
    model = Decoder(config, seed=0).to(tensors["embedding.weight"].device)
    model.load_state_dict(tensors)
    return model
