"""Exact certificates of learned steps: what rounding to a proof costs, and how long it takes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from unfold_theory.methods import AcceleratedProximalGradient, GradientDescent, ProximalGradient, fista_momenta
from unfold_theory.rates.worst_case import convex, smooth_convex
from unfold_theory.rates.worst_case.certify import certify
from unfold_theory.store import Store
from unfold_theory.suite.study import Cell, Row, study

METHODS = ("gradient descent", "proximal gradient", "FISTA")


def _cells(scale: str) -> Sequence[Cell]:
    counts = {"tiny": (2, 4), "quick": (1, 3, 10, 30, 100), "paper": (1, 3, 10, 40, 100, 200, 500, 1000)}[scale]
    return [
        {"method": method, "count": count, "seed": 0}
        for method in METHODS
        for count in counts
        if not (method == "FISTA" and count > 200)
    ]


@study(cells=_cells)
def teboulle2023_slack(cell: Cell, store: Store) -> list[Row]:
    """Certified rate, the solver's own value, and the time of finding and of checking, for random steps in (0.1, 1).

    FISTA has steps in (0.8, 1), falling, and momenta up to 2 percent below Beck and Teboulle's. Multipliers come from
    the solver for all three; the closed forms, which have no slack, are left out.
    """
    method, classes = _method(str(cell["method"]), int(cell["count"] or 1), int(cell["seed"] or 0))
    began = time.perf_counter()
    certified = certify(method, classes, closed=False, independently=False)
    return [
        {
            "rate": float(certified.rate.hi),
            "value": certified.solver_value,
            "slack": certified.slack,
            "seconds": time.perf_counter() - began,
            "checking": certified.finding.seconds,
            "bits": certified.finding.bits,
            "margin": certified.margin,
        }
    ]


def _method(name: str, count: int, seed: int) -> tuple[Any, Any]:
    draw = np.random.default_rng(np.random.SeedSequence([seed, count]))
    composite = (smooth_convex(1.0), convex())
    if name == "gradient descent":
        return GradientDescent(draw.uniform(0.1, 1, count)), smooth_convex(1.0)
    if name == "proximal gradient":
        return ProximalGradient(draw.uniform(0.1, 1, count)), composite
    momenta = fista_momenta(count + 1)[1:]
    steps = np.sort(draw.uniform(0.8, 1, count))[::-1]
    return AcceleratedProximalGradient(steps, momenta * draw.uniform(0.98, 1, count)), composite
