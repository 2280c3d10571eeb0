"""Which rule moves which weight."""

from typing import Any

import torch
from torch import nn

from slmlib.config import TrainConfig
from slmlib.training.muon import MuonWithAdamW

ADAMW_STATE = ("step", "exp_avg", "exp_avg_sq")
"""What AdamW remembers of each weight, by torch's names."""

NO_PRODUCT = ("decay_log", "conv.weight")
"""Ends of names of weights with two axes or more that are no matrix: speeds and a filter for each channel (Mamba)."""


def build_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.AdamW | MuonWithAdamW:
    """AdamW (Loshchilov and Hutter 2019) with decay on matrices only; or Muon on the hidden matrices beside it.

    Norm gains and biases are vectors; pulling them towards zero would fight what they are for. Each group has
    a `rate_factor`: what the scheduled learning rate is multiplied by.
    """
    tables: list[nn.Parameter] = []
    matrices: list[nn.Parameter] = []
    vectors: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        table = "embedding" in name or name.startswith("head")
        vector = parameter.dim() < 2 or name.endswith(NO_PRODUCT)
        (vectors if vector else tables if table else matrices).append(parameter)
    muon = config.optimizer == "muon"
    groups: list[dict[str, Any]] = [
        {
            "params": parameters,
            "weight_decay": decay,
            "rate_factor": factor,
            "lr": config.learning_rate * factor,
        }
        for parameters, decay, factor in (
            (tables, config.weight_decay, config.embedding_rate_factor),
            (
                matrices,
                config.weight_decay,
                config.muon_learning_rate / config.learning_rate if muon else 1.0,
            ),
            (vectors, 0.0, 1.0),
        )
        if parameters
    ]
    device = next(model.parameters()).device
    betas, fused = (config.beta1, config.beta2), True if device.type in ("cpu", "cuda") else None
    if not muon:
        return torch.optim.AdamW(groups, betas=betas, eps=config.adam_eps, fused=fused)
    for group in groups:
        if group["params"] is matrices:
            group["rule"] = "muon"
    # The run's number format, decided once and stored: bfloat16 only where the hardware multiplies it, and the
    # same again when the run goes on. float16 has too small a range to square what is small already.
    dtype = torch.bfloat16 if config.dtype == "bfloat16" else torch.float32
    return MuonWithAdamW(groups, config.muon_momentum, betas, config.adam_eps, fused, dtype)


def state_names(optimizer: torch.optim.Optimizer) -> dict[nn.Parameter, tuple[str, ...]]:
    """What an optimizer of ours remembers of each weight: its step first, then tensors of the weight's shape."""
    return {
        parameter: MuonWithAdamW.STATE if group.get("rule") == "muon" else ADAMW_STATE
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
