"""Functions of several enclosures: choices, stacking, and the matrix product."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfold_theory.enclosure.interval import Enclosure
from unfold_theory.enclosure.rounding import TINY, UNIT_ROUNDOFF, Numbers, down, gamma, up
from unfold_theory.errors import InputError


def maximum(first: Any, second: Any) -> Enclosure:
    """Elementwise maximum of two enclosures."""
    a, b = Enclosure.of(first), Enclosure.of(second)
    return a._like(np.maximum(a.lo, b.lo), np.maximum(a.hi, b.hi), b, rounded=False)


def minimum(first: Any, second: Any) -> Enclosure:
    """Elementwise minimum of two enclosures."""
    return -maximum(-Enclosure.of(first), -Enclosure.of(second))


def where(condition: Numbers, first: Any, second: Any) -> Enclosure:
    """Elementwise choice by a mask that is itself known."""
    a, b = Enclosure.of(first), Enclosure.of(second)
    return a._like(np.where(condition, a.lo, b.lo), np.where(condition, a.hi, b.hi), b, rounded=False)


def stack(parts: list[Enclosure], axis: int = 0) -> Enclosure:
    """Enclosures of one shape stacked along a new axis; the weakest basis wins."""
    lo, hi = (np.stack([getattr(p, end) for p in parts], axis=axis) for end in ("lo", "hi"))
    return parts[0]._like(lo, hi, *parts[1:], rounded=False)


def matmul(first: Enclosure, second: Enclosure) -> Enclosure:
    r"""Matrix product of enclosures with finite ends: float64 products of midpoints plus a bound on the error.

    For points $A, B$ with $k$ the inner size, $|\mathrm{fl}(AB)-AB|\le\gamma_k|A||B|$; radii add
    $|A|\,r_B + r_A(|B|+r_B)$.

    Raises:
        InputError: An end is infinite.
    """
    if not (np.isfinite(first.lo).all() and np.isfinite(first.hi).all()):
        raise InputError("A matrix enclosure has an infinite end", "Bound the matrix before multiplying")
    if not (np.isfinite(second.lo).all() and np.isfinite(second.hi).all()):
        raise InputError("A matrix enclosure has an infinite end", "Bound the matrix before multiplying")
    terms = first.shape[-1]
    (a, ra), (b, rb) = _midrad(first), _midrad(second)
    with np.errstate(over="ignore", invalid="ignore"):  # overflow ends in infinite ends
        size = np.abs(a) @ np.abs(b)
        radius = gamma(terms) * size
        if rb is not None:
            radius = radius + (1 + gamma(terms)) * (np.abs(a) @ rb)
        if ra is not None:
            outer = np.abs(b) if rb is None else up(np.abs(b) + rb)
            radius = radius + (1 + gamma(terms)) * (ra @ outer)
        radius = up(radius * (1 + 8 * UNIT_ROUNDOFF) + 4 * terms * TINY)
        product = a @ b
        lo, hi = down(product - radius), up(product + radius)
    if (size == 0).any():
        # Sums of nothing but zeros are exactly zero; underflow is told apart by counting the terms.
        live = [(mid != 0) if r is None else (mid != 0) | (r != 0) for mid, r in ((a, ra), (b, rb))]
        nothing = live[0].astype(float) @ live[1].astype(float) == 0
        lo, hi = np.where(nothing, 0.0, lo), np.where(nothing, 0.0, hi)
    return first._like(lo, hi, second)


def _midrad(e: Enclosure) -> tuple[NDArray, NDArray | None]:
    if np.array_equal(e.lo, e.hi):
        return e.lo, None
    mid = e.mid
    # A point has radius zero, also beside entries that are none.
    return mid, np.where(e.lo == e.hi, 0.0, up(np.maximum(e.hi - mid, mid - e.lo)))
