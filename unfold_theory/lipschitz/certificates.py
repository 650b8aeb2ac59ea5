r"""Exact two-sided certificates of small networks: files that ``unfold-theory prove`` checks on their own.

From above, multipliers are rounded to few bits, the forms $V_k$ of :mod:`~unfold_theory.lipschitz.dissipation` follow
with some room and are rounded to a grid, and the claimed constant is the next number above what they prove. From below,
two inputs within one linear region of the network attain the norm of its Jacobian there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Float64

from unfold_theory.certificate import Certificate, Finding, LipschitzBound, LipschitzWitness, check
from unfold_theory.certificate.lipschitz import BoundedLayer, Dissipation, Network, RunLayer, Witness
from unfold_theory.certificate.lipschitz.statement import Matrix
from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.lipschitz.bound import LowerBound, Multipliers, UpperBound, per_neuron
from unfold_theory.lipschitz.dissipation import dissipation_bound, dissipation_forms
from unfold_theory.networks.activations import Relu, SoftThreshold
from unfold_theory.networks.system import System, SystemLayer

MULTIPLIER_BITS = 32
SPARES = (2.0**-38, 2.0**-32, 2.0**-26, 2.0**-20)
_GRID_BITS = 50


@dataclass(frozen=True)
class ExactBound:
    """A certificate and what its checkers said.

    Attributes:
        certificate: Can be saved, and checked by anybody.
        finding: What the checkers said.
    """

    certificate: Certificate
    finding: Finding

    @property
    def value(self) -> Enclosure:
        """The certified number, basis ``exact``."""
        return self.finding.bound


def exact_upper_bound(system: System, given: UpperBound | Multipliers, *, independently: bool = True) -> ExactBound:
    r"""A rational certificate of $L\le$ a number, from multipliers.

    Matrices are taken as the dyadic numbers they are; where C or D is enclosed, for every matrix within.

    Args:
        system: A small network (the largest layer's state, neurons and inputs are at most some hundred).
        given: An upper bound with multipliers, or these themselves.
        independently: Whether the second checker runs too.

    Raises:
        InputError: There are no multipliers, they do not fit or prove nothing, or the network is too large.
        MissingStructure: A, B, E, F or G is known by an enclosure only.
    """
    multipliers = given.multipliers if isinstance(given, UpperBound) else given
    if multipliers is None:
        raise InputError("The bound carries no multipliers", "Certify one that does, such as greedy_bound")
    rounded = tuple(_few_bits(np.asarray(part, dtype=np.float64)) for part in multipliers)
    diagonals = per_neuron(system, rounded)
    # Refuses what is no multiplier, and activations that are not firmly nonexpansive.
    if dissipation_bound(system, diagonals) is None:
        raise InputError("The multipliers prove no bound", "Enlarge them, or certify in floating point first")
    layers = tuple(_bounded(layer, k) for k, layer in enumerate(system.layers))
    start, readout = _point(system.start, "the start"), _point(system.readout, "the readout")
    reason = "no forms with room were found"
    for spare in SPARES:
        forms = dissipation_forms(system, diagonals, spare=spare)
        if forms is None:
            continue
        top = float(np.linalg.eigvalsh(forms[0])[-1]) * (1 + spare)
        bound = Fraction(math.nextafter(math.sqrt(max(top, 0.0)), math.inf))
        proof = Dissipation(
            tuple(tuple(map(Fraction, part.tolist())) for part in rounded), tuple(map(_rounded, forms[1:-1]))
        )
        network = Network(system.inputs, layers, start, readout, bound)
        certificate = LipschitzBound(network, proof).certificate()
        finding = check(certificate, independently=independently)
        if finding.accepted:
            return ExactBound(certificate, finding)
        reason = finding.reason
    raise InputError(f"No exact certificate was found: {reason}", "Use certify, which works in floating point")


def exact_lower_bound(system: System, witness: LowerBound, *, independently: bool = True) -> ExactBound:
    r"""A rational certificate of $L\ge$ the ratio that two inputs attain, run in exact arithmetic.

    Args:
        system: A network of soft thresholds or ReLU whose matrices are points.
        witness: The inputs; the ratio is computed anew.
        independently: Whether the second checker runs too.

    Raises:
        MissingStructure: Another activation, or a matrix that is enclosed only.
        InputError: The network is too large, or both outputs are the same.
    """
    layers = tuple(_run(layer, k) for k, layer in enumerate(system.layers))
    start, readout = _point(system.start, "the start"), _point(system.readout, "the readout")
    pair = Witness(*(tuple(map(Fraction, u.tolist())) for u in (witness.first, witness.second)))
    guess = Fraction(witness.replay(system)) if witness.value.lo <= 0 else Fraction(float(witness.value.lo))
    for slack in (Fraction(1, 2**46), Fraction(1, 2**36), Fraction(1, 2**26), Fraction(1, 2**16)):
        network = Network(system.inputs, layers, start, readout, guess * (1 - slack))
        certificate = LipschitzWitness(network, pair).certificate()
        finding = check(certificate, independently=independently)
        if finding.accepted:
            return ExactBound(certificate, finding)
    raise InputError(f"The witness does not attain {float(guess):.9g}", "Replay it, and take the ratio that it attains")


def witness_at(
    system: System, u: Float64[np.ndarray, " m"], v: Float64[np.ndarray, " m"], *, method: str = "Jacobian"
) -> LowerBound:
    r"""Two inputs u and u + tv within one linear region of the network: their ratio is $\|J(u)v\|/\|v\|$.

    t is a quarter of the way to the nearest kink along v, found by float64 and confirmed by whoever checks the pair.
    The inputs are rounded so that differences are exact.

    Args:
        system: The network.
        u: Where, shape (m,).
        v: In which direction, shape (m,), not zero.
        method: The name to give it.
    """
    v = _few_bits(v / np.abs(v).max(), 26)
    moved = system.jacobian(u) @ v
    step = 1.0
    pattern = _pattern(system, u)
    while step > 2.0**-40 and any(
        not np.array_equal(a, b) for a, b in zip(pattern, _pattern(system, u + step * v), strict=True)
    ):
        step /= 2
    step /= 4
    # On the grid of v's last digit, so that u + step v is exact.
    grid = step * 2.0**-27
    first = np.round(u / grid) * grid if np.abs(u).max() < grid * 2.0**52 else u
    ratio = float(np.linalg.norm(moved) / np.linalg.norm(v))
    return LowerBound(Enclosure.numerical(ratio, 1e-9 * ratio), first + step * v, first, method)


def _pattern(system: System, u: np.ndarray) -> list[np.ndarray]:
    """Derivatives of all neurons at u."""
    return [
        layer.activation.derivative(v[0], np.ones((layer.activation.size, 1)))[:, 0] * np.sign(v[0])
        for layer, v in zip(system.layers, system.trace(u[None])[1], strict=True)
    ]


def _few_bits(values: Float64[np.ndarray, ...], bits: int = MULTIPLIER_BITS) -> Float64[np.ndarray, ...]:
    """Each number rounded to some significant bits."""
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.round(np.ldexp(mantissa, bits)), exponent - bits)


def _rounded(form: Float64[np.ndarray, "h h"]) -> tuple[tuple[Fraction, ...], ...]:
    """The lower triangle on a grid."""
    unit = math.ldexp(1.0, int(np.frexp(np.abs(form).max())[1]) - _GRID_BITS)
    whole = np.round(form / unit)
    return tuple(tuple(Fraction(v) * Fraction(unit) for v in row[: i + 1]) for i, row in enumerate(whole.tolist()))


def _exact(array: np.ndarray) -> Matrix:
    return tuple(tuple(map(Fraction, row)) for row in array.tolist())


def _point(matrix: Enclosure | None, what: str) -> Matrix | None:
    if matrix is None:
        return None
    if not np.array_equal(matrix.lo, matrix.hi):
        raise MissingStructure(
            "This network", "exact Lipschitz certificates", f"{what} as exact numbers", "Use certify in floating point"
        )
    return _exact(matrix.lo)


def _spread(matrix: Enclosure | None) -> tuple[Matrix | None, Matrix | None]:
    """Midpoint, and radius where it is not zero."""
    if matrix is None or np.array_equal(matrix.lo, matrix.hi):
        return (None if matrix is None else _exact(matrix.lo)), None
    middle = _exact(matrix.mid)
    ends = zip(middle, _exact(matrix.lo), _exact(matrix.hi), strict=True)
    radius = tuple(tuple(max(high - mid, mid - low) for mid, low, high in zip(*rows, strict=True)) for rows in ends)
    return middle, radius


def _parts(layer: SystemLayer, k: int) -> Sequence[Matrix | None]:
    return [
        _point(matrix, f"{name} of layer {k}")
        for name, matrix in (("A", layer.transition), ("B", layer.emission), ("E", layer.passage))
    ]


def _bounded(layer: SystemLayer, k: int) -> BoundedLayer:
    (C, seen), (D, injected) = _spread(layer.preactivation), _spread(layer.injection)
    assert C is not None
    blocks = tuple(int(b) for b in layer.activation.blocks)
    A, B, E = _parts(layer, k)
    return BoundedLayer(C, D, A, B, E, seen, injected, blocks)


def _run(layer: SystemLayer, k: int) -> RunLayer:
    activation = layer.activation
    if not isinstance(activation, SoftThreshold | Relu):
        raise MissingStructure(
            f"A layer of {activation.title}", "exact witnesses", "values in rational arithmetic", "Replay it in float64"
        )
    C, D = _point(layer.preactivation, f"C of layer {k}"), _point(layer.injection, f"D of layer {k}")
    assert C is not None
    A, B, E = _parts(layer, k)
    bias = None if layer.bias is None else tuple(map(Fraction, layer.bias.tolist()))
    threshold = tuple(map(Fraction, activation.threshold.tolist())) if isinstance(activation, SoftThreshold) else None
    name = "ReLU" if threshold is None else "soft threshold"
    return RunLayer(C, D, A, B, E, bias, name, threshold)
