"""Enclosures: arrays of intervals that say why they may be believed."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfold_theory.enclosure.inequality import Inequality
from unfold_theory.enclosure.rounding import ELEMENTARY, TINY, Numbers, as_float64, down, gamma, times, up
from unfold_theory.errors import InputError


class Basis(enum.IntEnum):
    """Why an enclosure is believed; the weakest wins when two combine."""

    SAMPLED = 0
    NUMERICAL = 1
    CONFIDENCE = 2
    CERTIFIED = 3
    EXACT = 4

    @property
    def label(self) -> str:
        """The word used in tables."""
        return self.name.lower()


@dataclass(frozen=True, eq=False, repr=False)
class Enclosure:
    r"""Arrays ``lo <= truth <= hi`` that broadcast over (depth, sample, ...), with the basis for believing them.

    Arithmetic rounds outward, so that the result contains the true result for every choice of true operands; it
    keeps the weakest ``basis``, and a rounded result is at best ``certified``. ``delta`` is the probability with which
    an enclosure of basis ``confidence`` may fail; failures of two operands are added (union bound).

    Args:
        lo, hi: Lower and upper ends, broadcast against each other, infinite ends allowed.
        basis: A :class:`Basis`.
        delta: Failure probability in [0, 1].

    Raises:
        InputError: An end is NaN, or some lo exceeds hi.
    """

    lo: NDArray[np.float64]
    hi: NDArray[np.float64]
    basis: Basis = Basis.NUMERICAL
    delta: float = 0.0
    # So that numpy arrays leave `array <= enclosure` and the like to this class.
    __array_ufunc__: None = field(default=None, init=False)

    def __post_init__(self) -> None:
        lo, hi = np.broadcast_arrays(as_float64(self.lo), as_float64(self.hi))
        if np.isnan(lo).any() or np.isnan(hi).any():
            raise InputError("An enclosure end is NaN", "Look for non-finite entries in the data or the network")
        if (lo > hi).any():
            where = np.unravel_index(int(np.argmax(lo - hi)), lo.shape)
            raise InputError(
                f"An enclosure is empty: lo {lo[where]!r} exceeds hi {hi[where]!r}",
                "Swap or recompute its ends",
            )
        if not 0 <= self.delta <= 1:
            raise InputError(f"A failure probability of {self.delta} is outside [0, 1]", "Choose delta in [0, 1]")
        object.__setattr__(self, "lo", lo)
        object.__setattr__(self, "hi", hi)
        object.__setattr__(self, "basis", Basis(self.basis))

    # -- ways to make one ------------------------------------------------------------------------------------------
    @classmethod
    def exact(cls, value: Any) -> Enclosure:
        """A point known exactly: a float is taken as the dyadic number that it is."""
        array = as_float64(value)
        return cls(array, array, Basis.EXACT)

    @classmethod
    def certified(cls, lo: Numbers, hi: Numbers) -> Enclosure:
        """Ends that were computed with outward rounding."""
        return cls(np.asarray(lo), np.asarray(hi), Basis.CERTIFIED)

    @classmethod
    def numerical(cls, value: Numbers, residual: Numbers = 0.0) -> Enclosure:
        """A float64 result with the residual that its producer states: ``value +- residual``."""
        value, residual = as_float64(value), as_float64(residual)
        if np.isnan(value).any() or np.isnan(residual).any():
            raise InputError("A value or a residual is NaN", "Look for non-finite entries in the data or the network")
        if (residual < 0).any():
            raise InputError("A residual is negative", "State residuals as absolute values")
        ends = [np.where(residual == 0, value, end) for end in (down(value - residual), up(value + residual))]
        return cls(ends[0], ends[1], Basis.NUMERICAL)

    @classmethod
    def confidence(cls, lo: Numbers, hi: Numbers, *, delta: float) -> Enclosure:
        """Ends that hold together with probability at least ``1 - delta``."""
        return cls(np.asarray(lo), np.asarray(hi), Basis.CONFIDENCE, delta)

    @classmethod
    def sampled_supremum(cls, seen: Numbers) -> Enclosure:
        """A supremum over a class of which only samples were seen: a lower bound and nothing above."""
        seen = as_float64(seen)
        return cls(seen, np.full_like(seen, np.inf), Basis.SAMPLED)

    @classmethod
    def of(cls, value: Any) -> Enclosure:
        """``value`` itself if it is an enclosure, else an exact point."""
        return value if isinstance(value, Enclosure) else cls.exact(value)

    def with_basis(self, basis: Basis) -> Enclosure:
        """The same ends on a weaker basis.

        Raises:
            InputError: The basis asked for is stronger than the present one.
        """
        if basis > self.basis:
            raise InputError(
                f"An enclosure with basis {self.basis.label} cannot become {basis.label}",
                "Prove it with a certificate and build a new enclosure",
            )
        return Enclosure(self.lo, self.hi, basis, self.delta)

    def _like(self, lo: Numbers, hi: Numbers, *others: Enclosure, rounded: bool = True) -> Enclosure:
        operands = (self, *others)
        basis = min(e.basis for e in operands)
        if rounded:
            basis = min(basis, Basis.CERTIFIED)
        delta = min(sum(e.delta for e in operands), 1.0)
        return Enclosure(np.asarray(lo), np.asarray(hi), basis, delta)

    # -- shape -----------------------------------------------------------------------------------------------------
    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of both ends."""
        return self.lo.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.lo.ndim

    @property
    def width(self) -> NDArray[np.float64]:
        """``hi - lo`` rounded upward."""
        with np.errstate(invalid="ignore", over="ignore"):
            return np.where(self.lo == self.hi, 0.0, up(self.hi - self.lo))

    @property
    def mid(self) -> NDArray[np.float64]:
        """A float between the ends, for plots: the finite end where the other is infinite, 0 where both are."""
        with np.errstate(invalid="ignore", over="ignore"):
            mid = self.lo / 2 + self.hi / 2
        mid = np.where(np.isinf(mid), np.where(np.isinf(self.hi), self.lo, self.hi), mid)
        return np.asarray(np.clip(np.where(np.isnan(mid), 0.0, mid), self.lo, self.hi))

    def __len__(self) -> int:
        return len(self.lo)

    def __getitem__(self, index: Any) -> Enclosure:
        return self._like(self.lo[index], self.hi[index], rounded=False)

    def reshape(self, *shape: int) -> Enclosure:
        """Both ends reshaped."""
        return self._like(self.lo.reshape(*shape), self.hi.reshape(*shape), rounded=False)

    def broadcast_to(self, shape: tuple[int, ...]) -> Enclosure:
        """Both ends broadcast."""
        return self._like(np.broadcast_to(self.lo, shape), np.broadcast_to(self.hi, shape), rounded=False)

    @property
    def T(self) -> Enclosure:
        """Both ends transposed."""
        return self._like(self.lo.T, self.hi.T, rounded=False)

    def contains(self, value: Numbers) -> NDArray[np.bool_]:
        """Where a float lies between the ends."""
        value = np.asarray(value, dtype=np.float64)
        return np.asarray((self.lo <= value) & (value <= self.hi))

    # -- arithmetic ------------------------------------------------------------------------------------------------
    def __neg__(self) -> Enclosure:
        return self._like(-self.hi, -self.lo, rounded=False)

    def __abs__(self) -> Enclosure:
        crosses = (self.lo < 0) & (self.hi > 0)
        small = np.minimum(np.abs(self.lo), np.abs(self.hi))
        return self._like(np.where(crosses, 0.0, small), np.maximum(np.abs(self.lo), np.abs(self.hi)), rounded=False)

    def __add__(self, other: Any) -> Enclosure:
        other = Enclosure.of(other)
        with np.errstate(invalid="ignore", over="ignore"):
            lo, hi = self.lo + other.lo, self.hi + other.hi
        # Adding zero is exact, and nonnegative terms have a nonnegative sum: zeros must stay zeros.
        low = np.where((self.lo == 0) | (other.lo == 0), lo, down(lo))
        high = np.where((self.hi == 0) | (other.hi == 0), hi, up(hi))
        nonnegative = (self.lo >= 0) & (other.lo >= 0)
        return self._like(np.where(nonnegative, np.maximum(low, 0.0), low), high, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Enclosure:
        return self + (-Enclosure.of(other))

    def __rsub__(self, other: Any) -> Enclosure:
        return Enclosure.of(other) + (-self)

    def __mul__(self, other: Any) -> Enclosure:
        other = Enclosure.of(other)
        corners = [times(a, b) for a in (self.lo, self.hi) for b in (other.lo, other.hi)]
        lo, hi = np.minimum.reduce(corners), np.maximum.reduce(corners)
        # A product with an exact zero is exact; the sign of a product of nonnegatives must survive the rounding.
        zero = ((self.lo == 0) & (self.hi == 0)) | ((other.lo == 0) & (other.hi == 0))
        nonnegative = (self.lo >= 0) & (other.lo >= 0)
        low = np.where(nonnegative, np.maximum(down(lo), 0.0), down(lo))
        return self._like(np.where(zero, 0.0, low), np.where(zero, 0.0, up(hi)), other)

    __rmul__ = __mul__

    def reciprocal(self) -> Enclosure:
        """``1 / self``; unbounded on the sides where zero is approached."""
        with np.errstate(divide="ignore", over="ignore"):
            below, above = 1.0 / self.hi, 1.0 / self.lo
        lo = np.where((self.lo < 0) & (self.hi >= 0), -np.inf, down(below))
        hi = np.where((self.lo <= 0) & (self.hi > 0), np.inf, up(above))
        both = (self.lo == 0) & (self.hi == 0)
        lo, hi = np.where(both, -np.inf, lo), np.where(both, np.inf, hi)
        return self._like(np.where(self.lo >= 0, np.maximum(lo, np.where(both, -np.inf, 0)), lo), hi)

    def __truediv__(self, other: Any) -> Enclosure:
        other = Enclosure.of(other)
        if (other.lo > 0).all() or (other.hi < 0).all():  # one rounding instead of two
            with np.errstate(over="ignore", invalid="ignore"):
                corners = [a / b for a in (self.lo, self.hi) for b in (other.lo, other.hi)]
            # inf / inf: any value of the right sign is possible.
            lo = down(np.minimum.reduce([np.where(np.isnan(c), -np.inf, c) for c in corners]))
            hi = up(np.maximum.reduce([np.where(np.isnan(c), np.inf, c) for c in corners]))
            lo = np.where((self.lo >= 0) & (other.lo > 0), np.maximum(lo, 0.0), lo)
            zero = (self.lo == 0) & (self.hi == 0)
            return self._like(np.where(zero, 0.0, lo), np.where(zero, 0.0, hi), other)
        quotient = self * other.reciprocal()
        undefined = (other.lo == 0) & (other.hi == 0)
        return self._like(np.where(undefined, -np.inf, quotient.lo), np.where(undefined, np.inf, quotient.hi), other)

    def __rtruediv__(self, other: Any) -> Enclosure:
        return Enclosure.of(other) / self

    def __pow__(self, exponent: Numbers) -> Enclosure:
        """Integer powers at least 0, elementwise in an array of exponents (repeated squaring)."""
        power = np.asarray(exponent)
        if power.dtype.kind not in "iu" or (power < 0).any():
            raise InputError(f"The power {exponent!r} is not a nonnegative integer", "Use sqrt, exp and log")
        odd = power % 2 == 1
        size = abs(self)
        result = Enclosure.exact(np.ones(np.broadcast_shapes(self.shape, power.shape)))
        base, left = size, power
        while (left > 0).any():
            bit = (left % 2 == 1).astype(float)
            step = result * base
            result = step._like(np.where(bit > 0, step.lo, result.lo), np.where(bit > 0, step.hi, result.hi), result)
            left = left // 2
            if (left > 0).any():
                base = base * base
        result = self._like(result.lo, result.hi)  # one operand, however often it was multiplied
        if not odd.any() or (self.lo >= 0).all():
            return result
        # Odd powers are monotone: the ends of the signed power are powers of the ends.
        ends = [Enclosure.exact(np.abs(end)) ** power for end in (self.lo, self.hi)]
        lo = np.where(self.lo < 0, -ends[0].hi, ends[0].lo)
        hi = np.where(self.hi < 0, -ends[1].lo, ends[1].hi)
        return self._like(np.where(odd, lo, result.lo), np.where(odd, hi, result.hi))

    def sqrt(self) -> Enclosure:
        """Square root; a lower end below zero is read as zero.

        Raises:
            InputError: An upper end is negative.
        """
        if (self.hi < 0).any():
            raise InputError("The square root of a negative enclosure", "Check the sign of the operand")
        lo = np.maximum(down(np.sqrt(np.maximum(self.lo, 0.0))), 0.0)
        return self._like(lo, np.where(self.hi == 0, 0.0, up(np.sqrt(self.hi))))

    def exp(self) -> Enclosure:
        """Exponential."""
        with np.errstate(over="ignore", under="ignore"):
            lo, hi = np.exp(self.lo), np.exp(self.hi)
        # Below the normal range units in the last place are absolute.
        room = 16 * TINY
        return self._like(np.maximum(down(lo * (1 - ELEMENTARY) - room), 0.0), up(hi * (1 + ELEMENTARY) + room))

    def log(self) -> Enclosure:
        """Natural logarithm; minus infinity where the lower end is not positive.

        Raises:
            InputError: An upper end is not positive.
        """
        if (self.hi <= 0).any():
            raise InputError("The logarithm of an enclosure that is not positive", "Check the sign of the operand")
        with np.errstate(divide="ignore"):
            lo, hi = np.log(np.maximum(self.lo, 0.0)), np.log(self.hi)
        return self._like(down(lo - ELEMENTARY * np.abs(lo)), up(hi + ELEMENTARY * np.abs(hi)))

    # -- reductions ------------------------------------------------------------------------------------------------
    def sum(self, axis: int | None = None) -> Enclosure:
        """Sum along an axis (all entries by default) with an a-priori rounding bound."""
        terms = self.lo.size if axis is None else self.shape[axis]
        if terms <= 1:
            return self._like(self.lo.sum(axis=axis), self.hi.sum(axis=axis), rounded=False)
        return self._accumulate(lambda a: a.sum(axis=axis), terms)

    def cumsum(self, axis: int = 0) -> Enclosure:
        """Running sum along an axis."""
        return self._accumulate(lambda a: np.cumsum(a, axis=axis), self.shape[axis])

    def _accumulate(self, add: Any, terms: int) -> Enclosure:
        constant = gamma(terms)
        with np.errstate(invalid="ignore", over="ignore"):
            slack_lo, slack_hi = (constant * add(np.abs(end)) for end in (self.lo, self.hi))
            lo, hi = add(self.lo) - slack_lo, add(self.hi) + slack_hi
        low = np.where(add((self.lo < 0).astype(float)) == 0, np.maximum(down(lo), 0.0), down(lo))
        # A slack of zero means that there was nothing but zeros, unless it underflowed.
        nothing = [add((end != 0).astype(float)) == 0 for end in (self.lo, self.hi)]
        return self._like(np.where(nothing[0], 0.0, low), np.where(nothing[1], 0.0, up(hi)))

    def cumprod(self, axis: int = 0) -> Enclosure:
        """Running product along an axis."""
        lo, hi = np.moveaxis(self.lo, axis, 0), np.moveaxis(self.hi, axis, 0)
        running = self._like(lo[:1], hi[:1], rounded=False)
        parts = [running]
        for k in range(1, len(lo)):
            running = running * self._like(lo[k : k + 1], hi[k : k + 1], rounded=False)
            parts.append(running)
        lows, highs = (np.concatenate([getattr(p, end) for p in parts]) for end in ("lo", "hi"))
        return self._like(np.moveaxis(lows, 0, axis), np.moveaxis(highs, 0, axis))

    def max(self, axis: int | None = None) -> Enclosure:
        """Largest entry along an axis."""
        return self._like(self.lo.max(axis=axis), self.hi.max(axis=axis), rounded=False)

    def min(self, axis: int | None = None) -> Enclosure:
        """Smallest entry along an axis."""
        return self._like(self.lo.min(axis=axis), self.hi.min(axis=axis), rounded=False)

    def sort(self, axis: int = -1) -> Enclosure:
        """Ascending order statistics: sorting both ends encloses the sorted truth."""
        return self._like(np.sort(self.lo, axis=axis), np.sort(self.hi, axis=axis), rounded=False)

    def norm(self, order: float | int | int, axis: int = -1) -> Enclosure:
        r"""$\ell_1$, $\ell_2$ or $\ell_\infty$ norm along an axis."""
        if order == 1:
            return abs(self).sum(axis)
        if order == 2:
            return (self**2).sum(axis).sqrt()
        if order == np.inf:
            return abs(self).max(axis)
        raise InputError(f"Norm of order {order!r}", "Use 1, 2 or numpy.inf")

    def __matmul__(self, other: Any) -> Enclosure:
        from unfold_theory.enclosure.elementwise import matmul

        return matmul(self, Enclosure.of(other))

    def __rmatmul__(self, other: Any) -> Enclosure:
        return Enclosure.of(other) @ self

    # -- comparison ------------------------------------------------------------------------------------------------
    def __le__(self, other: Any) -> Inequality:
        return Inequality(self, Enclosure.of(other))

    def __ge__(self, other: Any) -> Inequality:
        return Inequality(Enclosure.of(other), self)

    def __lt__(self, other: Any) -> Inequality:
        return Inequality(self, Enclosure.of(other), strict=True)

    def __gt__(self, other: Any) -> Inequality:
        return Inequality(Enclosure.of(other), self, strict=True)

    def __bool__(self) -> bool:
        raise TypeError("An enclosure has no truth value: compare it and look at Inequality.holds")

    def __repr__(self) -> str:
        if self.lo.size == 1:
            body = f"[{self.lo.item():.9g}, {self.hi.item():.9g}]"
        else:
            body = f"shape {self.shape}, within [{self.lo.min():.4g}, {self.hi.max():.4g}]"
        delta = f", delta={self.delta:g}" if self.delta else ""
        return f"Enclosure({body}, {self.basis.label}{delta})"
