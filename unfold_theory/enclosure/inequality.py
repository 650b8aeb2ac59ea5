"""Inequalities between enclosures, kept with both sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from unfold_theory.enclosure.interval import Basis, Enclosure


@dataclass(frozen=True, eq=False, repr=False)
class Inequality:
    """``lhs <= rhs`` (``<`` if strict) between enclosures, kept with both sides so that margins can be shown."""

    lhs: Enclosure
    rhs: Enclosure
    strict: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Common shape of both sides, (depth, sample) in most claims."""
        return np.broadcast_shapes(self.lhs.shape, self.rhs.shape)

    @property
    def holds(self) -> NDArray[np.bool_]:
        """Where it is certain."""
        if self.strict:
            return np.broadcast_to(self.lhs.hi < self.rhs.lo, self.shape)
        return np.broadcast_to(self.lhs.hi <= self.rhs.lo, self.shape)

    @property
    def refuted(self) -> NDArray[np.bool_]:
        """Where its opposite is certain."""
        if self.strict:
            return np.broadcast_to(self.lhs.lo >= self.rhs.hi, self.shape)
        return np.broadcast_to(self.lhs.lo > self.rhs.hi, self.shape)

    @property
    def undecided(self) -> NDArray[np.bool_]:
        """Where the enclosures overlap."""
        return np.asarray(~(self.holds | self.refuted))

    @property
    def margin(self) -> Enclosure:
        """``rhs - lhs``: positive where there is room."""
        return self.rhs - self.lhs

    @property
    def basis(self) -> Basis:
        """The weaker of both sides."""
        return min(self.lhs.basis, self.rhs.basis)

    @property
    def delta(self) -> float:
        """Probability with which one of the sides may fail."""
        return self.lhs.delta + self.rhs.delta

    def __getitem__(self, index: Any) -> Inequality:
        return Inequality(
            self.lhs.broadcast_to(self.shape)[index], self.rhs.broadcast_to(self.shape)[index], self.strict
        )

    def __bool__(self) -> bool:
        raise TypeError("An inequality has no single truth value: look at holds, refuted and undecided")

    def __repr__(self) -> str:
        cells = int(np.prod(self.shape))
        sign = "<" if self.strict else "<="
        return (
            f"Inequality({self.lhs!r} {sign} {self.rhs!r}: holds {int(self.holds.sum())}, "
            f"refuted {int(self.refuted.sum())}, undecided {int(self.undecided.sum())} of {cells})"
        )
