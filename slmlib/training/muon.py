"""Muon: every direction of a hidden matrix learns equally fast (Jordan et al. 2024, kellerjordan.github.io/posts/muon).

A gradient matrix is mostly made of a few strong directions; the rest is nearly silent. Muon keeps the directions of
the averaged gradient and throws their strengths away: of its singular value decomposition U S V^T only U V^T stays,
about. An exact decomposition in every step would be slow; five rounds of a polynomial, which are nothing but matrix
products, come close enough.

It is made for matrices that map one stream of numbers to another. A row of an embedding table stands for a token
and most rows are silent in a step, and a gain has no directions at all: those stay with AdamW.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from slmlib.errors import ConfigError

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of x, x^3 and x^5 in Jordan's polynomial. Its slope at 0 is as steep as possible, so that small singular values
grow fast; the price is that it does not settle at 1 but wanders around it."""

ROUNDS = 5

BAND = (0.68, 1.21)
"""Where singular values lie after ROUNDS rounds when they were at least FAINTEST of the matrix's Frobenius norm."""

FAINTEST = 0.002

SMALLEST_NORM = 1e-7
"""A matrix shorter than this is not stretched to length 1: a gradient of 0 stays 0."""


def orthogonalize(matrix: Tensor, dtype: torch.dtype = torch.float32, rounds: int = ROUNDS) -> Tensor:
    """About U V^T of a matrix U S V^T: the same directions, singular values near 1 (see BAND).

    matrix: (rows, cols), or several of one shape, (batch, rows, cols). Returns the same shape in `dtype`, that of
    the products. Each round applies a x + b x^3 + c x^5 to every singular value x without knowing any of them,
    because X X^T X has their cubes.
    bfloat16's two to three digits are enough: a later round mends what an earlier one rounded.
    """
    a, b, c = COEFFICIENTS
    x = matrix.to(dtype).view(-1, *matrix.shape[-2:])  # (batch, rows, cols)
    is_tall = x.shape[1] > x.shape[2]
    if is_tall:
        x = x.mT  # X X^T is then the smaller of the two squares
    lengths = x.flatten(1).norm(dim=1)[:, None, None]  # Frobenius norms: no singular value is above them
    x = x / lengths.clamp(min=SMALLEST_NORM)
    for _ in range(rounds):
        square = x @ x.mT  # (batch, short, short)
        polynomial = torch.baddbmm(square, square, square, beta=b, alpha=c)  # b A + c A^2
        x = torch.baddbmm(x, polynomial, x, beta=a)  # a X + (b A + c A^2) X
    return (x.mT if is_tall else x).view(matrix.shape)


def shape_factor(rows: int, cols: int) -> float:
    """What a step of a weight (rows, cols), that is (outputs, inputs), is multiplied by: sqrt(max(1, rows / cols)).

    Jordan's choice. An orthogonal matrix keeps the length of what it maps; one with more outputs than inputs
    spreads that length over more numbers, and the factor lets each of them change as much as in a square one.
    (Moonshot's 0.2 * sqrt(max(rows, cols)), arXiv 2502.16982, instead imitates the size of AdamW's steps,
    so that AdamW's learning rate can be kept. Here Muon has a learning rate of its own.)
    """
    return math.sqrt(max(1.0, rows / cols))


class MuonWithAdamW(torch.optim.Optimizer):
    """Muon for the groups whose `rule` is "muon", torch's AdamW for the others: one object with one state.

    groups: dictionaries with `params`, `lr`, `weight_decay` and, for Muon's, `rule="muon"`; at least one of them
    is AdamW's. momentum: Muon's memory of the gradient. betas, eps, fused: AdamW's, as in torch. dtype: of
    Muon's products; its state is that of the weights. Raises ConfigError for a Muon weight that is no matrix.

    A weight W with gradient G moves in a step like this (M starts at 0):

        M <- momentum M + (1 - momentum) G
        N  = momentum M + (1 - momentum) G          look ahead once more (Nesterov 1983)
        W <- (1 - lr weight_decay) W                decoupled, as AdamW's
        W <- W - lr shape_factor orthogonalize(N)
    """

    STATE = ("step", "momentum")
    """What is remembered of each of Muon's weights. The step is for the checkpoint: it proves whose state this is."""

    def __init__(
        self,
        groups: list[dict[str, Any]],
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.95),
        eps: float = 1e-8,
        fused: bool | None = None,
        dtype: torch.dtype = torch.float32,
    ):
        super().__init__(groups, {"momentum": momentum, "rule": "adamw"})
        self.dtype = dtype
        odd = [tuple(p.shape) for group in self.groups_of("muon") for p in group["params"] if p.dim() != 2]
        if odd:
            raise ConfigError(f"Muon moves matrices, not a weight of shape {odd[0]}.", "Give it to AdamW.")
        # It shares our groups, so a changed learning rate reaches it.
        self.adamw = torch.optim.AdamW(self.groups_of("adamw"), betas=betas, eps=eps, fused=fused)

    def groups_of(self, rule: str) -> list[dict[str, Any]]:
        """The groups that are moved by `rule`: "muon" or "adamw"."""
        return [group for group in self.param_groups if group["rule"] == rule]

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Move every weight that has a gradient. closure: computes the loss again first, as in torch."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.groups_of("muon"):
            self._move(group)
        # Both anew each time: `load_state_dict` replaces ours.
        self.adamw.param_groups, self.adamw.state = self.groups_of("adamw"), self.state
        self.adamw.step()
        return loss

    def _move(self, group: dict[str, Any]) -> None:
        """Move Muon's weights; those of one shape together, which is 3.5 times as fast as one by one (1M, CPU)."""
        keep, rate = group["momentum"], group["lr"]
        by_shape: dict[torch.Size, list[tuple[Tensor, Tensor, Tensor]]] = {}
        for parameter in group["params"]:
            if parameter.grad is None:
                continue
            state = self.state[parameter]
            if not state:
                state["step"], state["momentum"] = torch.tensor(0.0), torch.zeros_like(parameter)
            state["step"] += 1
            moved = by_shape.setdefault(parameter.shape, [])
            moved.append((parameter, parameter.grad, state["momentum"]))
        for shape, moved in by_shape.items():
            parameters, gradients, means = zip(*moved, strict=True)
            torch._foreach_lerp_(means, gradients, 1 - keep)
            directions = torch.stack(torch._foreach_lerp(gradients, means, keep))  # (batch, rows, cols)
            updates = orthogonalize(directions, self.dtype).type_as(directions)
            torch._foreach_mul_(parameters, 1 - rate * group["weight_decay"])
            torch._foreach_add_(parameters, updates.unbind(), alpha=-rate * shape_factor(*shape))
