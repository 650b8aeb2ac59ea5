"""Outward rounding of float64 results: one place for every constant that a bound on rounding needs."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unfold_theory.errors import InputError

# A plain number is an array too; runtime checkers do not read numpy's ArrayLike so.
Numbers: TypeAlias = ArrayLike | float | int

UNIT_ROUNDOFF = 2.0**-53
TINY = 2.0**-1074
# The elementary functions of numpy are within 4 units in the last place; four times that is kept as room.
ELEMENTARY = 32 * UNIT_ROUNDOFF


def gamma(terms: int) -> float:
    r"""Upper bound on $nu/(1-2nu)$ for $n$ = ``terms``, $u=2^{-53}$: the error constant of sums of n terms.

    With $T$ the computed $\sum|x_i y_i|$, $|\mathrm{fl}(x^Ty)-x^Ty|\le$ ``gamma(n) * T`` for every order of summation,
    with or without fused multiply-add (Higham, Accuracy and Stability of Numerical Algorithms, sec. 3.1).
    """
    if terms > 2**40:
        raise InputError(f"A sum of {terms} terms is too long for a rounding bound", "Split it into shorter sums")
    return 1.01 * (terms + 2) * UNIT_ROUNDOFF


def down(a: Numbers) -> NDArray[np.float64]:
    """The next float below; NaN, an unknown lower end, becomes minus infinity."""
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(np.nextafter(np.where(np.isnan(a), -np.inf, a), -np.inf))


def up(a: Numbers) -> NDArray[np.float64]:
    """The next float above; NaN, an unknown upper end, becomes infinity."""
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(np.nextafter(np.where(np.isnan(a), np.inf, a), np.inf))


def times(a: Numbers, b: Numbers) -> NDArray:
    """Products of interval ends, with 0 * inf = 0."""
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        product = np.multiply(a, b)
    return np.where(np.equal(a, 0) | np.equal(b, 0), 0.0, product)


def as_float64(value: Any) -> NDArray[np.float64]:
    """A float64 copy with exactly the same values.

    Raises:
        InputError: Not real numbers, or one of them (an integer above 2**53, a fraction, a wider float) has no float64.
    """
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = (value.double() if value.is_floating_point() else value).numpy()
    raw = np.asarray(value)
    if raw.dtype.kind not in "fiubO":
        raise InputError(f"Entries of type {raw.dtype} are not real numbers", "Give float64 entries")
    array = np.array(raw, dtype=np.float64)
    narrow = raw.dtype.kind == "b" or (raw.dtype.kind == "f" and raw.dtype.itemsize <= 8)
    # Python compares numbers of different types exactly, numpy does not.
    if not narrow and not np.array_equal(array.astype(object), raw.astype(object)):
        raise InputError("A number has no exact float64", "Enclose it from both sides instead")
    return array
