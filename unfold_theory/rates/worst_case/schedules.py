"""Published step schedules, as floats: what claims and certificates on long steps speak of."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from jaxtyping import Float64

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError

SILVER_RATIO = 1.0 + Enclosure.exact(2.0).sqrt()
LONG_STEPS: dict[tuple[float, ...], float] = {
    (2.9, 1.5): 2.0**-7,
    (1.5, 4.9, 1.5): 2.0**-10,
    (1.5, 2.2, 1.5, 12.0, 1.5, 2.2, 1.5): 2.0**-14,
}
r"""Patterns $Lt_1,\dots,Lt_p$ of Grimmer (2024), and a $\Delta$ for which each is proved straightforward."""


def valuation(i: int) -> int:
    r"""$\nu(i)$: how often 2 divides i >= 1."""
    return (i & -i).bit_length() - 1


def _silver(level: int) -> float:
    r"""$1+\rho^{\nu-1}$, correctly rounded: $\rho^m=p+q\sqrt2$ with whole p and q, and the root to 200 bits."""
    p, q = -1, 1
    for _ in range(level):
        p, q = p + 2 * q, p + q
    return float(1 + p + q * Fraction(math.isqrt(2 << 400), 1 << 200))


def silver_steps(count: int) -> Float64[np.ndarray, " step"]:
    r"""$Lt_i=1+\rho^{\nu(i)-1}$, $\rho=1+\sqrt2$, i = 1, ..., N, the nearest floats (Altschuler and Parrilo, 2024).

    Raises:
        InputError: N is not at least 1.
    """
    if isinstance(count, bool) or count < 1:
        raise InputError(f"A silver schedule of {count!r} steps", "Ask for at least one step")
    levels = [_silver(level) for level in range(count.bit_length())]
    return np.array([levels[valuation(i)] for i in range(1, count + 1)])


def silver_enclosure(count: int) -> Enclosure:
    """The exact steps of :func:`silver_steps`, enclosed, shape (step,)."""
    nearest = silver_steps(count)
    return Enclosure.certified(np.nextafter(nearest, -np.inf), np.nextafter(nearest, np.inf))
