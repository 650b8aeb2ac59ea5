"""Gradient descent between convex and nonconvex functions: the rate against weak convexity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unfold_theory.errors import InputError
from unfold_theory.methods import GradientDescent
from unfold_theory.rates.worst_case import weakly_convex, worst_case_rate
from unfold_theory.store import Store
from unfold_theory.suite.study import Cell, Row, study

STEPS = {"h = 1/2": (0.5,), "h = 1": (1.0,), "h = 3/2": (1.5,), "h = 1/2, 3/2 in turn": (0.5, 1.5)}
DEPTH = 5


def _cells(scale: str) -> Sequence[Cell]:
    count = {"tiny": 2, "quick": 9, "paper": 21}[scale]
    return [
        {"steps": name, "rho": round(float(rho), 6), "depth": DEPTH}
        for name in STEPS
        for rho in np.linspace(0.0, 1.0, count)
    ]


@study(cells=_cells)
def rotaru2024_weak(cell: Cell, store: Store) -> list[Row]:
    r"""$\min_k\|\nabla f(x_k)\|^2/(L(f(x_0)-f_\star))$ after five steps, over functions with curvature in $[-\rho,L]$.

    Chain form, all pairs, and the closed form for steps up to 1/L.
    """
    rho, pattern = float(cell["rho"] or 0.0), STEPS[str(cell["steps"])]
    h = np.resize(pattern, int(cell["depth"] or 0))
    rows: list[Row] = []
    if max(pattern) <= 1:
        budget = 1 + float(np.sum(2 * h - rho / (1 + rho) * h**2))
        rows.append({"series": "closed form", "value": 2 / budget})
    for form in ("chain", "full"):
        try:
            rate = worst_case_rate(GradientDescent(h), weakly_convex(rho, 1.0), "best residual", "gap", form=form)
            rows.append({"series": form, "value": rate.upper})
        except InputError:
            rows.append({"series": form, "value": float("nan")})
    return rows
