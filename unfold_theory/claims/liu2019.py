r"""Liu, Chen, Wang, Yin 2019: ALISTA, whose weights are computed and only gains and thresholds are learned.

Theorem 1 is stated for weights of least coherence; every normalised $W$ gives the same rate with its own
$\mu(W)=\max_{i\ne j}|W_i^TA_j|$ (``proofs_checks/check_liu2019.py``), which is what is checked. Practice takes the
Frobenius minimiser instead, whose closed form and optimality are checked here as well.
"""

from __future__ import annotations

import numpy as np

from unfold_theory.claim import Setting, claim, hypothesis
from unfold_theory.claims.chen2018 import (
    constants,
    noise_free,
    selection_gated,
    sparse_enough,
    weights_coupled,
    weights_normalised,
    zero_code_error,
)
from unfold_theory.enclosure import Enclosure, Inequality
from unfold_theory.problems.coherence import frobenius_optimum
from unfold_theory.rates.sparse_coding import THRESHOLD_SLACK, alista_errors

PROOF = "proofs_checks/check_liu2019.py"


def class_errors(s: Setting) -> Enclosure:
    r"""$E_k$ of theorem 1 over the batch's class, depth 0..K."""
    c = s.signal_class
    return alista_errors(s.cached(constants), magnitude=c.magnitude, sparsity=c.sparsity)


def _law(s: Setting) -> Enclosure:
    c = s.cached(constants)
    return c.gain * c.coherence * s.cached(class_errors)[:-1]


@hypothesis
def one_weight(s: Setting) -> Inequality:
    r"""All layers share one weight: $W^k=\gamma^kW$."""
    layers = s.network.affine_layers()
    return Enclosure.exact(np.array([np.abs(a.weight - layers[0].weight).max() for a in layers])) <= 0.0


@hypothesis
def gains_positive(s: Setting) -> Inequality:
    r"""$\gamma^k>0$."""
    return s.cached(constants).gain > 0.0


@hypothesis
def gains_in_range(s: Setting) -> Inequality:
    r"""$\gamma^k<2/(2\mu s-\mu+1)$."""
    c = s.cached(constants)
    return c.gain < 2.0 / (c.coherence * (2 * s.signal_class.sparsity - 1) + 1.0)


@hypothesis
def thresholds_large_enough(s: Setting) -> Inequality:
    r"""$\theta^k\ge\gamma^k\mu E_k$ in every layer."""
    return s.cached(_law) <= s.cached(constants).threshold


@hypothesis
def thresholds_not_larger(s: Setting) -> Inequality:
    r"""$\theta^k\le(1+10^{-9})\gamma^k\mu E_k$ in every layer."""
    return s.cached(constants).largest_threshold <= s.cached(_law) * (1 + THRESHOLD_SLACK)


@hypothesis
def at_least_two_nonzeros(s: Setting) -> Inequality:
    r"""$s\ge 2$."""
    return Enclosure.exact(s.signal_class.sparsity) >= 2.0


THEOREM_1 = [
    noise_free,
    at_least_two_nonzeros,
    weights_coupled,
    one_weight,
    weights_normalised,
    sparse_enough,
    gains_positive,
    gains_in_range,
    thresholds_large_enough,
    thresholds_not_larger,
    selection_gated,
]


@claim(source="liu2019", theorem="Theorem 1", hypotheses=THEOREM_1, trivial=zero_code_error, proof=PROOF)
def linear_rate(s: Setting) -> Inequality:
    r"""$\|x^k-x^*\|_2\le sB\exp(-\sum_{\tau<k}c^\tau)$ on $\mathcal X(B,s,0)$,
    $c^k=-\log((2\mu s-\mu)\gamma^k+|1-\gamma^k|)$.
    """
    return s.error(2) <= s.up_to_rounding(s.cached(class_errors)[1:], 2)


@claim(source="liu2019", theorem="Theorem 1, support", hypotheses=THEOREM_1, proof=PROOF)
def no_false_positives(s: Setting) -> Inequality:
    r"""$\mathrm{supp}\,x^k\subset\mathrm{supp}\,x^*$ on $\mathcal X(B,s,0)$ (outside: 0 up to rounding)."""
    return s.off_support <= s.rounding


@claim(
    source="liu2019",
    theorem="Frobenius weight (closed form derived)",
    hypotheses=[one_weight, weights_normalised],
    trivial=lambda s: Enclosure.exact(s.problem.dictionary.shape[1]),
    proof=PROOF,
    bound="lower",
)
def frobenius_lower_bound(s: Setting) -> Inequality:
    r"""$\|W^TA\|_F^2\ge(1-\delta)^2\sum_i 1/d_i$, $d_i=a_i^T(AA^T)^{-1}a_i$, for every W with $|1-W_i^TA_i|\le\delta$;
    attained by $w_i=(AA^T)^{-1}a_i/d_i$.

    Trivial: the n squared diagonal entries. The tightness column says how close W is to the Frobenius minimiser.
    """
    layers = s.network.affine_layers()
    weight = np.asarray(layers[0].weight, dtype=np.float64)
    delta = s.cached(constants).normalisation[0]
    objective = ((Enclosure.exact(weight.T) @ s.problem.dictionary) ** 2).sum()
    return (1.0 - delta) ** 2 * frobenius_optimum(s.problem.dictionary) <= objective
