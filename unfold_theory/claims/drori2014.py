"""Drori and Teboulle 2014: the exact worst case of gradient descent with short steps on smooth convex functions."""

from __future__ import annotations

from unfold_theory.claim import MethodSetting, claim
from unfold_theory.claims.first_order import (
    at_most,
    convex,
    normalised_steps,
    steps_at_most_inverse_lipschitz,
    steps_positive,
)
from unfold_theory.enclosure import Inequality

PROOF = "proofs_checks/check_drori2014.py"


@claim(
    source="drori2014",
    theorem="Theorem 3.1, variable steps (derived)",
    hypotheses=[convex, steps_positive, steps_at_most_inverse_lipschitz],
    trivial=lambda s: s.initial_gap,
    proof=PROOF,
)
def gradient_descent(s: MethodSetting) -> Inequality:
    r"""$f(x_k)-f^\star\le\frac{L\|x_0-x^\star\|^2}{4L\sum_{j<k}t_j+2}$ for all $k\ge1$ and $t_j\in(0,1/L]$.

    With $t_j=h/L$, $0<h\le1$, this is theorem 3.1, $LR^2/(4hk+2)$; any shorter steps enter with their sum, for all k
    (what remains of the inequalities is a graph Laplacian in the gradients). Attained by the Huber function. Trivial:
    the gap at the start.
    """
    total = normalised_steps(s).cumsum()
    return at_most(s.objective_gap, s.lipschitz * s.initial_distance**2 / (4.0 * total + 2.0) + s.gap_allowance)
