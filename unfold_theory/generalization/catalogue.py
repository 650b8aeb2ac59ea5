"""Every worst-case bound of one size, depth and dictionary side by side, as tables and figures show them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from unfold_theory.enclosure import Enclosure
from unfold_theory.enclosure.rounding import Numbers
from unfold_theory.generalization import (
    coupled_weights,
    free_weights,
    orthogonal_dictionary,
    rademacher,
    scalar_networks,
    spectral,
)
from unfold_theory.verified import spectral_norm_squared

RADIUS, DEVIATION = 2.0, 1.0
"""Of the spectral class: states clipped at the radius, rows around ISTA's weights within the deviation in all."""


@dataclass(frozen=True)
class WorstCaseBound:
    r"""A bound on $R-\hat R$ that sees the class and nothing of the data.

    Attributes:
        name: Short name.
        title: For legends.
        at: N (any shape) and $\delta$ to the bound.
        proved: Whether the value is a theorem of this library, or a formula of the literature's style beside it.
    """

    name: str
    title: str
    at: Callable[[Numbers, float], Enclosure]
    proved: bool = True


def worst_case_bounds(
    dictionary: Float64[np.ndarray, "m n"],
    weights: Float64[np.ndarray, "m n"],
    depth: int,
    *,
    lam: float = 0.05,
    measurement: Enclosure | None = None,
) -> list[WorstCaseBound]:
    r"""The bounds of this package on the classes around one dictionary, for losses $\frac12\|h-x\|$ in [0, 1].

    Args:
        dictionary: A.
        weights: W of ALISTA's class.
        depth: L.
        lam: $\lambda$ of the class with a learned orthogonal dictionary.
        measurement: $B_y$; by default $\|A\|$, for $\|x\|\le1$ without noise.
    """
    m, n = dictionary.shape
    norm = spectral_norm_squared(dictionary).sqrt()
    measured = norm if measurement is None else measurement
    learned = orthogonal_dictionary.OrthogonalClass(n, depth, norm, measured, Enclosure.exact(lam))
    scalars = scalar_networks.ScalarClass.of(dictionary, weights, depth, measurement=measured)
    coupled = coupled_weights.CoupledClass.of(dictionary, weights, depth, radius=DEVIATION, measurement=measured)
    free = free_weights.FreeClass(n, m, depth, 1.0 / norm + DEVIATION, measured)
    one, deviations = Enclosure.exact(1.0), np.full(depth, DEVIATION)
    added = (1.0 / norm + DEVIATION) * measured
    clipped = spectral.SpectralClass(n, m, Enclosure.exact(np.full(depth, RADIUS)), deviations, one, measured)
    unclipped = spectral.SpectralClass(n, m, spectral.unclipped_radii(depth, one, added), deviations, one, measured)
    step = Enclosure.exact(dictionary.T) / norm**2
    rows = abs(step).sum(1).max()
    states = abs(np.eye(n) - step @ dictionary).sum(1).max()

    def layers(samples: Numbers, delta: float) -> Enclosure:
        each = rademacher.layerwise_l1(
            depth, samples, input_radius=rows, state_radius=states, largest_input=measured, inputs=m
        )
        return rademacher.layerwise_l1_gap(each, n, samples, delta=delta)

    def quoted(c: spectral.SpectralClass) -> Callable[[Numbers, float], Enclosure]:
        return lambda samples, delta: rademacher.expected_gap(
            spectral.rademacher(c, samples, smallest=1.0, ceilings=False), samples, delta=delta
        )

    return [
        WorstCaseBound("scalars", "ALISTA, 2L numbers", lambda s, d: scalar_networks.single_scale(scalars, s, delta=d)),
        WorstCaseBound(
            "dictionary", "orthogonal dictionary", lambda s, d: orthogonal_dictionary.single_scale(learned, s, delta=d)
        ),
        WorstCaseBound(
            "dictionary-dudley",
            "orthogonal dictionary, Dudley",
            lambda s, d: orthogonal_dictionary.dudley(learned, s, delta=d),
        ),
        WorstCaseBound("coupled", "LISTA-CP, one $W$", lambda s, d: coupled_weights.single_scale(coupled, s, delta=d)),
        WorstCaseBound("free", "free LISTA", lambda s, d: free_weights.single_scale(free, s, delta=d)),
        WorstCaseBound("spectral", "spectral, clipped", lambda s, d: spectral.gap(clipped, s, delta=d)),
        WorstCaseBound("spectral-quoted", "spectral, clipped, as quoted", quoted(clipped), proved=False),
        WorstCaseBound("spectral-unclipped", "spectral, not clipped, as quoted", quoted(unclipped), proved=False),
        WorstCaseBound("rows", r"rows in $\ell_1$ balls", layers),
    ]
