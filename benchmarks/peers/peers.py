"""Other people's models with our weights in them, so that equal work gives equal numbers."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from benchmarks.peers.harness import Unavailable
from benchmarks.peers.sizes import gpt2
from slmlib.export.architectures import ARCHITECTURES
from slmlib.export.huggingface import to_hf_config, to_hf_weights
from slmlib.model.decoder import Decoder

TRANSPOSED = ("c_attn.weight", "c_proj.weight", "c_fc.weight")
"""transformers keeps these matrices of GPT-2 the other way round than nanoGPT."""


def ours(sizes: dict[str, int]) -> Decoder:
    """The GPT-2 that everybody starts from."""
    return Decoder(gpt2(sizes), seed=0)


def transformers_model(sizes: dict[str, int]) -> nn.Module:
    """transformers' GPT2LMHeadModel with the weights of `ours`, without dropout."""
    from transformers import AutoConfig, AutoModelForCausalLM
    from transformers.utils import logging

    logging.set_verbosity_error()
    values = to_hf_config(gpt2(sizes), ARCHITECTURES["gpt2"])
    values |= dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**values))
    load_all_but(model, _gpt2_weights(sizes), "lm_head.weight")
    model.tie_weights()
    return model


def nanogpt_model(sizes: dict[str, int], checkout: str | None) -> nn.Module:
    """nanoGPT's GPT with the weights of `ours`; its GELU is the exact one, which moves the third digit of nothing."""
    module = checked_out("nanogpt", checkout, "model.py")
    config = module.GPTConfig(
        block_size=sizes["context_length"],
        vocab_size=sizes["vocab_size"],
        n_layer=sizes["num_layers"],
        n_head=sizes["num_heads"],
        n_embd=sizes["embed_dim"],
        dropout=0.0,
        bias=True,
    )
    model = module.GPT(config)
    weights = {
        name: tensor.T if name.endswith(TRANSPOSED) else tensor
        for name, tensor in _gpt2_weights(sizes).items()
    }
    load_all_but(model, weights, ".attn.bias", "lm_head.weight")
    return model


def load_all_but(model: nn.Module, weights: dict[str, torch.Tensor], *left_out: str) -> None:
    """Load weights into a peer's model. Only tensors whose names end in one of `left_out` may be missing from them:
    masks, and a head that is tied to the embedding."""
    own = model.state_dict()
    missing = {name: own[name] for name in own.keys() - weights.keys() if name.endswith(left_out)}
    model.load_state_dict(weights | missing)


def litgpt_model(sizes: dict[str, int]) -> nn.Module:
    """litgpt's nearest model: RoPE for the learned positions, its own first weights."""
    import litgpt

    config = litgpt.Config(
        block_size=sizes["context_length"],
        padded_vocab_size=sizes["vocab_size"],
        vocab_size=sizes["vocab_size"],
        n_layer=sizes["num_layers"],
        n_head=sizes["num_heads"],
        n_embd=sizes["embed_dim"],
        parallel_residual=False,
        rotary_percentage=1.0,
        gelu_approximate="tanh",
        attn_bias=True,
    )
    torch.manual_seed(0)
    model = litgpt.GPT(config)
    model.lm_head.weight = model.transformer.wte.weight  # tied, as in all the others
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.02)
            if getattr(module, "bias", None) is not None:
                nn.init.zeros_(module.bias)
    return model


def checked_out(name: str, checkout: str | None, file: str) -> ModuleType:
    """A Python file of somebody's checkout as a module."""
    if checkout is None:
        raise Unavailable(f"not here: give a checkout with --peer {name}=PATH")
    path = Path(checkout) / file
    if not path.is_file():
        raise Unavailable(f"there is no {file} in the checkout that --peer {name} names")
    spec = importlib.util.spec_from_file_location(f"{name}_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _gpt2_weights(sizes: dict[str, int]) -> dict[str, Any]:
    return to_hf_weights(gpt2(sizes), ARCHITECTURES["gpt2"], ours(sizes).state_dict())
