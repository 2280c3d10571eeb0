"""What the backward pass needs again: counted while the forward pass runs, not estimated."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor


def kept_for_backward(compute: Callable[[], Tensor], given: Iterable[Tensor] = ()) -> int:
    """Bytes that autograd keeps after `compute()` so that gradients can be computed later.

    given: tensors that are there anyway, such as parameters and inputs: not counted. Tensors that share their
    memory count once, the result of `compute` only if a gradient needs it.
    """
    known = {tensor.untyped_storage().data_ptr() for tensor in given}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = compute()
    assert result.requires_grad, "nothing is kept where no gradient is asked for"
    return sum(kept.values())
