"""Checks of user input that all statistical tools share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfold_theory.errors import InputError
from unfold_theory.problems.checks import Number


def failure_probability(delta: Number) -> float:
    """``delta`` as a float in (0, 1).

    Raises:
        InputError: It is none.
    """
    good = isinstance(delta, int | float | np.integer | np.floating) and not isinstance(delta, bool)
    if not good or not 0 < delta < 1:
        raise InputError(f"A failure probability delta of {delta!r}", "Choose delta in (0, 1), such as 0.05")
    return float(delta)


def bounded_losses(losses: Any) -> NDArray[np.float64]:
    """Losses as float64 in [0, 1], at least one along the last axis.

    Raises:
        InputError: There is none, one is NaN, or one lies outside [0, 1].
    """
    values = np.asarray(losses, dtype=np.float64)
    if values.ndim == 0 or values.shape[-1] == 0 or values.size == 0:
        raise InputError(f"Losses of shape {values.shape}: none at all", "Pass at least one loss, N >= 1")
    if np.isnan(values).any():
        raise InputError("A loss is NaN", "Look for codes that are not finite")
    if (values < 0).any() or (values > 1).any():
        raise InputError(
            f"Losses in [{values.min():g}, {values.max():g}] leave [0, 1]",
            "Clip or scale them: every bound here needs losses in [0, 1]",
        )
    return values
