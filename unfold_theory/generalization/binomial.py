r"""Clopper-Pearson: confidence limits for a probability from k successes in N independent trials, rounded outward.

The upper limit at confidence $1-\delta$ is $\sup\{p:P(\mathrm{Bin}(N,p)\le k)\ge\delta\}$. The quantile of the beta
distribution is the starting point only; a limit is returned once ball arithmetic shows that the tail is at most delta.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from flint import arb, ctx
from numpy.typing import NDArray
from scipy.special import betainccinv, betaincinv

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError
from unfold_theory.generalization.checks import failure_probability
from unfold_theory.problems.checks import Number

_BITS = 128


def binomial_upper(successes: Any, trials: Any, delta: Number) -> NDArray[np.float64]:
    r"""A number that is below the success probability with probability at most delta; 1 where k = N.

    Args:
        successes: k, integers in [0, N].
        trials: N, positive integers; broadcasts against k.
        delta: Failure probability of each entry, in (0, 1).

    Raises:
        InputError: N is not positive, k is no count in [0, N], or delta lies outside (0, 1).
    """
    k, n = _counts(successes, trials)
    level = failure_probability(delta)
    return _each(lambda a, b: _upper(a, b, level), k, n)


def binomial_lower(successes: Any, trials: Any, delta: Number) -> NDArray[np.float64]:
    r"""A number that is above the success probability with probability at most delta; 0 where k = 0.

    Raises:
        InputError: As :func:`binomial_upper`.
    """
    k, n = _counts(successes, trials)
    level = failure_probability(delta)
    return _each(lambda a, b: _lower(a, b, level), k, n)


def clopper_pearson(successes: Any, trials: Any, delta: Number) -> Enclosure:
    r"""Both limits, each at delta/2, of every entry by itself.

    Who reads several entries at once divides delta by their number first: the result's ``delta`` is one entry's.

    Raises:
        InputError: As :func:`binomial_upper`.
    """
    half = failure_probability(delta) / 2
    lo, hi = binomial_lower(successes, trials, half), binomial_upper(successes, trials, half)
    return Enclosure.confidence(lo, hi, delta=float(delta))


def _counts(successes: Any, trials: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    k, n = np.broadcast_arrays(np.asarray(successes), np.asarray(trials))
    if k.dtype.kind not in "iu" or n.dtype.kind not in "iu":
        raise InputError(f"Counts of type {k.dtype} and {n.dtype}", "Pass integers")
    if n.size == 0 or (n < 1).any():
        raise InputError("A sample of N = 0 trials", "Pass at least one trial")
    if (k < 0).any() or (k > n).any():
        raise InputError("A number of successes outside [0, N]", "Count the successes among the N trials")
    return k.astype(np.int64), n.astype(np.int64)


def _each(limit: Any, k: NDArray[np.int64], n: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.array([limit(int(a), int(b)) for a, b in zip(k.ravel(), n.ravel(), strict=True)]).reshape(k.shape)


# Coverage studies ask for the same few counts thousands of times.
@lru_cache(maxsize=65536)
def _upper(k: int, n: int, delta: float) -> float:
    """The beta quantile, moved up until the lower tail is certainly at most delta."""
    if k == n:
        return 1.0
    with ctx.workprec(_BITS):

        def safe(p: float) -> bool:
            """Whether P(Bin(n, p) <= k) = I_{1-p}(n - k, k + 1) is at most delta."""
            return bool((1 - arb(p)).beta_lower(n - k, k + 1, regularized=True) <= arb(delta))

        p, widening = _quantile(betainccinv, k + 1, n - k, delta, lambda p: not safe(p)), 2.0**-50
        while p < 1 and not safe(p):
            p = min(p * (1 + widening), 1.0)
            widening *= 2
    return p


@lru_cache(maxsize=65536)
def _lower(k: int, n: int, delta: float) -> float:
    """The beta quantile, moved down until the upper tail is certainly at most delta."""
    if k == 0:
        return 0.0
    with ctx.workprec(_BITS):

        def safe(p: float) -> bool:
            """Whether P(Bin(n, p) >= k) = I_p(k, n - k + 1) is at most delta."""
            return bool(arb(p).beta_lower(k, n - k + 1, regularized=True) <= arb(delta))

        p, widening = _quantile(betaincinv, k, n - k + 1, delta, safe), 2.0**-50
        while p > 0 and not safe(p):
            p = p * (1 - min(widening, 1.0))
            widening *= 2
    return p


def _quantile(invert: Callable[..., Any], a: int, b: int, delta: float, below: Callable[[float], bool]) -> float:
    """The quantile as scipy has it, or by bisection where scipy gives up (far tails)."""
    found = float(invert(a, b, delta))
    if 0 < found <= 1:
        return found
    exponents = [-1100.0, 0.0]
    for _ in range(60):
        middle = sum(exponents) / 2
        exponents[0 if below(2.0**middle) else 1] = middle
    return 2.0 ** exponents[1]
