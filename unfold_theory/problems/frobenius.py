r"""ALISTA's weight in closed form: the normalised W that minimises $\|W^TA\|_F$, with a certified optimum."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
from jaxtyping import Float64

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError
from unfold_theory.problems.checks import finite_matrix
from unfold_theory.verified import smallest_singular_value_squared

Matrix = Float64[np.ndarray, "m n"]


def full_rank_dictionary(dictionary: Any) -> Matrix:
    """The dictionary as a finite float64 matrix (m, n) without zero columns, m <= n; the rank is checked elsewhere.

    Raises:
        InputError: Not a finite matrix, more rows than columns, or a zero column.
    """
    matrix = finite_matrix("The dictionary", dictionary)
    m, n = matrix.shape
    if m > n:
        raise InputError(
            f"A dictionary of shape {m} x {n} has more rows than columns, so its rank is below {m}",
            "Give at least as many atoms as measurements",
        )
    empty = np.flatnonzero(~matrix.any(axis=0))
    if len(empty):
        raise InputError(f"Column {empty[0]} of the dictionary is zero and cannot be normalised", "Remove the column")
    return matrix


def orthonormal_rows(dictionary: Matrix) -> tuple[Float64[np.ndarray, "n m"], Float64[np.ndarray, "m m"]]:
    r"""$Q$ with orthonormal columns and upper triangular $R$ with $A^T=QR$; $A$ must have full row rank numerically.

    Raises:
        InputError: The reciprocal condition number of R is below m times the rounding unit.
    """
    q, r = np.linalg.qr(dictionary.T)
    (condition,) = scipy.linalg.get_lapack_funcs(("trcon",), (r,))
    reciprocal = float(condition(r)[0])
    if not reciprocal > len(r) * np.finfo(float).eps:
        raise InputError(
            f"The dictionary is rank-deficient: reciprocal condition number {reciprocal:.1e}",
            "Remove rows that depend on others, or add noise-free measurements",
        )
    return q, r


def frobenius_weight(dictionary: Any) -> Matrix:
    r"""The unique minimiser of $\|W^TA\|_F^2$ over $W_i^TA_i=1$, in closed form.

    $$W_i=\frac{(AA^T)^{-1}a_i}{a_i^T(AA^T)^{-1}a_i}.$$

    *Proof.* Columns decouple. With $z=A^T(AA^T)^{-1}a_i$, $Az=a_i$, every normalised $w$ has $1=w^Ta_i=(A^Tw)^Tz\le
    \|A^Tw\|\|z\|$, with equality iff $A^Tw$ is parallel to $z$, so the least $\|A^Tw\|^2$ is $1/\|z\|^2=1/d_i$,
    $d_i=a_i^T(AA^T)^{-1}a_i$. $\square$ It is computed by a QR factorisation of $A^T$, which does not square the
    condition number. The weight of ALISTA (Liu et al., ICLR 2019, eq. 17), there by projected gradient descent.

    Args:
        dictionary: $A$, shape (m, n), full row rank, no zero column.

    Returns:
        $W$, shape (m, n).

    Raises:
        InputError: Not a finite matrix, a zero column, or rank-deficient (m > n included).
    """
    q, r = orthonormal_rows(full_rank_dictionary(dictionary))
    leverage = np.einsum("ij,ij->i", q, q)
    # Columns are scaled by their own product with A, so that the normalisation holds to the last digits.
    weight = scipy.linalg.solve_triangular(r, (q / leverage[:, None]).T, check_finite=False)
    return np.ascontiguousarray(weight / np.einsum("ij,ij->j", weight, np.asarray(dictionary, dtype=np.float64)))


def symmetric_weight(dictionary: Any) -> Matrix:
    r"""The minimiser of $\|W^TA\|_F^2$ over $W_i^TA_i=1$ among $W=QA$ with symmetric Q, in closed form.

    $W^TA=A^TQA$ is then symmetric, so that its principal submatrices have a real spectrum; with Q positive definite,
    $Q=G^TG$, this is the form of Chen et al. (NeurIPS 2021), there by gradient descent on G. With the projector
    $P=A^T(AA^T)^{-1}A$ and $d=\mathrm{diag}\,P$,
    $$Q=(AA^T)^{-1}A\,\mathrm{diag}(\nu)A^T(AA^T)^{-1},\qquad (P\circ P)\nu=\mathbf 1,\qquad W^TA=P\,
    \mathrm{diag}(\nu)P.$$
    *Proof.* $A^TQA$ runs over the symmetric X with $X=PXP$. For those, $\langle X,P\,\mathrm{diag}(\nu)P\rangle=
    \sum_i\nu_iX_{ii}$, so that of all with unit diagonal the one of this form has the least norm (the difference to any
    other is orthogonal to it). $\square$ Q is positive definite if all $\nu_i>0$.

    Args:
        dictionary: $A$, shape (m, n), full row rank, no zero column.

    Returns:
        $W$, shape (m, n).

    Raises:
        InputError: As :func:`frobenius_weight`; or the normalisation has no solution of this form (n is
            larger than the number of free entries in Q, say).
    """
    matrix = full_rank_dictionary(dictionary)
    q, r = orthonormal_rows(matrix)
    projector = q @ q.T
    nu = np.linalg.lstsq(projector**2, np.ones(len(projector)), rcond=None)[0]
    weight = scipy.linalg.solve_triangular(r, (q.T * nu) @ projector, check_finite=False)
    if not np.abs(np.einsum("ij,ij->j", weight, matrix) - 1).max() < 1e-9:
        raise InputError(
            "No symmetric Q gives every column of A^T Q A a unit diagonal",
            'Use the weight "frobenius", which always exists',
        )
    return np.ascontiguousarray(weight)


def frobenius_optimum(dictionary: Any) -> Enclosure:
    r"""Certified $\min\|W^TA\|_F^2=\sum_i1/d_i$ over normalised W, where $d_i=a_i^T(AA^T)^{-1}a_i\in(0,1]$.

    Since $\sum_id_i=m$, the optimum is at least $n^2/m$.

    Args:
        dictionary: $A$, shape (m, n), full row rank, no zero column.

    Raises:
        InputError: As :func:`frobenius_weight`; or full rank cannot be certified.
    """
    return (1.0 / leverages(dictionary)).sum()


def leverages(dictionary: Any) -> Enclosure:
    r"""Certified $d_i=a_i^T(AA^T)^{-1}a_i\in(0,1]$, shape (n,).

    Both ends of $d_i$ hold for any $y_i$; the computed $y_i\approx(AA^T)^{-1}a_i$ makes them tight:

    - $d_i\ge2a_i^Ty_i-\|A^Ty_i\|^2$, the maximum of a concave quadratic;
    - $d_i\le(\|A^Ty_i\|+\|AA^Ty_i-a_i\|/\sigma_{\min}(A))^2$, since $d_i=\min\{\|z\|^2:Az=a_i\}$ and
      $z=A^Ty_i-A^+(AA^Ty_i-a_i)$ is feasible.

    Args:
        dictionary: $A$, shape (m, n), full row rank, no zero column.

    Raises:
        InputError: As :func:`frobenius_weight`; or full rank cannot be certified.
    """
    matrix = full_rank_dictionary(dictionary)
    q, r = orthonormal_rows(matrix)
    sigma = certified_sigma(matrix)
    y = Enclosure.exact(scipy.linalg.solve_triangular(r, q.T, check_finite=False))
    atoms = Enclosure.exact(matrix)
    z = atoms.T @ y
    square = (z**2).sum(0)
    lower = (2.0 * (atoms * y).sum(0) - square).lo
    upper = ((square.sqrt() + (atoms @ z - atoms).norm(2, axis=0) / sigma) ** 2).hi
    return Enclosure.certified(np.maximum(lower, 0.0), np.minimum(upper, 1.0))


def certified_sigma(dictionary: Matrix) -> Enclosure:
    r"""$\sigma_{\min}(A)$ with a positive certified lower end.

    Raises:
        InputError: Full row rank cannot be certified.
    """
    sigma = smallest_singular_value_squared(dictionary).sqrt()
    if sigma.lo <= 0:
        raise InputError(
            "Full row rank of the dictionary cannot be certified: it is singular or too ill-conditioned",
            "Remove dependent rows, or rescale rows and columns to similar norms",
        )
    return sigma
