"""Both sides of a worst case: the bound, and the value that the method really reaches on an instance."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.methods import (
    FunctionOracle,
    GradientDescent,
    InexactGradientDescent,
    Observation,
    ProximalGradient,
    ProximalPoint,
)
from unfold_theory.problems.functions import AbsoluteValue, Huber, Quadratic, TestFunction
from unfold_theory.rates.worst_case.closed_forms import DISTANCE, GAP, RESIDUAL
from unfold_theory.rates.worst_case.instance import WorstCaseInstance, run, worst_case_instance
from unfold_theory.rates.worst_case.interpolant import Interpolant
from unfold_theory.rates.worst_case.problem import Question
from unfold_theory.rates.worst_case.rate import TIGHT, WorstCaseRate


@dataclass
class InterpolantOracle:
    """Answers from functions through an instance's data; each of them is in its class whatever rounding did."""

    instance: WorstCaseInstance
    functions: dict[str, Interpolant]
    evaluations: list[tuple[str, np.ndarray, float]] = field(default_factory=list)
    loss: float = 0.0
    _errors: int = 0
    _starts: int = 0

    def initial(self, name: str = "x") -> np.ndarray:
        """Where the instance starts."""
        if self.instance.question.invariant:
            return np.zeros(self.instance.dimension)
        self._starts += 1
        return self.instance.answers[self._starts - 1]

    def gradient(self, component: str, point: np.ndarray) -> np.ndarray:
        """The function's own gradient."""
        answer = self.functions[component].at(point)
        self.loss = max(self.loss, answer.loss)
        self.evaluations.append((component, point, answer.value))
        return answer.gradient

    def prox(self, component: str, point: np.ndarray, step: Any) -> np.ndarray:
        """The function's own proximal map."""
        s, loss = self.functions[component].prox(point, float(step))
        at = point - step * s
        self.loss = max(self.loss, loss)
        self.evaluations.append((component, at, self.functions[component].at(at).value))
        return s

    def error(self, reference: np.ndarray, relative: Any) -> np.ndarray:
        """The recorded error, shortened where it exceeds what is allowed."""
        e = self.instance.recorded.errors[self._errors]
        self._errors += 1
        size, allowed = float(np.linalg.norm(e)), float(relative) * float(np.linalg.norm(reference))
        return e if size <= allowed else e * (allowed / size)

    def value(self, point: np.ndarray) -> float:
        """The objective."""
        return sum(function.at(point).value for function in self.functions.values())


@dataclass(frozen=True)
class Sandwich:
    """A worst case from both sides, for a start of size ``radius`` squared.

    Attributes:
        upper: The bound.
        lower: What the method reached on a function of the classes, divided by the size of its start: ``numerical``,
            with what the inner programs may have lost as its residual.
        source: The instance in words.
        dimension: Its dimension.
        violation: Largest relative violation of an inequality of any pair by the recorded data; 0 in closed form.
    """

    upper: float
    lower: Enclosure
    source: str
    dimension: int
    violation: float

    @property
    def gap(self) -> float:
        """Between the two, relative to the bound."""
        return 1 - float(self.lower.lo) / self.upper

    @property
    def tight(self) -> bool:
        """Whether the two agree to 1e-5: then a reduced set of inequalities was enough."""
        return self.gap <= TIGHT


def sandwich(rate: WorstCaseRate) -> Sandwich:
    """The best of the instances in closed form and the one of the rate's program, each replayed by running the method.

    Raises:
        MissingStructure: None can be replayed: the components are operators, or have curvatures below zero and an
            infimum that nothing attains.
    """
    found = [_replayed_function(rate.question, f, x0) for f, x0 in closed_instances(rate.question)]
    refusal: InputError | None = None
    if rate.solution is not None:
        try:
            found.append(replay(worst_case_instance(rate)))
        except MissingStructure as error:
            refusal = error
    if not found:
        raise refusal or InputError("No instance in closed form is known here", "Ask for form='chain' or form='full'")
    best = max(found, key=lambda s: float(s.lower.lo))
    square = rate.radius**2
    return Sandwich(rate.upper, best.lower * square, best.source, best.dimension, best.violation)


def replay(instance: WorstCaseInstance) -> Sandwich:
    """Run the method on functions through an instance's data.

    Raises:
        MissingStructure: There is no such function in closed form.
    """
    question = instance.question
    if question.method.operators:
        raise MissingStructure(
            question.method.title, "a replay", "an extension of its operator in closed form",
            "Read the instance's violation: by Kirszbraun's theorem an operator through its data exists",
        )  # fmt: skip
    if question.bounded_below and any(c.mu < 0 for c in question.classes.values()):
        raise MissingStructure(
            question.method.title, "a replay", "the infimum of a nonconvex interpolant",
            "Measure the start by its decrease, or read the instance's violation",
        )  # fmt: skip
    origin = not question.invariant
    functions = {name: Interpolant(cls, *instance.data(name), origin=origin) for name, cls in question.classes.items()}
    oracle = InterpolantOracle(instance, functions)
    seen = run(question, oracle)
    infimum = 0.0 if origin or question.start.decrease else functions["f"].infimum
    lower = _measured(question, seen, oracle.value, infimum)
    what = "interpolated worst case"
    return Sandwich(math.inf, _with_loss(lower, oracle.loss), what, instance.dimension, instance.violation)


def _with_loss(value: float, loss: float) -> Enclosure:
    return Enclosure.numerical(value, 16 * np.finfo(float).eps * abs(value) + loss)


def _measured(question: Question, seen: list[Observation], objective: Any, infimum: float) -> float:
    """The output's measure over the start's."""

    def measure(weights: Any, observed: Observation, reference: float) -> float:
        total = 0.0
        if weights.distance:
            total += weights.distance * sum(float(v @ v) for v in (observed.point, *observed.further))
        if weights.gap:
            total += weights.gap * (objective(observed.point) - reference)
        if weights.residual:
            total += weights.residual * float(observed.residual @ observed.residual)
        return total

    output, start = question.output, question.start
    if output.best:
        complete = [o for o in seen if o.residual is not None]
        reached = min(output.residual * float(o.residual @ o.residual) for o in complete)
    else:
        reached = measure(output, seen[-1], infimum)
    begun = measure(start, seen[0], objective(seen[-1].point) if start.decrease else infimum)
    return reached / begun


def closed_instances(question: Question) -> list[tuple[TestFunction, np.ndarray]]:
    """Functions of the classes, and starts at distance 1, on which the method is slow in closed form."""
    method, classes = question.method, question.classes
    f = classes.get("f")
    if question.start != DISTANCE or question.output not in (GAP, RESIDUAL):
        return []
    if isinstance(method, InexactGradientDescent):
        return []
    if f is None or f.mu != 0 or not isinstance(method, GradientDescent | ProximalGradient | ProximalPoint):
        return []
    T, start = float(np.sum(method.parameters["steps"])), np.ones(1)
    found: list[tuple[TestFunction, np.ndarray]] = []
    # The proximal map of a quadratic is no soft threshold: those methods are replayed on their own instance.
    if math.isfinite(f.L) and not isinstance(method, ProximalPoint):
        found.append((Quadratic((f.L,)), start))
    if T <= 0:
        return found
    if isinstance(method, GradientDescent) and math.isfinite(f.L):
        radius = 1 / (2 * f.L * T + 1) if question.output == GAP else 1 / (f.L * T + 1)
        found.append((Huber(f.L, radius), start))
    if (
        question.output == GAP
        and isinstance(method, ProximalGradient | ProximalPoint)
        and math.isinf(classes[method.components[-1]].L)
    ):
        found.append((AbsoluteValue(1 / (2 * T)), start))
    return found


def _replayed_function(question: Question, function: TestFunction, start: np.ndarray) -> Sandwich:
    seen = run(question, FunctionOracle(function, start))
    lower = _measured(question, seen, function.value, function.minimum)
    return Sandwich(math.inf, _with_loss(lower, 0.0), type(function).__name__, function.dimension, 0.0)
