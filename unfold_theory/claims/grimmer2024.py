r"""Grimmer 2024: patterns of steps, some far beyond 2/L, that decrease small gaps faster than any short steps.

A pattern $h_1,\dots,h_p$ with sum T is straightforward for $\Delta$ if $f(x_p)-f^\star\le\delta-T\delta^2/(LD^2)$
whenever $\|x_0-x^\star\|\le D$ and $\delta=f(x_0)-f^\star\le\Delta LD^2$. The paper takes for D the largest distance in
the level set of the start; here it is the distance at the start of the patterns, which is smaller.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from unfold_theory.claim import MethodSetting, claim, hypothesis
from unfold_theory.claims.first_order import at_most, convex, gradient_steps
from unfold_theory.enclosure import Enclosure, Inequality
from unfold_theory.rates.worst_case.schedules import LONG_STEPS

PROOF = "proofs_checks/check_grimmer2024.py"


def _differences(s: MethodSetting, pattern: tuple[float, ...]) -> np.ndarray:
    """Where the exact $Lt_k$ are those of the pattern (0) and where not (1), shape (depth,)."""
    L = Fraction(s.lipschitz.lo.item())
    steps = gradient_steps(s).lo[:, 0]
    return np.array([float(Fraction(float(t)) * L != Fraction(pattern[k % len(pattern)])) for k, t in enumerate(steps)])


def pattern(s: MethodSetting) -> tuple[float, ...]:
    """The pattern that the steps repeat, or the one that they repeat longest."""

    def repeated(p: tuple[float, ...]) -> int:
        off = np.flatnonzero(_differences(s, p))
        return int(off[0]) if off.size else s.shape[0]

    return max(LONG_STEPS, key=repeated)


def _at_starts(s: MethodSetting, initial: Enclosure, later: Enclosure) -> Enclosure:
    """A quantity where the pattern of each step began, shape (depth, sample)."""
    p = len(pattern(s))
    rows = [max(k + 1 - p, 0) for k in range(s.shape[0])]
    lo, hi = (np.vstack([getattr(initial, end)[None], getattr(later, end)])[rows] for end in ("lo", "hi"))
    return Enclosure(lo, hi, later.basis)


def gaps_before(s: MethodSetting) -> Enclosure:
    r"""$f(x_{k-p})-f^\star$, shape (depth, sample)."""
    return _at_starts(s, s.initial_gap, s.objective_gap)


def distances_before(s: MethodSetting) -> Enclosure:
    r"""$\|x_{k-p}-x^\star\|$, shape (depth, sample)."""
    return _at_starts(s, s.initial_distance, s.distance)


def largest_distances(s: MethodSetting) -> Enclosure:
    r"""$\max_i\|x_{ip}-x^\star\|$ over the patterns so far, shape (depth, sample)."""
    before, p = distances_before(s), len(pattern(s))
    lo, hi = before.lo.copy(), before.hi.copy()
    for k in range(p, s.shape[0]):
        lo[k], hi[k] = np.maximum(lo[k], lo[k - p]), np.maximum(hi[k], hi[k - p])
    return Enclosure(lo, hi, before.basis)


@hypothesis(scope="prefix")
def steps_repeat_a_long_pattern(s: MethodSetting) -> Inequality:
    r"""$Lt_k$ repeats (2.9, 1.5), (1.5, 4.9, 1.5) or (1.5, 2.2, 1.5, 12, 1.5, 2.2, 1.5), exactly as floats."""
    return Enclosure.exact(_differences(s, pattern(s))[:, None]) <= 0.0


@hypothesis(scope="cell")
def end_of_a_pattern(s: MethodSetting) -> Inequality:
    """The pattern is complete: within it the gap may grow."""
    p = len(pattern(s))
    left = np.array([float(-k % p) for k in range(1, s.shape[0] + 1)])
    return Enclosure.exact(left[:, None]) <= 0.0


@hypothesis(scope="cell")
def gap_small(s: MethodSetting) -> Inequality:
    r"""$f(x_{k-p})-f^\star\le\Delta L\|x_{k-p}-x^\star\|^2$, $\Delta=2^{-7},2^{-10},2^{-14}$ for the three patterns."""
    return gaps_before(s) <= LONG_STEPS[pattern(s)] * s.lipschitz * distances_before(s) ** 2


@hypothesis(scope="sample")
def first_gap_small(s: MethodSetting) -> Inequality:
    r"""$f(x_0)-f^\star\le\Delta L\|x_0-x^\star\|^2$."""
    return s.initial_gap <= LONG_STEPS[pattern(s)] * s.lipschitz * s.initial_distance**2


@claim(
    source="grimmer2024",
    theorem="straightforward patterns (derived)",
    hypotheses=[convex, steps_repeat_a_long_pattern, gap_small, end_of_a_pattern],
    trivial=gaps_before,
    proof=PROOF,
)
def decrease(s: MethodSetting) -> Inequality:
    r"""$f(x_k)-f^\star\le\delta-\frac{\sum_{i=1}^ph_i}{L\|x_{k-p}-x^\star\|^2}\delta^2$, $\delta=f(x_{k-p})-f^\star$.

    At the end of every pattern of p steps. Exact certificates for all $\delta$ at once; attained by Huber functions up
    to terms of third order. Trivial: the gap before the pattern.
    """
    total = float(np.sum(pattern(s)))  # at most two roundings of 1e-15, inside the allowance
    delta = gaps_before(s)
    bound = delta - total * delta**2 / (s.lipschitz * distances_before(s) ** 2)
    return at_most(s.objective_gap, bound + s.gap_allowance)


@claim(
    source="grimmer2024",
    theorem="rate of repeated patterns (derived)",
    hypotheses=[convex, steps_repeat_a_long_pattern, first_gap_small, end_of_a_pattern],
    trivial=lambda s: s.initial_gap,
    proof=PROOF,
)
def rate(s: MethodSetting) -> Inequality:
    r"""$f(x_k)-f^\star\le\frac{\delta_0}{1+\delta_0\sum_{i=1}^kh_i/(LD^2)}$, $\delta_0=f(x_0)-f^\star$,
    $D=\max_i\|x_{ip}-x^\star\|$.

    At the end of every pattern. It is at most $LD^2/\sum h$, the $LD^2/(\mathrm{avg}(h)k)$ of the paper. Trivial:
    $\delta_0$.
    """
    p, total = len(pattern(s)), float(np.sum(pattern(s)))
    sums = np.array([(k // p) * total for k in range(1, s.shape[0] + 1)])[:, None]
    growth = s.initial_gap * Enclosure.exact(sums) / (s.lipschitz * largest_distances(s) ** 2)
    return at_most(s.objective_gap, s.initial_gap / (1.0 + growth) + s.gap_allowance)
