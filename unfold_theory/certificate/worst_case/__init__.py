"""Worst-case rates of K-step first-order methods with exact parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from unfold_theory.certificate.kinds import Theorem, register
from unfold_theory.certificate.rationals import enclosed
from unfold_theory.certificate.worst_case import exact, independent
from unfold_theory.certificate.worst_case.proof import Multipliers
from unfold_theory.certificate.worst_case.statement import FunctionClass, Statement
from unfold_theory.enclosure import Enclosure

__all__ = ["FunctionClass", "Multipliers", "Statement", "WorstCaseRate", "enclosed"]


@register
@dataclass(frozen=True)
class WorstCaseRate(Theorem):
    r"""output $\le$ rate $\cdot$ start after the steps of a method, for all functions of the classes."""

    statement: Statement
    proof: Multipliers
    kind: ClassVar[str] = "worst-case rate"

    @classmethod
    def read(cls, statement: dict[str, Any], proof: dict[str, Any]) -> WorstCaseRate:
        """Read strictly; see :class:`~unfold_theory.certificate.kinds.Theorem`."""
        return cls(Statement.read(statement), Multipliers.read(proof))

    @property
    def title(self) -> str:
        """What is stated."""
        return self.statement.title

    @property
    def bound(self) -> Enclosure:
        """The rate between two floats."""
        return enclosed(self.statement.rate)

    def check(self) -> int:
        """Every block decomposed with FLINT's rationals."""
        return exact.check(self.statement, self.proof)

    def check_independently(self) -> bool:
        """The polynomial identity and one Gram matrix, with SymPy, for few steps."""
        return independent.check(self.statement, self.proof)
