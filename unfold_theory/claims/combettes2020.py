r"""Combettes and Pesquet 2020: averaged activations keep products of neighbouring layers together."""

from __future__ import annotations

import numpy as np

from unfold_theory.claim import Setting, claim, hypothesis
from unfold_theory.claims.shared import starts_at_zero
from unfold_theory.claims.stability import SLOPES, apart, system, triangle, within
from unfold_theory.enclosure import Enclosure, Inequality, stack
from unfold_theory.errors import MissingStructure
from unfold_theory.networks.system import above, beside
from unfold_theory.verified import spectral_norm_squared

PROOF = "proofs_checks/check_combettes2020.py"
LAYERS = 5
"""Layers that are read: the bound of k layers has k (k + 1)/2 norms of products."""


def averaged(s: Setting) -> Enclosure:
    r"""$2^{1-k}\theta_k$ at every depth, shape (depth,); infinite beyond the layers that are read.

    Raises:
        MissingStructure: The layers carry memory besides the code.
    """
    own = s.cached(system)
    if not own.plain or own.readout is not None:
        raise MissingStructure(s.network.title, "the averagedness bound", "layers W_1 y + W_2 x without memory")
    m, q = own.inputs, own.layers[0].sizes[1]
    identity, nothing = Enclosure.exact(np.eye(m)), Enclosure.exact(np.zeros((m, q)))
    maps = []
    for k, layer in enumerate(own.layers[:LAYERS]):
        assert layer.injection is not None
        top = layer.injection if k == 0 else beside(layer.preactivation, layer.injection)
        maps.append(above(top, identity if k == 0 else beside(nothing, identity)))
    sizes, found = [Enclosure.exact(1.0)], []  # bounds on the preactivations and u together
    for last in range(len(maps)):
        inner, outer, product = Enclosure.exact(0.0), Enclosure.exact(0.0), None
        for first in range(last, -1, -1):
            product = maps[first] if product is None else product @ maps[first]
            share = 2.0 ** -(last if first == 0 else last + 1 - first)
            inner = inner + share * spectral_norm_squared(product).sqrt() * sizes[first]
            outer = outer + share * spectral_norm_squared(product[:q]).sqrt() * sizes[first]
        sizes.append(inner)
        found.append(outer)
    beyond = [Enclosure.exact(np.inf)] * (s.network.depth - len(found))
    return stack([*found, *beyond])


@hypothesis(scope="cell")
def layers_read(s: Setting) -> Inequality:
    """At most five layers: the number of products grows with the square of the depth."""
    return s.depth <= float(LAYERS)


@claim(
    source="combettes2020",
    theorem="firmly nonexpansive activations, with input injection (derived)",
    hypotheses=[layers_read, starts_at_zero, *SLOPES],
    trivial=lambda s: s.cached(triangle)[1:, None] * s.cached(apart),
    proof=PROOF,
)
def averaged_bound(s: Setting) -> Inequality:
    r"""$\|x^k(y)-x^k(y')\|\le2^{1-k}\theta_k\|y-y'\|$, $\theta_0=1$,
    $\theta_l=\sum_{j<l}\theta_j\|M_l\cdots M_{j+1}\|$, $M_1=[W_1^0;I]$, $M_l=[[W_2^{l-1},W_1^{l-1}],[0,I]]$, of
    the last one the first rows only.

    The measurement rides along as neurons whose activation is the identity, which is averaged as well. Trivial: the
    recursion of norms (virmaux2018).
    """
    return within(s, s.cached(averaged))
