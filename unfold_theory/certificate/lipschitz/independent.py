r"""The second checker: one quadratic form for all layers, from the statement and the multipliers alone.

It reads no form $P_k$ and does no elimination. In coordinates $y=(u,w^0,\dots,w^{K-1})$ states and preactivations are
linear, and
$$L^2\|u\|^2-\|G\xi^K\|^2-2\sum_kw^{kT}\Lambda_k(v^k-w^k)-\text{(radii)}\ge0$$
has to be positive semidefinite: the S-procedure, which the layers' inequalities imply by adding up. Up to
``CHARACTERISTIC`` coordinates by Descartes' rule on the characteristic polynomial; beyond, M is compared with
$RR^T$ for a rounded floating-point factor R (a guess, taken as the integers it is): by Gershgorin's theorem
$M-RR^T\succeq0$ if it is diagonally dominant, and then $M\succeq0$.
"""

from __future__ import annotations

from fractions import Fraction
from math import lcm
from operator import mul
from typing import Any

import numpy as np
from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from unfold_theory.certificate.kinds import Refused
from unfold_theory.certificate.lipschitz.proof import Dissipation, Witness
from unfold_theory.certificate.lipschitz.statement import BoundedLayer, Matrix, Network, RunLayer, Vector

CHARACTERISTIC = 22
MOST_COORDINATES = 500
"""Up to which this checker runs: the factor's product takes seconds then."""
_GRID = 54
"""Entries of the factor are multiples of 2^-54."""

Rows = list[list[Any]]


def _q(number: Fraction) -> Any:
    return QQ(number.numerator, number.denominator)


def _domain(rows: Rows) -> DomainMatrix:
    return DomainMatrix(rows, (len(rows), len(rows[0])), QQ)


def _of(matrix: Matrix) -> DomainMatrix:
    return _domain([[_q(entry) for entry in row] for row in matrix])


def _selection(rows: int, offset: int, columns: int) -> DomainMatrix:
    return _domain([[QQ(int(j == offset + i)) for j in range(columns)] for i in range(rows)])


def check(network: Network, proof: Dissipation) -> bool:
    """Whether the statement was small enough to be checked; then it is proved.

    Raises:
        Refused: It is not proved.
    """
    m, neurons = network.inputs, [layer.sizes[1] for layer in network.layers]
    size = m + sum(neurons)
    if size > MOST_COORDINATES:
        return False
    if any(value < 0 for row in proof.multipliers for value in row):
        raise Refused("a multiplier is negative (second checker)")
    u = _selection(m, 0, size)
    state = _domain([[QQ(0)] * size for _ in range(network.layers[0].sizes[0])])
    if network.start is not None:
        state = _of(network.start) * u
    form = (u.transpose() * u) * _q(network.bound * network.bound)
    offset = m
    layer: BoundedLayer
    for layer, multipliers in zip(network.layers, proof.multipliers, strict=True):
        q = layer.sizes[1]
        w = _selection(q, offset, size)
        offset += q
        v = _of(layer.preactivation) * state
        if layer.injection is not None:
            v = v + _of(layer.injection) * u
        weights = [_q(multipliers[block]) for block in layer.blocks]
        weighted = _domain(
            [[weight * entry for entry in row] for weight, row in zip(weights, w.to_list(), strict=True)]
        )
        product = weighted.transpose() * (v - w)
        form = form - product - product.transpose()
        form = form - _room(layer, weights, w, state, u)
        after = w if layer.emission is None else _of(layer.emission) * w
        if layer.transition is not None:
            after = after + _of(layer.transition) * state
        if layer.passage is not None:
            after = after + _of(layer.passage) * u
        state = after
    output = state if network.readout is None else _of(network.readout) * state
    form = form - output.transpose() * output
    if not _positive_semidefinite(form.to_list()):
        raise Refused("the quadratic form of all layers is not seen to be positive semidefinite (second checker)")
    return True


def _room(layer: BoundedLayer, weights: list[Any], w: DomainMatrix, state: DomainMatrix, u: DomainMatrix) -> Any:
    """What the radii may take: a sum of squares of neurons, states and inputs."""
    size = w.shape[1]
    total = _domain([[QQ(0)] * size for _ in range(size)])
    for radius, seen in ((layer.preactivation_radius, state), (layer.injection_radius, u)):
        if radius is None:
            continue
        entries = [[weight * _q(r) for r in row] for weight, row in zip(weights, radius, strict=True)]
        for sums, vectors in (([sum(row) for row in entries], w), ([sum(c) for c in zip(*entries, strict=True)], seen)):
            listed = vectors.to_list()
            scaled = _domain([[QQ(s) * x for x in row] for s, row in zip(sums, listed, strict=True)])
            total = total + scaled.transpose() * vectors
    return total


def _positive_semidefinite(rows: Rows) -> bool:
    used = [i for i in range(len(rows)) if any(rows[i])]
    if not used:
        return True
    matrix = [[rows[i][j] for j in used] for i in used]
    if any(matrix[i][j] != matrix[j][i] for i in range(len(used)) for j in range(i)):
        raise AssertionError("a quadratic form is not symmetric")
    if len(used) <= CHARACTERISTIC:
        coefficients = _domain(matrix).charpoly()
        return all(c >= 0 if i % 2 == 0 else c <= 0 for i, c in enumerate(coefficients))
    return _dominates(matrix)


def _dominates(matrix: Rows) -> bool:
    """Whether it is a square R R^T and a diagonally dominant rest, for some rounded R."""
    n = len(matrix)
    if any(matrix[i][i] <= 0 for i in range(n)):
        return False
    # In units, powers of two, in which the diagonal is about 1.
    units = [Fraction(2) ** (-_exponent(matrix[i][i])) for i in range(n)]
    exact = [[_fraction(matrix[i][j]) * units[i] * units[j] for j in range(i + 1)] for i in range(n)]
    # The diagonal lies in [1/2, 4): a larger entry elsewhere has a negative minor.
    if any(abs(entry) > 4 for row in exact for entry in row):
        return False
    floats = np.array([[float(exact[max(i, j)][min(i, j)]) for j in range(n)] for i in range(n)])
    try:
        factor = np.linalg.cholesky(floats - n * 2.0**-48 * np.eye(n))
    except np.linalg.LinAlgError:
        return False
    integers = [[int(v) for v in np.rint(np.ldexp(row[: i + 1], _GRID))] for i, row in enumerate(factor)]
    below = lcm(*(entry.denominator for row in exact for entry in row))
    scale = 2 ** (2 * _GRID)
    rest = [[0] * n for _ in range(n)]
    for i in range(n):
        for j in range(i + 1):
            square = sum(map(mul, integers[i], integers[j]))
            whole = exact[i][j].numerator * (below // exact[i][j].denominator) * scale - below * square
            rest[i][j] = rest[j][i] = whole
    return all(2 * rest[i][i] >= sum(map(abs, rest[i])) and rest[i][i] >= 0 for i in range(n))


def _fraction(number: Any) -> Fraction:
    return Fraction(int(number.numerator), int(number.denominator))


def _exponent(number: Any) -> int:
    return (int(number.numerator).bit_length() - int(number.denominator).bit_length()) // 2


def check_witness(network: Network, proof: Witness) -> bool:
    r"""Follow the difference of both runs, neuron by neuron through the slope that it meets there.

    Raises:
        Refused: The ratio is smaller than the bound.
    """
    first, second = ([_q(v) for v in entries] for entries in (proof.first, proof.second))
    apart = [a - b for a, b in zip(first, second, strict=True)]
    state = _times(network.start, first, network.layers[0].sizes[0])
    moved = _times(network.start, apart, network.layers[0].sizes[0])
    layer: RunLayer
    for layer in network.layers:
        q, after = layer.sizes[1:]
        v = _sum(_times(layer.preactivation, state, q), _times(layer.injection, first, q))
        v = v if layer.bias is None else _sum(v, [_q(c) for c in layer.bias])
        dv = _sum(_times(layer.preactivation, moved, q), _times(layer.injection, apart, q))
        w = [_value(x, layer.threshold, i) for i, x in enumerate(v)]
        # The slope between both preactivations; firmly nonexpansive: in [0, 1].
        slopes = [
            (w[i] - _value(x - d, layer.threshold, i)) / d if d else QQ(0)
            for i, (x, d) in enumerate(zip(v, dv, strict=True))
        ]
        if any(s < 0 or s > 1 for s in slopes):
            raise AssertionError("a slope outside [0, 1]")
        dw = [s * d for s, d in zip(slopes, dv, strict=True)]
        state, moved = (
            _sum(
                neurons if layer.emission is None else _times(layer.emission, neurons, after),
                _sum(_times(layer.transition, states, after), _times(layer.passage, inputs, after)),
            )
            for neurons, states, inputs in ((w, state, first), (dw, moved, apart))
        )
    output = moved if network.readout is None else _times(network.readout, moved, len(network.readout))
    if sum((x * x for x in output), QQ(0)) < _q(network.bound * network.bound) * sum((x * x for x in apart), QQ(0)):
        raise Refused("the inputs attain a smaller ratio (second checker)")
    return True


def _times(matrix: Matrix | None, vector: list[Any], rows: int) -> list[Any]:
    if matrix is None:
        return [QQ(0)] * rows
    return [sum((_q(entry) * x for entry, x in zip(row, vector, strict=True)), QQ(0)) for row in matrix]


def _sum(first: list[Any], second: list[Any]) -> list[Any]:
    return [a + b for a, b in zip(first, second, strict=True)]


def _value(v: Any, threshold: Vector | None, i: int) -> Any:
    """Soft threshold as the difference of two ramps, or one ramp."""
    if threshold is None:
        return max(v, QQ(0))
    return max(v - _q(threshold[i]), QQ(0)) - max(-v - _q(threshold[i]), QQ(0))
