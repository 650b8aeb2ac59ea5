"""The worst case itself: vectors and values in which all inequalities hold, read off a solution of either program."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from unfold_theory.errors import InputError
from unfold_theory.methods import Observation
from unfold_theory.rates.worst_case.chain_solver import ChainSolution
from unfold_theory.rates.worst_case.full import FullSolution
from unfold_theory.rates.worst_case.problem import Question, values_needed
from unfold_theory.rates.worst_case.rate import WorstCaseRate

RANK = 1e-9
"""Relative size below which an eigenvalue of a Gram matrix is an error of the solver."""


@dataclass
class Recorded:
    """An oracle that gives the worst case's answers in their order."""

    question: Question
    answers: list[np.ndarray]
    dimension: int
    evaluations: list[tuple[str, np.ndarray, np.ndarray]] = field(default_factory=list)
    errors: list[np.ndarray] = field(default_factory=list)
    _asked: int = 0
    _placed: bool = False

    def _next(self) -> np.ndarray:
        self._asked += 1
        return self.answers[self._asked - 1]

    def initial(self, name: str = "x") -> np.ndarray:
        """The start; the origin where its position does not matter."""
        if self.question.invariant and not self._placed:
            self._placed = True
            return np.zeros(self.dimension)
        return self._next()

    def gradient(self, component: str, point: np.ndarray) -> np.ndarray:
        """The recorded gradient."""
        g = self._next()
        self.evaluations.append((component, point, g))
        return g

    def prox(self, component: str, point: np.ndarray, step: Any) -> np.ndarray:
        """The recorded subgradient."""
        s = self._next()
        self.evaluations.append((component, point - step * s, s))
        return s

    def error(self, reference: np.ndarray, relative: Any) -> np.ndarray:
        """The recorded error."""
        self.errors.append(self._next())
        return self.errors[-1]


def run(question: Question, oracle: Any) -> list[Observation]:
    """Run a method with real vectors: what is observed at the start and after every step."""
    method = question.method
    state = method.start(oracle, values=values_needed(question))
    seen = [method.observe(0, state)]
    for k in range(method.depth):
        state = method.step(k, state, oracle)
        seen.append(method.observe(k + 1, state))
    return seen


@dataclass(frozen=True)
class WorstCaseInstance:
    """Vectors and values that a worst case consists of, for a start of size 1.

    Attributes:
        question: What was asked.
        answers: What the oracle said, in order, each of shape (d,).
        values: Function values of each component in the order of its evaluations.
        dimension: d, the rank of the Gram matrix.
    """

    question: Question
    answers: list[np.ndarray] = field(repr=False)
    values: dict[str, np.ndarray] = field(repr=False)
    dimension: int

    @cached_property
    def recorded(self) -> Recorded:
        """The method's run on the recorded answers."""
        oracle = Recorded(self.question, self.answers, self.dimension)
        run(self.question, oracle)
        return oracle

    def data(self, component: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Points, gradients (or images) and values of a component, the solution last where it is one."""
        found = [(x, g) for name, x, g in self.recorded.evaluations if name == component]
        points, gradients = (np.array([pair[side] for pair in found]) for side in (0, 1))
        values = self.values.get(component, np.zeros(len(found)))
        if self.question.invariant:
            return points, gradients, values
        zero = np.zeros((1, self.dimension))
        return np.vstack([points, zero]), np.vstack([gradients, zero]), np.append(values, 0.0)

    @cached_property
    def violation(self) -> float:
        """Largest violation of an interpolation inequality over all pairs, relative to the largest value."""
        worst, size = 0.0, 1e-300
        for name, cls in self.question.classes.items():
            X, G, f = self.data(name)
            dx, dg = X[:, None] - X[None], G[:, None] - G[None]
            operators = self.question.method.operators
            terms = cls.terms(dx, dg) if operators else cls.terms(dx, dg, np.broadcast_to(G[None], dg.shape))
            total = sum(c * np.sum(u * v, axis=-1) for c, u, v in terms)
            if operators:
                size = max(size, float(np.sum(X**2, axis=1).max()))
            else:
                total = total + f[None, :] - f[:, None]
                size = max(size, float(np.abs(f).max()))
            worst = max(worst, float(np.max(total)))
        return worst / size


def worst_case_instance(rate: WorstCaseRate) -> WorstCaseInstance:
    """Reconstruct the instance from the solution that a rate rests on.

    From all pairs it is the Gram matrix's factor. From the chain form the blocks are completed one after the other,
    with everything that is not determined orthogonal; it then satisfies the consecutive inequalities, and the others
    where the reduced set is tight (:attr:`WorstCaseInstance.violation` says).

    Raises:
        InputError: The rate comes from a closed form.
    """
    solution = rate.solution
    if solution is None:
        raise InputError("A rate in closed form has no program's solution", "Ask for form='chain' or form='full'")
    if isinstance(solution, FullSolution):
        full = solution.full
        factor = _factor(solution.gram_scaled / full.start_unit)
        units = np.array([1.0 if kind == "x" else full.gradient_unit for kind in full.kinds])
        answers = list((factor * units).T)
        names = full.value_names
    else:
        answers, factor = _completed(solution)
        names = solution.chain.value_names
    values: dict[str, list[float]] = {}
    for (name, _), value in zip(names, solution.values, strict=True):
        values.setdefault(name, []).append(float(value))
    arrays = {name: np.array(v) for name, v in values.items()}
    return WorstCaseInstance(rate.question, answers, arrays, factor.shape[0])


def _factor(gram: np.ndarray, size: float | None = None) -> np.ndarray:
    """P with P^T P close to a Gram matrix, as few rows as its rank."""
    eigenvalues, vectors = np.linalg.eigh((gram + gram.T) / 2)
    keep = eigenvalues > RANK * (eigenvalues[-1] if size is None else size)
    return np.sqrt(eigenvalues[keep])[:, None] * vectors[:, keep].T


def _completed(solution: ChainSolution) -> tuple[list[np.ndarray], np.ndarray]:
    """Blocks put together: what a block adds is determined by its state up to what is orthogonal to everything."""
    chain = solution.chain
    answers: list[np.ndarray] = []
    state = np.zeros((0, 0))
    for number, group in enumerate(chain.groups):
        units = np.array([1.0 if kind == "x" else chain.gradient_unit for kind in group.kinds])
        for b in range(len(group.steps)):
            gram = solution.grams[number][b] / chain.start_unit
            known = len(group.left)
            size = float(np.linalg.eigvalsh(gram)[-1])
            if known:
                A, B, C = gram[:known, :known], gram[:known, known:], gram[known:, known:]
                inverse = np.linalg.pinv(A, rcond=RANK, hermitian=True) @ B
                fresh = _factor(C - B.T @ inverse, size)
                grown = np.vstack([state, np.zeros((fresh.shape[0], known))])
                added = grown @ inverse
                added[state.shape[0] :] += fresh
            else:
                added = _factor(gram, size)
                grown = np.zeros((added.shape[0], 0))
            vectors = np.hstack([grown, added])
            answers += list((added * units[known:]).T)
            state = vectors @ group.right[b].T
    dimension = max(len(a) for a in answers)
    padded = [np.append(a, np.zeros(dimension - len(a))) for a in answers]
    return padded, np.zeros((dimension, 0))
