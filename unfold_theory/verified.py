r"""Verified linear algebra: two-sided bounds on singular values and eigenvalues that hold in exact arithmetic.

Everything here rests on one lemma, which needs no error analysis of a factorisation, because it looks at the residual
of the factor that was found and not at how it was found.

**Lemma.** Let $M$ be symmetric, $R$ any real square matrix and $s$ any real number. Then
$$sI - M = R^TR + E \implies \lambda_{\max}(M)\le s+\|E\|_2, \qquad
  M - sI = R^TR + E \implies \lambda_{\min}(M)\ge s-\|E\|_2.$$
*Proof.* $R^TR\succeq 0$, so $sI-M\succeq E\succeq-\|E\|_2 I$; the second line is the first for $-M$, $-s$. $\square$

$R$ is a floating-point Cholesky factor at a shift just outside the computed spectrum; $E$ is enclosed with outward
rounding and $\|E\|_2\le\min(\|E\|_F,\|E\|_\infty)$. That a Cholesky factor exists at such a shift, and with
$\|E\|_2=O(k^2u)\|M\|_2$, is Higham, Accuracy and Stability of Numerical Algorithms, theorems 10.3 to 10.7 (and Rump,
Verification of positive definiteness, BIT 2006); these are why the bounds are tight and not why they are true.
The opposite ends are Rayleigh quotients of computed eigenvectors.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike, NDArray

from unfold_theory.enclosure import UNIT_ROUNDOFF, Basis, Enclosure, minimum, where
from unfold_theory.enclosure.rounding import TINY, Numbers, down, gamma, up
from unfold_theory.errors import InputError

_ATTEMPTS = 12


def spectral_norm_squared(matrix: ArrayLike | Enclosure) -> Enclosure:
    r"""Certified enclosure of $\|A\|_2^2=\lambda_{\max}(AA^T)$.

    The Gram matrix of the shorter side is enclosed with outward rounding and bounded from above by the lemma of this
    module; the lower end is $\|A^Tv\|_2^2/\|v\|_2^2$ for the computed leading eigenvector $v$. The matrix is first
    scaled by a power of two, so that neither end depends on the magnitude of $A$. The relative width is of the order of
    $k^2u$ with $k=\min(m,n)$: about $10^{-11}$ at 250 x 500.

    Args:
        matrix: $A$, shape (m, n), finite; or an enclosure of it with finite ends.

    Returns:
        Scalar enclosure, ``certified`` (or the weaker basis of an enclosure that was given).

    Raises:
        InputError: Not a matrix, an empty side, or a non-finite entry.
    """
    scaled, exponent = _scaled(_matrix(matrix))
    tall = scaled if scaled.shape[0] >= scaled.shape[1] else scaled.T
    upper, vector = _largest_eigenvalue(tall.T @ tall)
    return _squared(_rayleigh(tall, vector).lo, upper, exponent, scaled)


def smallest_singular_value_squared(matrix: ArrayLike | Enclosure) -> Enclosure:
    r"""Certified enclosure of $\sigma_{\min}^2(A)$, the least of the $\min(m,n)$ singular values, squared.

    With $B$ the tall one of $A$, $A^T$ and $X$ any square matrix for which $\epsilon=\|I-(BX)^TBX\|_2<1$,
    $$\sigma_{\min}^2(B)\ge(1-\epsilon)/\|X\|_2^2.$$
    *Proof.* $\|BXy\|^2\ge(1-\epsilon)\|y\|^2$ shows that $X$ is nonsingular; with $z=Xy$,
    $\|Bz\|^2\ge(1-\epsilon)\|y\|^2\ge(1-\epsilon)\|z\|^2/\|X\|_2^2$. $\square$

    $X$ is the computed inverse of the triangular QR factor of $B$, so that condition numbers up to about $10^{11}$ are
    certified. The upper end is a Rayleigh quotient.

    Args:
        matrix: $A$, shape (m, n), finite; or an enclosure of it with finite ends.

    Returns:
        Scalar enclosure; its lower end is 0 where full rank could not be certified (a rank-deficient $A$ always).

    Raises:
        InputError: Not a matrix, an empty side, or a non-finite entry.
    """
    scaled, exponent = _scaled(_matrix(matrix))
    tall = scaled if scaled.shape[0] >= scaled.shape[1] else scaled.T
    triangle = np.asarray(np.linalg.qr(tall.mid, mode="r"))
    upper = _rayleigh(tall, np.linalg.svd(triangle)[2][-1]).hi
    lower = 0.0
    inverse = _triangular_inverse(triangle)
    if inverse is not None:
        columns = tall @ inverse
        defect = float(_norm_bound(np.eye(len(inverse)) - columns.T @ columns).hi)
        if defect < 1:
            lower = float(((1.0 - Enclosure.exact(defect)) / spectral_norm_squared(inverse)).lo)
    return _squared(lower, upper, exponent, scaled)


def smallest_eigenvalue(matrix: ArrayLike | Enclosure) -> Enclosure:
    r"""Certified enclosure of $\lambda_{\min}(M)$ of a symmetric matrix, by the lemma of this module.

    Args:
        matrix: $M$, shape (k, k), finite and symmetric; or an enclosure with symmetric ends, which then speaks of every
            symmetric matrix in it.

    Raises:
        InputError: Not a symmetric matrix, an empty side, or a non-finite entry.
    """
    scaled, exponent = _scaled(_symmetric(matrix))
    upper, vector = _largest_eigenvalue(-scaled)
    v = Enclosure.exact(vector)
    quotient = (v @ (scaled @ v)) / (v @ v)
    return _unscaled(-upper, max(quotient.hi, -upper), exponent, scaled)


def symmetric_eigenvalues(matrix: ArrayLike | Enclosure) -> Enclosure:
    r"""Certified enclosures of all eigenvalues of a symmetric matrix, ascending, shape (k,).

    With any nonsingular V: $\lambda_i(V^TMV)=\theta_i\lambda_i(M)$, $\theta_i\in[1-\nu,1+\nu]$,
    $\nu=\|I-V^TV\|_2<1$ (Ostrowski; Horn and Johnson, Matrix Analysis, 4.5.9), and by Weyl each $\lambda_i(V^TMV)$ is
    within the norm of the off-diagonal part of the i-th smallest diagonal entry. V holds the computed eigenvectors.

    Args:
        matrix: $M$, shape (k, k), finite and symmetric; or an enclosure with symmetric ends, which then speaks of every
            symmetric matrix in it.

    Raises:
        InputError: Not a symmetric matrix, an empty side, or a non-finite entry.
    """
    scaled, exponent = _scaled(_symmetric(matrix))
    middle = scaled.mid
    vectors = np.linalg.eigh((middle + middle.T) / 2)[1]
    size = len(vectors)
    defect = _norm_bound(np.eye(size) - Enclosure.exact(vectors.T) @ vectors)
    rotated = Enclosure.exact(vectors.T) @ (scaled @ vectors)
    diagonal = rotated[np.arange(size), np.arange(size)].sort()
    off = _norm_bound(where(np.eye(size, dtype=bool), 0.0, rotated))
    factor = Enclosure.certified((1.0 - defect).lo, (1.0 + defect).hi)
    values = Enclosure.certified((diagonal - off).lo, (diagonal + off).hi) / factor
    return _unscaled(values.lo, values.hi, exponent, scaled)


def is_positive_definite(matrix: ArrayLike | Enclosure) -> bool:
    r"""Whether a symmetric matrix is certified to be positive definite.

    The matrix is first scaled to $DMD$ with unit-sized diagonal, $D$ a diagonal of powers of two, which changes neither
    definiteness nor, by Demmel's theorem (Higham 10.7), which matrices a Cholesky factorisation can decide.

    Args:
        matrix: $M$, shape (k, k), finite and symmetric; or an enclosure with symmetric ends, which then speaks of every
            symmetric matrix in it.

    Returns:
        True only with a proof. False says that none was found: $M$ is indefinite, singular, or too close to singular
        for float64.

    Raises:
        InputError: Not a symmetric matrix, an empty side, or a non-finite entry.
    """
    enclosed = _symmetric(matrix)
    diagonal = np.diagonal(enclosed.lo)
    if (diagonal <= 0).any():
        return False
    half = -(np.frexp(diagonal)[1] // 2)
    balanced = _shifted_exponent(enclosed, half[:, None] + half[None, :])
    if not (np.isfinite(balanced.lo).all() and np.isfinite(balanced.hi).all()):
        return False
    return bool(_largest_eigenvalue(-balanced)[0] < 0)


def column_subset_norms_squared(matrix: ArrayLike, subsets: NDArray[np.bool_]) -> Enclosure:
    r"""Certified enclosures of $\|A_S\|_2^2$ for many sets S of columns at once.

    The lemma of this module on each principal block $G_S$ of the Gram matrix, with one factorisation routine for a
    whole batch; the rounding of $G$, of the shift and of the product of the factors enters $\|E\|_F$ with a-priori
    bounds. The lower end is a Rayleigh quotient. Equal sets are computed once; the empty set has norm 0.

    Args:
        matrix: $A$, shape (m, n), finite.
        subsets: Shape (sets, n): which columns each set holds.

    Returns:
        Shape (sets,), ``certified``.

    Raises:
        InputError: Not a finite matrix, or the sets do not fit its columns.
    """
    A = np.asarray(_matrix(matrix).mid)
    chosen = np.asarray(subsets, dtype=bool)
    if chosen.ndim != 2 or chosen.shape[1] != A.shape[1]:
        raise InputError(f"Sets of shape {chosen.shape} for {A.shape[1]} columns", "Pass one mask a set")
    distinct, place = np.unique(chosen, axis=0, return_inverse=True)
    gram, doubt = A.T @ A, gamma(len(A) + 1) * (np.abs(A).T @ np.abs(A)) + len(A) * TINY
    lo, hi = np.zeros(len(distinct)), np.zeros(len(distinct))
    sizes = distinct.sum(axis=1)
    for size in np.unique(sizes[sizes > 0]):
        alike = np.flatnonzero(sizes == size)
        for start in range(0, len(alike), max(1, 2**20 // int(size) ** 2)):
            rows = alike[start : start + max(1, 2**20 // int(size) ** 2)]
            index = np.nonzero(distinct[rows])[1].reshape(len(rows), size)
            blocks, unsure = (part[index[:, :, None], index[:, None, :]] for part in (gram, doubt))
            lo[rows], hi[rows] = _block_norms(blocks, unsure)
    place = place.reshape(-1)
    return Enclosure.certified(lo[place], hi[place])


def _block_norms(blocks: NDArray[np.float64], unsure: NDArray[np.float64]) -> tuple[NDArray, NDArray]:
    """Ends for the largest eigenvalues of positive semidefinite matrices ``blocks`` with entries off by ``unsure``."""
    size = blocks.shape[1]
    top = np.linalg.eigvalsh(blocks)[:, -1]
    for attempt in range(_ATTEMPTS):
        shift = top * (1 + 64 * 4.0**attempt * size * UNIT_ROUNDOFF) + TINY / UNIT_ROUNDOFF
        shifted = -blocks
        shifted[:, np.arange(size), np.arange(size)] += shift[:, None]
        try:
            factor = np.linalg.cholesky(shifted)
            break
        except np.linalg.LinAlgError:
            continue
    else:
        # The sum of absolute values needs no factor.
        return np.zeros(len(blocks)), up((1 + gamma(size + 2)) * (np.abs(blocks) + unsure).sum(axis=1).max(axis=1))
    absolute = np.abs(factor)
    slack = gamma(size + 4) * (absolute @ absolute.transpose(0, 2, 1) + np.abs(shifted) + np.abs(blocks)) + unsure
    residual = np.abs(factor @ factor.transpose(0, 2, 1) - shifted) + slack
    excess = np.sqrt((residual**2).sum(axis=(1, 2))) * (1 + gamma(size**2 + 8))
    # The shift is next to the eigenvalue: one step of inverse iteration gives its vector.
    start = np.broadcast_to(1.0 + np.arange(size) / size, (len(blocks), size))[:, :, None]
    leading = np.linalg.solve(shifted, start)[:, :, 0]
    leading = leading / np.linalg.norm(leading, axis=1, keepdims=True)
    length = np.abs(leading).sum(axis=1) ** 2
    image = np.einsum("bi,bij,bj->b", leading, blocks, leading)
    error = gamma(2 * size + 4) * np.abs(blocks).max(axis=(1, 2)) * length + unsure.max(axis=(1, 2)) * length
    quotient = (image - error * (1 + 1e-9)) / ((leading**2).sum(axis=1) * (1 + gamma(size + 4)))
    lower = np.maximum(down(quotient * (1 - 8 * UNIT_ROUNDOFF)), 0.0)
    return np.minimum(lower, top), up(up(shift + excess))


# -- the lemma ---------------------------------------------------------------------------------------------------------
def _largest_eigenvalue(symmetric: Enclosure) -> tuple[float, NDArray[np.float64]]:
    """Certified upper bound on the largest eigenvalue, and the computed eigenvector; entries of moderate size."""
    middle = symmetric.mid
    values, vectors = np.linalg.eigh((middle + middle.T) / 2)
    top, size = float(values[-1]), len(values)
    identity = np.eye(size)
    # First guess at the rounding error of the factorisation; too small a shift has no factor and is doubled.
    margin = max(abs(top), float(abs(values[0]))) * size * UNIT_ROUNDOFF + np.finfo(float).tiny
    best = float(abs(symmetric).sum(-1).hi.max())
    for _ in range(_ATTEMPTS):
        shift = top + margin
        try:
            factor = np.linalg.cholesky(shift * identity - middle)
        except np.linalg.LinAlgError:
            margin *= 2
            continue
        residual = Enclosure.exact(shift) * identity - symmetric - Enclosure.exact(factor) @ factor.T
        best = min(best, float((_norm_bound(residual) + Enclosure.exact(shift)).hi))
        break
    return best, vectors[:, -1]


def _norm_bound(matrix: Enclosure) -> Enclosure:
    r"""A point above $\min(\|E\|_F, \sqrt{\|E\|_1\|E\|_\infty})$ of every matrix in the enclosure."""
    size = Enclosure(abs(matrix).hi, abs(matrix).hi, matrix.basis)
    crossed = (size.sum(0).max() * size.sum(1).max()).sqrt()
    bound = minimum((size**2).sum().sqrt(), crossed)
    return Enclosure.exact(bound.hi)


def _rayleigh(matrix: Enclosure, vector: NDArray[np.float64]) -> Enclosure:
    r"""$\|Bv\|_2^2/\|v\|_2^2$."""
    v = Enclosure.exact(vector)
    return ((matrix @ v) ** 2).sum() / (v**2).sum()


def _triangular_inverse(triangle: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Computed inverse of an upper triangular matrix; None where it overflows or a pivot vanishes."""
    if (np.diagonal(triangle) == 0).any():
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        inverse = scipy.linalg.solve_triangular(triangle, np.eye(len(triangle)), check_finite=False)
    # Beyond this size the products below could overflow; such a matrix is not certified anyway.
    return inverse if np.isfinite(inverse).all() and np.abs(inverse).max() < 1e100 else None


# -- scaling by powers of two ------------------------------------------------------------------------------------------
def _shifted_exponent(enclosed: Enclosure, exponent: int | NDArray) -> Enclosure:
    """Times ``2**exponent``: exact, or widened by one float where an end left the normal range."""
    ends = []
    for end, outward in ((enclosed.lo, -np.inf), (enclosed.hi, np.inf)):
        with np.errstate(over="ignore", under="ignore"):
            moved = np.ldexp(end, exponent)
            inexact = np.ldexp(moved, -np.asarray(exponent)) != end
        ends.append(np.where(inexact, np.nextafter(moved, outward), moved))
    return Enclosure(ends[0], ends[1], enclosed.basis, enclosed.delta)


def _scaled(enclosed: Enclosure) -> tuple[Enclosure, int]:
    """The matrix with largest entry in [1/2, 1), and the exponent of the power of two taken out."""
    exponent = int(np.frexp(abs(enclosed).hi.max())[1])
    return _shifted_exponent(enclosed, -exponent), exponent


def _unscaled(lo: Numbers, hi: Numbers, exponent: int, source: Enclosure) -> Enclosure:
    result = _shifted_exponent(Enclosure(np.asarray(lo), np.asarray(hi), Basis.CERTIFIED), exponent)
    return Enclosure(result.lo, result.hi, min(Basis.CERTIFIED, source.basis), source.delta)


def _squared(lo: Numbers, hi: Numbers, exponent: int, source: Enclosure) -> Enclosure:
    """The square of a singular value of the scaled matrix, scaled back; never negative, 0 for the zero matrix."""
    if not abs(source).hi.any():
        lo = hi = 0.0
    result = _unscaled(np.minimum(lo, hi), hi, 2 * exponent, source)
    return Enclosure(np.asarray(np.maximum(result.lo, 0.0)), result.hi, result.basis, result.delta)


# -- input -------------------------------------------------------------------------------------------------------------
def _matrix(matrix: ArrayLike | Enclosure) -> Enclosure:
    if not isinstance(matrix, Enclosure):
        array = np.asarray(matrix)
        if array.dtype.kind not in "fiub":
            raise InputError(f"A matrix of type {array.dtype} is not real", "Give float64 entries")
        if not np.isfinite(array).all():
            raise InputError("The matrix has a non-finite entry", "Look for NaN or infinity in the data")
        matrix = Enclosure.exact(array)
    if matrix.ndim != 2:
        raise InputError(f"A matrix is expected, not an array of shape {matrix.shape}", "Give shape (m, n)")
    if 0 in matrix.shape:
        raise InputError(f"A matrix of shape {matrix.shape} has an empty side", "Give at least one row and column")
    if not (np.isfinite(matrix.lo).all() and np.isfinite(matrix.hi).all()):
        raise InputError("The matrix enclosure has an infinite end", "Bound the matrix first")
    return matrix


def _symmetric(matrix: ArrayLike | Enclosure) -> Enclosure:
    enclosed = _matrix(matrix)
    if enclosed.shape[0] != enclosed.shape[1]:
        raise InputError(f"A matrix of shape {enclosed.shape} is not square", "Give a symmetric matrix")
    if not (np.array_equal(enclosed.lo, enclosed.lo.T) and np.array_equal(enclosed.hi, enclosed.hi.T)):
        raise InputError("The matrix is not symmetric", "Symmetrise it, and bound the change if it matters")
    return enclosed
