"""Virmaux and Scaman 2018: AutoLip, the product of norms along the computation graph, with an input in every layer."""

from __future__ import annotations

import numpy as np

from unfold_theory.claim import Setting, claim
from unfold_theory.claims.shared import starts_at_zero
from unfold_theory.claims.stability import SLOPES, triangle, within
from unfold_theory.enclosure import Enclosure, Inequality

PROOF = "proofs_checks/check_virmaux2018.py"


def no_bound(s: Setting) -> Enclosure:
    """Nothing is known without it."""
    return Enclosure.exact(np.inf)


@claim(
    source="virmaux2018",
    theorem="AutoLip (Algorithm 1), with input injection (derived)",
    hypotheses=[starts_at_zero, *SLOPES],
    trivial=no_bound,
    proof=PROOF,
)
def autolip(s: Setting) -> Inequality:
    r"""$\|x^k(y)-x^k(y')\|\le L_k\|y-y'\|$, $L_{k+1}=\|W_2^k\|L_k+\|W_1^k\|$, $L_0=0$.

    The paper bounds any computation graph node by node; the graph here has the measurement as a node that every layer
    reads. It is what other bounds are compared with: it forgets how layers act on each other.
    """
    return within(s, s.cached(triangle)[1:])
