"""Enclosures: every number with both its ends and the reason to believe them."""

from unfold_theory.enclosure.elementwise import matmul, maximum, minimum, stack, where
from unfold_theory.enclosure.inequality import Inequality
from unfold_theory.enclosure.interval import Basis, Enclosure
from unfold_theory.enclosure.rounding import UNIT_ROUNDOFF, down, gamma, up

__all__ = [
    "UNIT_ROUNDOFF",
    "Basis",
    "Enclosure",
    "Inequality",
    "down",
    "gamma",
    "matmul",
    "maximum",
    "minimum",
    "stack",
    "up",
    "where",
]
