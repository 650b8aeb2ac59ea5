r"""Restricted spectra: the extreme eigenvalues of $A_T^TA_T$ over all supports T of a size, enclosed.

$$\alpha_k=\min_{|T|\le k}\lambda_{\min}(A_T^TA_T),\quad\beta_k=\max_{|T|\le k}\lambda_{\max}(A_T^TA_T),\quad
\delta_k(\gamma)=\max_{|T|\le k}\|I-\gamma A_T^TA_T\|_2=\max(|1-\gamma\alpha_k|,|1-\gamma\beta_k|);$$
$\delta_k=\delta_k(1)$ is the restricted isometry constant. By interlacing only $|T|=k$ counts. Few supports are
enumerated. Of many, some are looked at: each is a witness, which bounds $\alpha_k$ from above and $\beta_k$ from below.
Gershgorin's circles, or the whole A, give the other ends: $\delta_k\le\mu_1(k-1)\le(k-1)\mu$ for unit columns. All ends
are certified; to decide in general is NP-hard (Tillmann and Pfetsch, IEEE Trans. Inf. Theory 2014).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfold_theory.enclosure import Enclosure, maximum, where
from unfold_theory.errors import InputError
from unfold_theory.problems.checks import Integer, finite_matrix, positive_integer, seed_integer
from unfold_theory.verified import smallest_singular_value_squared, spectral_norm_squared

# About ten million are a second on one core: k^3 multiplications and a constant for each support.
ENUMERATION_BUDGET = 3e7
SAMPLING_BUDGET = 2e7
_OVERHEAD = 50
_CHUNK = 8192


@dataclass(frozen=True)
class RestrictedSpectrum:
    r"""Enclosures of $\alpha_k$ and $\beta_k$.

    Attributes:
        size: k, at most n.
        smallest: $\alpha_k\ge0$.
        largest: $\beta_k$.
        enumerated: Whether all supports were looked at.
    """

    size: int
    smallest: Enclosure
    largest: Enclosure
    enumerated: bool

    def isometry_constant(self, step: Any = 1.0) -> Enclosure:
        r"""$\delta_k(\gamma)=\max(|1-\gamma\alpha_k|,|1-\gamma\beta_k|)$ for steps $\gamma$ of any shape."""
        gain = Enclosure.of(step)
        return maximum(abs(1.0 - gain * self.smallest), abs(1.0 - gain * self.largest))


def restricted_spectrum(dictionary: Any, size: Integer, *, seed: Integer = 0) -> RestrictedSpectrum:
    r"""$\alpha_k$ and $\beta_k$ of a dictionary, for k = ``size`` (n where it is larger).

    Args:
        dictionary: A, shape (m, n), finite.
        size: k.
        seed: Of the supports that are looked at where not all are.

    Raises:
        InputError: A is no finite matrix, or k or the seed is out of range.
    """
    matrix = finite_matrix("The dictionary", dictionary)
    n = matrix.shape[1]
    k = min(positive_integer("support size", size), n)
    gram = Enclosure.exact(matrix.T) @ matrix
    if math.comb(n, k) * (k**3 + _OVERHEAD) <= ENUMERATION_BUDGET:
        supports = np.array(list(itertools.combinations(range(n), k)), dtype=np.intp).reshape(-1, k)
        lows, highs = _extremes(gram, supports)
        return RestrictedSpectrum(k, lows.min(), highs.max(), True)
    lows, highs = _extremes(gram, _witnesses(gram.mid, k, seed_integer(seed)))
    centre, radius = _circles(gram, k)
    # No support does worse than the whole dictionary.
    whole = float(smallest_singular_value_squared(matrix).lo) if matrix.shape[0] >= n else 0.0
    lowest = max(float((centre - radius).lo.min()), whole)
    highest = min(float((centre + radius).hi.max()), float(spectral_norm_squared(matrix).hi))
    smallest = Enclosure.certified(min(lowest, float(lows.hi.min())), float(lows.hi.min()))
    largest = Enclosure.certified(float(highs.lo.max()), max(highest, float(highs.lo.max())))
    return RestrictedSpectrum(k, smallest, largest, False)


def support_spectra(dictionary: Any, masks: NDArray[np.bool_]) -> tuple[Enclosure, Enclosure]:
    r"""$\lambda_{\min}$ and $\lambda_{\max}$ of $A_T^TA_T$ for each support T, shape (count,); 1 for the empty one.

    Args:
        dictionary: A, shape (m, n), finite.
        masks: Supports, shape (count, n).

    Raises:
        InputError: A is no finite matrix, or the masks have another length.
    """
    matrix = finite_matrix("The dictionary", dictionary)
    if masks.ndim != 2 or masks.shape[1] != matrix.shape[1]:
        raise InputError(f"Supports of shape {masks.shape}", f"Pass masks of length {matrix.shape[1]}")
    gram = Enclosure.exact(matrix.T) @ matrix
    unique, place = np.unique(masks, axis=0, return_inverse=True)
    ends = np.ones((4, len(unique)))
    sizes = unique.sum(axis=1)
    for size in np.unique(sizes[sizes > 0]):
        here = np.flatnonzero(sizes == size)
        lows, highs = _extremes(gram, np.nonzero(unique[here])[1].reshape(len(here), size))
        ends[:, here] = lows.lo, lows.hi, highs.lo, highs.hi
    ends = ends[:, place.reshape(-1)]
    return Enclosure.certified(ends[0], ends[1]), Enclosure.certified(ends[2], ends[3])


def _extremes(gram: Enclosure, supports: NDArray[np.intp]) -> tuple[Enclosure, Enclosure]:
    r"""Extreme eigenvalues of principal submatrices, shape (count,).

    With V the computed eigenvectors, $\epsilon=\|V^TV-I\|_\infty<1$ and $t$ the largest end of Gershgorin's circles of
    $V^TGV$: $x=Vy$ gives $x^TGx\le t\|y\|^2\le t\|x\|^2/(1-\epsilon)$ for $t\ge0$; likewise from below. The other ends
    are the quotients $v^TGv/\|v\|^2$. Nothing is assumed of how V was found.
    """
    parts = [_extremes_of_chunk(gram, supports[i : i + _CHUNK]) for i in range(0, len(supports), _CHUNK)]
    ends = [np.concatenate([part[j] for part in parts]) for j in range(4)]
    return Enclosure.certified(ends[0], ends[1]), Enclosure.certified(ends[2], ends[3])


def _extremes_of_chunk(gram: Enclosure, supports: NDArray[np.intp]) -> list[NDArray[np.float64]]:
    part = gram[supports[:, :, None], supports[:, None, :]]
    middle = part.mid
    vectors = np.linalg.eigh((middle + np.swapaxes(middle, 1, 2)) / 2)[1]
    turned = Enclosure.exact(np.swapaxes(vectors, 1, 2))
    identity = np.eye(supports.shape[1])
    defect = Enclosure.exact(abs(turned @ vectors - identity).sum(2).hi.max(axis=1))
    assert (defect.hi < 0.5).all()  # eigenvectors of eigh are orthonormal up to rounding
    form = turned @ (part @ vectors)
    centre = form[:, np.arange(len(identity)), np.arange(len(identity))]
    radius = where(identity > 0, 0.0, abs(form)).sum(2)
    top = (centre + radius).max(1) / (1.0 - defect)
    bottom = (centre - radius).min(1)
    low = np.maximum((bottom / (1.0 + defect)).lo, 0.0)  # Gram matrices are positive semidefinite
    squares = centre / (Enclosure.exact(vectors) ** 2).sum(1)
    highest, lowest = squares.max(1).lo, squares.min(1).hi
    return [np.minimum(low, lowest), lowest, np.minimum(highest, top.hi), top.hi]


def _circles(gram: Enclosure, size: int) -> tuple[Enclosure, Enclosure]:
    """Centre and radius of Gershgorin's circles of any principal submatrix of this size, by column."""
    n = gram.shape[0]
    diagonal = gram[np.arange(n), np.arange(n)]
    others = where(np.eye(n, dtype=bool), 0.0, abs(gram)).sort(axis=0)
    return diagonal, others[n - size + 1 :].sum(0) if size > 1 else Enclosure.exact(np.zeros(n))


def _witnesses(gram: NDArray[np.float64], size: int, seed: int) -> NDArray[np.intp]:
    """Supports to look at: the columns that are most coherent with each one, and random ones."""
    n = len(gram)
    count = int(np.clip(SAMPLING_BUDGET / (size**3 + _OVERHEAD), 16, 2000))
    order = np.argsort(-np.abs(gram), axis=0)[:size].T
    rng = np.random.default_rng(seed)
    loudest = np.argsort(-np.sort(np.abs(gram), axis=0)[-size:].sum(axis=0))[: max(count // 2, 1)]
    drawn = [rng.choice(n, size, replace=False) for _ in range(count - len(loudest))]
    return np.vstack([order[loudest], np.array(drawn, dtype=np.intp).reshape(-1, size)])
