r"""Prior masses on the integers: codes for quantised parameters, with rational masses that sum to 1 exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError


@dataclass(frozen=True)
class IntegerCode:
    r"""$p(0)=1-a$ and $p(\pm j)=\frac a2g(j)$ for $j\ge1$, with $g(j)=(1-r)r^{j-1}$, or $g(j)=\frac1{j(j+1)}$.

    Both sums telescope: beyond J the mass is $a\,r^J$, or $a/(J+1)$, so that the total is 1.

    Args:
        nonzero: a, the mass off zero, in (0, 1).
        ratio: r in (0, 1); None for the heavy tail $1/(j(j+1))$.

    Raises:
        InputError: A mass or ratio is no fraction in (0, 1).
    """

    nonzero: Fraction
    ratio: Fraction | None = None

    def __post_init__(self) -> None:
        for value in (self.nonzero, *(() if self.ratio is None else (self.ratio,))):
            if not isinstance(value, Fraction) or not 0 < value < 1:
                raise InputError(f"A mass or ratio of {value!r} in a code", "Pass fractions in (0, 1)")

    def mass(self, integer: int) -> Fraction:
        """The prior mass of an integer, exactly."""
        j = abs(int(integer))
        if j == 0:
            return 1 - self.nonzero
        shape = Fraction(1, j * (j + 1)) if self.ratio is None else (1 - self.ratio) * self.ratio ** (j - 1)
        return self.nonzero / 2 * shape

    def beyond(self, largest: int) -> Fraction:
        r"""The mass of $\{|z|>J\}$, exactly."""
        J = int(largest)
        return self.nonzero * (Fraction(1, J + 1) if self.ratio is None else self.ratio**J)

    def nats(self, integers: Any) -> Enclosure:
        r"""$-\sum\ln p(z_i)$, shape (). Certified: the float64 logarithms are rounded outward."""
        return _spend(self, *_statistics(np.asarray(integers)))


def _statistics(integers: NDArray[np.int64]) -> tuple[int, int, int, Enclosure]:
    """Zeros, nonzeros, the sum of |z| - 1 over nonzeros, and the sum of ln(j(j + 1)) over them."""
    size = np.abs(integers.ravel())
    j = size[size > 0].astype(np.float64)
    heavy = Enclosure.exact(j * (j + 1)).log().sum() if j.size else Enclosure.exact(0.0)
    return int(size.size - j.size), int(j.size), int(j.sum() - j.size), heavy


def _spend(code: IntegerCode, zeros: int, others: int, excess: int, heavy: Enclosure) -> Enclosure:
    total = float(zeros) * -_log(1 - code.nonzero) + float(others) * -_log(code.nonzero / 2)
    if code.ratio is None:
        return total + heavy
    return total + float(others) * -_log(1 - code.ratio) + float(excess) * -_log(code.ratio)


def _log(value: Fraction) -> Enclosure:
    return (Enclosure.exact(float(value.numerator)) / Enclosure.exact(float(value.denominator))).log()


def best_code(codes: tuple[IntegerCode, ...], integers: Any) -> tuple[int, Enclosure]:
    """Index of the code that spends least on these integers, and what it spends, certified."""
    zeros, others, excess, heavy = found = _statistics(np.asarray(integers))
    spent = _table(codes) @ np.array([zeros, others, excess, float(heavy.mid)])
    index = int(np.argmin(spent))
    return index, _spend(codes[index], *found)


@lru_cache
def _table(codes: tuple[IntegerCode, ...]) -> NDArray[np.float64]:
    """What each code spends on one unit of the four statistics, in float64: only to choose among them."""
    rows = []
    for code in codes:
        a, r = float(code.nonzero), code.ratio
        shape = (0.0, 0.0, 1.0) if r is None else (-math.log(1 - float(r)), -math.log(float(r)), 0.0)
        rows.append((-math.log(1 - a), -math.log(a / 2) + shape[0], shape[1], shape[2]))
    return np.array(rows)


def _family(nonzero: tuple[str, ...], ratios: tuple[str, ...]) -> tuple[IntegerCode, ...]:
    return tuple(
        IntegerCode(Fraction(a), None if r == "heavy" else Fraction(r)) for a in nonzero for r in (*ratios, "heavy")
    )


SHORT = _family(("1/4", "1/2", "3/4", "15/16"), ("1/4", "1/2", "3/4"))
"""For a few parameters, where naming the code is a part of its length: 16 codes."""
LONG = _family(
    ("1/4096", "1/1024", "1/256", "1/128", "1/64", "1/32", "1/16", "1/8", "1/4", "1/2", "3/4", "7/8", "15/16"),
    ("1/16", "1/8", "1/4", "1/2", "5/8", "3/4", "7/8"),
)
"""For many parameters, nearly all zero to nearly none: 104 codes."""
