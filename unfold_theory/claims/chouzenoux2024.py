r"""Chouzenoux, Della Valle and Pesquet 2024: stability of unfolded forward-backward from eigenvalues.

The paper unfolds forward-backward with a Tikhonov term, perturbs the input and the bias $A^Ty$, and adds leakage. What
is checked is its principle on layers of this package: averaged activations, products that decouple in the singular
vectors of A, the measurement y itself perturbed, no leakage.
"""

from __future__ import annotations

import numpy as np

from unfold_theory.claim import Setting, claim
from unfold_theory.claims.stability import within
from unfold_theory.claims.unfoldtheory2026_stability import (
    GRADIENT,
    gradient_steps,
    gradient_triangle,
    singular_values,
    steps_below_two,
)
from unfold_theory.enclosure import Enclosure, Inequality, stack

PROOF = "proofs_checks/check_chouzenoux2024.py"


def eigenvalue_constants(s: Setting) -> Enclosure:
    r"""$2^{1-k}\theta_k$ with norms from singular values, shape (depth,)."""
    eta, sigma = s.cached(gradient_steps), s.cached(singular_values)
    reach = [eta[k] * sigma for k in range(len(eta))]
    carry = [1.0 - eta[k] * sigma**2 for k in range(len(eta))]
    sizes, found = [Enclosure.exact(1.0)], []
    for last in range(len(eta)):
        inner, outer = Enclosure.exact(0.0), Enclosure.exact(0.0)
        p, g = Enclosure.exact(np.ones(sigma.shape)), Enclosure.exact(np.zeros(sigma.shape))
        for first in range(last, -1, -1):
            p, g = p * carry[first], p * reach[first] + g
            share = 2.0 ** -(last if first == 0 else last + 1 - first)
            if first == 0:
                whole, top = 1.0 + (g**2).max(), (g**2).max()
            else:
                t = 1.0 + p**2 + g**2
                whole = ((t + ((1.0 - p) ** 2 + g**2).sqrt() * ((1.0 + p) ** 2 + g**2).sqrt()) / 2.0).max()
                top = (p**2 + g**2).max()
            inner = inner + share * whole.sqrt() * sizes[first]
            outer = outer + share * top.sqrt() * sizes[first]
        sizes.append(inner)
        found.append(outer)
    return stack(found)


@claim(
    source="chouzenoux2024",
    theorem="averagedness by eigenvalues, perturbed measurements (derived)",
    hypotheses=[steps_below_two, *GRADIENT],
    trivial=gradient_triangle,
    proof=PROOF,
)
def eigenvalue_bound(s: Setting) -> Inequality:
    r"""$\|x^k(y)-x^k(y')\|\le2^{1-k}\theta_k\|y-y'\|$, $\theta_0=1$, $\theta_l=\sum_{j<l}\theta_jn_{lj}$, $n_{lj}$ the
    largest norm over $\sigma$ of $[[p,g],[0,1]]$, $p=\prod_{j\le i<l}(1-\eta_i\sigma^2)$, $g=(1-p)/\sigma$; of its
    last column for j = 0, of its first row for l = k.

    Singular values of A decide it; the square-root-of-depth law is smaller at every depth that was tried.
    """
    return within(s, s.cached(eigenvalue_constants))
