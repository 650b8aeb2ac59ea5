"""The chain form as a conic program, and what its solution says in the units of the question."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp

from unfold_theory.rates.worst_case.chain import Chain, Group
from unfold_theory.rates.worst_case.conic import ConicResult, Solution, clarabel, smat, solve, svec, triangle


class _Entries:
    """Entries of a sparse matrix, gathered block by block."""

    def __init__(self) -> None:
        self.rows: list[np.ndarray] = []
        self.columns: list[np.ndarray] = []
        self.values: list[np.ndarray] = []

    def add(self, rows: Any, columns: Any, values: Any) -> None:
        rows, columns, values = np.broadcast_arrays(rows, columns, values)
        keep = values != 0
        self.rows.append(rows[keep])
        self.columns.append(columns[keep])
        self.values.append(values[keep])

    def matrix(self, shape: tuple[int, int]) -> Any:
        parts = (np.concatenate(part) for part in (self.values, self.rows, self.columns))
        values, rows, columns = parts
        return sp.coo_matrix((values, (rows, columns)), shape=shape).tocsc()


@dataclass
class ChainLayout:
    """Where everything stands in the conic program: tau, then multipliers by group and kind, then couplings by step."""

    chain: Chain

    def __post_init__(self) -> None:
        column = 1
        self.row_columns: list[list[np.ndarray]] = []
        for group in self.chain.groups:
            self.row_columns.append([])
            for _ in group.rows:
                self.row_columns[-1].append(column + np.arange(len(group.steps)))
                column += len(group.steps)
        self.multipliers = column - 1
        self.coupling_columns: list[np.ndarray] = []
        self.sizes: list[int] = []
        for group in self.chain.groups:
            o = group.right.shape[1]
            for _ in group.steps:
                self.coupling_columns.append(column + np.arange(o * (o + 1) // 2))
                self.sizes.append(o)
                column += o * (o + 1) // 2
        self.columns = column
        row = self.chain.values + 1 + self.multipliers
        self.block_rows: list[np.ndarray] = []
        for group in self.chain.groups:
            d = group.p * (group.p + 1) // 2
            self.block_rows.append(row + d * np.arange(len(group.steps)))
            row += d * len(group.steps)
        self.rows = row


def assemble(chain: Chain, *, margin: float = 0.0) -> tuple[np.ndarray, Any, np.ndarray, list[Any], ChainLayout]:
    """The conic program: objective, matrix, right-hand side, cones and layout.

    Args:
        chain: The blocks.
        margin: Every multiplier is at least this, and every block at least this times the identity.
    """
    layout, entries = ChainLayout(chain), _Entries()
    b = np.zeros(layout.rows)
    b[: chain.values] = chain.balance
    nonzero = np.flatnonzero(chain.start_balance)
    entries.add(nonzero, 0, chain.start_balance[nonzero])
    signs = chain.values + np.arange(1 + layout.multipliers)
    entries.add(signs, np.arange(1 + layout.multipliers), -1.0)
    b[signs[1:]] = -margin
    cones: list[Any] = [clarabel.ZeroConeT(chain.values)] if chain.values else []
    cones.append(clarabel.NonnegativeConeT(1 + layout.multipliers))
    step = 0
    for number, group in enumerate(chain.groups):
        d = group.p * (group.p + 1) // 2
        base = layout.block_rows[number][:, None] + np.arange(d)
        if group.start is not None:
            entries.add(base, 0, -svec(group.start))
        for row, columns in zip(group.rows, layout.row_columns[number], strict=True):
            entries.add(base, columns[:, None], -svec(row.matrix))
            if row.plus is not None:
                entries.add(row.plus, columns, 1.0)
            if row.minus is not None:
                entries.add(row.minus, columns, -1.0)
        _couplings(entries, layout, group, base, step)
        floor = margin * svec(np.eye(group.p))
        b[base] = -floor if group.objective is None else -svec(group.objective) - floor
        cones += [clarabel.PSDTriangleConeT(group.p)] * len(group.steps)
        step += len(group.steps)
    q = np.zeros(layout.columns)
    q[0] = 1.0
    return q, entries.matrix((layout.rows, layout.columns)), b, cones, layout


def _couplings(entries: _Entries, layout: ChainLayout, group: Group, base: np.ndarray, step: int) -> None:
    """W_k enters its own block through the next state, and the next block in the coordinates of the state."""
    o = group.right.shape[1]
    if o:
        columns = np.stack([layout.coupling_columns[step + i] for i in range(len(group.steps))])
        rows, cols, _ = triangle(o)
        u, v = group.right[:, rows], group.right[:, cols]
        products = u[..., :, None] * v[..., None, :]
        products = (products + products.swapaxes(-1, -2)) / 2
        twice = np.where(rows == cols, 1.0, 2.0)[:, None]
        entries.add(base[:, None, :], columns[:, :, None], -twice * svec(products))
    if group.left:
        before = np.stack([layout.coupling_columns[step - 1 + i] for i in range(len(group.steps))])
        rows, cols, weights = triangle(len(group.left))
        places = np.asarray(group.left)
        high = np.maximum(places[rows], places[cols])
        low = np.minimum(places[rows], places[cols])
        # The state's coordinates come first, so that its triangle is the leading one of the block.
        position = high * (high + 1) // 2 + low
        entries.add(base[:, position], before, weights)


def stationarity(solution: Any) -> float:
    """What violations of the equations of the primal problem are worth."""
    objective = np.zeros(len(solution.result.x))
    objective[0] = 1.0
    return float(np.abs(solution.matrix.T @ solution.result.z + objective) @ np.abs(solution.result.x))


@dataclass
class ChainSolution(Solution):
    """Primal and dual solution of a chain, in scaled coordinates; properties are in the units of the question.

    Attributes:
        chain: The blocks.
        layout: Where everything stands.
        result: The solver's vectors.
        b: The right-hand side that was solved.
        margin: The margin that was asked for.
    """

    chain: Chain
    layout: ChainLayout
    result: ConicResult
    matrix: Any
    b: np.ndarray
    margin: float

    @property
    def unit(self) -> float:
        """What one unit of the scaled value stands for."""
        return self.chain.output_unit / self.chain.start_unit

    @cached_property
    def residual(self) -> float:
        """By how much the value may err, to first order: the gap, and what violations of feasibility are worth."""
        x, z, chain = self.result.x, self.result.z, self.chain
        slack = self.b - self.matrix @ x
        balance = float(np.abs(slack[: chain.values]) @ np.abs(z[: chain.values]))
        negative = float(
            -np.minimum(slack[chain.values : chain.values + 1 + self.layout.multipliers], 0)
            @ np.abs(z[chain.values : chain.values + 1 + self.layout.multipliers])
        )
        for number, group in enumerate(chain.groups):
            blocks = self._blocks(slack, number, group)
            least = np.minimum(np.linalg.eigvalsh(blocks)[:, 0], 0)
            negative += float(-least @ np.trace(self._blocks(z, number, group), axis1=1, axis2=2))
        return (abs(float(x[0]) - self.result.dual_value) + balance + negative + stationarity(self)) * self.unit

    def _blocks(self, vector: np.ndarray, number: int, group: Group) -> np.ndarray:
        d = group.p * (group.p + 1) // 2
        start = self.layout.block_rows[number][0]
        return smat(vector[start : start + d * len(group.steps)].reshape(-1, d), group.p)

    @cached_property
    def multipliers(self) -> dict[tuple[str, Any, Any], float]:
        r"""$\lambda$ of every inequality: (component, i, j) -> number, ``*`` for the solution.

        In $\text{output}\le\tau\,\text{start}+\sum\lambda(f_j-f_i+\langle g_j,x_i-x_j\rangle+q)$, in the units of the
        question. ``("error", k, k)`` belongs to an inexact gradient, ``("best", k, "*")`` to the least residual.
        """
        named = {}
        for group, columns in zip(self.chain.groups, self.layout.row_columns, strict=True):
            for row, column in zip(group.rows, columns, strict=True):
                values = self.result.x[column] * (self.chain.output_unit / row.unit)
                count = len(group.steps)
                ends = [[end] * count if isinstance(end, str) else end.tolist() for end in (row.source, row.target)]
                for i, j, value in zip(*ends, values.tolist(), strict=True):
                    key = (row.component, i, j)
                    named[key] = named.get(key, 0.0) + value
        return named

    @cached_property
    def couplings(self) -> list[np.ndarray]:
        """W_k of every step but the last, acting on the state before step k + 1 (``method.kinds(k + 1)``)."""
        found = []
        for k, columns in enumerate(self.layout.coupling_columns):
            o = self.layout.sizes[k]
            if not o:
                continue
            rows, cols, _ = triangle(o)
            W = np.zeros((o, o))
            W[rows, cols] = W[cols, rows] = self.result.x[columns]
            kinds = self.chain.state_kinds[k]
            first = kinds.index("x")
            units = np.array([1.0 if kind == "x" else self.chain.gradient_unit for kind in kinds])
            # Coordinates are positions relative to the first one.
            relative = np.diag(1 / units)
            relative[[i for i, kind in enumerate(kinds) if kind == "x" and i != first], first] = -1.0
            if self.chain.question.invariant:
                relative = np.delete(relative, first, axis=0)
            found.append(relative.T @ W @ relative * self.chain.output_unit)
        return found

    @cached_property
    def grams(self) -> list[np.ndarray]:
        """The Gram matrix of every step's block at the worst case, in scaled coordinates; group by group."""
        return [self._blocks(self.result.z, number, group) for number, group in enumerate(self.chain.groups)]

    @cached_property
    def values(self) -> np.ndarray:
        """Function values at the worst case, in units of the question for a start of size 1."""
        unit = np.array(
            [
                self.chain.output_unit if name == "best" else self.chain.gradient_unit
                for name, _ in self.chain.value_names
            ]
        )
        return -self.result.z[: self.chain.values] * unit / self.chain.start_unit


def solve_chain(chain: Chain, *, margin: float = 0.0, tolerance: float = 1e-11) -> ChainSolution:
    """Solve the chain form.

    Args:
        chain: The blocks.
        margin: Every multiplier is at least this, and every block at least this times the identity (scaled
            coordinates): what exact rounding asks for.
        tolerance: Of the solver.
    """
    q, A, b, cones, layout = assemble(chain, margin=margin)
    return ChainSolution(chain, layout, solve(q, A, b, cones, tolerance=tolerance), A, b, margin)
