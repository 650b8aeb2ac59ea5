"""Sambharya, Bok, Matni and Pappas 2025: learned parameters with a certified worst case."""

from __future__ import annotations

import numpy as np

from unfold_theory.claim import MethodSetting, Setting, claim, hypothesis
from unfold_theory.claims.first_order import at_most
from unfold_theory.enclosure import Enclosure, Inequality, stack
from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.methods import Method
from unfold_theory.networks.first_order import ROUNDING
from unfold_theory.networks.proximal import ProximalGradient
from unfold_theory.rates.worst_case import FunctionClass, convex
from unfold_theory.rates.worst_case.certify import certify

PROOF = "proofs_checks/check_sambharya2025.py"
ON_F_AND_G = ("f", "g")


def shown_depths(depth: int) -> list[int]:
    """1, 2, 4, ... and the depth itself: where the worst case of the first steps is certified."""
    return sorted({2**i for i in range(depth.bit_length()) if 2**i < depth} | {depth})


def first_steps(method: Method, k: int) -> Method:
    """The method's first k steps.

    Raises:
        MissingStructure: Its parameters are not one a step.
    """
    if any(len(values) != method.depth for values in method.parameters.values()):
        raise MissingStructure(method.title, "the worst case of its first steps", "parameters of its own in each step")
    return type(method)(**{name: values[:k] for name, values in method.parameters.items()})


def method_on_the_objective(s: Setting | MethodSetting) -> Method:
    r"""The method that runs on the setting's own objective.

    Raises:
        MissingStructure: The network is no first-order method, or one on a Lasso of another weight.
    """
    if isinstance(s, MethodSetting):
        return s.method
    lam, method = s.lasso.lam, s.method
    if isinstance(s.network, ProximalGradient):
        s.network.proximal_steps(lam)  # built for this weight, or it says so
        return method
    for layer, t in zip(s.network.affine_layers(), method.parameters["steps"], strict=True):
        theta = np.asarray(layer.threshold)
        if np.abs(theta - lam * t).max() > ROUNDING * max(lam * t, float(theta.max())):
            raise MissingStructure(
                s.name, f"the Lasso of weight {lam:g}", f"thresholds of {lam:g} times the step", "Pass its own weight"
            )
    return method


def certified_rates(s: Setting | MethodSetting) -> Enclosure:
    r"""$\tau_k$, shape (depth, 1): exact at the shown depths, unbounded elsewhere and where none is finite.

    Raises:
        MissingStructure: The network is no first-order method on the setting's f + g, or f is not convex.
    """
    method = method_on_the_objective(s)
    if not set(method.components) <= set(ON_F_AND_G) or method.operators:
        raise MissingStructure(method.title, "a worst case of the objective", "one smooth and one proximal function")
    mu = s.curvature.lo.item() if isinstance(s, MethodSetting) else 0.0
    if mu < 0:
        raise MissingStructure(s.name, "a worst case of the objective's gap", "a convex objective")
    classes = {"f": FunctionClass(0.0, s.lipschitz.hi.item())}
    if "g" in method.components:
        classes["g"] = convex()
    shown = shown_depths(method.depth)
    unknown = Enclosure.exact(np.inf)
    found = []
    for k in range(1, method.depth + 1):
        rate = unknown
        if k in shown:
            try:
                rate = certify(first_steps(method, k), classes, "gap").rate
            except MissingStructure:
                raise
            except InputError:
                rate = unknown
        found.append(rate)
    return stack(found)[:, None]


@hypothesis(scope="cell")
def worst_case_certified(s: Setting | MethodSetting) -> Inequality:
    r"""An exact certificate proves $F(x^k)-F^\star\le\tau_k\|x^0-x^\star\|^2$ for all convex f with an L-Lipschitz
    gradient and all convex g (sought after 1, 2, 4, ... and all K steps).
    """
    known = np.isfinite(s.cached(certified_rates).hi)
    return Enclosure.exact(np.where(known, 0.0, 1.0)) <= 0.0


@claim(
    source="sambharya2025",
    theorem="worst case of learned parameters (derived)",
    hypotheses=[worst_case_certified],
    trivial=lambda s: s.initial_gap,
    proof=PROOF,
)
def learned_rate(s: Setting | MethodSetting) -> Inequality:
    r"""$F(x^k)-F^\star\le\tau_k\|x^0-x^\star\|^2$ with the worst case $\tau_k$ of the parameters as they were learned.

    $\tau_k$ comes from a performance estimation problem in chain form; that it is a bound is proved by an exact
    rational certificate, made for the parameters as floats, and checked apart from the solver. Trivial: the gap at the
    start.
    """
    return at_most(s.objective_gap, s.cached(certified_rates) * s.initial_distance**2)
