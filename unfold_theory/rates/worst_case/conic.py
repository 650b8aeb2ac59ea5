"""Semidefinite programs in the form that CLARABEL takes, without a modelling layer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from typing import Any

import clarabel as _clarabel
import numpy as np
import scipy.sparse as sp

clarabel: Any = _clarabel
"""Its types are compiled, and not declared."""
SMALL = 1e-3
"""Largest relative residual with which a solution counts as one."""


@cache
def triangle(p: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and weights of the upper triangle, column by column."""
    columns = np.repeat(np.arange(p), np.arange(1, p + 1))
    rows = np.concatenate([np.arange(c + 1) for c in range(p)]) if p else np.zeros(0, int)
    weights = np.where(rows == columns, 1.0, np.sqrt(2.0))
    for array in (rows, columns, weights):
        array.setflags(write=False)
    return rows, columns, weights


def svec(matrices: np.ndarray) -> np.ndarray:
    """Symmetric matrices (..., p, p) as vectors that keep inner products."""
    rows, columns, weights = triangle(matrices.shape[-1])
    return matrices[..., rows, columns] * weights


def smat(vectors: np.ndarray, p: int) -> np.ndarray:
    """The inverse of :func:`svec`."""
    rows, columns, weights = triangle(p)
    matrices = np.zeros((*vectors.shape[:-1], p, p))
    matrices[..., rows, columns] = matrices[..., columns, rows] = vectors / weights
    return matrices


@dataclass(frozen=True)
class ConicResult:
    """Primal and dual vectors of ``min q x, A x + s = b, s in K``, and how the solver ended."""

    x: np.ndarray
    z: np.ndarray
    value: float
    dual_value: float
    status: str
    iterations: int


def solve(
    q: np.ndarray,
    A: Any,
    b: np.ndarray,
    cones: list[Any],
    *,
    tolerance: float,
    dense: bool = False,
    iterations: int = 200,
) -> ConicResult:
    """CLARABEL on one thread.

    Args:
        q: Linear objective.
        A: Sparse constraint matrix.
        b: Right-hand side.
        cones: CLARABEL's cones in the order of the rows.
        tolerance: Of feasibility and of the relative gap.
        dense: Whether the blocks are few and large (a supernodal factorisation).
        iterations: Most iterations.
    """
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.max_iter = iterations
    settings.tol_feas = settings.tol_gap_rel = tolerance
    settings.tol_gap_abs = tolerance * 1e-2
    # Blocks are as small as they get already.
    settings.chordal_decomposition_enable = False
    settings.presolve_enable = False
    if dense:
        settings.direct_solve_method = "faer"
    n = len(q)
    solution = clarabel.DefaultSolver(sp.csc_matrix((n, n)), q, sp.csc_matrix(A), b, cones, settings).solve()
    return ConicResult(
        np.array(solution.x),
        np.array(solution.z),
        float(solution.obj_val),
        float(solution.obj_val_dual),
        str(solution.status),
        int(solution.iterations),
    )


class Solution(ABC):
    """What primal and dual solutions of a rate's program have in common, whichever its form.

    Attributes:
        result: The solver's vectors.
        residual: By how much the value may err.
    """

    result: ConicResult
    residual: Any

    @property
    @abstractmethod
    def unit(self) -> float:
        """What one unit of the scaled value stands for."""

    @property
    def solved(self) -> bool:
        """Whether the solver reached its tolerance, or stopped short of it with a residual that is still small."""
        if self.result.status == "Solved":
            return True
        return "Infeasible" not in self.result.status and self.residual <= SMALL * abs(self.value)

    @property
    def value(self) -> float:
        """The rate: the dual value, an upper bound up to the residual."""
        return float(self.result.x[0]) * self.unit

    @property
    def lower(self) -> float:
        """The primal value."""
        return self.result.dual_value * self.unit
