"""All pairs: one semidefinite program over the Gram matrix of everything that the oracle ever answered.

Interpolation inequalities between all pairs are sufficient (``classes``), so that this is the exact worst case over
all dimensions. Functions of a sum are shifted by linear ones until both vanish to first order at the solution, which
changes no answer and gives the dual an interior (facial reduction).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp

from unfold_theory.errors import MissingStructure
from unfold_theory.rates.worst_case.chain import measure_unit
from unfold_theory.rates.worst_case.chain_solver import stationarity
from unfold_theory.rates.worst_case.classes import Terms
from unfold_theory.rates.worst_case.conic import ConicResult, Solution, clarabel, smat, solve, svec, triangle
from unfold_theory.rates.worst_case.problem import STAR, Question, Recorder, coincide, form, values_needed

BLOCK = 1000


@dataclass
class Family:
    """Inequalities of one component, or of one kind.

    Attributes:
        component: Of which they are.
        names: Evaluations i and j of each, -1 for the solution, -2 for the infimum.
        terms: The quadratic parts, coordinates of shape (count, n).
        plus, minus: Places of the values, -1 for none.
        unit: What the rows are divided by.
    """

    component: str
    names: np.ndarray
    terms: Terms
    plus: np.ndarray
    minus: np.ndarray
    unit: float


@dataclass
class Full:
    """Everything about a question in the coordinates of all steps; see :class:`~.chain.Chain` for the units."""

    question: Question
    kinds: str
    evaluations: list[tuple[str, int, np.ndarray, np.ndarray]]
    families: list[Family]
    value_names: list[tuple[str, int]]
    balance: np.ndarray
    start_balance: np.ndarray
    objective: np.ndarray
    start: np.ndarray
    gradient_unit: float
    output_unit: float
    start_unit: float
    start_state: tuple[np.ndarray, ...]


def trace(question: Question, unit: float, rows: int = 1) -> tuple[Recorder, list[Any], list[tuple[int, Any]]]:
    """Run the whole program in coordinates: the recorder, the starting state, and what was observed after each step."""
    method = question.method
    capacity = 4 * method.depth + 10
    recorder = Recorder(rows, capacity, unit, question.invariant)
    state = method.start(recorder, values=values_needed(question))
    start = list(state)
    complete = {c for c, _, _ in recorder.evaluations} == set(method.components)
    observed = [(0, method.observe(0, state) if complete or not question.output.best else None)]
    recorder.opening = len(recorder.evaluations)  # type: ignore[attr-defined]
    for k in range(method.depth):
        state = method.step(k, state, recorder)
        observed.append((k + 1, method.observe(k + 1, state)))
    return recorder, start, observed


def build_full(question: Question) -> Full:
    """The Gram matrix's problem over all pairs.

    Raises:
        MissingStructure: The method is not measured like that.
    """
    unit = question.curvature
    recorder, start, observed = trace(question, unit)
    n, method = len(recorder.kinds), question.method
    counts = dict.fromkeys(method.components, 0)
    evaluations = []
    for component, x, g in recorder.evaluations:
        evaluations.append((component, counts[component], x[0, :n], g[0, :n]))
        counts[component] += 1
    names: list[tuple[str, int]] = []
    offsets = {}
    for name in method.components if not method.operators else ():
        offsets[name] = len(names)
        names += [(name, i) for i in range(counts[name])]
    families = [f for name in method.components for f in _families(question, name, evaluations, offsets, unit)]
    if recorder.errors:
        parts = [[(np.ravel(c)[0] / unit**2, u[0, :n], v[0, :n]) for c, u, v in t] for t in recorder.errors]
        stacked = [
            (np.array([p[i][0] for p in parts]), np.array([p[i][1] for p in parts]), np.array([p[i][2] for p in parts]))
            for i in range(2)
        ]
        count = len(parts)
        none = np.full(count, -1)
        families.append(Family("error", np.stack([np.arange(count)] * 2, 1), stacked, none, none, unit**2))
    out_unit, start_unit = (measure_unit(question, m, unit) for m in (question.output, question.start))
    objective, begin = np.zeros((n, n)), np.zeros((n, n))
    if question.output.best:
        offsets["best"] = len(names)
        names.append(("best", 0))
        seen = [(k, o.residual[0, :n]) for k, o in observed if o is not None and o.residual is not None]
        if len(seen) < method.depth:
            raise MissingStructure(method.title, "the best residual", "a residual at every iterate")
        r = np.array([v for _, v in seen])
        place = np.full(len(seen), offsets["best"])
        which = np.stack([np.array([k for k, _ in seen]), np.full(len(seen), -1)], 1)
        terms = [(-question.output.residual / out_unit, r, r)]
        families.append(Family("best", which, terms, place, np.full(len(seen), -1), out_unit))
    else:
        objective = _measured(question, question.output, observed[-1][1], n, out_unit)
    begin = _measured(question, question.start, observed[0][1], n, start_unit)
    balance, first = np.zeros(len(names)), np.zeros(len(names))
    if question.output.best:
        balance[offsets["best"]] = 1.0
    if question.output.gap or question.start.decrease:
        coincide(question, recorder.evaluations, observed[-1][1].point, "output")
    if question.start.gap:
        opening = recorder.evaluations[: recorder.opening]  # type: ignore[attr-defined]
        coincide(question, opening, observed[0][1].point, "start")
    for name in method.components if not method.operators else ():
        balance[offsets[name] + counts[name] - 1] += question.output.gap * unit / out_unit
        if question.start.gap:
            weight = question.start.gap * unit / start_unit
            first[offsets[name]] += weight
            if question.start.decrease:
                first[offsets[name] + counts[name] - 1] -= weight
    return Full(
        question, recorder.kinds, evaluations, families, names, balance, first, objective, begin, unit, out_unit,
        start_unit, tuple(v[0, :n] for v in start),
    )  # fmt: skip


def _measured(question: Question, measure: Any, observed: Any, n: int, unit: float) -> np.ndarray:
    total = np.zeros((n, n))
    if measure.distance:
        total = total + form([(measure.distance / unit, v, v) for v in (observed.point, *observed.further)], n)[0]
    if measure.residual:
        if observed.residual is None:
            raise MissingStructure(question.method.title, "a residual", "one at every iterate that is measured")
        total = total + form([(measure.residual / unit, observed.residual, observed.residual)], n)[0]
    return total


def _families(question: Question, name: str, evaluations: list, offsets: dict[str, int], unit: float) -> list[Family]:
    """All inequalities of a component."""
    cls, zero = question.classes[name], np.zeros_like(evaluations[0][2])
    points = [(x, g) for component, _, x, g in evaluations if component == name]
    m = len(points)
    if not question.invariant:
        points.append((zero, zero))
    X, G = (np.array([point[side] for point in points]) for side in (0, 1))
    i, j = (a.ravel() for a in np.meshgrid(np.arange(len(points)), np.arange(len(points)), indexing="ij"))
    if question.method.operators:
        keep = i < j
        i, j = i[keep], j[keep]
        none = np.full(len(i), -1)
        ends = np.stack([i, np.where(j == m, -1, j)], 1)
        return [Family(name, ends, cls.terms(X[i] - X[j], G[i] - G[j]), none, none, 1.0)]
    keep = i != j
    i, j = i[keep], j[keep]
    place = np.append(offsets[name] + np.arange(m), -1)[: len(points)]
    ends = np.stack([np.where(i == m, -1, i), np.where(j == m, -1, j)], 1)
    terms = [(c / unit, u, v) for c, u, v in cls.terms(X[i] - X[j], G[i] - G[j], G[j])]
    families = [Family(name, ends, terms, place[j], place[i], unit)]
    if question.bounded_below and len(question.classes) == 1:
        ends = np.stack([np.arange(m), np.full(m, -2)], 1)
        terms = [(c / unit, u, v) for c, u, v in cls.lower_bound(G[:m])]
        families.append(Family(name, ends, terms, np.full(m, -1), place[:m], unit))
    return families


def svec_rows(terms: Terms, count: int, n: int) -> Any:
    """Rows svec(A) of quadratic forms, sparse, built in blocks so that memory stays bounded."""
    r, c, weights = triangle(n)
    blocks = []
    for low in range(0, count, BLOCK):
        part = slice(low, min(low + BLOCK, count))
        total = np.zeros((part.stop - low, len(r)))
        for coefficient, u, v in terms:
            scale = coefficient[part, None] if isinstance(coefficient, np.ndarray) else coefficient
            u, v = u[part], v[part]
            total += (0.5 * scale) * (u[:, r] * v[:, c] + u[:, c] * v[:, r])
        blocks.append(sp.csr_matrix(total * weights))
    return sp.vstack(blocks).tocsr()


@dataclass
class FullSolution(Solution):
    """Primal and dual solution over all pairs; properties are in the units of the question."""

    full: Full
    result: ConicResult
    matrix: Any
    b: np.ndarray

    @property
    def unit(self) -> float:
        """What one unit of the scaled value stands for."""
        return self.full.output_unit / self.full.start_unit

    @cached_property
    def residual(self) -> float:
        """By how much the value may err, to first order: the gap, and what violations of feasibility are worth."""
        x, z, F = self.result.x, self.result.z, self.full.balance.size
        slack = self.b - self.matrix @ x
        rows = F + len(x)
        balance = float(np.abs(slack[:F]) @ np.abs(z[:F]))
        negative = float(-np.minimum(slack[F:rows], 0) @ np.abs(z[F:rows]))
        n = len(self.full.kinds)
        least = min(float(np.linalg.eigvalsh(smat(slack[rows:], n))[0]), 0.0)
        negative -= least * float(np.trace(self.gram_scaled))
        return (abs(float(x[0]) - self.result.dual_value) + balance + negative + stationarity(self)) * self.unit

    @property
    def gram_scaled(self) -> np.ndarray:
        """The Gram matrix at the worst case, in scaled coordinates."""
        n = len(self.full.kinds)
        return smat(self.result.z[-(n * (n + 1) // 2) :], n)

    @cached_property
    def values(self) -> np.ndarray:
        """Function values at the worst case, in units of the question for a start of size 1."""
        full = self.full
        unit = np.array([full.output_unit if name == "best" else full.gradient_unit for name, _ in full.value_names])
        return -self.result.z[: len(full.value_names)] * unit / full.start_unit

    @cached_property
    def multipliers(self) -> dict[tuple[str, Any, Any], float]:
        """As :attr:`~.chain_solver.ChainSolution.multipliers`."""
        named, column = {}, 1
        for family in self.full.families:
            values = self.result.x[column : column + len(family.names)] * (self.full.output_unit / family.unit)
            column += len(family.names)
            marks = {-1: STAR, -2: "infimum"}
            for (i, j), value in zip(family.names.tolist(), values.tolist(), strict=True):
                named[family.component, marks.get(i, i), marks.get(j, j)] = value
        return named


def solve_full(full: Full, *, tolerance: float = 1e-9, margin: float = 0.0) -> FullSolution:
    """Solve over all pairs; with a margin, multipliers are at least that and the matrix at least that times I."""
    n, F = len(full.kinds), full.balance.size
    counts = [len(family.names) for family in full.families]
    quadratic = sp.vstack([svec_rows(f.terms, len(f.names), n) for f in full.families]).tocsr()
    linear_rows, linear_columns, signs = [], [], []
    column = 0
    for family, count in zip(full.families, counts, strict=True):
        for places, sign in ((family.plus, 1.0), (family.minus, -1.0)):
            there = np.flatnonzero(places >= 0)
            linear_rows.append(places[there])
            linear_columns.append(column + there)
            signs.append(np.full(len(there), sign))
        column += count
    m = column
    linear = sp.coo_matrix(
        (np.concatenate(signs), (np.concatenate(linear_rows), np.concatenate(linear_columns))), shape=(F, m)
    )
    blocks = [
        sp.hstack([-sp.eye(m + 1)]),
        sp.hstack([sp.csc_matrix(-svec(full.start)[:, None]), -quadratic.T]),
    ]
    if F:
        blocks.insert(0, sp.hstack([sp.csc_matrix(full.start_balance[:, None]), linear]))
    A = sp.vstack(blocks).tocsc()
    b = np.concatenate([full.balance, np.full(m + 1, -margin), -svec(full.objective + margin * np.eye(n))])
    q = np.zeros(m + 1)
    q[0] = 1.0
    cones = [clarabel.ZeroConeT(F)] if F else []
    cones += [clarabel.NonnegativeConeT(m + 1), clarabel.PSDTriangleConeT(n)]
    return FullSolution(full, solve(q, A, b, cones, tolerance=tolerance, dense=True), A, b)
