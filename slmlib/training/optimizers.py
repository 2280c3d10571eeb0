"""Which rule moves which weight."""

import torch
from torch import nn

from slmlib.config import TrainConfig


def build_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW (Loshchilov and Hutter 2019) with decay on matrices only.

    Norm gains and biases are vectors; pulling them towards zero would fight what they are for. Each group has
    a `rate_factor`: what the scheduled learning rate is multiplied by.
    """
    tables: list[nn.Parameter] = []
    matrices: list[nn.Parameter] = []
    vectors: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        table = "embedding" in name or name.startswith("head")
        (vectors if parameter.dim() < 2 else tables if table else matrices).append(parameter)
    groups = [
        {
            "params": parameters,
            "weight_decay": decay,
            "rate_factor": factor,
            "lr": config.learning_rate * factor,
        }
        for parameters, decay, factor in (
            (tables, config.weight_decay, config.embedding_rate_factor),
            (matrices, config.weight_decay, 1.0),
            (vectors, 0.0, 1.0),
        )
        if parameters
    ]
    return torch.optim.AdamW(
        groups,
        betas=(config.beta1, config.beta2),
        eps=config.adam_eps,
        fused=True if tables[0].device.type == "cuda" else None,
    )
