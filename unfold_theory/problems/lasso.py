"""The Lasso: values, ground truth with its duality gap, certified optima, and distances to the minimiser."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int

from unfold_theory.enclosure import UNIT_ROUNDOFF, Enclosure
from unfold_theory.errors import InputError
from unfold_theory.problems.checks import Integer, Number, finite_matrix, finite_rows, positive_integer, positive_number
from unfold_theory.problems.lasso_solver import BatchSolver, duality_gap

if TYPE_CHECKING:
    from unfold_theory.problems.crosscheck import CrossCheck

Rows = Float64[np.ndarray, "batch n"]
Values = Float64[np.ndarray, " batch"]

# Rows that an enclosure works on at a time, so that its temporaries stay small.
_CHUNK = 4096


@dataclass(frozen=True, eq=False)
class LassoSolution:
    r"""Approximate minimisers with what is known about them.

    Attributes:
        x: Codes, shape (batch, n).
        primal: F(x), shape (batch,).
        dual: ``primal - gap``, a lower bound on $F^\star$.
        gap: Upper bound on $F(x)-F^\star$ from a dual feasible point, rounding allowed for.
        relative_gap: ``gap / primal`` (0 where both vanish).
        iterations: Splitting iterations spent on each problem; 0 where zero is optimal, -1 where another solver ran.
        tolerance: Relative gap that was asked for.
    """

    x: Rows
    primal: Values
    dual: Values
    gap: Values
    relative_gap: Values
    iterations: Int[np.ndarray, " batch"]
    tolerance: float

    @property
    def converged(self) -> Bool[np.ndarray, " batch"]:
        """Where the relative gap is at most the tolerance."""
        return self.relative_gap <= self.tolerance

    def __len__(self) -> int:
        return len(self.x)

    def subset(self, rows: Any) -> LassoSolution:
        """The problems at ``rows`` (indices, a boolean mask or a slice)."""
        return LassoSolution(
            self.x[rows],
            self.primal[rows],
            self.dual[rows],
            self.gap[rows],
            self.relative_gap[rows],
            self.iterations[rows],
            self.tolerance,
        )

    def __repr__(self) -> str:
        return (
            f"LassoSolution({len(self)} problems, {int(self.converged.sum())} within a relative gap of "
            f"{self.tolerance:g}; largest {self.relative_gap.max():.2e})"
        )


@dataclass(frozen=True, eq=False)
class MinimizerDistance:
    r"""What the gap says about minimisers; see :meth:`Lasso.minimizer_distance`.

    Attributes:
        unique: Where the minimiser is unique, shape (batch,).
        candidates: Number of columns that can carry a minimiser or do carry x, shape (batch,).
        sigma_min: Lower estimate of the smallest singular value of those columns; 0 where they are dependent.
        radius: Bound on $\|x-x^\star\|_2$ for every minimiser; infinite where it is not unique.
        distance: Enclosure of $\|x^0-x^\star\|_2$ for every minimiser, basis ``numerical``, shape (batch,).
    """

    unique: Bool[np.ndarray, " batch"]
    candidates: Int[np.ndarray, " batch"]
    sigma_min: Values
    radius: Values
    distance: Enclosure


class Lasso:
    r"""$F(x)=\tfrac12\|Ax-y\|^2+\lambda\|x\|_1$ for one dictionary A and weight $\lambda$, and any number of y.

    Args:
        dictionary: A, shape (m, n).
        lam: $\lambda>0$.

    Raises:
        InputError: The dictionary is not a finite matrix, or lam is not a positive number.
    """

    def __init__(self, dictionary: Any, lam: Number):
        self.dictionary: Float64[np.ndarray, "m n"] = finite_matrix("The dictionary", dictionary)
        self.lam = positive_number("Lasso weight lam", lam)

    def __repr__(self) -> str:
        return f"Lasso({self.dictionary.shape[0]} x {self.dictionary.shape[1]}, lam={self.lam:g})"

    @cached_property
    def lipschitz(self) -> Enclosure:
        r"""$\|A\|_2^2$, certified."""
        from unfold_theory.verified import spectral_norm_squared

        return spectral_norm_squared(self.dictionary)

    def _pair(self, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        m, n = self.dictionary.shape
        x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        if x.ndim < 1 or y.ndim < 1 or x.shape[-1] != n or y.shape[-1] != m:
            raise InputError(
                f"Codes {x.shape} and measurements {y.shape} for a {m} x {n} dictionary",
                "Pass arrays whose last axes are n and m",
            )
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise InputError("Codes or measurements hold NaN or infinity", "Remove the non-finite entries")
        try:
            np.broadcast_shapes(x.shape[:-1], y.shape[:-1])
        except ValueError as error:
            raise InputError(
                f"Codes {x.shape} and measurements {y.shape} do not broadcast", "Make their leading axes agree"
            ) from error
        return x, y

    # -- values ----------------------------------------------------------------------------------------------------
    def objective(self, x: Any, y: Any) -> np.ndarray | np.float64:
        """F in float64; x of shape (..., n) and y of shape (..., m) broadcast.

        Raises:
            InputError: Shapes do not fit, or an entry is not finite.
        """
        x, y = self._pair(x, y)
        return 0.5 * ((x @ self.dictionary.T - y) ** 2).sum(-1) + self.lam * np.abs(x).sum(-1)

    def dual_objective(self, u: Any, y: Any) -> np.ndarray | np.float64:
        r"""$u^Ty-\tfrac12\|u\|^2$, minus infinity where $\|A^Tu\|_\infty>\lambda$; u and y of shape (..., m).

        Raises:
            InputError: u or y is not finite or has another last axis.
        """
        _, y = self._pair(np.zeros(self.dictionary.shape[1]), y)
        _, u = self._pair(np.zeros(self.dictionary.shape[1]), u)
        value = (u * y).sum(-1) - 0.5 * (u**2).sum(-1)
        return np.where(np.abs(u @ self.dictionary).max(-1) <= self.lam, value, -np.inf)

    def gap(self, x: Any, y: Any) -> np.ndarray:
        r"""Upper bound on $F(x)-F^\star$, rounding allowed for; see :func:`lasso_solver.duality_gap`.

        Raises:
            InputError: Shapes do not fit, or an entry is not finite.
        """
        x, y = self._pair(x, y)
        leading = np.broadcast_shapes(x.shape[:-1], y.shape[:-1])
        rows = [torch.tensor(np.broadcast_to(a, (*leading, a.shape[-1])).reshape(-1, a.shape[-1])) for a in (x, y)]
        _, gap = duality_gap(torch.tensor(self.dictionary), self.lam, *rows)
        return gap.numpy().reshape(leading)

    # -- solving ---------------------------------------------------------------------------------------------------
    def solve(
        self, y: Any, *, tolerance: Number = 1e-10, device: str | torch.device = "cpu", max_iterations: Integer = 500
    ) -> LassoSolution:
        """Minimisers for a batch of measurements, each until its duality gap is small.

        The gap is measured, so it is true whether or not it met the tolerance; a warning says if some did not (for
        lam below about 1e-5 of the largest correlation, float64 does not resolve 1e-10).

        Args:
            y: Measurements, shape (batch, m).
            tolerance: Largest gap, relative to the primal value.
            device: Where torch computes; results are float64 arrays.
            max_iterations: Splitting iterations before a problem goes to the active-set method.

        Raises:
            InputError: y is not finite or has another shape, or an option is out of range.
        """
        y = finite_rows("The array of measurements", y, self.dictionary.shape[0])
        tolerance = positive_number("tolerance", tolerance)
        most = positive_integer("number of iterations", max_iterations)
        with torch.no_grad():
            solver = BatchSolver(torch.tensor(self.dictionary, device=device), self.lam)
            progress = solver.solve(torch.tensor(y, device=device), tolerance, most)
        solution = self._solution(
            progress.x.cpu().numpy(),
            progress.primal.cpu().numpy(),
            progress.gap.cpu().numpy(),
            progress.iterations.cpu().numpy(),
            tolerance,
        )
        if not solution.converged.all():
            warnings.warn(f"Lasso ground truth short of its tolerance: {solution!r}", RuntimeWarning, stacklevel=2)
        return solution

    @staticmethod
    def _solution(x: Rows, primal: Values, gap: Values, iterations: np.ndarray, tolerance: float) -> LassoSolution:
        relative = np.divide(gap, primal, out=np.zeros_like(gap), where=gap > 0)
        return LassoSolution(x, primal, primal - gap, gap, relative, iterations, tolerance)

    def as_solution(self, x: Any, y: Any, *, tolerance: float = 1e-10) -> LassoSolution:
        """Codes from another solver, judged by this one's duality gap; shapes (batch, n) and (batch, m).

        Raises:
            InputError: Shapes do not fit, or an entry is not finite.
        """
        x, y = self._pair(x, y)
        x = np.broadcast_to(x, (len(y), self.dictionary.shape[1]))
        return self._solution(x, np.asarray(self.objective(x, y)), self.gap(x, y), np.full(len(y), -1), tolerance)

    def solve_with_cvxpy(self, y: Any, *, solver: str = "CLARABEL") -> LassoSolution:
        """See :func:`unfold_theory.problems.crosscheck.solve_with_cvxpy`."""
        from unfold_theory.problems import crosscheck

        return crosscheck.solve_with_cvxpy(self, y, solver=solver)

    def cross_check(
        self, solution: LassoSolution, y: Any, *, sample: Integer = 4, seed: Integer = 0
    ) -> list[CrossCheck]:
        """See :func:`unfold_theory.problems.crosscheck.cross_check`."""
        from unfold_theory.problems import crosscheck

        return crosscheck.cross_check(self, solution, y, sample=sample, seed=seed)

    # -- certified -------------------------------------------------------------------------------------------------
    def _residual(self, x: np.ndarray, y: np.ndarray) -> Enclosure:
        return Enclosure.exact(y) - Enclosure.exact(x) @ self.dictionary.T

    def enclose_objective(self, x: Any, y: Any) -> Enclosure:
        """Certified enclosure of F; x (..., n) and y (..., m) broadcast.

        Raises:
            InputError: Shapes do not fit, or an entry is not finite.
        """
        x, y = self._pair(x, y)
        leading = np.broadcast_shapes(x.shape[:-1], y.shape[:-1])
        x, y = (np.broadcast_to(a, (*leading, a.shape[-1])).reshape(-1, a.shape[-1]) for a in (x, y))
        lo, hi = np.empty(len(x)), np.empty(len(x))
        for start in range(0, len(x), _CHUNK):
            rows = slice(start, start + _CHUNK)
            square = (self._residual(x[rows], y[rows]) ** 2).sum(-1)
            value = 0.5 * square + self.lam * abs(Enclosure.exact(x[rows])).sum(-1)
            lo[rows], hi[rows] = value.lo, value.hi
        return Enclosure.certified(lo.reshape(leading), hi.reshape(leading))

    def enclose_optimum(self, y: Any, solution: LassoSolution) -> Enclosure:
        r"""Certified enclosure of $F^\star$, shape (batch,): a dual feasible value from below, F(x) from above.

        The residual r of the solution, as the float64 numbers that it is computed to, is scaled by a float c with
        $c\,\|A^Tr\|_\infty\le\lambda$ checked with outward rounding; nothing else about the solver is trusted.

        Raises:
            InputError: y is not finite or does not belong to the solution.
        """
        x, y = self._pair(solution.x, y)
        if len(x) != len(y) or y.ndim != 2:
            raise InputError(f"{len(y)} measurements for {len(x)} solutions", "Pass the y that was solved")
        upper = self.enclose_objective(x, y).hi
        lower = np.empty(len(y))
        for start in range(0, len(y), _CHUNK):
            rows = slice(start, start + _CHUNK)
            r = Enclosure.exact(y[rows] - x[rows] @ self.dictionary.T)
            correlation = (r @ self.dictionary).norm(np.inf).hi
            with np.errstate(divide="ignore", over="ignore"):
                c = np.minimum(np.nextafter(self.lam / correlation, 0.0), 1.0)
            value = c * (r * y[rows]).sum(-1) - Enclosure.exact(c) ** 2 * (r**2).sum(-1) * 0.5
            # F is nonnegative, so zero is always below.
            lower[rows] = np.maximum(value.lo, 0.0)
        return Enclosure.certified(lower, np.maximum(upper, lower))

    # -- minimisers ------------------------------------------------------------------------------------------------
    def minimizer_distance(self, y: Any, solution: LassoSolution, start: Any = None) -> MinimizerDistance:
        r"""Uniqueness of the minimiser, and enclosures of $\|x^0-x^\star\|_2$.

        With g the gap, $\tfrac12\|A(x-x^\star)\|^2\le g$ holds for every minimiser, so that its residual $r^\star$
        has $|A_j^Tr^\star|=\lambda$ only where $|A_j^Tr|\ge\lambda-\|A_j\|\sqrt{2g}$. Let U be these columns and
        the support of x. Minimisers live on U; if its columns are independent the minimiser is unique (Tibshirani, The
        Lasso problem and uniqueness, 2013, lemma 2) and $\|x-x^\star\|_2\le\sqrt{2g}/\sigma_{\min}(A_U)$.

        The basis is ``numerical``: $\sigma_{\min}$ is an eigenvalue computed in float64, of which only its usual
        backward error is taken off. :func:`unfold_theory.verified.smallest_singular_value_squared` certifies one
        problem at a time. Where the minimiser is not unique, $0\le\|x^0-x^\star\|_2\le\|x^0\|_2+F(x)/\lambda$.

        Args:
            y: Measurements, shape (batch, m).
            solution: What :meth:`solve` returned for them.
            start: $x^0$, shape (n,) or (batch, n); zeros by default.

        Raises:
            InputError: Shapes do not fit, or an entry is not finite.
        """
        x, y = self._pair(solution.x, y)
        origin = np.zeros(x.shape[1]) if start is None else self._pair(start, y)[0]
        norms = np.linalg.norm(self.dictionary, axis=0)
        spread = np.sqrt(2 * solution.gap)
        correlation = np.abs((y - x @ self.dictionary.T) @ self.dictionary)
        # What rounding can have changed in the correlations widens the margin.
        extent = np.linalg.norm(y, axis=1) + np.abs(x) @ norms
        room = norms * (spread + 4 * sum(self.dictionary.shape) * UNIT_ROUNDOFF * extent)[:, None]
        used = (correlation >= self.lam - room) | (x != 0)
        sigma = np.array([self._smallest_singular_value(np.flatnonzero(row)) for row in used])
        unique = sigma > 0
        with np.errstate(divide="ignore", invalid="ignore"):
            radius = np.where(unique, spread / sigma, np.inf)
        length = np.linalg.norm(x - origin, axis=1)
        loose = np.linalg.norm(np.broadcast_to(origin, x.shape), axis=1) + solution.primal / self.lam
        rounding = 4 * x.shape[1] * UNIT_ROUNDOFF
        tight = np.where(unique, radius, loose)
        middle = np.where(unique, length, 0.0)
        distance = Enclosure.numerical(middle, tight * (1 + rounding) + rounding * (length + loose))
        distance = Enclosure(np.maximum(distance.lo, 0.0), distance.hi, distance.basis)
        return MinimizerDistance(unique, used.sum(axis=1), sigma, radius, distance)

    def _smallest_singular_value(self, columns: np.ndarray) -> float:
        """Of these columns of A, less its backward error; 0 if that leaves nothing, infinity for no column."""
        if not len(columns):
            return np.inf
        if len(columns) > self.dictionary.shape[0]:
            return 0.0
        values = np.linalg.svd(self.dictionary[:, columns], compute_uv=False)
        return float(max(values[-1] - 4 * max(self.dictionary.shape) * UNIT_ROUNDOFF * values[0], 0.0))
