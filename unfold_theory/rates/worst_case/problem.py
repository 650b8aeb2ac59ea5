"""A worst-case question, and the inequalities that answer it, in the coordinates of one step or of all."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.methods import Method
from unfold_theory.rates.worst_case.classes import Terms
from unfold_theory.rates.worst_case.measures import Measure

STAR = "*"
"""The index of the solution in names of inequalities."""


@dataclass(frozen=True)
class Question:
    """The largest ``output`` of a method over classes of components, given that ``start`` is at most 1.

    Attributes:
        method: The K steps.
        classes: The class of each component.
        output: How the output is measured.
        start: How the start is measured.
    """

    method: Method
    classes: dict[str, Any]
    output: Measure
    start: Measure

    @property
    def curvature(self) -> float:
        """The unit of gradients: the largest finite curvature, else one over the mean step; 1 for operators."""
        if self.method.operators:
            return 1.0
        finite = [c.L for c in self.classes.values() if math.isfinite(c.L)]
        if finite:
            return max(finite)
        steps = np.concatenate([np.ravel(v) for v in self.method.parameters.values()])
        return float(1 / np.mean(np.abs(steps)))

    @property
    def invariant(self) -> bool:
        """Whether moving everything changes nothing, so that no solution's position enters."""
        if self.method.operators or self.output.distance or self.start.distance:
            return False
        return all(c.mu <= 0 for c in self.classes.values())

    @property
    def bounded_below(self) -> bool:
        """Whether the infimum enters as a value only."""
        if self.start.decrease and not self.output.gap:
            return False
        return self.invariant or any(c.mu < 0 for c in self.classes.values() if not self.method.operators)

    def check(self) -> None:
        """Refuse what has no answer.

        Raises:
            InputError: A measure does not go with the method, or no finite worst case exists.
            MissingStructure: The infimum of a sum would have to be bounded by its parts.
        """
        method, title = self.method, self.method.title
        if method.operators and (self.output.gap or self.start.gap):
            raise InputError(f"A gap of the objective for {title}", "An operator has no objective: take the residual")
        reason = None if method.operators else method.finite(self.classes, self.curvature)
        grows = self.start.decrease or "proximal map" in str(reason)
        if reason and grows:
            raise InputError(f"No finite worst case: {reason}", "Choose shorter steps")
        if self.invariant and not self.start.decrease and len(method.components) > 1:
            raise MissingStructure(
                title,
                f"a start measured by {self.start.label}",
                "a bound of the infimum of a sum",
                "Measure the start by its distance or its decrease",
            )

    @property
    def reduced_pairs_to_solution(self) -> bool:
        """Whether inequalities from iterates to the solution can matter in the reduced set."""
        if self.method.operators:
            return False
        plain = not (self.output.distance or self.output.residual or self.start.gap or self.start.residual)
        return not plain or any(c.mu != 0 for c in self.classes.values())


@dataclass
class Recorder:
    """An oracle in coordinates: every answer is a new coordinate. Many steps are read at once, one a row.

    Attributes:
        rows: How many steps are read at once.
        capacity: Largest number of coordinates.
        gradient_unit: What one unit of a gradient's coordinate stands for.
        invariant: Whether the first position is the origin.
    """

    rows: int
    capacity: int
    gradient_unit: float
    invariant: bool
    kinds: str = ""
    evaluations: list[tuple[str, Any, Any]] = field(default_factory=list)
    errors: list[Terms] = field(default_factory=list)
    _placed: bool = False

    def coordinate(self, kind: str) -> np.ndarray:
        """A vector of a kind that nothing is known of."""
        vector = np.zeros((self.rows, self.capacity))
        if kind == "x" and self.invariant and not self._placed:
            self._placed = True
            return vector
        vector[:, len(self.kinds)] = 1.0 if kind == "x" else self.gradient_unit
        self.kinds += kind
        return vector

    def initial(self, name: str = "x") -> np.ndarray:
        """A starting point."""
        return self.coordinate("g" if name == "nu" else "x")

    def gradient(self, component: str, point: np.ndarray) -> np.ndarray:
        """A new gradient, recorded at its point; images of operators are positions."""
        g = self.coordinate("x" if component == "T" else "g")
        self.evaluations.append((component, point, g))
        return g

    def prox(self, component: str, point: np.ndarray, step: Any) -> np.ndarray:
        """A new subgradient, recorded where the proximal map leads."""
        s = self.coordinate("g")
        self.evaluations.append((component, point - step * s, s))
        return s

    def error(self, reference: np.ndarray, relative: Any) -> np.ndarray:
        """A new vector, bounded by its reference."""
        e = self.coordinate("g")
        self.errors.append([(1.0, e, e), (-(relative**2), reference, reference)])
        return e


def form(terms: Terms, p: int) -> np.ndarray:
    """The symmetric matrices of a quadratic form, shape (rows, p, p)."""
    total: Any = 0.0
    for coefficient, u, v in terms:
        product = np.asarray(coefficient)[..., None] * u[:, :p, None] * v[:, None, :p]
        total = total + (product + product.transpose(0, 2, 1)) / 2
    return total


def values_needed(question: Question) -> bool:
    """Whether the start is measured by values or residuals at the starting point."""
    return bool(question.start.gap or question.start.residual)


def coincide(question: Question, evaluations: list[tuple[str, Any, Any]], point: Any, what: str) -> None:
    """Every component has to be evaluated at a point for a gap there.

    Raises:
        MissingStructure: One is not.
    """
    last = {component: at for component, at, _ in evaluations}
    for name in question.method.components:
        if name not in last or not np.allclose(last[name], point, rtol=1e-9, atol=1e-12):
            raise MissingStructure(question.method.title, f"a gap of its {what}", f"an evaluation of {name} there")
