"""Taylor, Hendrickx and Glineur 2018: exact contraction of proximal gradient on strongly convex functions."""

from __future__ import annotations

from unfold_theory.claim import MethodSetting, claim, hypothesis
from unfold_theory.claims.first_order import at_most, convex
from unfold_theory.enclosure import Enclosure, Inequality, maximum
from unfold_theory.errors import MissingStructure
from unfold_theory.methods import GradientDescent, ProximalGradient

PROOF = "proofs_checks/check_taylor2018.py"


def forward_steps(s: MethodSetting) -> Enclosure:
    """The steps of gradient descent or proximal gradient, shape (depth, 1).

    Raises:
        MissingStructure: The method is another one.
    """
    if type(s.method) not in (GradientDescent, ProximalGradient):
        raise MissingStructure(s.method.title, "a claim on its contraction", "plain (proximal) gradient steps")
    if type(s.method) is GradientDescent and s.composite:
        raise MissingStructure(s.name, "a claim on gradient descent", "a smooth objective")
    return Enclosure.exact(s.method.parameters["steps"])[:, None]


@hypothesis(scope="prefix")
def forward_steps_positive(s: MethodSetting) -> Inequality:
    r"""$t_k>0$ in every step so far."""
    return forward_steps(s) > 0.0


@claim(
    source="taylor2018",
    theorem="Theorem 2.1, variable steps (derived)",
    hypotheses=[convex, forward_steps_positive],
    trivial=lambda s: s.initial_distance,
    proof=PROOF,
)
def contraction(s: MethodSetting) -> Inequality:
    r"""$\|x_k-x^\star\|\le\prod_{j<k}\max(|1-t_j\mu|,|1-t_jL|)\,\|x_0-x^\star\|$,
    $f\in\mathcal F_{\mu,L}$, g convex.

    One step is the paper's theorem. The product is attained where all steps lie on one side of $2/(L+\mu)$ and is not
    where they alternate. Trivial: the distance at the start.
    """
    t = forward_steps(s)
    factors = maximum(abs(1.0 - t * s.curvature), abs(1.0 - t * s.lipschitz))
    return at_most(s.distance, factors.cumprod() * s.initial_distance)
