r"""The chain form: K small linear matrix inequalities, one a step, coupled by symmetric matrices.

Over the reduced set (consecutive evaluations in both directions, and the solution) the worst-case problem of a K-step
method is a semidefinite program whose Gram matrix enters only through the blocks of single steps. Consecutive blocks
share the state between two steps and nothing else, so by completion of positive semidefinite matrices along a chain
(Grone et al., 1984) its dual is

.. math:: \min_{\tau,\lambda\ge0,W}\ \tau\quad\text{s.t.}\quad
   S_k=[k=0]\,\tau A_0+\sum_i\lambda_iA_{k,i}+R_k^TW_kR_k-L_k^TW_{k-1}L_k-C_k\succeq0,\quad k=0..K-1,

with the balance $\tau a_0+\sum_i\lambda_ia_i=c$ of function values: the same value, in time linear in K. $W_k$ is a
quadratic Lyapunov function of the state; nothing depends on the dimension.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unfold_theory.errors import MissingStructure
from unfold_theory.rates.worst_case.problem import STAR, Question, Recorder, coincide, form, values_needed

CAPACITY = 16
Index = Any


@dataclass
class Row:
    """One kind of inequality ``a F + <A, G> <= 0``, for each step of a group.

    Attributes:
        component: Of which it is; ``error`` and ``best`` are of none.
        source, target: Evaluations i and j of $f_j-f_i+q\\le0$, or ``*``; arrays over the steps.
        matrix: A, shape (steps, p, p), in scaled coordinates.
        plus, minus: Where +1 and -1 stand in a, as indices of values; None for none.
        unit: What the row was divided by.
    """

    component: str
    source: Index
    target: Index
    matrix: np.ndarray
    plus: Any
    minus: Any
    unit: float


@dataclass
class Group:
    """Steps whose blocks have the same structure, read at once.

    Attributes:
        steps: Their indices.
        kinds: What the coordinates are: ``x`` positions, ``g`` gradients.
        rows: The inequalities.
        right: Next state in scaled coordinates, shape (steps, o, p).
        left: The coordinates of the state, in the order of the state; none in the first step.
        objective: C, shape (steps, p, p), or None.
        start: A_0, or None.
        observed: Coordinates of the state before, for those who measure it.
    """

    steps: np.ndarray
    kinds: str
    rows: list[Row]
    right: np.ndarray
    left: list[int]
    objective: np.ndarray | None = None
    start: np.ndarray | None = None

    @property
    def p(self) -> int:
        """Size of the blocks."""
        return len(self.kinds)


@dataclass
class Chain:
    """The blocks of all steps, with the units that they were scaled by.

    Attributes:
        question: What is asked.
        groups: The blocks.
        values: How many function values there are.
        balance: c, what the multipliers have to add up to.
        start_balance: a_0.
        value_names: Component and evaluation of each value; ``best`` is the least residual.
        gradient_unit, output_unit, start_unit: Units of gradients, and of the two measures.
        pairs_to_solution: Whether the inequalities from iterates to the solution are in the set.
        state_kinds: What the state between two steps is made of.
    """

    question: Question
    groups: list[Group]
    values: int
    balance: np.ndarray
    start_balance: np.ndarray
    value_names: list[tuple[str, int]]
    gradient_unit: float
    output_unit: float
    start_unit: float
    pairs_to_solution: bool
    state_kinds: list[str] = field(default_factory=list)


def measure_unit(question: Question, measure: Any, gradient_unit: float) -> float:
    """The size that a measure has where positions are of size 1 and gradients of size ``gradient_unit``."""
    if measure.distance or question.method.operators:
        return 1.0
    return gradient_unit if measure.gap else gradient_unit**2


def build_chain(question: Question, *, scale: float = 1.0, pairs_to_solution: bool | None = None) -> Chain:
    """The blocks of a question.

    Args:
        question: What is asked.
        scale: Size of gradients relative to the curvature; exact rounding wants it near 1/(2 L sum of steps).
        pairs_to_solution: Whether the inequalities from iterates to the solution are in the set; by default where
            they can matter.

    Raises:
        MissingStructure: The method is not measured like that.
    """
    return _Builder(question, scale, pairs_to_solution).build()


class _Builder:
    def __init__(self, question: Question, scale: float, pairs_to_solution: bool | None):
        self.question, self.method = question, question.method
        self.unit = question.curvature * scale
        wanted = question.reduced_pairs_to_solution if pairs_to_solution is None else pairs_to_solution
        self.pairs_to_solution = wanted
        self.output_unit = measure_unit(question, question.output, self.unit)
        self.start_unit = measure_unit(question, question.start, self.unit)
        self.counts = dict.fromkeys(self.method.components, 0)
        self.pending: list[tuple[Row, str]] = []

    def build(self) -> Chain:
        K = self.method.depth
        spans = [np.array([0]), np.arange(1, K - 1), np.array([K - 1])] if K > 1 else [np.array([0])]
        groups = [self._group(span) for span in spans if span.size]
        return self._number(groups)

    # -- one group of steps ----------------------------------------------------------------------------------------
    def _group(self, span: np.ndarray) -> Group:
        question, method = self.question, self.method
        first, last = int(span[0]) == 0, int(span[-1]) == method.depth - 1
        recorder = Recorder(len(span), CAPACITY, self.unit, question.invariant)
        k: Any = span if len(span) > 1 else int(span[0])
        observed = []
        if first:
            state = method.start(recorder, values=values_needed(question))
            opening = len(recorder.evaluations)
            known = []
            self._check_start(recorder, state)
            complete = {c for c, _, _ in recorder.evaluations} == set(method.components)
            observed.append((0, method.observe(k, state) if complete else None))
        else:
            state = self._entry(recorder, method.kinds(int(span[0])))
            known = method.carried(k, state)
            opening = 0
        entry = state
        state = method.step(k, state, recorder)
        observed.append((1, method.observe(k + 1, state)))
        p = len(recorder.kinds)
        new = self._indexed(recorder.evaluations, span)
        ordinal = np.arange(len(span))
        known_points = [(c, x, g, self.before[c] - 1 + ordinal * self.per_step[c]) for c, x, g in known]
        rows = [*self._pairs(known_points, new, p), *self._stars(new, p)]
        rows += [
            Row("error", span, span, form(terms, p) / self.unit**2, None, None, self.unit**2)
            for terms in recorder.errors
        ]
        right = self._coupling(state, method.kinds(int(span[-1]) + 1), p) if not last else np.zeros((len(span), 0, p))
        offset = 1 if question.invariant else 0
        left = [] if first else list(range(len(method.kinds(int(span[0]))) - offset))
        group = Group(span, recorder.kinds, rows, right, left)
        if first:
            start = self._measured(question.start, method.observe(k, entry), p, self.start_unit)
            group.start = np.zeros((1, p, p)) if start is None else start
            self.opening = {component: number for component, _, _, number in new[:opening]}
        self._output(group, observed, p, last, [*known_points, *new])
        return group

    @staticmethod
    def _entry(recorder: Recorder, kinds: str) -> tuple[np.ndarray, ...]:
        """A state in coordinates: positions after the first one relative to it, since they may be close together."""
        state: list[np.ndarray] = []
        for position, kind in enumerate(kinds):
            vector = recorder.coordinate(kind)
            state.append(vector if kind != "x" or "x" not in kinds[:position] else state[kinds.index("x")] + vector)
        return tuple(state)

    def _check_start(self, recorder: Recorder, state: Any) -> None:
        if self.question.start.gap:
            coincide(self.question, recorder.evaluations, self.method.observe(0, state).point, "start")

    def _indexed(self, evaluations: list, span: np.ndarray) -> list[tuple[str, Any, Any, np.ndarray]]:
        """New evaluations with their numbers: each component counts its own."""
        per_step = dict.fromkeys(self.method.components, 0)
        for component, _, _ in evaluations:
            per_step[component] += 1
        seen = dict.fromkeys(self.method.components, 0)
        indexed = []
        ordinal = np.arange(len(span))
        for component, x, g in evaluations:
            number = self.counts[component] + ordinal * per_step[component] + seen[component]
            seen[component] += 1
            indexed.append((component, x, g, number))
        self.per_step = per_step
        self.before = dict(self.counts)
        for component in self.counts:
            self.counts[component] += per_step[component] * len(span)
        return indexed

    def _pairs(self, known: list, new: list, p: int) -> Iterator[Row]:
        question = self.question
        for name, cls in question.classes.items():
            old = [e for e in known if e[0] == name]
            fresh = [e for e in new if e[0] == name]
            everything = old + fresh
            for a, (_, xi, gi, i) in enumerate(everything):
                for b, (_, xj, gj, j) in enumerate(everything):
                    if a == b or (a < len(old) and b < len(old)):
                        continue
                    if question.method.operators:
                        if a < b:
                            yield Row(name, i, j, form(cls.terms(xi - xj, gi - gj), p), None, None, 1.0)
                        continue
                    matrix = form(cls.terms(xi - xj, gi - gj, gj), p) / self.unit
                    yield Row(name, i, j, matrix, j, i, self.unit)

    def _stars(self, new: list, p: int) -> Iterator[Row]:
        question = self.question
        for name, x, g, number in new:
            cls = question.classes[name]
            if question.method.operators:
                yield Row(name, STAR, number, form(cls.terms(x, g), p), None, None, 1.0)
                continue
            if not question.invariant:
                yield Row(name, STAR, number, form(cls.terms(-x, -g, g), p) / self.unit, number, None, self.unit)
                if self.pairs_to_solution:
                    matrix = form(cls.terms(x, g, 0 * g), p) / self.unit
                    yield Row(name, number, STAR, matrix, None, number, self.unit)
            if question.bounded_below and len(question.classes) == 1:
                matrix = np.zeros((len(x), p, p)) + form(cls.lower_bound(g), p) / self.unit
                yield Row(name, number, "infimum", matrix, None, number, self.unit)

    def _coupling(self, state: Any, kinds: str, p: int) -> np.ndarray:
        """The next state in scaled coordinates, as :meth:`_entry` takes it."""
        origin = state[kinds.index("x")][:, :p]
        scaled = []
        for position, (vector, kind) in enumerate(zip(state, kinds, strict=True)):
            if kind != "x":
                scaled.append(vector[:, :p] / self.unit)
            elif position != kinds.index("x"):
                scaled.append(vector[:, :p] - origin)
            elif not self.question.invariant:
                scaled.append(origin)
        return np.stack(scaled, axis=1)

    # -- measures --------------------------------------------------------------------------------------------------
    def _measured(self, measure: Any, observed: Any, p: int, unit: float) -> np.ndarray | None:
        terms = []
        if measure.distance:
            terms += [(measure.distance / unit, v, v) for v in (observed.point, *observed.further)]
        if measure.residual:
            if observed.residual is None:
                raise MissingStructure(self.method.title, "a residual", "one at every iterate that is measured")
            terms.append((measure.residual / unit, observed.residual, observed.residual))
        return form(terms, p) if terms else None

    def _output(self, group: Group, observed: list, p: int, last: bool, evaluations: list) -> None:
        measure = self.question.output
        if measure.best:
            for side, seen in observed:
                if seen is None or (seen.residual is None and side == 0):
                    continue
                if seen.residual is None:
                    raise MissingStructure(self.method.title, "the best residual", "a residual at every iterate")
                matrix = -(self._measured(measure, seen, p, self.output_unit))  # type: ignore[operator]
                group.rows.append(Row("best", group.steps + side, STAR, matrix, "best", None, self.output_unit))
            return
        if last:
            seen = observed[-1][1]
            group.objective = self._measured(measure, seen, p, self.output_unit)
            if measure.gap or self.question.start.decrease:
                coincide(self.question, [(c, x, g) for c, x, g, _ in evaluations], seen.point, "output")

    def _number(self, groups: list[Group]) -> Chain:
        """Values get their places, and measures of values their balance."""
        question = self.question
        names: list[tuple[str, int]] = []
        offsets = {}
        if not self.method.operators:
            for name, count in self.counts.items():
                offsets[name] = len(names)
                names += [(name, i) for i in range(count)]
        if question.output.best:
            offsets["best"] = len(names)
            names.append(("best", 0))
        for group in groups:
            for row in group.rows:
                for side in ("plus", "minus"):
                    number = getattr(row, side)
                    if isinstance(number, str):
                        setattr(row, side, np.full(len(group.steps), offsets["best"]))
                    elif number is not None:
                        setattr(row, side, offsets[row.component] + number)
        balance, start = np.zeros(len(names)), np.zeros(len(names))
        for name in self.method.components if not self.method.operators else ():
            final = offsets[name] + self.counts[name] - 1
            balance[final] += question.output.gap * self.unit / self.output_unit
            if question.start.gap:
                weight = question.start.gap * self.unit / self.start_unit
                start[offsets[name] + int(self.opening[name][0])] += weight
                if question.start.decrease:
                    start[final] -= weight
        if question.output.best:
            balance[offsets["best"]] = 1.0
        kinds = [self.method.kinds(k) for k in range(1, self.method.depth)]
        units = (self.unit, self.output_unit, self.start_unit)
        return Chain(question, groups, len(names), balance, start, names, *units, self.pairs_to_solution, kinds)
