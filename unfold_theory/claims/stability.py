r"""What claims on Lipschitz constants share: pairs of measurements that try to break them, and what networks must be.

For signal i the second measurement is $y_i'=y_i+r_id_i$, a function of $y_i$ alone: a random direction for a quarter of
the signals, for the others a direction that $d\leftarrow J^T(x^k(y')-x^k(y))$ has turned against one depth, at radii
from $10^{-3}\|y_i\|$, where the network is affine, to $10^3\|y_i\|$, where thresholds hardly act.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float64

from unfold_theory.claim import Setting, hypothesis
from unfold_theory.claim.setting import ITERATE_RESIDUAL
from unfold_theory.enclosure import Basis, Enclosure, Inequality, stack
from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.lipschitz.triangle import Norms
from unfold_theory.networks.layers import AffineLayer
from unfold_theory.networks.system import System

RADII = (1e-2, 1e-3, 1.0, 1e3)
"""Of the second measurement, relative to the first; the first kind is random, the others are ascents."""
ASCENTS = 8
# The trace of the declared system and the network itself are two float64 runs of the same layers.
AGREEMENT = 2.0**-34


def affine(s: Setting) -> list[AffineLayer]:
    """The declared layers.

    Raises:
        MissingStructure: The network declares none.
    """
    return s.network.affine_layers()


def system(s: Setting) -> System:
    """The network as bounds read it; negative thresholds and support selection are left to hypotheses.

    Raises:
        MissingStructure: Its layers are not of that form, or jump.
    """
    try:
        layers = [replace(a, threshold=np.asarray(np.maximum(a.threshold, 0.0)), selected=0) for a in s.cached(affine)]
    except MissingStructure:
        try:
            return s.network.as_system()
        except InputError as jumps:
            raise MissingStructure(s.network.title, "a Lipschitz constant", jumps.cause, jumps.remedy) from None
    return System.of_affine_layers(layers, s.problem.dictionary, title=s.network.title)


# -- pairs -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Pairs:
    """Second measurements and what the network makes of them.

    Attributes:
        second: $y'$, shape (sample, m).
        codes: $x^k(y')$ at depth 0..K, shape (iterate, sample, n).
    """

    second: Float64[np.ndarray, "sample m"]
    codes: Float64[np.ndarray, "iterate sample n"]


def run(s: Setting, y: Float64[np.ndarray, "sample m"]) -> Float64[np.ndarray, "iterate sample n"]:
    """Codes at depth 0..K.

    Raises:
        MissingStructure: A layer produced NaN or infinity.
    """
    with torch.no_grad():
        codes = s.network.iterates(torch.tensor(y)).numpy()
    if not np.isfinite(codes).all():
        raise MissingStructure(s.name, "a claim on pairs of measurements", "finite values", "Look at its steps")
    return codes


def _drawn(y: Float64[np.ndarray, "sample m"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Kind, a number and a unit direction of each signal, from its own bits: a subset keeps its pairs."""
    kinds, numbers, directions = [], [], []
    for row in y:
        seed = int.from_bytes(hashlib.sha256(np.ascontiguousarray(row).tobytes()).digest()[:8], "big")
        draw = np.random.default_rng(np.random.SeedSequence([seed]))
        kinds.append(int(draw.integers(len(RADII))))
        numbers.append(int(draw.integers(2**31)))
        directions.append(draw.standard_normal(len(row)))
    made = np.array(directions)
    return np.array(kinds), np.array(numbers), made / np.linalg.norm(made, axis=1, keepdims=True)


def pairs(s: Setting) -> Pairs:
    """Second measurements for every signal of the batch."""
    y = s.batch.y
    kinds, numbers, directions = _drawn(y)
    size = np.linalg.norm(y, axis=1)
    radius = np.array(RADII)[kinds] * np.where(size > 0, size, 1.0)
    K, rows = s.network.depth, torch.arange(len(y))
    aims = torch.tensor(np.where(kinds == len(RADII) - 1, 1 + numbers % K, K))
    first = torch.tensor(s.iterates)[aims, rows]
    base, reach = torch.tensor(y), torch.tensor(radius)[:, None]
    d = torch.tensor(directions)
    for _ in range(ASCENTS):
        given = (base + reach * d).requires_grad_()
        moved = s.network.iterates(given)[aims, rows] - first
        (pull,) = torch.autograd.grad(0.5 * (moved**2).sum(), given)
        norm = torch.linalg.norm(pull, dim=1, keepdim=True)
        better = torch.isfinite(norm) & (norm > 0) & torch.tensor(kinds > 0)[:, None]
        d = torch.where(better, pull / torch.where(better, norm, torch.ones_like(norm)), d)
    second = y + radius[:, None] * d.numpy()
    return Pairs(second, run(s, second))


def apart(s: Setting) -> Enclosure:
    r"""$\|y-y'\|_2$, shape (sample,)."""
    return (Enclosure.exact(s.cached(pairs).second) - s.batch.y).norm(2)


def moved(s: Setting) -> Enclosure:
    r"""$\|x^k(y)-x^k(y')\|_2$ of the float64 codes, shape (depth, sample)."""
    return (Enclosure.exact(s.cached(pairs).codes[1:]) - s.iterates[1:]).norm(2)


def slack(*codes: Float64[np.ndarray, "iterate sample n"]) -> Enclosure:
    """What float64 is allowed in the distance of two codes, shape (depth, sample)."""
    sizes = [np.maximum.accumulate(np.abs(c).max(axis=-1), axis=0)[1:] for c in codes]
    n = codes[0].shape[-1]
    return Enclosure.exact(np.sqrt(n) * ITERATE_RESIDUAL * sum(sizes)).with_basis(Basis.NUMERICAL)


def within(s: Setting, constants: Enclosure) -> Inequality:
    r"""$\|x^k(y)-x^k(y')\|\le L_k\|y-y'\|$, up to rounding, for constants of shape (depth,)."""
    allowance = slack(s.iterates, s.cached(pairs).codes)
    return s.cached(moved) <= constants[:, None] * s.cached(apart) + allowance


# -- norms -----------------------------------------------------------------------------------------------------------
def plain_system(s: Setting) -> System:
    r"""The system, if its layers are $\varphi(W_1y+W_2x)$.

    Raises:
        MissingStructure: They carry memory besides the code, or one does not read the measurement.
    """
    own = s.cached(system)
    if not own.plain or own.readout is not None or any(layer.injection is None for layer in own.layers):
        raise MissingStructure(s.network.title, "a claim on layers W_1 y + W_2 x", "such layers, without memory")
    return own


def layer_norms(s: Setting) -> tuple[Enclosure, Enclosure]:
    r"""$\|W_1^k\|$ and $\|W_2^k\|$, shape (depth,) each."""
    norm, layers = Norms(), s.cached(plain_system).layers
    first = [norm(layer.injection, 0.0) for layer in layers]
    return stack(first), stack([norm(layer.preactivation, 0.0) for layer in layers])


def triangle(s: Setting) -> Enclosure:
    r"""$L_k\le\|W_1\|+\|W_2\|L_{k-1}$ at depth 0..K."""
    first, second = s.cached(layer_norms)
    found = [Enclosure.exact(0.0)]
    for k in range(len(first)):
        found.append(second[k] * found[-1] + first[k])
    return stack(found)


# -- hypotheses ------------------------------------------------------------------------------------------------------
@hypothesis(scope="prefix")
def thresholds_nonnegative(s: Setting) -> Inequality:
    r"""$\theta^k\ge0$ in every layer so far: below 0 the layer jumps, and slopes in [0, 1] say nothing."""
    try:
        least = [float(np.min(layer.threshold)) for layer in s.cached(affine)]
    except MissingStructure:
        s.cached(system)  # which refuses a negative threshold itself
        least = [0.0] * s.network.depth
    return Enclosure.exact(np.array(least)) >= 0.0


@hypothesis(scope="prefix")
def no_selection(s: Setting) -> Inequality:
    """No entry bypasses a threshold: where their order changes, the layer jumps."""
    try:
        selected = [float(layer.selected) for layer in s.cached(affine)]
    except MissingStructure:
        s.cached(system)
        selected = [0.0] * s.network.depth
    return Enclosure.exact(np.array(selected)) <= 0.0


@hypothesis(scope="prefix")
def layers_as_the_system(s: Setting) -> Inequality:
    r"""The codes are those of the system $(A,B,C,D,E)$ that the bound reads, up to rounding."""
    own = s.cached(system)
    states = own.trace(s.batch.y)[0][1:]
    codes = np.stack([x if own.readout is None else x @ own.readout.mid.T for x in states])
    size = np.maximum.accumulate(np.abs(s.iterates).max(axis=-1), axis=0)[1:]
    off = np.abs(codes - s.iterates[1:]).max(axis=-1)
    return Enclosure.exact(off) <= Enclosure.exact(AGREEMENT * size).with_basis(Basis.NUMERICAL)


SLOPES = [thresholds_nonnegative, no_selection, layers_as_the_system]
"""What makes a network a system of slopes in [0, 1]."""
