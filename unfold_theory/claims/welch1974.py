r"""Welch 1974: no dictionary of a given size has little coherence, whatever the weight.

Welch bounds inner products of unit vectors. The form that coherence theory needs is about $M=W^TA$, for every A and
every normalised W: $M$ has rank at most m, so that $(\mathrm{tr}\,M)^2\le m\|M\|_F^2$
(``proofs_checks/check_welch1974.py``); with W = A and unit columns it is Welch's first bound.
"""

from __future__ import annotations

import numpy as np

from unfold_theory.claim import Setting, claim, hypothesis
from unfold_theory.claims.shared import constants, weights_normalised
from unfold_theory.enclosure import Enclosure, Inequality

PROOF = "proofs_checks/check_welch1974.py"


def least_coherence(s: Setting) -> Enclosure:
    r"""$\sqrt{(n(1-\delta)^2/m-(1+\delta)^2)/(n-1)}$ per layer, 0 where that is not real; shape (depth,)."""
    m, n = s.problem.dictionary.shape
    delta = s.cached(constants).normalisation
    if n < 2:
        return Enclosure.exact(np.zeros(delta.shape))
    square = (n * (1.0 - delta) ** 2 / m - (1.0 + delta) ** 2) / (n - 1)
    return Enclosure(np.maximum(square.lo, 0.0), np.maximum(square.hi, 0.0), square.basis).sqrt()


@claim(
    source="welch1974",
    theorem="equation (3) for k = 1, for every weight (derived)",
    hypotheses=[weights_normalised],
    trivial=lambda s: Enclosure.exact(0.0),
    proof=PROOF,
    bound="lower",
)
def coherence_at_least(s: Setting) -> Inequality:
    r"""$\max_{i\ne j}|W_i^TA_j|\ge\sqrt{\frac{n(1-\delta)^2/m-(1+\delta)^2}{n-1}}$ for every m x n dictionary and every
    W with $|1-W_i^TA_i|\le\delta$; $\sqrt{(n-m)/(m(n-1))}$ for $\delta=0$.
    """
    # The weights are what they are in float64: the bound may be attained, and then rounding decides.
    return s.cached(least_coherence) * (1 - 1e-9) <= s.cached(constants).coherence


@hypothesis
def more_nonzeros_than_the_size_allows(s: Setting) -> Inequality:
    r"""$(2s-1)w_\delta\ge1$, $w_\delta=\sqrt{(n(1-\delta)^2/m-(1+\delta)^2)/(n-1)}$, that is
    $s\ge(1+1/\sqrt{(n-m)/(m(n-1))})/2$ for $\delta=0$.
    """
    return (2.0 * s.signal_class.sparsity - 1.0) * s.cached(least_coherence) >= 1.0


@claim(
    source="welch1974",
    theorem="corollary for sparse coding (derived)",
    hypotheses=[weights_normalised, more_nonzeros_than_the_size_allows],
    proof=PROOF,
    bound="lower",
)
def sparsity_out_of_reach(s: Setting) -> Inequality:
    r"""$(2s-1)\mu(W,A)\ge1$: with this many nonzeros no weight and no dictionary of this size meets the sparsity
    hypothesis of Chen et al. (2018) and Liu et al. (2019), so that their rates say nothing.

    The standard experiment: any 250 x 500 dictionary has $\mu>0.0447$ whatever the weight, so that the theorems cover
    at most 11 nonzeros, and the experiment has about 50.
    """
    return Enclosure.exact(1.0) <= (2.0 * s.signal_class.sparsity - 1.0) * s.cached(constants).coherence
