"""Two steps: where the known lower bounds are the worst case, and where they are not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from unfold_theory.methods import GradientDescent, ProximalGradient
from unfold_theory.rates.worst_case import convex, smooth_convex, worst_case_rate
from unfold_theory.store import Store
from unfold_theory.suite.study import Cell, Row, study

METHODS: dict[str, tuple[Any, dict[str, Any], float]] = {
    "gradient": (GradientDescent, {"f": smooth_convex()}, 2.0),
    "proximal": (ProximalGradient, {"f": smooth_convex(), "g": convex()}, 0.0),
}
"""Method, classes, and what the long slope adds to 4T."""
LARGEST = 2.5


POINT = (1.95, 0.629)
"""Where both bounds were first seen to fail."""


def _cells(scale: str) -> Sequence[Cell]:
    count = {"tiny": 2, "quick": 25, "paper": 100}[scale]
    grid = LARGEST * np.arange(1, count + 1) / count
    cells = [("grid", float(h), count) for h in grid] + [("point", POINT[0], 1)]
    return [
        {"kind": kind, "method": method, "h1": round(h, 6), "count": size}
        for method in METHODS
        for kind, h, size in cells
    ]


@study(cells=_cells)
def taylor2018_two(cell: Cell, store: Store) -> list[Row]:
    r"""The worst case of two steps over the larger of two known lower bounds, on a grid of $(h_1,h_2)$.

    The bounds are those of the parabola, $\frac12\prod(1-h_k)^2$, and of the long slope: Huber, $1/(4T+2)$, for
    gradient descent, and soft thresholding, $1/(4T)$, for proximal gradient. All pairs, hence exact up to the solver.
    """
    made, classes, offset = METHODS[str(cell["method"])]
    first, count = float(cell["h1"] or 0.0), int(cell["count"] or 0)
    rows: list[Row] = []
    seconds = LARGEST * np.arange(1, count + 1) / count if cell["kind"] == "grid" else POINT[1:]
    for second in seconds:
        h = np.array([first, second])
        exact = worst_case_rate(made(h), classes, form="full").upper
        slope, parabola = 1 / (4 * float(h.sum()) + offset), float(np.prod((1 - h) ** 2)) / 2
        rows.append({"h2": round(float(second), 6), "value": exact, "slope": slope, "parabola": parabola})
    return rows
