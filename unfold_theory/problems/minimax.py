r"""Generalised mutual coherence and its minimax weight, enclosed from both sides with certified ends.

$$\tilde\mu(A)=\min_{W_i^TA_i=1}\max_{i\ne j}|W_i^TA_j|=\max_i\mu_i,\qquad
  \mu_i=\min_{w^Ta_i=1}\|A_{-i}^Tw\|_\infty .$$

Each $\mu_i$ is a linear program, and its dual is basis pursuit: $1/\mu_i=\min\{\|z\|_1:A_{-i}z=a_i\}$.

**Upper end.** Any $w$ with $w^Ta_i>0$ is feasible after division: $\mu_i\le\max_{j\ne i}|w^Ta_j|/w^Ta_i$.

**Lower end.** For $h\in\ker A$ and feasible $w$, $0=w^TAh=h_i+\sum_{j\ne i}h_jw^Ta_j$, so that
$\mu_i\ge|h_i|/(\|h\|_1-|h_i|)$. A computed $h$ is not in the kernel. With $A$ of full row rank, $h'=h-A^+Ah$ is, since
$AA^+=I$, and $\|h'-h\|_2\le\epsilon:=\|Ah\|_2/\sigma_{\min}(A)$, because $\|A^+\|_2=1/\sigma_{\min}(A)$. Hence
$$\mu_i\ge\frac{|h_i|-\epsilon}{\sum_{j\ne i}|h_j|+\sqrt{n-1}\,\epsilon}$$
wherever the numerator is positive (and 0 is a bound elsewhere): $|h_i'|\ge|h_i|-\epsilon$, and
$\sum_{j\ne i}|h_j'-h_j|\le\sqrt{n-1}\,\epsilon$ by Cauchy and Schwarz. $\square$

Both certificates are evaluated with outward rounding and a certified $\sigma_{\min}$, and depend on the method that
found $w$ and $h$ in no way. The method is a primal-dual interior point method on all columns at once
(:mod:`unfold_theory.problems.basis_pursuit`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg
from jaxtyping import Float64
from scipy.optimize import linprog

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError
from unfold_theory.problems.basis_pursuit import solve_columns
from unfold_theory.problems.checks import finite_matrix, positive_integer, positive_number
from unfold_theory.problems.frobenius import Matrix, certified_sigma, full_rank_dictionary, orthonormal_rows

# A column whose share outside the span of the others exceeds this is biorthogonal: mu_i is 0 up to rounding.
_INDEPENDENT = 1e-10


@dataclass(frozen=True, eq=False)
class MinimaxWeight:
    r"""A minimax weight with the certificates that enclose the coherence of every column.

    Attributes:
        weight: $W$, shape (m, n), $W_i^TA_i=1$ up to rounding.
        kernel: Witnesses of the lower ends, shape (n, n): column i is nearly in $\ker A$ and belongs to $\mu_i$.
        columns: Certified enclosure of $\mu_i$, shape (n,); its upper ends are attained by ``weight``.
        iterations: Largest number of interior point iterations that a column took.
    """

    weight: Matrix
    kernel: Float64[np.ndarray, "n n"]
    columns: Enclosure
    iterations: int

    @property
    def coherence(self) -> Enclosure:
        r"""$\tilde\mu(A)=\max_i\mu_i$."""
        return self.columns.max()

    @property
    def relative_gap(self) -> float:
        """Largest certified (upper - lower) / upper of a column whose coherence is not zero up to rounding."""
        lo, hi = self.columns.lo, self.columns.hi
        return float(np.divide(hi - lo, hi, out=np.zeros_like(hi), where=hi > _INDEPENDENT).max())

    @property
    def largest_entry(self) -> float:
        r"""$C_W=\max|W_{ij}|$, which multiplies the noise in the theorems."""
        return float(np.abs(self.weight).max())

    def __repr__(self) -> str:
        m, n = self.weight.shape
        return f"MinimaxWeight({m} x {n}, coherence {self.coherence!r}, relative gap {self.relative_gap:.1e})"


def minimax_weight(
    dictionary: Any,
    *,
    relative_gap: float = 1e-3,
    max_iterations: int = 60,
    device: str = "cpu",
    progress: Callable[[int, int], None] | None = None,
) -> MinimaxWeight:
    r"""The weight of least generalised mutual coherence, with certified enclosures of every $\mu_i$.

    Minimisers of $\tilde\mu$ are not unique; this one minimises every column's own $\mu_i$.

    Args:
        dictionary: $A$, shape (m, n), full row rank, no zero column.
        relative_gap: Column by column, (upper - lower) / lower at which the method stops; at least 1e-9.
        max_iterations: Interior point iterations after which a column is left as it is (12 usually reach 1e-6). The
            enclosure that is returned is certified either way; look at ``MinimaxWeight.relative_gap``.
        device: Torch device of the interior point method. On the CPU, torch.get_num_threads() columns in parallel.
        progress: Called with (columns done, n).

    Raises:
        InputError: Not a finite matrix, a zero column, rank-deficient (m > n included), or a parameter out of range.
    """
    matrix = full_rank_dictionary(dictionary)
    if not 1e-9 <= positive_number("relative gap", relative_gap) < 1:
        raise InputError(f"A relative gap of {relative_gap:g} cannot be reached", "Choose one in [1e-9, 1)")
    positive_integer("number of iterations", max_iterations)
    q, r = orthonormal_rows(matrix)
    leverage = np.einsum("ij,ij->i", q, q)
    # In the coordinates of Q the problem is well conditioned whatever A is; the least-squares weight is the start.
    directions, kernel, iterations = q.T / leverage, np.eye(len(leverage)), 0
    coupled = np.flatnonzero(1 - leverage > _INDEPENDENT)
    if len(coupled):
        found = solve_columns(
            np.ascontiguousarray(q.T),
            coupled,
            relative_gap=relative_gap / 2,  # the other half pays for the certificate
            max_iterations=max_iterations,
            device=device,
            progress=progress,
        )
        directions[:, coupled], kernel[:, coupled], iterations = found.weight.T, found.kernel.T, found.iterations
    for _ in range(2):
        kernel -= q @ (q.T @ kernel)
    weight = scipy.linalg.solve_triangular(r, directions, check_finite=False)
    weight = np.ascontiguousarray(weight / np.einsum("ij,ij->j", weight, matrix))
    return MinimaxWeight(weight, kernel, enclose_minimax(matrix, weight, kernel), iterations)


def enclose_minimax(dictionary: Any, weight: Any, kernel: Any) -> Enclosure:
    r"""Certified enclosure of every $\mu_i$ from candidates for both sides: the two certificates of this module.

    Args:
        dictionary: $A$, shape (m, n), full row rank, no zero column.
        weight: Shape (m, n), of any normalisation: column i bounds $\mu_i$ from above where $W_i^TA_i>0$.
        kernel: Shape (n, n): column i, nearly in $\ker A$, bounds $\mu_i$ from below.

    Returns:
        Shape (n,), ``certified``.

    Raises:
        InputError: Wrong shapes, non-finite entries, or full row rank cannot be certified.
    """
    matrix = full_rank_dictionary(dictionary)
    n = matrix.shape[1]
    weight, kernel = finite_matrix("The weight", weight), finite_matrix("The kernel", kernel)
    if weight.shape != matrix.shape:
        raise InputError(f"A weight of shape {weight.shape} for a dictionary of {matrix.shape}", "Give both as (m, n)")
    if kernel.shape != (n, n):
        raise InputError(f"Kernel vectors of shape {kernel.shape} for {n} atoms", f"Give shape ({n}, {n})")
    off = ~np.eye(n, dtype=bool)
    products = Enclosure.exact(weight).T @ matrix
    others = np.where(off, abs(products).hi, 0.0).max(axis=1)
    own = np.diagonal(products.lo)
    with np.errstate(over="ignore"):
        upper = np.where(own > 0, (Enclosure.exact(others) / np.where(own > 0, own, 1.0)).hi, np.inf)
    epsilon = (Enclosure.exact(matrix) @ kernel).norm(2, axis=0) / certified_sigma(matrix)
    size = abs(Enclosure.exact(kernel))
    total = (size * off.astype(float)).sum(0) + epsilon * Enclosure.exact(n - 1).sqrt()
    numerator = (Enclosure.exact(np.abs(np.diagonal(kernel))) - epsilon).lo
    quotient = Enclosure.exact(np.maximum(numerator, 0.0)) / np.where(total.hi > 0, total.hi, 1.0)
    return Enclosure.certified(np.where(total.hi > 0, quotient.lo, 0.0), upper)


def minimax_by_linear_program(
    dictionary: Any, columns: Sequence[int] | None = None
) -> tuple[Float64[np.ndarray, " c"], Float64[np.ndarray, "m c"]]:
    r"""The same columns by HiGHS, one linear program each: slow, independent, for cross-checks at small sizes.

    Args:
        dictionary: $A$, shape (m, n), full row rank, no zero column.
        columns: Which columns; all by default.

    Returns:
        $\mu_i$ as HiGHS reports them (numerical), shape (c,), and the weights, shape (m, c).

    Raises:
        InputError: As :func:`minimax_weight`, a column out of range, or HiGHS gives up.
    """
    matrix = full_rank_dictionary(dictionary)
    orthonormal_rows(matrix)
    m, n = matrix.shape
    chosen = list(range(n)) if columns is None else [int(i) for i in columns]
    if any(not 0 <= i < n for i in chosen):
        raise InputError(f"Columns {chosen} of a dictionary with {n}", f"Choose from 0 to {n - 1}")
    values, weights = np.zeros(len(chosen)), np.zeros((m, len(chosen)))
    cost = np.append(np.zeros(m), 1.0)
    for k, i in enumerate(chosen):
        others = np.delete(matrix, i, axis=1).T
        one = np.ones((n - 1, 1))
        result = linprog(
            cost,
            A_ub=np.block([[others, -one], [-others, -one]]),
            b_ub=np.zeros(2 * (n - 1)),
            A_eq=np.append(matrix[:, i], 0.0)[None],
            b_eq=[1.0],
            bounds=[(None, None)] * m + [(0, None)],
            method="highs",
        )
        if result.status != 0:
            raise InputError(f"HiGHS failed on column {i}: {result.message}", "Rescale the dictionary")
        values[k], weights[:, k] = result.fun, result.x[:m]
    return values, weights
