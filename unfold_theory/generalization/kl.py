r"""The binary relative entropy and its inverses, rounded to the safe side.

$\mathrm{kl}(q\|p)=q\ln\frac qp+(1-q)\ln\frac{1-q}{1-p}$. With $d=|p-q|$, a the mass that grows and b the one that
shrinks, it is $a\,\varphi(d/a)+b\,\varphi(-d/b)$, $\varphi(u)=u-\ln(1+u)\ge0$: two nonnegative terms, so that nothing
cancels however close p is to q.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfold_theory.enclosure import UNIT_ROUNDOFF, Enclosure, down, up, where
from unfold_theory.enclosure.rounding import Numbers
from unfold_theory.errors import InputError

Array = NDArray[np.float64]

# Beyond these float64 leaves its normal range in a product; the inverses move by less than the bounds when clamped.
_LEAST_MASS, _LEAST_LEVEL = 1e-290, 1e-280
# phi is within 64 roundoffs (a logarithm within 32, or a series that does not cancel), products and quotients take 4.
_RELATIVE, _ARGUMENT = 96 * UNIT_ROUNDOFF, 4 * UNIT_ROUNDOFF
_CHUNK = 8192
_NEWTON = 60
# 2/3, 2/5, ...: with |s| <= 1/3 what is left out is below 1e-17 of the sum.
_SERIES = [2.0 / (2 * k + 3) for k in range(17)][::-1]


def _phi(u: Array) -> Array:
    r"""$u-\ln(1+u)$ for u > -1; near 0 by $\ln(1+u)=2\,\mathrm{artanh}(s)$, $s=u/(2+u)$."""
    with np.errstate(invalid="ignore", divide="ignore"):
        direct = u - np.log1p(u)
    near = np.abs(u) <= 0.5
    if near.any():
        small = u[near]
        s = small / (2.0 + small)
        square = s * s
        total = np.full_like(s, _SERIES[0])
        for coefficient in _SERIES[1:]:
            total *= square
            total += coefficient
        direct[near] = s * (small - square * total)
    return direct


def _divergence(grows: Array, shrinks: Array, distance: Array, safety: float = 0.0) -> Array:
    """kl at a distance; with ``safety`` 1 certainly not above it, whatever the rounding of the masses."""
    squeeze = 1 - safety * _ARGUMENT
    up_, down_ = distance / grows * squeeze, -distance / shrinks * squeeze
    return (grows * _phi(up_) + shrinks * _phi(down_)) * (1 - safety * _RELATIVE)


def _start(grows: Array, shrinks: Array, level: Array) -> Array:
    r"""A distance at which kl is at least the level: the smallest of three known bounds.

    $d^2\le c/2$ (Pinsker); $d^2\le2c(a+d)$; and $d\le b-b\,e^{-(c-a\ln a)/b}$, since $-a\ln(a+d)\ge0$.
    """
    far = -shrinks * np.expm1(-(level - grows * np.log(grows)) / shrinks)
    return np.minimum(np.minimum(np.sqrt(level / 2), level + np.sqrt(level * (level + 2 * grows))), far)


def _distances(grows: Array, shrinks: Array, level: Array) -> Array:
    """Distances d <= b beyond which kl exceeds the level for certain; flat arrays of one chunk, masses positive."""
    found = np.minimum(_start(grows, shrinks, level), shrinks)
    active = np.arange(found.size)
    a, b, c, d = grows, shrinks, level, found.copy()
    for _ in range(_NEWTON):
        # kl is convex in d: from the right Newton's iterates fall onto the root.
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            step = (_divergence(a, b, d) - c) * ((a + d) * (b - d) / d)
            moved = np.clip(np.where(np.isfinite(step), d - step, d * (1 - UNIT_ROUNDOFF)), 0.0, b)
        found[active] = moved
        going = (d - moved) > 8 * UNIT_ROUNDOFF * d
        if not going.any():
            break
        if going.mean() < 0.7:
            active, a, b, c, d = active[going], a[going], b[going], c[going], moved[going]
        else:
            d = moved
    margin = 64 * UNIT_ROUNDOFF
    found = np.minimum(found * (1 + margin), shrinks)
    short = np.flatnonzero(_short(grows, shrinks, level, found))
    while short.size and margin < 1:
        margin *= 4
        found[short] = np.minimum(found[short] * (1 + margin), shrinks[short])
        short = short[_short(grows[short], shrinks[short], level[short], found[short])]
    found[short] = shrinks[short]
    return found


def _short(grows: Array, shrinks: Array, level: Array, distance: Array) -> NDArray[np.bool_]:
    """Where it is not certain that kl has reached the level; at the full distance p is 0 or 1 and nothing is beyond."""
    return (_divergence(grows, shrinks, distance, safety=1.0) < level) & (distance < shrinks)


def _checked(q: Numbers, level: Numbers) -> tuple[Array, Array]:
    q, level = np.asarray(q, dtype=np.float64), np.asarray(level, dtype=np.float64)
    if not ((q >= 0) & (q <= 1)).all():
        raise InputError("A risk q is NaN or outside [0, 1]", "Use losses with values in [0, 1]")
    if not (level >= 0).all():
        raise InputError("A level of kl is NaN or negative", "Pass c >= 0, as (KL + ln(1/delta)) / N is")
    q, level = np.broadcast_arrays(q, level)
    return q, level


def _solve(grows: Numbers, shrinks: Numbers, level: Array) -> Array:
    """:func:`_distances` in chunks that stay in the processor's cache."""
    shape = level.shape
    a, b, c = (np.ravel(part) for part in (grows, shrinks, level))
    result = np.zeros(c.size)
    inside = (c > 0) & (b >= _LEAST_MASS) & np.isfinite(c)
    result[(c > 0) & ~inside] = b[(c > 0) & ~inside]
    places = np.flatnonzero(inside)
    for first in range(0, places.size, _CHUNK):
        here = places[first : first + _CHUNK]
        mass, least = np.maximum(a[here], _LEAST_MASS), np.maximum(c[here], _LEAST_LEVEL)
        result[here] = _distances(mass, b[here], least)
    return result.reshape(shape)


def kl_upper(q: Numbers, level: Numbers) -> Array:
    r"""$\mathrm{kl}^{-1}(q|c)=\sup\{p:\mathrm{kl}(q\|p)\le c\}$, never below it and at most 1e-12 above.

    Every value is checked: kl is certainly at least c where the result stands (or the result is 1).

    Args:
        q: Empirical risks in [0, 1].
        level: c >= 0, infinity allowed; broadcasts against q.

    Raises:
        InputError: A risk is outside [0, 1], a level is negative, or one of them is NaN.
    """
    q, level = _checked(q, level)
    found = np.minimum(up(q + _solve(q, 1.0 - q, level)), 1.0)
    return np.asarray(np.where(level == 0, q, np.maximum(found, q)))


def kl_lower(q: Numbers, level: Numbers) -> Array:
    r"""$\inf\{p:\mathrm{kl}(q\|p)\le c\}$, never above it and at most 1e-12 below.

    Args:
        q: Empirical risks in [0, 1].
        level: c >= 0, infinity allowed; broadcasts against q.

    Raises:
        InputError: As :func:`kl_upper`.
    """
    q, level = _checked(q, level)
    found = np.maximum(down(q - _solve(1.0 - q, q, level)), 0.0)
    return np.asarray(np.where(level == 0, q, np.minimum(found, q)))


def binary_kl(q: Any, p: Any) -> Enclosure:
    r"""$\mathrm{kl}(q\|p)$ of float64 numbers in [0, 1]; infinity where p is 0 or 1 and q is not. Certified.

    Raises:
        InputError: A number is NaN or outside [0, 1].
    """
    q, p = (np.asarray(part, dtype=np.float64) for part in (q, p))
    if not all(((part >= 0) & (part <= 1)).all() for part in (q, p)):
        raise InputError("A probability is NaN or outside [0, 1]", "Pass numbers in [0, 1]")
    q, p = np.broadcast_arrays(q, p)
    known, other = Enclosure.exact(q), Enclosure.exact(p)
    total = _term(known, other) + _term(1 - known, 1 - other)
    return Enclosure(np.asarray(np.maximum(total.lo, 0.0)), total.hi, total.basis)


def _term(mass: Enclosure, other: Enclosure) -> Enclosure:
    r"""$q\ln(q/p)$, 0 where q = 0, infinity where p = 0 < q."""
    ratio = where(mass.hi == 0, 1.0, mass) / where(mass.hi == 0, 1.0, other)
    return mass * ratio.log()
