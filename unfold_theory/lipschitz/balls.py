"""Matrices known up to a spectral norm: verified linear algebra at the price of the floating-point one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from unfold_theory.enclosure import UNIT_ROUNDOFF, Enclosure, gamma, up

# Every radius below is a sum of products of fewer than 2^10 nonnegative floats.
_SLACK = 1.0 + 2.0**-40
# Above what an entry loses by underflow in any of the operations, whatever the inner size.
_UNDERFLOW = 2.0**-1000


def frobenius(matrix: Float64[np.ndarray, ...]) -> float:
    r"""Upper bound on $\|X\|_F\ge\|X\|_2$."""
    count = matrix.size
    # Squares below 2^-1074 are lost, each less than 2^-537 in the norm.
    return float(np.linalg.norm(matrix)) * (1.0 + gamma(count + 8)) + count * 2.0**-530


@dataclass(frozen=True, eq=False)
class Ball:
    r"""All matrices within ``radius`` of ``middle`` in the spectral norm.

    A rounded product errs by $|\mathrm{fl}(XY)-XY|\le\gamma_k|X||Y|$ entry by entry (Higham, Accuracy and Stability,
    3.5), hence by $\gamma_k\|X\|_F\|Y\|_F$ in norm; a rounded sum by $u$ times itself.
    """

    middle: Float64[np.ndarray, "rows columns"]
    radius: float = 0.0

    @classmethod
    def of(cls, enclosure: Enclosure) -> Ball:
        """The ball around the midpoint of an enclosure that holds it."""
        if np.array_equal(enclosure.lo, enclosure.hi):
            return cls(enclosure.lo)
        middle = enclosure.mid
        return cls(middle, frobenius(up(np.maximum(enclosure.hi - middle, middle - enclosure.lo))))

    @property
    def norm(self) -> float:
        """Upper bound on the norm of every matrix in it."""
        return (frobenius(self.middle) + self.radius) * _SLACK

    @property
    def T(self) -> Ball:
        """Transposed."""
        return Ball(self.middle.T, self.radius)

    def columns(self, chosen: slice) -> Ball:
        """Some columns: norms of submatrices are no larger."""
        return Ball(self.middle[:, chosen], self.radius)

    def _rounded(self, middle: np.ndarray, radius: float, relative: float) -> Ball:
        return Ball(middle, (radius + relative) * _SLACK + middle.size * _UNDERFLOW)

    def __add__(self, other: Ball) -> Ball:
        middle = self.middle + other.middle
        return self._rounded(middle, self.radius + other.radius, 2 * UNIT_ROUNDOFF * frobenius(middle))

    def __sub__(self, other: Ball) -> Ball:
        return self + Ball(-other.middle, other.radius)

    def __matmul__(self, other: Ball) -> Ball:
        left, right = frobenius(self.middle), frobenius(other.middle)
        radius = self.radius * right + left * other.radius + self.radius * other.radius
        product = self.middle @ other.middle
        return self._rounded(product, radius, gamma(self.middle.shape[1]) * left * right)

    def scaled(self, rows: Float64[np.ndarray, " rows"]) -> Ball:
        """Times a diagonal matrix on the left."""
        middle, factor = rows[:, None] * self.middle, float(np.abs(rows).max())
        return self._rounded(middle, self.radius * factor, 2 * UNIT_ROUNDOFF * frobenius(middle))

    def in_units(
        self, rows: Float64[np.ndarray, " rows"], columns: Float64[np.ndarray, " columns"] | None = None
    ) -> Ball:
        """Times a diagonal matrix of powers of two on the left, and one on the right: exact, underflow apart."""
        middle, factor = rows[:, None] * self.middle, float(rows.max())
        if columns is not None:
            middle, factor = middle * columns, factor * float(columns.max())
        return self._rounded(middle, self.radius * factor, 0.0)

    def symmetric(self) -> Ball:
        """Of a matrix that is known to be symmetric: its ball around a symmetric middle."""
        middle = (self.middle + self.middle.T) / 2
        return self._rounded(middle, self.radius, 2 * UNIT_ROUNDOFF * frobenius(middle))

    def __post_init__(self) -> None:
        # A radius that is not finite proves nothing, and must not compare as if it did.
        if not self.radius >= 0:
            object.__setattr__(self, "radius", float("inf"))


def beside(*balls: Ball) -> Ball:
    """Columns side by side."""
    return Ball(np.hstack([b.middle for b in balls]), sum(b.radius for b in balls) * _SLACK)
