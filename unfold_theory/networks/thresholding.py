r"""Soft thresholds, with and without support selection.

Both are $v\mapsto v-\theta\,\mathrm{sgn}(v)$ on some entries, the identity on others and 0 on the rest. Which entries
is decided without gradients, so that derivatives are exact wherever the maps are differentiable.

A negative threshold is not clamped: $\eta_\theta(v)=\mathrm{sgn}(v)(|v|-\theta)_+$ then pushes every nonzero entry
away from zero by $|\theta|$ and jumps at 0. Published training code lets thresholds become negative; theorems ask for
$\theta\ge 0$ and come out as not applicable where training has left one negative. Networks that take
``nonnegative=True`` use $|\theta|$ instead.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from unfold_theory.errors import InputError
from unfold_theory.networks.tensors import Number

Threshold = Float[Tensor, ""] | Float[Tensor, " n"] | Float[Tensor, "batch 1"] | Float[Tensor, "batch n"]


def soft_threshold(v: Float[Tensor, "batch n"], theta: Threshold) -> Float[Tensor, "batch n"]:
    r"""$\eta_\theta(v)=\mathrm{sgn}(v)\,(|v|-\theta)_+$, entry by entry.

    Args:
        v: Any batch.
        theta: One threshold, one for each of the n coordinates, or rows of these, one for each row of v.

    Returns:
        The thresholded batch; NaN entries stay NaN. At the kinks $|v|=\theta$ both derivatives are 0.
    """
    with torch.no_grad():
        kept = v.abs() > theta
    return _shrink(v, theta, kept, kept)


def select_support_threshold(
    v: Float[Tensor, "batch n"], theta: Threshold, selected: int | Int[Tensor, " batch"], *, gated: bool = True
) -> Float[Tensor, "batch n"]:
    r"""The soft threshold from which the largest entries of each row are exempt.

    Args:
        v: Any batch.
        theta: One threshold, one for each of the n coordinates, or rows of these, one for each row of v.
        selected: p, the number of entries of a row, largest magnitudes first, that may pass unshrunk. Of entries tied
            at the p-th place the ones with the lowest index are taken, so that exactly p pass the test of magnitude.
            One for all rows, or one for each.
        gated: Whether an entry must also exceed its threshold to pass, as Chen et al. (2018) define support
            selection. Ungated, the p largest pass in any case.

    Returns:
        $v_i$ where entry i passes, $\eta_\theta(v_i)$ elsewhere.

    Raises:
        InputError: p lies outside 0..n.
    """
    each = isinstance(selected, Tensor)
    if not each and not 0 <= selected <= v.shape[-1]:
        raise InputError(
            f"Support selection of {selected} of {v.shape[-1]} entries", f"Choose from 0 to {v.shape[-1]} entries"
        )
    if not each and selected == 0:
        return soft_threshold(v, theta)
    with torch.no_grad():
        magnitude = v.abs()
        above = magnitude > theta
        passing = largest_of_each(magnitude, selected) if isinstance(selected, Tensor) else largest(magnitude, selected)
        if gated:
            passing &= above
        else:
            above |= passing
    return _shrink(v, theta, above, above & ~passing)


def _shrink(v: Tensor, theta: Tensor, kept: Tensor, shrunk: Tensor) -> Tensor:
    with torch.no_grad():
        signs = v.sign() * shrunk
    return v * kept.to(v.dtype) - theta * signs


def largest(magnitude: Float[Tensor, "batch n"], count: int) -> Bool[Tensor, "batch n"]:
    """Where the ``count`` largest entries of each row are; of ties at the last place, the lowest indices."""
    rank = magnitude.shape[1] - count
    rows = _as_numpy(magnitude)
    if rows is not None:
        # numpy selects with vector instructions: 0.45 ms for (512, 500) in float32, against 2.5 ms for torch.topk and
        # 3.0 ms for torch.kthvalue on one thread; the value is the same.
        place = torch.from_numpy(np.partition(rows, rank, axis=1)[:, rank : rank + 1])
        chosen = magnitude >= place
        if not bool((chosen.sum(dim=1) > count).any()):
            return chosen
    else:
        place = magnitude.kthvalue(rank + 1, dim=1, keepdim=True).values
    strictly = magnitude > place
    tied = magnitude == place
    vacant = count - strictly.sum(dim=1, keepdim=True)
    return strictly | (tied & (tied.cumsum(dim=1) <= vacant))


def largest_of_each(magnitude: Float[Tensor, "batch n"], counts: Int[Tensor, " batch"]) -> Bool[Tensor, "batch n"]:
    """Where the largest entries of each row are, ``counts[i]`` (clipped to 0..n) of them in row i; ties as above."""
    return ranks(magnitude) < counts[:, None]


def ranks(magnitude: Float[Tensor, "batch n"]) -> Int[Tensor, "batch n"]:
    """Place of each entry in its row when sorted from large to small, counted from 0; ties by index."""
    order = magnitude.argsort(dim=1, descending=True, stable=True)
    places = torch.arange(magnitude.shape[1], device=magnitude.device).expand_as(order)
    return torch.empty_like(order).scatter_(1, order, places)


def _as_numpy(tensor: Tensor) -> np.ndarray | None:
    """The tensor's memory; None on an accelerator and inside torch.func and torch.compile."""
    try:
        return tensor.detach().numpy() if tensor.device.type == "cpu" else None
    except (RuntimeError, TypeError):
        return None


def percent_schedule(n: int, depth: int, *, percent: Number = 1.2, max_percent: Number = 13.0) -> list[int]:
    r"""Support selection of Chen et al. (2018): $p_k=\min(1.2k,13)$ percent of n in layer k = 1, 2, ..., rounded.

    Raises:
        InputError: A percentage lies outside [0, 100].
    """
    for value in (percent, max_percent):
        if not 0 <= value <= 100:
            raise InputError(f"A share of {value} percent of the entries", "Choose percentages in [0, 100]")
    return [round(min(percent * k, max_percent) * n / 100) for k in range(1, depth + 1)]


def linear_schedule(sparsity: Number, depth: int, *, share: Number = 1.2) -> list[int]:
    r"""Support selection of Behrens et al. (2021): $\lfloor\mathrm{linspace}(\lfloor 1.2s/K\rfloor,1.2s,K)\rfloor$.

    Raises:
        InputError: The sparsity or the share is negative.
    """
    if not (math.isfinite(sparsity) and sparsity >= 0 and share >= 0):
        raise InputError(f"Support selection for {sparsity} nonzero entries", "Choose a nonnegative sparsity and share")
    top = sparsity * share
    return [int(count) for count in np.linspace(top // depth, top, depth)]
