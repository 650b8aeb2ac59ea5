r"""Coherence of a weight with a dictionary, and how far a weight is from feasible and from optimal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from unfold_theory.enclosure import Enclosure, where
from unfold_theory.errors import InputError
from unfold_theory.problems.checks import finite_matrix, positive_integer, positive_number
from unfold_theory.problems.frobenius import (
    Matrix,
    frobenius_optimum,
    frobenius_weight,
    full_rank_dictionary,
)
from unfold_theory.problems.minimax import (
    MinimaxWeight,
    enclose_minimax,
    minimax_by_linear_program,
    minimax_weight,
)

__all__ = [
    "MinimaxWeight",
    "WeightAudit",
    "audit_weight",
    "babel_function",
    "coherence",
    "enclose_minimax",
    "frobenius_optimum",
    "frobenius_weight",
    "minimax_by_linear_program",
    "minimax_weight",
    "normalisation_error",
    "require_normalised",
    "welch_bound",
]


def _pair(weight: Any, dictionary: Any) -> tuple[Matrix, Matrix]:
    """Weight and dictionary as finite matrices of one shape."""
    weight, dictionary = finite_matrix("The weight", weight), finite_matrix("The dictionary", dictionary)
    if weight.shape != dictionary.shape:
        raise InputError(
            f"A weight of shape {weight.shape} for a dictionary of shape {dictionary.shape}",
            "Give both as (m, n): columns W_i and A_i belong together",
        )
    return weight, dictionary


def _off_diagonal(weight: Matrix, dictionary: Matrix) -> Enclosure:
    r"""$|W_i^TA_j|$, shape (n, n), with zeros on the diagonal."""
    products = abs(Enclosure.exact(weight).T @ dictionary)
    return where(np.eye(len(products), dtype=bool), 0.0, products)


def coherence(weight: Any, dictionary: Any) -> Enclosure:
    r"""$\mu(W,A)=\max_{i\ne j}|W_i^TA_j|$ with certified ends; 0 for one column.

    The matrix product has an error of at most $\gamma_m|W|^T|A|$ entry by entry. The theorems of Chen et al. (NeurIPS
    2018) and Liu et al. (ICLR 2019) hold with it in the place of $\tilde\mu(A)$ for every normalised W.

    Args:
        weight: $W$, shape (m, n).
        dictionary: $A$, shape (m, n).

    Raises:
        InputError: A non-finite entry, or two shapes that differ.
    """
    return _off_diagonal(*_pair(weight, dictionary)).max()


def babel_function(weight: Any, dictionary: Any) -> Enclosure:
    r"""$\mu_1(s)=\max_j\max_{|\Lambda|=s,\,j\notin\Lambda}\sum_{i\in\Lambda}|W_i^TA_j|$ for s = 1..n-1, certified.

    Sums of the s largest entries of each column of $|W^TA|$ off the diagonal: $\mu_1(s)\le s\,\mu(W,A)$, and
    $\max_{|S|\le s}\|I-W_S^TA_S\|_{1\to1}=\mu_1(s-1)$ for a normalised W (with A for W: Tropp, IEEE Trans. Inf. Theory
    2004, where it is called the Babel function).

    Args:
        weight: $W$, shape (m, n).
        dictionary: $A$, shape (m, n), n >= 2.

    Returns:
        Shape (n - 1,), nondecreasing: entry k belongs to s = k + 1.

    Raises:
        InputError: A non-finite entry, two shapes that differ, or a single column.
    """
    weight, dictionary = _pair(weight, dictionary)
    if weight.shape[1] < 2:
        raise InputError("The Babel function of a single column", "Give at least two columns")
    # The zero on the diagonal comes last, or ties with another zero.
    return _off_diagonal(weight, dictionary).sort(axis=0)[::-1].cumsum(axis=0)[:-1].max(axis=1)


def _diagonal(weight: Matrix, dictionary: Matrix) -> Enclosure:
    return (Enclosure.exact(weight) * dictionary).sum(0)


def normalisation_error(weight: Any, dictionary: Any) -> Enclosure:
    r"""$\max_i|W_i^TA_i-1|$ with certified ends.

    Args:
        weight: $W$, shape (m, n).
        dictionary: $A$, shape (m, n).

    Raises:
        InputError: A non-finite entry, or two shapes that differ.
    """
    return abs(_diagonal(*_pair(weight, dictionary)) - 1.0).max()


def require_normalised(weight: Any, dictionary: Any, *, tolerance: float = 1e-6) -> Matrix:
    r"""The weight as a float64 matrix, if $|W_i^TA_i-1|$ is at most ``tolerance`` for all columns.

    Args:
        weight: $W$, shape (m, n).
        dictionary: $A$, shape (m, n).
        tolerance: 1e-6 admits weights that were stored in float32.

    Raises:
        InputError: It is not, or the arguments are no pair of matrices.
    """
    weight, dictionary = _pair(weight, dictionary)
    error = float(normalisation_error(weight, dictionary).hi)
    if error > positive_number("tolerance", tolerance):
        raise InputError(
            f"The weight is not normalised: max |W_i^T A_i - 1| = {error:.2e} exceeds {tolerance:g}",
            "Divide every column W_i by W_i^T A_i",
        )
    return weight


def welch_bound(m: int, n: int) -> Enclosure:
    r"""$\sqrt{(n-m)/(m(n-1))}\le\tilde\mu(A)$ for every m x n dictionary of rank m; 0 for n <= m.

    *Proof.* For normalised W, $n+n(n-1)\mu^2\ge\|W^TA\|_F^2\ge\sum_i1/d_i\ge n^2/m$, since
    $d_i=a_i^T(AA^T)^{-1}a_i$ sum to m. $\square$ (Columns of A need no unit norm. Welch, 1974, for W = A.)

    Raises:
        InputError: m or n is not a positive integer.
    """
    m, n = positive_integer("number of rows m", m), positive_integer("number of columns n", n)
    if n <= m:
        return Enclosure.exact(0.0)
    return (Enclosure.exact(n - m) / Enclosure.exact(m * (n - 1))).sqrt()


@dataclass(frozen=True, eq=False)
class WeightAudit:
    r"""How far a weight W is from feasible and from the Frobenius optimum of its dictionary A.

    Attributes:
        shape: (m, n).
        diagonal: $W_i^TA_i$, shape (n,), certified; 1 where feasible.
        normalisation_error: $\max_i|W_i^TA_i-1|$.
        objective: $\|W^TA\|_F^2$ of W as it is.
        optimum: $\sum_i1/d_i$, the least objective of a normalised W.
        excess: Objective of W with its columns normalised, over the optimum, minus 1: at least 0.
        distance: $\|W-W_F\|_F/\|W_F\|_F$ to the closed-form optimum $W_F$ (float64).
        coherence: $\max_{i\ne j}|W_i^TA_j|$.
        optimal_coherence: The same for $W_F$.
        welch: Welch bound of (m, n).
    """

    shape: tuple[int, int]
    diagonal: Enclosure
    normalisation_error: Enclosure
    objective: Enclosure
    optimum: Enclosure
    excess: Enclosure
    distance: float
    coherence: Enclosure
    optimal_coherence: Enclosure
    welch: Enclosure

    def row(self) -> dict[str, float | int]:
        """One table row; enclosures by their pessimistic ends."""
        return {
            "m": self.shape[0],
            "n": self.shape[1],
            "diagonal_min": float(self.diagonal.lo.min()),
            "diagonal_max": float(self.diagonal.hi.max()),
            "normalisation_error": float(self.normalisation_error.hi),
            "objective": float(self.objective.hi),
            "optimum": float(self.optimum.lo),
            "excess": float(self.excess.hi),
            "distance": self.distance,
            "coherence": float(self.coherence.hi),
            "optimal_coherence": float(self.optimal_coherence.hi),
            "welch": float(self.welch.lo),
        }

    def __repr__(self) -> str:
        body = ", ".join(f"{name} {value:.4g}" for name, value in self.row().items())
        return f"WeightAudit({body})"


def audit_weight(dictionary: Any, weight: Any) -> WeightAudit:
    r"""Compare a weight with what it should be: normalised, and of least $\|W^TA\|_F$ (ALISTA's eq. 17).

    Args:
        dictionary: $A$, shape (m, n), full row rank, no zero column.
        weight: $W$, shape (m, n); need not be feasible.

    Raises:
        InputError: A non-finite entry, two shapes that differ, a zero column of A, or a rank-deficient A.
    """
    weight, dictionary = _pair(weight, full_rank_dictionary(dictionary))
    best = frobenius_weight(dictionary)
    optimum = frobenius_optimum(dictionary)
    products = Enclosure.exact(weight).T @ dictionary
    per_column = (products**2).sum(1)
    diagonal = _diagonal(weight, dictionary)
    excess = (per_column / diagonal**2).sum() / optimum - 1.0
    off = where(np.eye(len(products), dtype=bool), 0.0, abs(products))
    m, n = dictionary.shape
    return WeightAudit(
        shape=(m, n),
        diagonal=diagonal,
        normalisation_error=abs(diagonal - 1.0).max(),
        objective=per_column.sum(),
        optimum=optimum,
        excess=excess,
        distance=float(np.linalg.norm(weight - best) / np.linalg.norm(best)),
        coherence=off.max(),
        optimal_coherence=coherence(best, dictionary),
        welch=welch_bound(m, n),
    )
