r"""Gradient steps as a polynomial: $e^k=p_k(H)e^0$ with $p_k(\lambda)=\prod_{j<k}(1-\gamma_j\lambda)$.

On a quadratic with Hessian H only $\max|p_k|$ over the spectrum matters. Among all steps the Chebyshev ones make it
least on an interval $[a,b]$, $a>0$: with $c=(a+b)/2$, $h=(b-a)/2$ and $\sigma=c/h$,
$$\gamma_j=\bigl(c+h\cos\tfrac{(2j+1)\pi}{2T}\bigr)^{-1},\qquad \max_{[a,b]}|p_T|=1/T_T(\sigma)=
\operatorname{sech}(T\operatorname{arcosh}\sigma),$$
in any order (Takabe and Wadayama 2022; the minimax theorem is Markov's, ``proofs_checks/check_takabe2022.py``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float64

from unfold_theory.enclosure import Enclosure, minimum, stack, where
from unfold_theory.errors import InputError
from unfold_theory.problems.checks import positive_integer

_BISECTIONS = 60


def chebyshev_steps(lower: Any, upper: Any, count: Any) -> Float64[np.ndarray, " count"]:
    r"""$\gamma_j=(c+h\cos\frac{(2j+1)\pi}{2T})^{-1}$ of $[a,b]$, j = 0..T-1, ascending.

    Args:
        lower, upper: $0<a\le b$.
        count: T.

    Raises:
        InputError: The interval is empty or not positive, or T is not a positive integer.
    """
    count = positive_integer("number of steps", count)
    low, high = _interval(lower, upper)
    if low.ndim:
        raise InputError(f"An interval with ends of shape {low.shape}", "Pass two numbers")
    angles = (2 * np.arange(count) + 1) * np.pi / (2 * count)
    return np.sort(1 / ((low + high) / 2 + (high - low) / 2 * np.cos(angles)))


def chebyshev_value(lower: Any, upper: Any, count: int) -> Enclosure:
    r"""$1/T_k(\sigma)$, $\sigma=(b+a)/(b-a)$, for k = 1..``count`` along the first axis; certified.

    By $T_{k+1}=2\sigma T_k-T_{k-1}$ in the form $r_{k+1}=2\sigma-1/r_k$, $r_k=T_k/T_{k-1}>1$, in which nothing is
    cancelled. Zero where a = b.

    Args:
        lower, upper: Ends $0<a\le b$, any common shape.
        count: Largest k.

    Raises:
        InputError: An interval is empty or not positive, or the count is not a positive integer.
    """
    count = positive_integer("number of steps", count)
    low, high = _interval(lower, upper)
    sigma = (Enclosure.exact(high) + low) / (Enclosure.exact(high) - low)
    ratio, value, values = sigma, 1.0 / sigma, []
    for _ in range(count):
        # A single point is annihilated by one step.
        values.append(where(low == high, 0.0, Enclosure.certified(np.maximum(value.lo, 0.0), value.hi)))
        ratio = 2.0 * sigma - 1.0 / ratio
        value = value / ratio
    return stack(values)


def largest_on_interval(steps: Any, lower: Any, upper: Any) -> Enclosure:
    r"""$\max_{a\le\lambda\le b}|p_k(\lambda)|$ for k = 1..K along the first axis; certified from both sides.

    Between two neighbouring zeros $\log|p|$ is concave, so that the tangent at one point c bounds it on the whole
    piece, $|p(\lambda)|\le|p(c)|\exp(q(c)(\lambda-c))$ with $q=p'/p$; c is the computed maximiser, where q is nearly 0.
    That c lies in its piece is certain by the signs of the factors; where it is not, $|1-\gamma\lambda|$ is bounded
    factor by factor. The lower end is attained at c.

    Args:
        steps: $\gamma_j$, shape (K,), finite; any sign.
        lower, upper: Ends $0<a\le b$, any common shape.

    Returns:
        Shape (K, ...).

    Raises:
        InputError: The steps are no finite vector, or an interval is empty or not positive.
    """
    gains = np.asarray(steps, dtype=np.float64)
    if gains.ndim != 1 or not gains.size or not np.isfinite(gains).all():
        raise InputError(f"Steps of shape {gains.shape} or not finite", "Pass one finite number a layer")
    low, high = _interval(lower, upper)
    return stack([_largest(gains[:k], low, high) for k in range(1, len(gains) + 1)])


def _interval(lower: Any, upper: Any) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.broadcast_arrays(np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64))
    if not (np.isfinite(high).all() and (low > 0).all() and (low <= high).all()):
        raise InputError("An interval that is empty, unbounded or not positive", "Pass 0 < a <= b")
    return low, high


def _largest(gains: np.ndarray, low: np.ndarray, high: np.ndarray) -> Enclosure:
    a, b = low[..., None], high[..., None]
    roots = np.sort(1 / gains[gains > 0])
    inner = np.broadcast_to(roots, (*low.shape, len(roots)))
    # Pieces between neighbouring zeros, clipped to the interval: ends rounded outward, empty ones of length zero.
    left = np.clip(np.concatenate([np.broadcast_to(a, (*low.shape, 1)), np.nextafter(inner, -np.inf)], axis=-1), a, b)
    right = np.clip(np.concatenate([np.nextafter(inner, np.inf), np.broadcast_to(b, (*low.shape, 1))], axis=-1), a, b)
    centre = _maximiser(gains, left, right)
    factors = 1.0 - Enclosure.exact(centre)[..., None] * gains
    size = _product(abs(factors))
    below = ((factors.hi < 0) & (gains > 0)).sum(axis=-1)
    decided = ((factors.hi < 0) | (factors.lo > 0)).all(axis=-1) & (below == np.arange(len(roots) + 1))
    safe = where(decided[..., None], factors, 1.0)
    slope = (-(Enclosure.exact(gains) / safe)).sum(-1)
    ends = [slope * (Enclosure.exact(end) - centre) for end in (left, right)]
    rise = np.maximum(ends[0].hi, ends[1].hi)
    tangent = size * Enclosure.exact(np.minimum(np.maximum(rise, 0.0), 700.0)).exp()
    radius = np.maximum((Enclosure.exact(right) - centre).hi, (Enclosure.exact(centre) - left).hi)
    crude = _product(abs(factors) + Enclosure.exact(np.abs(gains)) * Enclosure.exact(radius)[..., None])
    upper = np.where(decided & (rise <= 700.0), minimum(tangent, crude).hi, crude.hi)
    return Enclosure.certified(size.lo.max(axis=-1), upper.max(axis=-1))


def _maximiser(gains: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Where the slope of log|p| changes sign in each piece, to float precision (it falls along the piece)."""
    lo, hi = left.copy(), right.copy()
    for _ in range(_BISECTIONS):
        middle = lo + (hi - lo) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = -(gains / (1 - middle[..., None] * gains)).sum(axis=-1)
        rising = slope > 0
        lo, hi = np.where(rising, middle, lo), np.where(rising, hi, middle)
    # Ends of the interval count as well: the slope does not change its sign in a piece whose zero lies outside.
    return np.clip(np.where(hi >= right, right, np.where(lo <= left, left, lo)), left, right)


def _product(factors: Enclosure) -> Enclosure:
    result = factors[..., 0]
    for j in range(1, factors.shape[-1]):
        result = result * factors[..., j]
    return result
