"""Abbaszadehpeivasti, de Klerk and Zamani 2022: gradient descent on smooth functions that need not be convex."""

from __future__ import annotations

from unfold_theory.claim import MethodSetting, claim, hypothesis
from unfold_theory.claims.first_order import (
    at_most,
    gap_of_the_zeroth_gradient,
    least_gradient,
    normalised_steps,
    steps_positive,
)
from unfold_theory.enclosure import Enclosure, Inequality, minimum

PROOF = "proofs_checks/check_abbaszadehpeivasti2022.py"


@hypothesis(scope="prefix")
def steps_below_root_three(s: MethodSetting) -> Inequality:
    r"""$Lt_k\le\sqrt 3$ in every step so far."""
    return normalised_steps(s) <= Enclosure.exact(3.0).sqrt()


@hypothesis
def curvature_at_least_minus_lipschitz(s: MethodSetting) -> Inequality:
    r"""The gradient is L-Lipschitz: no curvature below $-L$."""
    return -s.lipschitz <= s.curvature


@claim(
    source="abbaszadehpeivasti2022",
    theorem="exact rate, variable steps (derived)",
    hypotheses=[steps_positive, steps_below_root_three, curvature_at_least_minus_lipschitz],
    trivial=gap_of_the_zeroth_gradient,
    proof=PROOF,
)
def gradient_norm(s: MethodSetting) -> Inequality:
    r"""$\min_{0\le i\le k}\|\nabla f(x_i)\|^2\le\frac{4L(f(x_0)-f^\star)}{2+\sum_{j<k}\min(4h_j-h_j^2,4h_j-h_j^3)}$,
    $h_j=Lt_j\in(0,\sqrt3]$.

    Attained for $h_j\le1$; for constant steps up to $\sqrt3$ in all tests; not in general where steps are mixed.
    Trivial: $2L(f(x_0)-f^\star)$.
    """
    h = normalised_steps(s)
    budget = minimum(4.0 * h - h**2, 4.0 * h - h**3).cumsum()
    return at_most(least_gradient(s), 4.0 * s.lipschitz * (s.initial_gap + s.gap_allowance) / (2.0 + budget))
