"""The vacuity map: for which sizes and sparsities the coherence theory says anything."""

from __future__ import annotations

from collections.abc import Sequence

from unfold_theory.problems import SparseRecovery
from unfold_theory.rates.vacuity import DECIBELS, DEPTH, Reach, reach_of_size, vacuity
from unfold_theory.store import Store
from unfold_theory.studies.published_experiments import EXPERIMENTS
from unfold_theory.suite.study import Cell, Row, study
from unfold_theory.suite.weights import minimax

RATIOS = (1.1, 1.2, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
"""n / m of the dictionaries that are drawn."""
WELCH_M = (25, 50, 64, 100, 150, 250, 400, 512, 750, 1000)
WELCH_RATIOS = (1.05, 1.1, 1.2, 1.4, 1.7, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)


def _cells(scale: str) -> Sequence[Cell]:
    drawn = {
        "tiny": [(8, ratio, seed) for ratio in (1.5, 2.0) for seed in range(2)],
        "quick": [(m, ratio, seed) for m in (25, 50) for ratio in (1.2, 1.5, 2.0, 4.0) for seed in range(2)],
        "paper": [(m, ratio, seed) for m in (25, 50, 100) for ratio in RATIOS for seed in range(3)]
        + [(250, ratio, 0) for ratio in (1.2, 1.5, 2.0, 3.0)],
    }[scale]
    cells = [_cell("gaussian", m, round(m * ratio), seed=seed) for m, ratio, seed in drawn]
    cells += [_cell("size", m, round(m * ratio)) for m in WELCH_M for ratio in WELCH_RATIOS]
    return cells + [_cell("experiment", e.m, e.n, title=e.title, s=e.s) for e in EXPERIMENTS]


def _cell(
    kind: str, m: int, n: int, *, seed: int | None = None, title: str | None = None, s: int | None = None
) -> Cell:
    return {"kind": kind, "m": m, "n": n, "seed": seed, "title": title, "s": s}


@study(cells=_cells)
def liu2019_vacuity(cell: Cell, store: Store) -> list[Row]:
    """Largest sparsity for which coherence bounds contract, and for which they are useful.

    Gaussian dictionaries with unit columns; W = A, the closed form, the minimax weight (certified from both sides), and
    the Welch bound, which no dictionary of the size can beat.
    """
    m, n = int(cell["m"] or 0), int(cell["n"] or 0)
    if cell["kind"] != "gaussian":
        return [_row(reach_of_size(m, n))]
    problem = SparseRecovery.gaussian(m, n, seed=int(cell["seed"] or 0))
    return [_row(found) for found in vacuity(problem.dictionary, lambda: minimax(problem, store))]


def _row(found: Reach) -> Row:
    return {
        "weight": found.weight,
        "refined": found.refined,
        "coherence_low": float(found.coherence.lo),
        "coherence_high": float(found.coherence.hi),
        "largest": found.largest,
        "useful": found.useful,
        "depth": DEPTH,
        "decibels": DECIBELS,
    }
