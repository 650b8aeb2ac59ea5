"""Proximal gradient with given steps: its worst case from five sides, against the number of steps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unfold_theory.claim import Setting
from unfold_theory.errors import InputError
from unfold_theory.methods import ProximalGradient
from unfold_theory.networks import Ista
from unfold_theory.problems import BernoulliGaussian, SparseRecovery
from unfold_theory.rates.worst_case import convex, sandwich, smooth_convex, worst_case_rate
from unfold_theory.rates.worst_case.schedules import silver_steps
from unfold_theory.store import Store
from unfold_theory.suite.study import Cell, Row, study

LAM = 0.1
KINDS = ("short", "silver")
CLASSES = {"f": smooth_convex(), "g": convex()}


def _cells(scale: str) -> Sequence[Cell]:
    counts, full_up_to, m, n, signals = {
        "tiny": ((1, 3), 3, 8, 16, 4),
        "quick": ((1, 2, 3, 5, 7, 10, 20, 40), 7, 64, 128, 100),
        "paper": ((1, 2, 3, 5, 7, 10, 15, 20, 40, 70, 100), 15, 250, 500, 1000),
    }[scale]
    program: list[Cell] = [
        {"kind": "program", "steps": steps, "count": count, "full": count <= full_up_to, "seed": 0}
        for steps in KINDS
        for count in counts
    ]
    data: list[Cell] = [
        {"kind": "data", "steps": steps, "count": max(counts), "m": m, "n": n, "signals": signals, "seed": 0}
        for steps in KINDS
    ]
    return [*program, *data]


def steps_of(kind: str, count: int, seed: int) -> np.ndarray:
    """The first steps of one long schedule, random or silver, in units of 1/L."""
    return silver_steps(count) if kind == "silver" else np.random.default_rng(seed).uniform(0.1, 1.0, 1000)[:count]


@study(cells=_cells)
def teboulle2023_rate(cell: Cell, store: Store) -> list[Row]:
    r"""Rates over $L\|x_0-x^\star\|^2$ of proximal gradient: closed form, chain, all pairs, replayed instance, data.

    One schedule of steps drawn from (0.1, 1)/L, and the silver steps; their beginnings are the methods. The data are
    Lasso problems (Gaussian dictionary, 10 percent nonzeros, no noise, weight 0.1), started at 0.
    """
    kind, count, seed = str(cell["steps"]), int(cell["count"] or 0), int(cell["seed"] or 0)
    h = steps_of(kind, count, seed)
    if cell["kind"] == "data":
        return _data(cell, h)
    method = ProximalGradient(h)
    rows: list[Row] = [{"series": "instance in closed form", "k": count, "value": 1 / (4 * float(h.sum()))}]
    if kind == "short":
        closed = worst_case_rate(method, CLASSES, form="closed")
        rows.append({"series": "closed form", "k": count, "value": closed.upper})
    for form in ("chain", "full") if cell["full"] else ("chain",):
        try:
            rate = worst_case_rate(method, CLASSES, form=form)
        except InputError:
            continue  # the reduced inequalities bound nothing
        rows.append({"series": form, "k": count, "value": rate.upper})
        if form == "full" or (kind == "short" and not cell["full"]):
            rows.append({"series": "instance", "k": count, "value": float(sandwich(rate).lower.lo)})
    return rows


def _data(cell: Cell, h: np.ndarray) -> list[Row]:
    m, n, count, seed = (int(cell[key] or 0) for key in ("m", "n", "signals", "seed"))
    problem = SparseRecovery.gaussian(m, n, law=BernoulliGaussian(0.1), seed=seed)
    L = problem.lipschitz
    network = Ista(problem.dictionary, len(h), steps=(h / float(L.hi)).tolist(), lam=LAM)
    setting = Setting(network, problem, problem.sample(count, seed=seed + 1), lam=LAM)
    ratio = (setting.objective_gap / (L * setting.initial_distance**2)).mid
    return [
        {"series": f"data, {name}", "k": k + 1, "value": float(value)}
        for name, values in (("largest", ratio.max(axis=1)), ("median", np.median(ratio, axis=1)))
        for k, value in enumerate(values)
    ]
