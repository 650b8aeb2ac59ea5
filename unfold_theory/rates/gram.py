r"""$W^TA$, enclosed once: what all layers, networks and signals with one weight share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64

from unfold_theory.enclosure import Enclosure, where
from unfold_theory.problems.remembered import remembered

KEPT = 2
"""Products that stay in memory; one of 2000 x 2000 takes 130 MB."""


@dataclass(frozen=True, eq=False)
class Gram:
    r"""$M=W^TA$.

    Attributes:
        weight: W, shape (m, n).
        dictionary: A, shape (m, n).
        product: $M$, shape (n, n).
    """

    weight: Float64[np.ndarray, "m n"]
    dictionary: Float64[np.ndarray, "m n"]
    product: Enclosure

    @cached_property
    def diagonal(self) -> Enclosure:
        """$M_{ii}$, shape (n,)."""
        place = np.arange(len(self.product))
        return self.product[place, place]

    @cached_property
    def off_diagonal(self) -> Enclosure:
        """$|M_{ij}|$ with zeros on the diagonal, shape (n, n)."""
        return where(np.eye(len(self.product), dtype=bool), 0.0, abs(self.product))

    @cached_property
    def row_largest(self) -> Enclosure:
        r"""$\max_{j\ne i}|M_{ij}|$, shape (n,)."""
        return self.off_diagonal.max(axis=1)

    @cached_property
    def weight_largest(self) -> Enclosure:
        r"""$\|W_i\|_\infty$, shape (n,)."""
        return Enclosure.exact(np.abs(self.weight).max(axis=0))

    @cached_property
    def squared_norm(self) -> Enclosure:
        r"""$\|M\|_F^2$."""
        return (self.product**2).sum()

    @cached_property
    def column_cumulated(self) -> Enclosure:
        r"""$\max_{|\Lambda|=s,\,j\notin\Lambda}\sum_{i\in\Lambda}|M_{ij}|$ for s = 0, ..., n, shape (n + 1, n)."""
        sums = self.off_diagonal.sort(axis=0)[::-1].cumsum(axis=0)
        zero = np.zeros((1, len(self.product)))
        return Enclosure(np.vstack([zero, sums.lo]), np.vstack([zero, sums.hi]), sums.basis)

    def column_sums(self, size: int) -> Enclosure:
        r"""$\max_{|\Lambda|=s,\,j\notin\Lambda}\sum_{i\in\Lambda}|M_{ij}|$ for s = ``size``, shape (n,)."""
        if size not in self._sums:
            n = len(self.product)
            kept = min(size, n - 1)
            ends = [np.partition(end, n - kept, axis=0)[n - kept :] if kept else end[:0] for end in self._ends]
            self._sums[size] = Enclosure(ends[0], ends[1], self.product.basis).sum(0)
        return self._sums[size]

    @cached_property
    def _sums(self) -> dict[int, Enclosure]:
        return {}

    @property
    def _ends(self) -> tuple[np.ndarray, np.ndarray]:
        return self.off_diagonal.lo, self.off_diagonal.hi

    def largest_on(self, support: Bool[np.ndarray, "sample n"]) -> Enclosure:
        r"""$\max_{j\in S,\,j\ne i}|M_{ij}|$ for each signal's support S, shape (sample, n)."""
        ends = []
        for end in self._ends:
            rows = np.zeros(support.shape)
            for b, mask in enumerate(support):
                if mask.any():
                    rows[b] = end[:, mask].max(axis=1)
            ends.append(rows)
        return Enclosure(ends[0], ends[1], self.product.basis)

    def sums_on(self, support: Bool[np.ndarray, "sample n"]) -> Enclosure:
        r"""$\sum_{i\in S,\,i\ne j}|M_{ij}|$ for each signal's support S, shape (sample, n)."""
        return Enclosure.exact(support.astype(float)) @ self.off_diagonal


@remembered(KEPT)
def gram(weight: Float64[np.ndarray, "m n"], dictionary: Float64[np.ndarray, "m n"]) -> Gram:
    r"""$W^TA$ of two matrices of one shape; the last ``KEPT`` are remembered by their contents."""
    return Gram(weight, dictionary, Enclosure.exact(weight.T) @ dictionary)
