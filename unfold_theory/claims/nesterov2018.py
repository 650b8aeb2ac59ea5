"""Nesterov 2018 (book): gradient descent on smooth convex functions with any steps below 2/L."""

from __future__ import annotations

from unfold_theory.claim import MethodSetting, claim, hypothesis
from unfold_theory.claims.first_order import at_most, convex, normalised_steps, steps_positive
from unfold_theory.enclosure import Inequality

PROOF = "proofs_checks/check_nesterov2018.py"


@hypothesis(scope="prefix")
def steps_below_two(s: MethodSetting) -> Inequality:
    r"""$Lt_k<2$ in every step so far."""
    return normalised_steps(s) < 2.0


@claim(
    source="nesterov2018",
    theorem="Theorem 2.1.14, variable steps (derived)",
    hypotheses=[convex, steps_positive, steps_below_two],
    trivial=lambda s: s.initial_gap,
    proof=PROOF,
)
def gradient_descent(s: MethodSetting) -> Inequality:
    r"""$f(x_k)-f^\star\le\frac{2L\|x_0-x^\star\|^2}{4+\sum_{j<k}h_j(2-h_j)}$ for all $k\ge1$ and $h_j=Lt_j\in(0,2)$.

    With one step $h$ for all this is theorem 2.1.14 with $f(x_0)-f^\star\le\frac L2\|x_0-x^\star\|^2$ put in. Not
    attained: up to 8 times above the exact rate of short steps. Trivial: the gap at the start.
    """
    h = normalised_steps(s)
    budget = (h * (2.0 - h)).cumsum()
    return at_most(s.objective_gap, 2.0 * s.lipschitz * s.initial_distance**2 / (4.0 + budget) + s.gap_allowance)
