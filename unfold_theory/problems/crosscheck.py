"""Second opinions on Lasso ground truth: interior-point and operator-splitting solvers through cvxpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cvxpy as cp
import numpy as np

from unfold_theory.errors import InputError
from unfold_theory.problems.checks import Integer, finite_rows, positive_integer
from unfold_theory.problems.lasso import Lasso, LassoSolution

SETTINGS: dict[str, dict[str, Any]] = {
    "CLARABEL": {"tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12, "tol_feas": 1e-11, "max_iter": 200},
    "OSQP": {"eps_abs": 1e-10, "eps_rel": 1e-10, "max_iter": 200_000, "polishing": True},
}


class CrossCheckFailed(RuntimeError):
    """Two solvers' enclosures of one optimum do not meet, or their values differ by more than their gaps."""


@dataclass(frozen=True)
class CrossCheck:
    """One problem solved twice.

    Attributes:
        index: Row of the batch.
        solver: The second solver.
        difference: Relative difference of the primal values.
        allowed: Sum of both relative gaps, the largest difference that two true gaps leave room for.
        other_gap: Relative gap of the second solver's code, measured as ours is.
    """

    index: int
    solver: str
    difference: float
    allowed: float
    other_gap: float


def solve_with_cvxpy(problem: Lasso, y: Any, *, solver: str = "CLARABEL") -> LassoSolution:
    """The same problems one by one with cvxpy, tolerances tightened; gaps are measured as those of ``solve`` are.

    Raises:
        InputError: The solver is unknown, or it fails on a problem.
    """
    if solver not in SETTINGS:
        raise InputError(f"The solver {solver!r} is not set up here", f"Choose one of {', '.join(SETTINGS)}")
    m, n = problem.dictionary.shape
    y = finite_rows("The array of measurements", y, m)
    code, residual, target = cp.Variable(n), cp.Variable(m), cp.Parameter(m)
    objective = 0.5 * cp.sum_squares(residual) + problem.lam * cp.norm1(code)
    program = cp.Problem(cp.Minimize(objective), [residual == target - problem.dictionary @ code])
    codes = np.zeros((len(y), n))
    for i, row in enumerate(y):
        target.value = row
        try:
            program.solve(solver=solver, **SETTINGS[solver])
        except cp.SolverError as error:
            raise InputError(f"{solver} fails on problem {i}: {error}", "Try the other solver") from error
        if code.value is None or not np.isfinite(code.value).all():
            raise InputError(f"{solver} ends with {program.status} on problem {i}", "Try the other solver")
        codes[i] = code.value
    return problem.as_solution(codes, y)


def cross_check(
    problem: Lasso,
    solution: LassoSolution,
    y: Any,
    *,
    sample: Integer = 4,
    seed: Integer = 0,
    solvers: tuple[str, ...] = ("CLARABEL", "OSQP"),
) -> list[CrossCheck]:
    """Solve a random sample of the batch again and compare the certified enclosures of the optimum.

    Two tests on each problem: the enclosures of both solvers must meet, and ours must not lie above the other value.

    Args:
        problem: The Lasso.
        solution: Its solution for ``y``.
        y: Measurements, shape (batch, m).
        sample: Number of problems, at most the batch.
        seed: Of the choice.
        solvers: cvxpy solvers.

    Raises:
        CrossCheckFailed: A test fails: one of the solvers, or a gap, is wrong.
        InputError: Shapes do not fit, or a solver fails.
    """
    y = finite_rows("The array of measurements", y, problem.dictionary.shape[0])
    if len(y) != len(solution):
        raise InputError(f"{len(y)} measurements for {len(solution)} solutions", "Pass the y that was solved")
    count = min(positive_integer("sample", sample), len(y))
    rows = np.sort(np.random.default_rng(seed).choice(len(y), count, replace=False))
    ours = problem.enclose_optimum(y[rows], solution.subset(rows))
    report = []
    for solver in solvers:
        other = solve_with_cvxpy(problem, y[rows], solver=solver)  # type: ignore[arg-type]
        theirs = problem.enclose_optimum(y[rows], other)
        for k, i in enumerate(rows):
            scale = max(float(other.primal[k]), np.finfo(float).tiny)
            entry = CrossCheck(
                index=int(i),
                solver=solver,
                difference=float(abs(solution.primal[i] - other.primal[k]) / scale),
                allowed=float(solution.gap[i] + other.gap[k]) / scale,
                other_gap=float(other.relative_gap[k]),
            )
            if ours.lo[k] > theirs.hi[k] or theirs.lo[k] > ours.hi[k] or entry.difference > entry.allowed:
                raise CrossCheckFailed(f"Ours {ours[k]!r} and {solver} {theirs[k]!r} disagree: {entry}")
            report.append(entry)
    return report
