r"""Combettes and Pesquet 2020: averaged activations keep products of neighbouring layers together."""

from __future__ import annotations

import numpy as np

from unfold_theory.claim import Setting, claim, hypothesis
from unfold_theory.claims.shared import starts_at_zero
from unfold_theory.claims.stability import SLOPES, apart, plain_system, triangle, within
from unfold_theory.enclosure import Enclosure, Inequality, stack
from unfold_theory.lipschitz import upper_bounds_by_depth

PROOF = "proofs_checks/check_combettes2020.py"
LAYERS = 5
"""Layers that are read: the bound of k layers has k (k + 1)/2 norms of products."""


def averaged(s: Setting) -> Enclosure:
    r"""$2^{1-k}\theta_k$ at every depth, shape (depth,); infinite beyond the layers that are read.

    Raises:
        MissingStructure: The layers carry memory besides the code.
    """
    own = s.cached(plain_system)
    found = upper_bounds_by_depth(own.truncated(min(LAYERS, own.depth)), "averaged")
    beyond = [Enclosure.exact(np.inf)] * (own.depth - len(found))
    return stack([*(bound.value for bound in found), *beyond])


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
