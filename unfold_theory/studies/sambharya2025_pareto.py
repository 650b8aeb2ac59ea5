"""Learned parameters: mean performance on data against the certified worst case."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unfold_theory.errors import InputError
from unfold_theory.problems import BernoulliGaussian, Lasso, SparseRecovery
from unfold_theory.rates.worst_case.certify import certify
from unfold_theory.rates.worst_case.classes import convex, smooth_convex
from unfold_theory.rates.worst_case.learning import CertifiedTraining, gaps, scaled, train_certified
from unfold_theory.store import Store
from unfold_theory.suite.study import Cell, Row, study

LAM = 0.1
FREE = 0.0
"""Stands for no target in a cell."""
SIZES = {"tiny": [(12, 24, 3, 12)], "quick": [(64, 128, 10, 300)], "paper": [(64, 128, 10, 400), (250, 500, 10, 400)]}
TARGETS = {
    "tiny": {"ista": [1.0, FREE], "fista": [1.0]},
    "quick": {"ista": [1.0, 4.0, FREE], "fista": [1.0, FREE]},
    "paper": {"ista": [1.0, 2.0, 4.0, 16.0, 64.0, FREE], "fista": [1.0, 2.0, 4.0, 16.0, FREE]},
}


def cells(scale: str) -> list[Cell]:
    """Sizes, methods and targets (multiples of the textbook's rate; 0 for none)."""
    return [
        {"m": m, "n": n, "depth": depth, "kind": kind, "target": target, "iterations": iterations, "seed": 0}
        for m, n, depth, iterations in SIZES[scale]
        for kind, targets in TARGETS[scale].items()
        for target in targets
    ]


@study(cells=cells)
def sambharya2025_pareto(cell: Cell, store: Store) -> Sequence[Row]:
    """Learned ISTA and FISTA parameters: mean gap on fresh data against the worst case, exactly certified."""
    m, n, seed = int(cell["m"] or 0), int(cell["n"] or 0), int(cell["seed"] or 0)
    problem = SparseRecovery.gaussian(m, n, law=BernoulliGaussian(0.1), snr_db=40.0, seed=seed)
    target = float(cell["target"] or 0.0)
    config = CertifiedTraining(
        kind=str(cell["kind"]),
        depth=int(cell["depth"] or 0),
        target=None if target == FREE else target,
        iterations=int(cell["iterations"] or 0),
        seed=seed,
    )
    found = train_certified(problem, LAM, config)
    lasso, L = Lasso(problem.dictionary, LAM), float(problem.lipschitz.hi)
    fresh = problem.sample(500, seed=seed + 1).y
    learned, plain = gaps(lasso, found.scaled(L), fresh), gaps(lasso, scaled(found.textbook, L), fresh)
    rows = []
    for name, method, gap in (("learned", found.method, learned), ("textbook", found.textbook, plain)):
        try:
            rate = certify(method, {"f": smooth_convex(1.0), "g": convex()})
            rows.append(_row(name, gap, float(rate.rate.hi), rate.slack, rate.finding.bits, found.repaired))
        except InputError:
            rows.append(_row(name, gap, float("inf"), None, None, found.repaired))
    return rows


def _row(name: str, gap: np.ndarray, rate: float, slack: float | None, bits: int | None, repaired: float) -> Row:
    return {
        "parameters": name,
        "mean_gap": float(gap.mean()),
        "largest_gap": float(gap.max()),
        "certified_rate": rate,
        "slack": slack,
        "bits": bits,
        "repaired": repaired if name == "learned" else 0.0,
    }
