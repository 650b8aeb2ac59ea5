"""How far an estimate is from the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from unfold_theory.errors import InputError


def _float64(values: Any) -> np.ndarray:
    if isinstance(values, Tensor):
        values = values.detach().cpu().numpy()
    return np.asarray(values, dtype=np.float64)


def nmse_db(x: np.ndarray | Tensor, truth: np.ndarray | Tensor) -> np.ndarray | np.float64:
    r"""Normalised mean squared error in dB, $10\log_{10}\big(\sum_i\|x_i-x_i^\star\|^2/\sum_i\|x_i^\star\|^2\big)$.

    It is the ratio of two sums over the batch. The mean of the dB values of single signals, which some papers print,
    is another number (by Jensen's inequality never a larger one).

    Args:
        x: Estimates, shape (..., batch, n); leading axes, such as depth, are kept.
        truth: $x^\star$, shape (batch, n).

    Returns:
        Array of shape (...), or a float64 where there is no leading axis: minus infinity where the truth is met,
        infinity where x is infinite.

    Raises:
        InputError: x holds NaN, shapes do not match, or the truth is not finite or is zero in the whole batch.
    """
    estimate, reference = _float64(x), _float64(truth)
    if reference.ndim != 2 or estimate.shape[-2:] != reference.shape:
        raise InputError(
            f"An estimate of shape {estimate.shape} cannot be compared with a truth of shape {reference.shape}",
            "Pass (..., batch, n) and (batch, n)",
        )
    if not np.isfinite(reference).all() or not reference.any():
        raise InputError(
            "The truth is not finite or is zero in the whole batch", "NMSE needs finite signals that are not all zero"
        )
    if np.isnan(estimate).any():
        raise InputError("An estimate holds NaN", "Look for a layer that diverges or for a non-finite parameter")
    # Scaled, so that squares of huge iterates do not overflow before their ratio is taken.
    error = estimate - reference
    scale = np.abs(error).max(axis=(-2, -1), keepdims=True)
    size = np.abs(reference).max()
    safe = np.where((scale > 0) & np.isfinite(scale), scale, 1.0)
    ratio = ((error / safe) ** 2).sum(axis=(-2, -1)) / ((reference / size) ** 2).sum()
    with np.errstate(divide="ignore"):
        return 10 * np.log10(ratio) + 20 * np.log10(safe[..., 0, 0] / size)
