"""Rotaru, Glineur and Patrinos 2024: gradient descent between convex and nonconvex functions."""

from __future__ import annotations

from unfold_theory.claim import MethodSetting, claim
from unfold_theory.claims.first_order import (
    at_most,
    gap_of_the_zeroth_gradient,
    least_gradient,
    normalised_steps,
    steps_at_most_inverse_lipschitz,
    steps_positive,
)
from unfold_theory.enclosure import Enclosure, Inequality, maximum

PROOF = "proofs_checks/check_rotaru2024.py"


def nonconvexity(s: MethodSetting) -> Enclosure:
    r"""$\rho=\max(-\mu,0)$: how far f is from convex, shape ()."""
    mu = s.curvature
    return maximum(-mu, 0.0)


@claim(
    source="rotaru2024",
    theorem="steps up to 1/L, variable (derived)",
    hypotheses=[steps_positive, steps_at_most_inverse_lipschitz],
    trivial=gap_of_the_zeroth_gradient,
    proof=PROOF,
)
def gradient_norm(s: MethodSetting) -> Inequality:
    r"""$\min_{0\le i\le k}\|\nabla f(x_i)\|^2\le\frac{2L(f(x_0)-f^\star)}
    {1+\sum_{j<k}\left(2h_j-\frac{\rho}{L+\rho}h_j^2\right)}$, $h_j=Lt_j\in(0,1]$, where f has curvature in $[-\rho,L]$.

    It interpolates between convex functions ($\rho=0$) and all smooth ones ($\rho=L$), and is attained. Trivial:
    $2L(f(x_0)-f^\star)$.
    """
    h, rho = normalised_steps(s), nonconvexity(s)
    budget = (2.0 * h - rho / (s.lipschitz + rho) * h**2).cumsum()
    return at_most(least_gradient(s), 2.0 * s.lipschitz * (s.initial_gap + s.gap_allowance) / (1.0 + budget))
