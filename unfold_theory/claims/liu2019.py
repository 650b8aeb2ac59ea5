r"""Liu, Chen, Wang, Yin 2019: ALISTA, whose weights are computed and only gains and thresholds are learned.

Theorem 1 is stated for weights of least coherence; every normalised $W$ gives the same rate with its own
$\mu(W)=\max_{i\ne j}|W_i^TA_j|$ (``proofs_checks/check_liu2019.py``), which is what is checked. Practice takes the
Frobenius minimiser instead, whose closed form and optimality are checked here as well.
"""

from __future__ import annotations

import numpy as np

from unfold_theory.claim import Setting, claim, hypothesis
from unfold_theory.claims.chen2018 import bounds, weights_coupled
from unfold_theory.claims.shared import (
    constants,
    layers_as_declared,
    noise_free,
    selection_decided,
    selection_gated,
    sparse_enough,
    starts_at_zero,
    weights_normalised,
    zero_code_error,
    zero_code_support,
)
from unfold_theory.enclosure import Enclosure, Inequality
from unfold_theory.errors import MissingStructure
from unfold_theory.problems.coherence import frobenius_optimum
from unfold_theory.problems.remembered import remembered
from unfold_theory.rates.gram import gram
from unfold_theory.rates.sparse_coding import THRESHOLD_SLACK, contraction, threshold_law
from unfold_theory.verified import smallest_singular_value_squared

PROOF = "proofs_checks/check_liu2019.py"
# A bound that is attained can be decided up to rounding only.
ATTAINED_SLACK = 1e-9


def _law(s: Setting) -> Enclosure:
    return threshold_law(s.cached(constants), s.cached(bounds), s.signal_class.noise)


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
    r"""$\theta^k\ge\gamma^k\mu E_k$ in every layer, $E_0=sB$, $E_{k+1}=(|1-\gamma^k|+\gamma^k(s-1)\mu)E_k+s\theta^k$.

    The paper has $\sup\|x^k-x^*\|_1$ for $E_k$; a bound on it is enough, and what can be computed.
    """
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
    starts_at_zero,
    layers_as_declared,
    sparse_enough,
    noise_free,
    at_least_two_nonzeros,
    weights_coupled,
    one_weight,
    weights_normalised,
    gains_positive,
    gains_in_range,
    thresholds_large_enough,
    thresholds_not_larger,
    selection_gated,
    selection_decided,
]


@claim(source="liu2019", theorem="Theorem 1", hypotheses=THEOREM_1, trivial=zero_code_error, proof=PROOF)
def linear_rate(s: Setting) -> Inequality:
    r"""$\|x^k-x^*\|_2\le sB\exp(-\sum_{\tau<k}c^\tau)$ on $\mathcal X(B,s,0)$,
    $c^k=-\log((2\mu s-\mu)\gamma^k+|1-\gamma^k|)$.
    """
    signals = s.signal_class
    factors = contraction(s.cached(constants), signals.sparsity).cumprod()
    return s.error(2) <= s.up_to_rounding(factors * (signals.magnitude * signals.sparsity), 2)


@claim(source="liu2019", theorem="Theorem 1, support", hypotheses=THEOREM_1, trivial=zero_code_support, proof=PROOF)
def no_false_positives(s: Setting) -> Inequality:
    r"""$\mathrm{supp}\,x^k\subset\mathrm{supp}\,x^*$ on $\mathcal X(B,s,0)$ (outside: 0 up to rounding)."""
    return s.off_support <= s.rounding


@remembered(4)
def _frobenius_least(dictionary: np.ndarray) -> Enclosure | None:
    r"""$\sum_i 1/d_i$; None where $AA^T$ is singular."""
    if dictionary.shape[0] > dictionary.shape[1] or not smallest_singular_value_squared(dictionary).lo > 0:
        return None
    return frobenius_optimum(dictionary)


@claim(
    source="liu2019",
    theorem="Frobenius weight (closed form derived)",
    hypotheses=[one_weight, weights_normalised],
    trivial=lambda s: Enclosure.exact(s.problem.dictionary.shape[1]),
    proof=PROOF,
    bound="lower",
)
def frobenius_lower_bound(s: Setting) -> Inequality:
    r"""$\|W^TA\|_F^2\ge(1-10^{-9})(1-\delta)^2\sum_i 1/d_i$, $d_i=a_i^T(AA^T)^{-1}a_i$, for every W with
    $|1-W_i^TA_i|\le\delta$.

    Without the factor $1-10^{-9}$, which rounding needs, the closed form $w_i=(AA^T)^{-1}a_i/d_i$ attains it.
    Trivial: the n squared diagonal entries. The tightness says how close W is to the Frobenius minimiser.
    """
    dictionary = s.problem.dictionary
    least = _frobenius_least(dictionary)
    if least is None:
        raise MissingStructure("A dictionary of deficient row rank", "the Frobenius weight", "an invertible AA^T")
    weight = np.asarray(s.network.affine_layers()[0].weight, dtype=np.float64)
    delta = s.cached(constants).normalisation[0]
    objective = gram(weight, dictionary).squared_norm
    return (1 - ATTAINED_SLACK) * (1.0 - delta) ** 2 * least <= objective
