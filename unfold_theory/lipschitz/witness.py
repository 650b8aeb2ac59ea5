r"""Lower bounds by two inputs, with the ratio enclosed in real arithmetic.

States of both runs, and their difference, are followed as float64 vectors with a radius in the Euclidean norm:
activations are nonexpansive, so that a radius $\rho$ becomes at most $\|A\|\rho+\|B\|\|C\|\rho$ and what the layer
rounds. Where both runs are certain to meet the same piece of an activation, the difference passes it linearly and
keeps its relative accuracy, however close the two inputs are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from unfold_theory.enclosure import Enclosure, gamma
from unfold_theory.errors import MissingStructure
from unfold_theory.lipschitz.bound import LowerBound
from unfold_theory.lipschitz.pieces import UNDECIDED, Pieces, pieces_of
from unfold_theory.networks.system import Matrix, System
from unfold_theory.verified import spectral_norm_squared

Vector = Float64[np.ndarray, " n"]

UPWARD = 1 + 2.0**-36
"""Covers the rounding of sums and products of nonnegative numbers, up to 10^5 terms and a handful of operations."""
_TINY = 2.0**-1000
_HALVINGS = 44
_TRIES = 4


@dataclass(frozen=True, eq=False)
class _Followed:
    """A vector known up to a radius."""

    mid: Vector
    radius: float


class _Norms:
    """Spectral norms, rounded upward, each computed once."""

    def __init__(self):
        self._known: dict[int, tuple[Matrix, float]] = {}

    def __call__(self, matrix: Matrix) -> float:
        if id(matrix) not in self._known:
            self._known[id(matrix)] = matrix, float(spectral_norm_squared(matrix).sqrt().hi)
        return self._known[id(matrix)][1]


def replayed(system: System, first: Vector, second: Vector) -> Enclosure:
    r"""The ratio $\|z-z'\|_2/\|u-u'\|_2$ of two inputs.

    Certified, for every choice of matrices in their enclosures, where activations have pieces of slope 0 and 1 (soft
    thresholds, ReLU, projections on boxes); else what float64 says, on basis ``numerical``.
    """
    try:
        pieces = [pieces_of(layer.activation) for layer in system.layers]
    except MissingStructure:
        outputs = system(np.stack([first, second]))
        size = float(np.linalg.norm(outputs, axis=1).max())
        gap = float(np.linalg.norm(first - second))
        ratio = float(np.linalg.norm(outputs[0] - outputs[1])) / gap
        return Enclosure.numerical(ratio, min(64 * system.depth * gamma(system.inputs) * size / gap, ratio))
    apart = Enclosure.exact(first) - second
    moved = _difference(system, pieces, first, second, apart)
    size = float(np.linalg.norm(moved.mid))
    low = max(size / UPWARD - moved.radius * UPWARD, 0.0)
    high = size * UPWARD + moved.radius * UPWARD
    return Enclosure.certified(low, high) / apart.norm(2)


def witness(system: System, base: Vector, direction: Vector, method: str) -> LowerBound:
    r"""A pair $u\pm hd$ around an input, with h chosen so that the certified ratio is large.

    Args:
        system: The network.
        base: u, shape (m,).
        direction: d, not zero; where the network is linear on the segment the ratio is $\|J(u)d\|/\|d\|$.
        method: How it was found.
    """
    d = direction / np.linalg.norm(direction)
    scale = max(float(np.linalg.norm(base)), 1.0)
    steps = scale * 2.0 ** -np.arange(_HALVINGS, dtype=np.float64)
    first, second = base - steps[:, None] * d, base + steps[:, None] * d
    gaps = np.linalg.norm(first - second, axis=1)
    outputs = system(np.concatenate([first, second]))
    moved = np.linalg.norm(outputs[: len(steps)] - outputs[len(steps) :], axis=1)
    ratios = np.where(gaps > 0, moved / np.maximum(gaps, _TINY), 0.0)
    # What cancellation leaves uncertain is no gain.
    size = np.linalg.norm(outputs, axis=1).max()
    ratios = ratios - 64 * system.depth * gamma(system.inputs) * size / np.maximum(gaps, _TINY)
    # Ratios that differ by rounding only: of those, the widest pair is the safest.
    order = sorted(range(len(steps)), key=lambda j: (-np.round(ratios[j] / max(ratios.max(), _TINY), 9), j))
    best = None
    for j in order[:_TRIES]:
        found = LowerBound(replayed(system, first[j], second[j]), first[j], second[j], method)
        if best is None or found.lower > best.lower:
            best = found
        if found.lower >= ratios[order[0]] * (1 - 1e-9):
            break
    assert best is not None
    return best


def _difference(system: System, pieces: list[Pieces], first: Vector, second: Vector, apart: Enclosure) -> _Followed:
    norms = _Norms()
    given = _Followed(apart.mid, float(np.linalg.norm(apart.width)) * UPWARD)
    inputs = (_Followed(first, 0.0), _Followed(second, 0.0), given)
    if system.start is None:
        nothing = _Followed(np.zeros(system.layers[0].sizes[0]), 0.0)
        states = [nothing] * 3
    else:
        states = [_sum(norms, (system.start, u)) for u in inputs]
    for layer, part in zip(system.layers, pieces, strict=True):
        bias = np.zeros(layer.activation.size) if layer.bias is None else layer.bias
        v = [
            _sum(norms, (layer.preactivation, state), (layer.injection, u), constant=None if i == 2 else bias)
            for i, (state, u) in enumerate(zip(states, inputs, strict=True))
        ]
        w = _activated(part, v[0], v[1], v[2])
        states = [
            _sum(norms, (layer.emission, w[i]), (layer.transition, states[i]), (layer.passage, u), identity=True)
            for i, u in enumerate(inputs)
        ]
    return states[2] if system.readout is None else _sum(norms, (system.readout, states[2]))


def _activated(part: Pieces, a: _Followed, b: _Followed, apart: _Followed) -> list[_Followed]:
    where = [part.locate(x.mid - x.radius * UPWARD, x.mid + x.radius * UPWARD) for x in (a, b)]
    values, errors = [], []
    for x in (a, b):
        value, error = _value(part, x.mid)
        values.append(value)
        errors.append(error)
    same = (where[0] == where[1]) & (where[0] != UNDECIDED)
    slope = part.slopes[np.maximum(where[0], 0)]
    moved = np.where(same, slope * apart.mid, values[0] - values[1])
    # Off the same piece the difference is that of two values, and each of them is as uncertain as its run.
    passed = apart.radius if (same & (slope != 0)).any() else 0.0
    loose = 0.0
    if not same.all():
        rounding = errors[0] + errors[1] + 2.0**-52 * np.abs(moved)
        loose = a.radius + b.radius + float(np.linalg.norm(rounding[~same]))
    return [
        *(
            _Followed(v, (x.radius + float(np.linalg.norm(e))) * UPWARD)
            for x, v, e in zip((a, b), values, errors, strict=True)
        ),
        _Followed(moved, float(np.hypot(passed, loose)) * UPWARD),
    ]


def _value(part: Pieces, v: Vector) -> tuple[Vector, Vector]:
    """The activation, and what its one addition rounds."""
    # Knots belong to both neighbours, so that comparing is enough.
    index = np.minimum((v[:, None] > part.knots[:, 1:-1]).sum(axis=1), len(part.slopes) - 1)
    rows = np.arange(len(v))
    value = part.slopes[index] * v + part.offsets[rows, index]
    return value, 2.0**-52 * np.abs(value)


def _sum(
    norms: _Norms,
    *terms: tuple[Matrix | None, _Followed],
    constant: Vector | None = None,
    identity: bool = False,
) -> _Followed:
    """Sum of products with matrices; of the first one, None is the identity where said so, else None is zero."""
    total, size, radius, count = None, None, 0.0, 2
    for i, (matrix, x) in enumerate(terms):
        if matrix is None:
            if not (identity and i == 0):
                continue
            product, magnitude = x.mid, np.abs(x.mid)
            radius += x.radius
        else:
            M = matrix.mid
            product, magnitude = M @ x.mid, np.abs(M) @ np.abs(x.mid)
            count += M.shape[1] + 1
            if x.radius:
                radius += norms(matrix) * x.radius * UPWARD
            if not np.array_equal(matrix.lo, matrix.hi):
                radius += float(np.linalg.norm(matrix.width @ np.abs(x.mid))) * UPWARD
        total = product if total is None else total + product
        size = magnitude if size is None else size + magnitude
    assert total is not None
    assert size is not None
    if constant is not None:
        total, size = total + constant, size + np.abs(constant)
    rounding = gamma(count + 4) * float(np.linalg.norm(size)) * UPWARD + _TINY
    return _Followed(total, (radius + rounding) * UPWARD)
