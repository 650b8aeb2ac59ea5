"""What a worst-case rate costs: chain form, all pairs and PEPit, against the number of steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from unfold_theory.methods import ProximalGradient
from unfold_theory.rates.worst_case import convex, smooth_convex, worst_case_rate
from unfold_theory.store import Store
from unfold_theory.suite.study import Cell, Row, study

COUNTS: dict[str, dict[str, tuple[int, ...]]] = {
    "tiny": {"chain": (1, 3), "full": (1, 3), "PEPit": (1,)},
    "quick": {"chain": (1, 2, 5, 10, 20, 50, 100, 200), "full": (1, 2, 5, 10), "PEPit": (1, 2, 5, 10)},
    "paper": {
        "chain": (1, 2, 5, 10, 20, 40, 100, 200, 500, 1000),
        "full": (1, 2, 5, 10, 20, 40),
        "PEPit": (1, 2, 5, 10, 20, 40),
    },
}


def _cells(scale: str) -> Sequence[Cell]:
    return [{"tool": tool, "count": count} for tool, counts in COUNTS[scale].items() for count in counts]


@study(cells=_cells)
def taylor2018_time(cell: Cell, store: Store) -> list[Row]:
    """Processor seconds from steps to the rate of proximal gradient, on one thread.

    Random steps in (0.1, 1)/L; the last of two runs, processor time, so that other work on the machine counts little.
    PEPit with CLARABEL where it is installed.
    """
    count = int(cell["count"] or 0)
    steps = np.random.default_rng(count).uniform(0.1, 1.0, count)
    if cell["tool"] == "PEPit":
        if find_spec("PEPit") is None:
            return []
        _seconds(lambda: _pepit(steps[:1]))
        value, seconds = _seconds(lambda: _pepit(steps))
    else:
        form, method = str(cell["tool"]), ProximalGradient(steps)

        def rate() -> float:
            return worst_case_rate(method, {"f": smooth_convex(), "g": convex()}, form=form).upper

        if count <= 20:
            rate()
        value, seconds = _seconds(rate)
    return [{"value": value, "seconds": seconds, "exact": 1 / (4 * float(steps.sum()))}]


def _seconds(task: Callable[[], float]) -> tuple[float, float]:
    started = time.process_time()
    return task(), time.process_time() - started


def _pepit(steps: np.ndarray) -> float:
    from PEPit import PEP
    from PEPit.functions import ConvexFunction, SmoothConvexFunction
    from PEPit.primitive_steps import proximal_step

    problem: Any = PEP()
    f: Any = problem.declare_function(SmoothConvexFunction, L=1.0)
    g: Any = problem.declare_function(ConvexFunction)
    solution: Any = (f + g).stationary_point()
    x: Any = problem.set_initial_point()
    problem.set_initial_condition((x - solution) ** 2 <= 1)
    value: Any = 0
    for t in steps:
        x, _, value = proximal_step(x - t * f.gradient(x), g, t)
    problem.set_performance_metric(f(x) + value - (f + g)(solution))
    return float(problem.solve(wrapper="cvxpy", solver="CLARABEL", verbose=0))
