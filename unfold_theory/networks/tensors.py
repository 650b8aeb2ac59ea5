"""Checked tensors: what constructors take from users and from checkpoints."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unfold_theory.errors import InputError

Number = float | int


def exact(value: Any, what: str) -> Tensor:
    """``value`` as a new, finite, nonempty float64 tensor on the CPU.

    Raises:
        InputError: It is not numeric, is complex or empty, or holds NaN or infinity.
    """
    try:
        if isinstance(value, list | tuple) and value and isinstance(value[0], Tensor):
            value = torch.stack([entry.detach() for entry in value])
        raw = value.detach().cpu() if isinstance(value, Tensor) else torch.from_numpy(np.array(value, order="C"))
        if raw.is_complex():
            raise TypeError("it is complex")
        tensor = raw.to(torch.float64, copy=True).contiguous()
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{what} is not an array of real numbers: {error}", "Pass numbers") from error
    if tensor.numel() == 0 or not bool(torch.isfinite(tensor).all()):
        reason = "is empty" if tensor.numel() == 0 else "holds NaN or infinity"
        raise InputError(f"{what} {reason}", "Pass a nonempty array of finite numbers")
    return tensor


def per_layer(value: Any, depth: int, shapes: Iterable[tuple[int, ...]], what: str) -> list[Tensor]:
    """One tensor for each layer, or a single one that all layers share.

    Args:
        value: An array whose leading axis is ``depth``, or 1 for an entry that all layers share, followed by one of
            ``shapes``. A number, where () is a shape, is repeated, so that each layer owns its copy; an array of
            another shape without the leading axis is shared.
        depth: Number of layers.
        shapes: Shapes an entry may have.
        what: What the tensor is, for the message.

    Returns:
        ``depth`` tensors, or 1.

    Raises:
        InputError: The shape is none of these, or an entry is not finite.
    """
    shapes = list(shapes)
    tensor = exact(value, what)
    if tensor.ndim == 0 and () in shapes:
        return [tensor.clone() for _ in range(depth)]
    if tensor.shape[:1] in ((depth,), (1,)) and tuple(tensor.shape[1:]) in shapes:
        return [entry.clone() for entry in tensor]
    if tuple(tensor.shape) in shapes:
        return [tensor]
    allowed = " or ".join(str(("K", *shape)).replace("'", "") for shape in shapes)
    raise InputError(
        f"{what} has shape {tuple(tensor.shape)} in a network of K = {depth} layers",
        f"Pass shape {allowed}, with 1 for K where all layers share it",
    )


def parameters(entries: list[Tensor], *, trained: bool = True) -> torch.nn.ParameterList:
    """The entries as parameters."""
    return torch.nn.ParameterList([torch.nn.Parameter(entry, requires_grad=trained) for entry in entries])


def entry(entries: torch.nn.ParameterList, k: int) -> Tensor:
    """Layer k's entry of a list that may hold a single, shared one."""
    return entries[k if len(entries) > 1 else 0]


def gather(tensors: dict[str, Tensor], name: str) -> Tensor:
    """The tensor ``name`` of a state dict, or its entries ``name.0``, ``name.1``, ... stacked.

    Raises:
        InputError: There is none, an entry is missing, or their shapes differ.
    """
    if name in tensors:
        return tensors[name]
    remedy = "Load a complete checkpoint of this network, or train it anew"
    count = sum(key.startswith(f"{name}.") for key in tensors)
    try:
        return torch.stack([tensors[f"{name}.{k}"] for k in range(count)])
    except KeyError as error:
        raise InputError(f"The tensor {error.args[0]} is missing", remedy) from error
    except RuntimeError as error:
        reason = "is missing" if count == 0 else "has entries of different shapes"
        raise InputError(f"The tensor {name} {reason}", remedy) from error


def numpy64(tensor: Tensor) -> np.ndarray:
    """A float64 copy of a tensor's values."""
    return tensor.detach().cpu().to(torch.float64).numpy().copy()
