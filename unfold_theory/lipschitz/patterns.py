r"""The supremum of $\|J_D\|$ over activation patterns D, reachable or not: what slopes in [0, 1] allow.

No method that knows of an activation only that its slopes lie in [0, 1] can go below it, so that the gap between it and
an upper bound is slack of the method, and the gap down to the best lower bound is reachability. It is **no** lower
bound on the Lipschitz constant: no input need have the pattern.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.lipschitz.linearization import DENSE, Linearization
from unfold_theory.networks.activations import Separable
from unfold_theory.networks.system import System

Slopes = list[Float64[np.ndarray, "batch _"]]
Ends = list[tuple[Float64[np.ndarray, " _"], Float64[np.ndarray, " _"]]]
Values = Float64[np.ndarray, " batch"]

_FLIPS = 400


@dataclass(frozen=True, eq=False)
class PatternFloor:
    r"""A floor for methods that see slopes only.

    Attributes:
        value: From the best $\|J_D\|$ seen upward: the supremum was searched, not computed; basis ``sampled``.
        slopes: The pattern of each layer, shape (q,).
    """

    value: Enclosure
    slopes: tuple[Float64[np.ndarray, " q"], ...]


def pattern_floor(
    system: System,
    *,
    starts: int = 12,
    sweeps: int = 30,
    seed: int = 0,
    inputs: Float64[np.ndarray, "any m"] | None = None,
) -> PatternFloor:
    r"""Ascent of $\|J_D\|_2$ over patterns: one layer after the other, then one neuron after the other.

    With the leading singular pair (p, d), $p^TJ_Dd$ is linear in each $D_k$; its maximiser over slopes is taken where
    it raises the norm.

    Args:
        system: A system of separable activations.
        starts: Patterns to start from: all pass, and random ones of several densities.
        sweeps: Most passes over the layers.
        seed: Of the random patterns.
        inputs: Inputs whose own patterns start as well, those of a lower bound's witness say.

    Raises:
        MissingStructure: An activation mixes neurons.
        InputError: A count is not positive.
    """
    if min(starts, sweeps) < 1:
        raise InputError(f"{starts} starts and {sweeps} sweeps", "Pass positive counts")
    for k, layer in enumerate(system.layers):
        if not isinstance(layer.activation, Separable):
            raise MissingStructure(f"The {layer.activation.title} of layer {k}", "a search over patterns", "slopes")
    rng = np.random.default_rng(seed)
    ends = [layer.activation.slopes for layer in system.layers]
    density = np.linspace(1.0, 0.3, starts)[:, None]
    slopes = [np.where(rng.random((starts, len(lo))) <= density, hi, lo) for lo, hi in ends]
    if inputs is not None:
        own = Linearization(system, inputs).slopes
        slopes = [np.concatenate([drawn, np.asarray(given)]) for drawn, given in zip(slopes, own, strict=True)]
    values = np.zeros(len(slopes[0]))
    for _ in range(sweeps):
        before = values
        slopes, values = _by_layers(system, slopes, ends)
        slopes, values = _by_neurons(system, slopes, ends, values)
        if (values <= before * (1 + 1e-9)).all():
            break
    best = int(np.argmax(values))
    return PatternFloor(Enclosure.sampled_supremum(float(values[best])), tuple(part[best] for part in slopes))


def _by_layers(system: System, slopes: Slopes, ends: Ends) -> tuple[Slopes, Values]:
    here = Linearization.with_slopes(system, slopes)
    values, d = here.norms()
    for k, (lo, hi) in enumerate(ends):
        tangents = here.tangents(d)
        adjoint = here.cotangents(tangents.pop())[k]
        tried = [part if j != k else np.where(adjoint * tangents[k] > 0, hi, lo) for j, part in enumerate(slopes)]
        there = Linearization.with_slopes(system, tried)
        new, gone = there.norms(d)
        better = new > values
        slopes = [np.where(better[:, None], after, before) for after, before in zip(tried, slopes, strict=True)]
        here = Linearization.with_slopes(system, slopes)
        values, d = np.where(better, new, values), np.where(better[:, None], gone, d)
    return slopes, values


def _by_neurons(system: System, slopes: Slopes, ends: Ends, values: Values) -> tuple[Slopes, Values]:
    """The best single flip of the best pattern, again and again; small systems only."""
    edges = np.cumsum([0, *(len(lo) for lo, _ in ends)])
    count = int(edges[-1])
    if count > _FLIPS or system.inputs > DENSE:
        return slopes, values
    best = int(np.argmax(values))
    now = np.concatenate([part[best] for part in slopes])
    low, high = (np.concatenate([pair[i] for pair in ends]) for i in (0, 1))
    value = values[best]
    while True:
        flipped = np.tile(now, (count, 1))
        each = np.arange(count)
        flipped[each, each] = np.where(now == high, low, high)
        tried = np.split(flipped, edges[1:-1], axis=1)
        new = Linearization.with_slopes(system, tried).norms()[0]
        if new.max() <= value * (1 + 1e-12):
            break
        now, value = flipped[int(np.argmax(new))], float(new.max())
    for part, piece in zip(slopes, np.split(now, edges[1:-1]), strict=True):
        part[best] = piece
    raised = values.copy()
    raised[best] = value
    return slopes, raised
