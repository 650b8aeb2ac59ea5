r"""Altschuler and Parrilo 2024: silver steps $Lt_i=1+\rho^{\nu(i)-1}$, $\rho=1+\sqrt2$, faster than any short steps."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from unfold_theory.claim import MethodSetting, claim, hypothesis
from unfold_theory.claims.first_order import at_most, convex, gradient_steps, normalised_steps
from unfold_theory.enclosure import Basis, Enclosure, Inequality
from unfold_theory.rates.worst_case.schedules import SILVER_RATIO, silver_enclosure, silver_steps

PROOF = "proofs_checks/check_altschuler2024.py"
CERTIFIED_LENGTHS = (1, 3, 7, 15, 31)
SLACK = 1e-9
"""By how much exact certificates may exceed the value that Huber's function attains."""
_ROUNDED = 2.0**-50


@hypothesis(scope="prefix")
def steps_silver(s: MethodSetting) -> Inequality:
    r"""$Lt_i=1+\rho^{\nu(i)-1}$ in every step so far, up to $2^{-50}$ of it: the schedule is irrational."""
    wanted = silver_enclosure(s.shape[0])[:, None]
    return abs(normalised_steps(s) - wanted) <= _ROUNDED * wanted


@hypothesis(scope="prefix")
def steps_silver_in_floats(s: MethodSetting) -> Inequality:
    r"""$Lt_i$ is exactly the float of ``silver_steps`` in every step so far: what the certificates speak of."""
    L = Fraction(s.lipschitz.lo.item())
    pairs = zip(gradient_steps(s).lo[:, 0], silver_steps(s.shape[0]), strict=True)
    differ = [float(Fraction(float(t)) * L != Fraction(float(h))) for t, h in pairs]
    return Enclosure.exact(np.array(differ)[:, None]) <= 0.0


@hypothesis(scope="cell")
def length_of_a_silver_schedule(s: MethodSetting) -> Inequality:
    r"""$k+1$ is a power of two: between these lengths the schedule is not finished."""
    return _is_length(s, [2**j - 1 for j in range(1, s.shape[0].bit_length() + 1)])


@hypothesis(scope="cell")
def length_with_a_certificate(s: MethodSetting) -> Inequality:
    r"""k = 1, 3, 7, 15 or 31."""
    return _is_length(s, CERTIFIED_LENGTHS)


def _is_length(s: MethodSetting, lengths: tuple[int, ...] | list[int]) -> Inequality:
    off = [float(min(abs(k - length) for length in lengths)) for k in range(1, s.shape[0] + 1)]
    return Enclosure.exact(np.array(off)[:, None]) <= 0.0


def silver_power(s: MethodSetting) -> Enclosure:
    r"""$\rho^j$ for the longest silver schedule, $2^j-1\le k$ steps, shape (depth, 1)."""
    powers = [SILVER_RATIO ** ((k + 1).bit_length() - 1) for k in range(1, s.shape[0] + 1)]
    ends = np.array([[p.lo.item(), p.hi.item()] for p in powers])
    return Enclosure.certified(ends[:, :1], ends[:, 1:])


@claim(
    source="altschuler2024",
    theorem="Theorem 1.1",
    hypotheses=[convex, steps_silver, length_of_a_silver_schedule],
)
def silver(s: MethodSetting) -> Inequality:
    r"""$f(x_N)-f^\star\le\frac{L\|x_0-x^\star\|^2}{1+\sqrt{4\rho^{2j}-3}}$, $N=2^j-1$.

    Decided at the prefixes of these lengths only, each a silver schedule of its own. That the steps are rounded is
    covered by the allowance for iterates. Not attained: the Huber function reaches $LR^2/(4\rho^j-2)$.
    """
    rate = 1.0 / (1.0 + (4.0 * silver_power(s) ** 2 - 3.0).sqrt())
    return at_most(s.objective_gap, s.lipschitz * s.initial_distance**2 * rate + s.gap_allowance)


@claim(
    source="altschuler2024",
    theorem="up to 31 steps, twice as sharp (derived)",
    hypotheses=[convex, steps_silver_in_floats, length_with_a_certificate],
    proof=PROOF,
)
def silver_certified(s: MethodSetting) -> Inequality:
    r"""$f(x_N)-f^\star\le(1+10^{-9})\frac{L\|x_0-x^\star\|^2}{4\rho^j-2}$, $N=2^j-1\le31$.

    With $\sum_iLt_i=\rho^j-1$ this is $LR^2/(4T+2)$, the value of the Huber function: silver steps are as fast as
    short steps of the same sum would be, and their sum is larger. Exact certificates for the steps as floats.
    """
    allowed = Enclosure.exact(SLACK).with_basis(Basis.CERTIFIED)
    rate = (1.0 + allowed) / (4.0 * silver_power(s) - 2.0)
    return at_most(s.objective_gap, s.lipschitz * s.initial_distance**2 * rate + s.gap_allowance)
