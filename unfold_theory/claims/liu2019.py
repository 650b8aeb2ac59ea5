r"""Liu, Chen, Wang, Yin 2019: ALISTA, whose weights are computed and only gains and thresholds are learned.

Theorem 1 is stated for weights of least coherence; every normalised $W$ gives the same rate with its own
$\mu(W)=\max_{i\ne j}|W_i^TA_j|$ (``proofs_checks/check_liu2019.py``), which is what is checked. Practice takes the
Frobenius minimiser instead, whose closed form and optimality are checked here as well, for convolutions too. The lower
bound of theorem 2 is stated for each support, with a sharper constant, for all thresholds and any support selection.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import beta

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
from unfold_theory.enclosure import UNIT_ROUNDOFF, Basis, Enclosure, Inequality
from unfold_theory.errors import MissingStructure
from unfold_theory.problems.coherence import frobenius_optimum
from unfold_theory.problems.convolution import Convolution, convolutional_optimum
from unfold_theory.problems.remembered import remembered
from unfold_theory.rates.gram import gram
from unfold_theory.rates.sparse_coding import THRESHOLD_SLACK, contraction, threshold_law
from unfold_theory.verified import smallest_singular_value_squared

PROOF = "proofs_checks/check_liu2019.py"
# A bound that is attained can be decided up to rounding only.
ATTAINED_SLACK = 1e-9
FAILURE = 0.1
"""p: share of the signals on which the lower bound may fail."""
CONFIDENCE = 1e-3
"""Probability with which the estimates of that share, over all depths together, may miss it."""
NEGLIGIBLE = 1e-12
"""A lower bound below this part of the signal says nothing: float64 has no smaller errors."""


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


# -- theorem 2 -------------------------------------------------------------------------------------------------------
def _density(s: Setting) -> float:
    law = getattr(s.problem, "law", None)
    return np.inf if law is None else law.amplitude_density


def _lower_bounds(s: Setting) -> Enclosure:
    r"""$\rho\prod_{\tau<k}3^{-|S|}\min(1,\sigma_{\min}(I-\gamma^\tau W_S^TA_S))$, shape (depth, sample), numerical."""
    gains = [float(layer.gain) for layer in s.network.affine_layers()]
    grams = [gram(np.asarray(layer.weight), s.problem.dictionary).product for layer in s.network.affine_layers()]
    rho = FAILURE / (3 * _density(s))
    # A signal without entries has no error to bound.
    factors = np.zeros((len(gains), len(s.truth)))
    for b, support in enumerate(s.truth != 0):
        size = int(support.sum())
        block = np.ix_(support, support)
        parts = [(gain, g[block]) for gain, g in zip(gains, grams, strict=True)]
        states = np.stack([np.eye(size) - gain * part.mid for gain, part in parts])
        off = np.stack([abs(gain) * part.width for gain, part in parts])
        if size:
            # Weyl: a singular value moves by no more than the norm of what is unknown, and of what rounding did.
            unknown = np.linalg.norm(off, axis=(1, 2)) + 10 * size**2 * UNIT_ROUNDOFF * np.linalg.norm(
                states, axis=(1, 2)
            )
            least = np.linalg.svd(states, compute_uv=False)[:, -1] - unknown
            factors[:, b] = 3.0**-size * np.clip(least, 0.0, 1.0)
    with np.errstate(under="ignore"):
        return Enclosure.numerical(rho * np.cumprod(factors, axis=0))


def _negligible(s: Setting) -> Enclosure:
    """1 at depths where every bound is negligible, so that nothing is learned there; 0 elsewhere."""
    size = np.sqrt((s.truth**2).sum(axis=1))
    says = (s.cached(_lower_bounds).hi >= NEGLIGIBLE * size).any(axis=1)
    return Enclosure.exact(np.where(says, 0.0, 1.0)[:, None])


@hypothesis
def entries_have_a_density(s: Setting) -> Inequality:
    r"""Given the support, no nonzero entry takes values in an interval of length t with probability above $ft$."""
    return Enclosure.exact(_density(s)) < np.inf


@hypothesis
def drawn_from_the_law(s: Setting) -> Inequality:
    r"""The signals are successive draws of the problem's law: neither codes of another origin nor a choice among them.

    Read off the batch's recipe; that the network was not trained on them it cannot say.
    """
    recipe = s.batch.recipe
    places = recipe.get("indices") or [0]
    drawn = recipe.get("problem") == s.problem.recipe and "codes" not in recipe and (np.diff(places) == 1).all()
    return Enclosure.exact(0.0 if drawn else 1.0) <= 0.0


@hypothesis(scope="prefix")
def no_earlier_false_positives(s: Setting) -> Inequality:
    r"""$\mathrm{supp}\,x^k\subset\mathrm{supp}\,x^*$ at the input of this layer and of those before it."""
    off = np.concatenate([np.zeros((1, len(s.truth))), s.off_support.mid[:-1]])
    return Enclosure.exact((off > 0).mean(axis=1)) <= 0.0


@claim(
    source="liu2019",
    theorem="Theorem 2, for each support (derived)",
    hypotheses=[
        starts_at_zero,
        layers_as_declared,
        noise_free,
        weights_coupled,
        entries_have_a_density,
        drawn_from_the_law,
        no_earlier_false_positives,
    ],
    trivial=_negligible,
    proof=PROOF,
    bound="lower",
)
def error_lower_bound(s: Setting) -> Inequality:
    r"""$1-p\le P\left(\|x^k-x^*\|_2\ge\rho\prod_{\tau<k}3^{-|S|}\min(1,\sigma_{\min}(I-\gamma^\tau W_S^TA_S))\right)$,
    $\rho=p/(3f)$, for signals of the problem's law, p = 0.1: no coupled network converges faster than linearly.

    Theorem 2 takes $\bar\sigma_{\min}$ over all supports of 2 to s entries, uniform entries ($f=1/(2B)$) and the
    probability $1-\varepsilon s^{3/2}-\varepsilon^2$. Given the support its own singular values are enough, which can
    be computed where a minimum over all supports cannot; any thresholds and any support selection are allowed. The
    right side is enclosed by the share of the batch (Clopper and Pearson, 99.9 percent over all depths). Vacuous where
    the bound is below $10^{-12}\|x^*\|_2$.
    """
    bound, allowance = s.cached(_lower_bounds), s.rounding * np.sqrt(s.truth.shape[1])
    reached = (s.error(2).hi + allowance >= bound.lo).sum(axis=1)
    count, each = len(s.truth), CONFIDENCE / s.shape[0]
    lo = beta.ppf(each / 2, reached, count - reached + 1)
    hi = beta.ppf(1 - each / 2, reached + 1, count - reached)
    share = Enclosure.confidence(np.where(reached == 0, 0.0, lo), np.where(reached == count, 1.0, hi), delta=CONFIDENCE)
    return Enclosure.exact(1.0 - FAILURE) <= share[:, None].with_basis(Basis.NUMERICAL)


# -- theorem 3 -------------------------------------------------------------------------------------------------------
def _convolution(s: Setting) -> tuple[Convolution, Convolution]:
    layers = s.network.affine_layers()
    return Convolution.of(s.problem.dictionary, "dictionary"), Convolution.of(np.asarray(layers[0].weight), "weight")


@hypothesis
def filters_do_not_wrap(s: Setting) -> Inequality:
    r"""$N\ge2D-1$ for signals of length N and filters of length D."""
    dictionary, weight = s.cached(_convolution)
    return Enclosure.exact(2.0 * max(dictionary.length, weight.length) - 1.0) <= float(dictionary.size)


@claim(
    source="liu2019",
    theorem="Theorem 3, circular (one axis; closed form derived)",
    hypotheses=[one_weight, weights_normalised, filters_do_not_wrap],
    trivial=lambda s: Enclosure.exact(s.problem.dictionary.shape[1]),
    proof=PROOF,
    bound="lower",
)
def convolutional_lower_bound(s: Setting) -> Inequality:
    r"""$\|W^TA\|_F^2\ge(1-10^{-9})(1-\delta)^2N\sum_m1/(d_m^TQ^{-1}d_m)$ for circular convolutions with filters $w_m$,
    $d_m$ of length at most D, $Q_{ab}=\sum_m\sum_td_m[t]d_m[t+|a-b|]$: the optimal filters are the same for every
    $N\ge2D-1$.

    $w_m=Q^{-1}d_m/(d_m^TQ^{-1}d_m)$ attains it (:func:`~unfold_theory.problems.convolution.convolutional_weight`).
    Trivial: the squared diagonal entries. The paper has two axes, where the same holds with lags in two dimensions, and
    the limit of linear convolutions, which is not stated here.
    """
    dictionary, weight = s.cached(_convolution)
    length = max(dictionary.length, weight.length)
    delta = s.cached(constants).normalisation[0]
    optimum = convolutional_optimum(dictionary.filters, length) * dictionary.size
    objective = gram(np.asarray(s.network.affine_layers()[0].weight), s.problem.dictionary).squared_norm
    return (1 - ATTAINED_SLACK) * (1.0 - delta) ** 2 * optimum <= objective
