r"""Behrens, Sauder, Jung 2021: thresholds that follow each signal's own error keep ALISTA's rate, from $\|x^*\|_1$.

The paper's theorem 1 takes $\theta^k=\gamma^k\tilde\mu\|x^k-x^*\|_1$, which no network can compute but which a
recurrent one can learn to estimate. It is read here signal by signal: with the signal's own $|S|$ in the place of the
class's s, any normalised W, and the law as a hypothesis on the thresholds that the network took
(``proofs_checks/check_behrens2021.py``). The networks of the paper let the largest entries bypass the threshold without
a gate; they are covered where those entries surely belong to the support, and otherwise by
``unfoldtheory2026.unconditional_certificate``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unfold_theory.claim import Setting, claim, hypothesis
from unfold_theory.claims.instances import (
    acted,
    input_errors,
    instance_selection_safe,
    instance_thresholds_nonnegative,
    instance_thresholds_reach,
    layers_as_acted,
)
from unfold_theory.claims.shared import noise_free, starts_at_zero, zero_code_support
from unfold_theory.enclosure import Basis, Enclosure, Inequality, stack
from unfold_theory.rates.sparse_coding import (
    NORMALISATION_SLACK,
    THRESHOLD_SLACK,
    gram_constants,
    recursion,
)

PROOF = "proofs_checks/check_behrens2021.py"


@dataclass(frozen=True)
class Constants:
    r"""$\mu$ and $\delta$ of each layer, shape (depth, 1), and $|\gamma|$ of each signal, shape (depth, sample)."""

    coherence: Enclosure
    normalisation: Enclosure
    gain: Enclosure


def constants(s: Setting) -> Constants:
    """What the layers' weights and gains are; weights that layers share are computed once."""
    layers, known, rows = s.cached(acted).layers, {}, []
    for layer in layers:
        key = layer.weight.tobytes()
        if key not in known:
            known[key] = gram_constants(layer.weight, s.problem.dictionary)
        rows.append(known[key])
    mu, delta = (stack([row[i] for row in rows])[:, None] for i in range(2))
    return Constants(mu, delta, Enclosure.exact(np.stack([layer.gain for layer in layers])))


def law(s: Setting) -> Enclosure:
    r"""$\gamma^k\mu\|x^k-x^*\|_1$ with each signal's measured error, shape (depth, sample)."""
    c = s.cached(constants)
    return abs(c.gain) * c.coherence * s.cached(input_errors)


def law_ratio(s: Setting) -> np.ndarray:
    r"""Each signal's threshold (its mean over entries) over $\gamma^k\mu\|x^k-x^*\|_1$, shape (depth, sample)."""
    thresholds = np.stack([layer.threshold.mean(axis=1) for layer in s.cached(acted).layers])
    with np.errstate(divide="ignore", invalid="ignore"):
        return thresholds / s.cached(law).mid


def nonzeros(s: Setting) -> np.ndarray:
    """|S| of each signal."""
    return np.count_nonzero(s.truth, axis=1).astype(float)


@hypothesis(scope="sample")
def sparse_enough_each(s: Setting) -> Inequality:
    r"""$(2|S|-1)\mu<1$ for the signal, with the largest $\mu$ among the layers."""
    return s.cached(constants).coherence.max() * (2.0 * nonzeros(s) - 1.0) < 1.0


@hypothesis
def weights_normalised_each(s: Setting) -> Inequality:
    r"""$|1-W_i^TA_i|\le 10^{-6}$ for all i (0 in the paper; the excess enters the bound)."""
    return s.cached(constants).normalisation <= NORMALISATION_SLACK


@hypothesis
def no_momentum(s: Setting) -> Inequality:
    r"""$\beta^k=0$."""
    return Enclosure.exact(np.array([np.abs(layer.momentum).max() for layer in s.cached(acted).layers])) <= 0.0


@hypothesis(scope="prefix")
def gains_positive(s: Setting) -> Inequality:
    r"""$\gamma^k>0$."""
    return s.cached(constants).gain > 0.0


@hypothesis(scope="prefix")
def gains_in_range(s: Setting) -> Inequality:
    r"""$\gamma^k<2/(2\mu|S|-\mu+1)$."""
    c = s.cached(constants)
    return c.gain < 2.0 / (c.coherence * np.maximum(2.0 * nonzeros(s) - 1.0, 0.0) + 1.0)


@hypothesis(scope="prefix")
def thresholds_at_the_law(s: Setting) -> Inequality:
    r"""$\theta^k_i\le(1+10^{-9})\gamma^k\mu\|x^k-x^*\|_1$ for all i, up to rounding."""
    made = s.cached(acted)
    largest = np.stack([layer.threshold.max(axis=1) for layer in made.layers])
    return Enclosure.exact(largest) <= s.cached(law) * (1 + THRESHOLD_SLACK) + 4.0 * made.slack


SUPPORT = [
    starts_at_zero,
    layers_as_acted,
    no_momentum,
    noise_free,
    instance_thresholds_nonnegative,
    instance_selection_safe,
    instance_thresholds_reach,
]
THEOREM_1 = [
    noise_free,
    sparse_enough_each,
    weights_normalised_each,
    gains_positive,
    gains_in_range,
    thresholds_at_the_law,
    *(part for part in SUPPORT if part is not noise_free),
]


def zero_code_error_each(s: Setting) -> Enclosure:
    r"""$\|x^*\|_2$: what the zero code attains."""
    return Enclosure.exact(s.truth).norm(2)


def bounds(s: Setting) -> Enclosure:
    r"""$\|x^*\|_1\prod_\tau q^\tau$, depth 1..K, with what rounding adds layer by layer; shape (depth, sample)."""
    c, count = s.cached(constants), nonzeros(s)
    paid = c.coherence * (count * Enclosure.of(1 + THRESHOLD_SLACK))
    inside = c.coherence * np.maximum(count - 1.0, 0.0)
    factors = abs(1.0 - c.gain) + c.gain * (c.normalisation + inside + paid)
    rounding = Enclosure.exact(5.0 * s.cached(acted).slack) * count
    return recursion(Enclosure.exact(s.truth).norm(1), factors, rounding)[1:]


@claim(source="behrens2021", theorem="Theorem 1", hypotheses=THEOREM_1, trivial=zero_code_error_each, proof=PROOF)
def linear_rate(s: Setting) -> Inequality:
    r"""$\|x^k-x^*\|_2\le\|x^*\|_1\exp(-\sum_{\tau<k}c^\tau)$ for each signal,
    $c^k=-\log((2\mu|S|-\mu)\gamma^k+|1-\gamma^k|)$ with its own gains.

    The classical law has $sB$ for $\|x^*\|_1$ and the class's s. Trivial: the zero code's $\|x^*\|_2$.
    """
    return s.error(2) <= s.cached(bounds).with_basis(Basis.NUMERICAL)


@claim(source="behrens2021", theorem="Theorem 1, support", hypotheses=SUPPORT, trivial=zero_code_support, proof=PROOF)
def no_false_positives(s: Setting) -> Inequality:
    r"""$\mathrm{supp}\,x^k\subset\mathrm{supp}\,x^*$ for each signal whose thresholds reach its own error.

    Entries outside are exactly 0.
    Needs neither the sparsity nor the range of gains.
    """
    return s.off_support <= 0.0
