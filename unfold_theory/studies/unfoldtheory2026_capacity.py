"""Worst-case bounds on the generalization gap, beside each other: against samples and against depth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unfold_theory.generalization.catalogue import worst_case_bounds
from unfold_theory.generalization.covering import smallest_sample_size
from unfold_theory.problems.dictionaries import gaussian
from unfold_theory.problems.frobenius import frobenius_weight
from unfold_theory.store import Store
from unfold_theory.suite.study import Cell, Row, study

DELTA = 0.01
SIZES = np.logspace(2, 10, 33)


def _cells(scale: str) -> Sequence[Cell]:
    shapes, depths = {
        "tiny": ([(6, 9)], (1, 2)),
        "quick": ([(25, 50)], (1, 2, 3, 5, 7, 10, 13, 16)),
        "paper": ([(25, 50), (50, 100), (250, 500)], (1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 32, 64)),
    }[scale]
    return [{"m": m, "n": n, "depth": depth} for m, n in shapes for depth in depths]


@study(cells=_cells)
def unfoldtheory2026_capacity(cell: Cell, store: Store) -> list[Row]:
    r"""Bounds on $R-\hat R$ that see the class only, at $\delta=0.01$, and the N from which each is below 1.

    Gaussian dictionaries with unit columns, seed 0; $\|x\|\le1$, no noise, $\lambda=0.05$, W in closed form.
    """
    A = gaussian(int(cell["m"] or 0), int(cell["n"] or 0), 0)
    rows: list[Row] = []
    for bound in worst_case_bounds(A, frobenius_weight(A), int(cell["depth"] or 0)):
        values = bound.at(SIZES, DELTA).hi
        smallest = smallest_sample_size(lambda n, bound=bound: bound.at(n, DELTA))
        rows += [
            {
                "bound": bound.name,
                "title": bound.title,
                "proved": bound.proved,
                "samples": float(size),
                "value": float(value),
                "smallest": float(smallest),
            }
            for size, value in zip(SIZES, values, strict=True)
        ]
    return rows
