r"""Step patterns that decrease the gap straightforwardly (Grimmer, 2024), proved for all small gaps at once.

A pattern $h_1,\dots,h_p$ ($h=Lt$, L = 1) with sum T is straightforward for $\Delta$ if for every convex 1-smooth f and
start with $\|x_0-x^*\|\le1$ and $\delta=f(x_0)-f^*\le\Delta$
$$f(x_p)-f^*\le\delta-T\delta^2.$$

Multipliers $\lambda_{ij}(\delta)$ on the interpolation inequalities of the iterates, affine in $\delta$, and
$\delta m_j$ on those from $x^*$ to iterate j, $\sum_jm_j=2T$, prove it where function values cancel in
$T\delta^2\|x_0\|^2+(1-2T\delta)(f_0-f^*)-(f_p-f^*)+\sum\lambda e=\langle S,G\rangle$ and $S\succeq0$. In
$(\delta x_0,g_0,\dots,g_p)$ the matrix S is affine in $\delta$: it is enough to check $\delta=0$ and $\delta=\Delta$.
At 0 it is singular along $(1,\dots,1)$, where long flat slopes live.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import scipy.sparse as sp
from flint import fmpq, fmpq_mat

from unfold_theory.certificate.definite import is_positive_semidefinite
from unfold_theory.certificate.rationals import rational
from unfold_theory.errors import InputError
from unfold_theory.methods.base import schedule
from unfold_theory.rates.worst_case.conic import clarabel, solve, svec

BITS = 60


@dataclass(frozen=True)
class StraightforwardProof:
    r"""Multipliers that prove a pattern straightforward.

    Attributes:
        steps: The pattern, exact.
        delta: $\Delta$.
        near, far: $\lambda_{ij}$ at $\delta=0$ and at $\Delta$, by pair (i, j).
        star: $m_j$.
    """

    steps: tuple[Fraction, ...]
    delta: Fraction
    near: dict[tuple[int, int], Fraction]
    far: dict[tuple[int, int], Fraction]
    star: tuple[Fraction, ...]

    def refusal(self) -> str | None:
        """Why it proves nothing, in exact arithmetic, or None: then the pattern is straightforward."""
        p, total = len(self.steps), sum(self.steps)
        if not self.delta > 0:
            return "delta is not positive"
        if min((*self.near.values(), *self.far.values(), *self.star)) < 0:
            return "a multiplier is negative"
        if len(self.star) != p + 1 or sum(self.star) != 2 * total:
            return "the multipliers of the solution do not sum to 2T"
        for delta, values in ((Fraction(0), self.near), (self.delta, self.far)):
            for k in range(p + 1):
                balance = (k == 0) * (1 - 2 * total * delta) - (k == p) + delta * self.star[k]
                balance += sum(v for (_, j), v in values.items() if j == k)
                balance -= sum(v for (i, _), v in values.items() if i == k)
                if balance != 0:
                    return f"function values of iterate {k} do not cancel at delta = {delta}"
            if not is_positive_semidefinite(self._matrix(delta, values))[0]:
                return f"the matrix at delta = {delta} is not positive semidefinite"
        return None

    def _matrix(self, delta: Fraction, values: dict[tuple[int, int], Fraction]) -> list[list[fmpq]]:
        p = len(self.steps)
        S = [[Fraction(0)] * (p + 2) for _ in range(p + 2)]

        def add(factor: Fraction, u: dict[int, Fraction], v: dict[int, Fraction]) -> None:
            for a, x in u.items():
                for b, y in v.items():
                    S[a][b] += factor * x * y / 2
                    S[b][a] += factor * x * y / 2

        moved = [{i + 1: -self.steps[i] for i in range(k)} for k in range(p + 1)]
        one = Fraction(1)
        add(sum(self.steps, Fraction(0)), {0: one}, {0: one})
        for (i, j), value in values.items():
            apart = {a: moved[i].get(a, Fraction(0)) - moved[j].get(a, Fraction(0)) for a in {*moved[i], *moved[j]}}
            add(value, {j + 1: one}, apart)  # <g_j, x_i - x_j>
            add(value / 2, {i + 1: one, j + 1: -one}, {i + 1: one, j + 1: -one})
        for j, value in enumerate(self.star):
            # delta m_j (-<g_j, x_j> + |g_j|^2 / 2), where delta x_0 is a coordinate.
            add(-value, {j + 1: one}, {0: one})
            add(-delta * value, {j + 1: one}, moved[j])
            add(delta * value / 2, {j + 1: one}, {j + 1: one})
        return [[rational(entry) for entry in row] for row in S]


def prove_straightforward(steps: Any, delta: float) -> StraightforwardProof:
    r"""A proof that a pattern is straightforward for $\Delta$; steps are taken as the dyadic numbers they are.

    Args:
        steps: $h_1,\dots,h_p$.
        delta: $\Delta>0$.

    Raises:
        InputError: Steps or delta are no positive finite numbers, or there is no such proof: then a smaller delta
            may have one, or the pattern is not straightforward.
    """
    h = schedule("steps", steps, positive=True)
    if not (isinstance(delta, int | float) and np.isfinite(delta) and delta > 0):
        raise InputError(f"A delta of {delta!r}", "Choose a positive number")
    exact = [Fraction(float(v)) for v in h]
    E, b = _equalities(exact, Fraction(float(delta)))
    point, margin = _interior(h, float(delta), E, b)
    if margin > 0:
        p = len(exact)
        pairs = _pairs(p)
        x = _corrected(point, E, b)
        near, far = (dict(zip(pairs, part, strict=True)) for part in (x[: len(pairs)], x[len(pairs) : 2 * len(pairs)]))
        proof = StraightforwardProof(tuple(exact), Fraction(float(delta)), near, far, tuple(x[2 * len(pairs) :]))
        if proof.refusal() is None:
            return proof
    raise InputError(f"No proof that the pattern is straightforward for delta = {delta:g}", "Choose a smaller delta")


def _pairs(p: int) -> list[tuple[int, int]]:
    return [(i, j) for i in range(p + 1) for j in range(p + 1) if i != j]


def _equalities(h: Sequence[Fraction], delta: Fraction) -> tuple[list[list[Fraction]], list[Fraction]]:
    """Rows E x = b of (near, far, m): values cancel at both ends, m sums to 2T, S (1, ..., 1) = 0 at 0."""
    p, total, pairs = len(h), sum(h, Fraction(0)), _pairs(len(h))
    P = len(pairs)
    width = 2 * P + p + 1
    E: list[list[Fraction]] = []
    b: list[Fraction] = []
    for end, d in ((0, Fraction(0)), (1, delta)):
        for k in range(p + 1):
            row = [Fraction(0)] * width
            for q, (i, j) in enumerate(pairs):
                row[end * P + q] += (j == k) - (i == k)
            row[2 * P + k] += d
            E.append(row)
            b.append((k == p) - (1 - 2 * total * d) * (k == 0))
    E.append([Fraction(int(q >= 2 * P)) for q in range(width)])
    b.append(2 * total)
    where = [-sum(h[:k], Fraction(0)) for k in range(p + 1)]  # x_k - x_0 for gradients of 1
    kernel = [[Fraction(0)] * width for _ in range(p + 2)]
    for q, (i, j) in enumerate(pairs):
        kernel[j + 1][q] += (where[i] - where[j]) / 2
        for a in range(p):
            apart = -h[a] * ((a < i) - (a < j))
            kernel[a + 1][q] += apart / 2
    for j in range(p + 1):
        kernel[j + 1][2 * P + j] -= Fraction(1, 2)
        kernel[0][2 * P + j] -= Fraction(1, 2)
    E += kernel
    b += [-total, *[Fraction(0)] * (p + 1)]
    return E, b


def _interior(h: np.ndarray, delta: float, E: list, b: list) -> tuple[np.ndarray, float]:
    """A point with the largest margin, by a semidefinite program."""
    p = len(h)
    pairs = _pairs(p)
    P, n, width = len(pairs), p + 2, 2 * len(pairs) + p + 1
    e = np.eye(n)
    moved = np.vstack([np.zeros(n), -np.cumsum(h[:, None] * e[1 : p + 1], axis=0)])
    one = np.full((n, 1), 1.0)
    Q = np.linalg.qr(np.hstack([one, e[:, : n - 1]]))[0][:, 1:]

    def form(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        return (np.outer(u, v) + np.outer(v, u)) / 2

    near, far = np.zeros((n * (n - 1) // 2, width + 1)), np.zeros((n * (n + 1) // 2, width + 1))
    for q, (i, j) in enumerate(pairs):
        difference = e[i + 1] - e[j + 1]
        inequality = form(e[j + 1], moved[i] - moved[j]) + form(difference, difference) / 2
        near[:, q], far[:, P + q] = svec(Q.T @ inequality @ Q), svec(inequality)
    for j in range(p + 1):
        along = -form(e[j + 1], e[0])
        near[:, 2 * P + j] = svec(Q.T @ along @ Q)
        far[:, 2 * P + j] = svec(along + delta * (form(e[j + 1], e[j + 1] / 2 - moved[j])))
    near[:, -1], far[:, -1] = -svec(np.eye(n - 1)), -svec(np.eye(n))
    base = float(h.sum()) * np.outer(e[0], e[0])
    equalities = np.hstack([np.array(E, dtype=float), np.zeros((len(E), 1))])
    positive = np.hstack([-np.eye(width), np.ones((width, 1))])
    at_most_one = np.eye(width + 1)[-1:]
    A = sp.csc_matrix(np.vstack([equalities, positive, at_most_one, -near, -far]))
    right = [np.array(b, dtype=float), np.zeros(width), np.ones(1), svec(Q.T @ base @ Q), svec(base)]
    cones = [clarabel.ZeroConeT(len(E)), clarabel.NonnegativeConeT(width + 1)]
    cones += [clarabel.PSDTriangleConeT(n - 1), clarabel.PSDTriangleConeT(n)]
    objective = np.zeros(width + 1)
    objective[-1] = -1.0
    result = solve(objective, A, np.concatenate(right), cones, tolerance=1e-10)
    return result.x[:-1], float(result.x[-1]) if np.isfinite(result.x).all() else -1.0


def _corrected(point: np.ndarray, E: list[list[Fraction]], b: list[Fraction]) -> list[Fraction]:
    """The nearest point to the rounded one that meets the equalities exactly."""
    x = [Fraction(round(float(v) * 2**BITS), 2**BITS) for v in point]
    missing = [right - sum(c * v for c, v in zip(row, x, strict=True)) for row, right in zip(E, b, strict=True)]
    wide = fmpq_mat(len(E), len(x) + 1, [rational(v) for row, r in zip(E, missing, strict=True) for v in (*row, r)])
    reduced, rank = wide.rref()
    rows = fmpq_mat(rank, len(x), [reduced[i, j] for i in range(rank) for j in range(len(x))])
    right = fmpq_mat(rank, 1, [reduced[i, len(x)] for i in range(rank)])
    move = rows.transpose() * (rows * rows.transpose()).solve(right)
    return [v + Fraction(int(move[i, 0].p), int(move[i, 0].q)) for i, v in enumerate(x)]
