r"""Circular convolutional dictionaries along one axis, and their analytic weight in closed form.

$y=\sum_md_m*x_m$ with M filters of length D on signals of length N: the dictionary is $A=[C(d_1),\dots,C(d_M)]$, shape
(N, MN), with circulant blocks. For $N\ge2D-1$ correlations of filters do not wrap around, so that the weight with
filters of length D that minimises $\|W^TA\|_F^2$ does not depend on N (Liu et al., ICLR 2019, theorem 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg
from jaxtyping import Float64

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.problems.checks import finite_matrix, positive_integer
from unfold_theory.problems.frobenius import frobenius_weight, leverages

Filters = Float64[np.ndarray, "M D"]


def circulant(filters: Any, size: int) -> Float64[np.ndarray, "N MN"]:
    """$[C(d_1),...,C(d_M)]$: column mN + j is filter m, padded with zeros to length N and shifted by j.

    Args:
        filters: d, shape (M, D).
        size: N, at least D.

    Raises:
        InputError: The filters are no finite matrix, or longer than the signals.
    """
    given = finite_matrix("The array of filters", filters)
    size = positive_integer("length of signals", size)
    if given.shape[1] > size:
        raise InputError(f"Filters of length {given.shape[1]} on signals of length {size}", "Take longer signals")
    padded = np.pad(given, [(0, 0), (0, size - given.shape[1])])
    return np.hstack([scipy.linalg.circulant(row) for row in padded])


def _shifts(filters: Filters, length: int) -> tuple[Float64[np.ndarray, "length lags"], np.ndarray]:
    r"""$T$ with $TT^T=Q$: every shift of every filter, cut to a window of ``length``; and where shift 0 is."""
    M, D = filters.shape
    columns = np.zeros((M, D + length - 1, length))
    for lag in range(-(D - 1), length):
        first, last = max(lag, 0), min(D + lag, length)
        columns[:, lag + D - 1, first:last] = filters[:, first - lag : last - lag]
    flat = columns.reshape(-1, length)
    kept = flat.any(axis=1)
    place = np.cumsum(kept)[np.arange(M) * (D + length - 1) + D - 1] - 1
    return np.ascontiguousarray(flat[kept].T), place


def convolutional_weight(filters: Any) -> Filters:
    r"""$w_m=Q^{-1}d_m/(d_m^TQ^{-1}d_m)$, the filters of the least $\|W^TA\|_F^2$ with $w_m^Td_m=1$, for all $N\ge2D-1$.

    $Q_{ab}=\sum_m\sum_td_m[t]d_m[t+|a-b|]$ is the Toeplitz matrix of the summed autocorrelations.

    Args:
        filters: d, shape (M, D), none of them zero.

    Raises:
        InputError: The filters are no finite matrix, or one is zero.
    """
    given = finite_matrix("The array of filters", filters)
    if not given.any(axis=1).all():
        raise InputError(f"Filter {int(np.argmin(given.any(axis=1)))} is zero", "Remove it")
    shifts, place = _shifts(given, given.shape[1])
    return np.ascontiguousarray(frobenius_weight(shifts)[:, place].T)


def convolutional_optimum(filters: Filters, length: int) -> Enclosure:
    r"""Certified $\sum_m1/(d_m^TQ^{-1}d_m)$ over weights of ``length`` at least D: the least $\|W^TA\|_F^2/N$.

    Raises:
        InputError: A filter is zero, or Q is too ill-conditioned to be certified as positive definite.
    """
    shifts, place = _shifts(filters, length)
    return (1.0 / leverages(shifts)[place]).sum()


@dataclass(frozen=True)
class Convolution:
    """A matrix of circulant blocks.

    Attributes:
        filters: Shape (M, length).
        size: N.
    """

    filters: Filters
    size: int

    @property
    def length(self) -> int:
        """Length of the filters, trailing zeros cut off."""
        return self.filters.shape[1]

    @classmethod
    def of(cls, matrix: Float64[np.ndarray, "N MN"], what: str = "matrix") -> Convolution:
        """The filters of a matrix (N, MN) with circulant blocks.

        Raises:
            MissingStructure: Its blocks are not circulant.
        """
        size, n = matrix.shape
        if n % size == 0:
            blocks = matrix.reshape(size, n // size, size)
            first = blocks[:, :, 0]
            if all(np.array_equal(blocks[:, :, j], np.roll(first, j, axis=0)) for j in range(size)):
                used = np.flatnonzero(first.any(axis=1))
                length = int(used[-1]) + 1 if used.size else 1
                return cls(np.ascontiguousarray(first[:length].T), size)
        raise MissingStructure(f"A {what} without circulant blocks", "convolutional weights", "shifts of filters")
