r"""Chen, Liu, Wang, Yin 2018: LISTA's weights couple, and coupled LISTA (LISTA-CP) converges linearly.

The paper states theorems 2 and 3 for weights that attain the generalised mutual coherence $\tilde\mu(A)$ and existing
thresholds. Every normalised $W$ gives the same rate with its own $\mu(W)=\max_{i\ne j}|W_i^TA_j|$ in the place of
$\tilde\mu$, and the supremum in the threshold law may be replaced by any bound on it
(``proofs_checks/check_chen2018.py``); that form is checked, so that it speaks of given weights.
"""

from __future__ import annotations

import numpy as np
import torch

from unfold_theory.claim import Setting, claim, hypothesis
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
from unfold_theory.enclosure import Enclosure, Inequality, stack, where
from unfold_theory.errors import MissingStructure
from unfold_theory.rates.layer_maps import layer_maps
from unfold_theory.rates.sparse_coding import (
    THRESHOLD_SLACK,
    class_errors,
    contraction,
    recursion,
    selection_errors,
    threshold_law,
)

PROOF = "proofs_checks/check_chen2018.py"


def bounds(s: Setting) -> Enclosure:
    r"""$E_k$ over the batch's class, depth 0..K."""
    c = s.signal_class
    return class_errors(s.cached(constants), magnitude=c.magnitude, sparsity=c.sparsity, noise=c.noise)


def signal_bounds(s: Setting) -> Enclosure:
    r"""$e_k$ with support selection for each signal, depth 0..K."""
    c = s.signal_class
    selected = np.array([float(layer.selected) for layer in s.network.affine_layers()])
    return selection_errors(
        s.cached(constants), selected, s.truth, magnitude=c.magnitude, sparsity=c.sparsity, noise=c.noise
    )


# -- hypotheses of theorems 2 and 3 --------------------------------------------------------------------------------
@hypothesis
def weights_coupled(s: Setting) -> Inequality:
    r"""$W_2^k=I-W_1^kA$ in every layer."""
    parts = [
        Enclosure.exact(0.0) if m.mismatch is None else abs(m.mismatch).max()
        for m in layer_maps(s.network, s.problem.dictionary)
    ]
    return stack(parts) <= 0.0


@hypothesis
def no_gain(s: Setting) -> Inequality:
    r"""Layers have no gain: $\gamma^k=1$."""
    # The difference of a float and 1 is exact where it is small, and its sign is always right.
    return Enclosure.exact(np.abs(s.cached(constants).gain.lo - 1.0)) <= 0.0


@hypothesis
def thresholds_large_enough(s: Setting) -> Inequality:
    r"""$\theta^k\ge\mu E_k+C_W\sigma$ in every layer, $E_0=sB$, $E_{k+1}=(s-1)\mu E_k+s\theta^k+sC_W\sigma$."""
    c = s.cached(constants)
    return threshold_law(c, s.cached(bounds), s.signal_class.noise) <= c.threshold


@hypothesis
def thresholds_not_larger(s: Setting) -> Inequality:
    r"""$\theta^k\le(1+10^{-9})(\mu E_k+C_W\sigma)$ in every layer."""
    c = s.cached(constants)
    law = threshold_law(c, s.cached(bounds), s.signal_class.noise)
    return c.largest_threshold <= law * (1 + THRESHOLD_SLACK)


THEOREM_2 = [
    starts_at_zero,
    layers_as_declared,
    sparse_enough,
    weights_coupled,
    no_gain,
    weights_normalised,
    thresholds_large_enough,
    thresholds_not_larger,
    selection_gated,
    selection_decided,
]


@claim(source="chen2018", theorem="Theorem 2", hypotheses=THEOREM_2, trivial=zero_code_error, proof=PROOF)
def linear_rate(s: Setting) -> Inequality:
    r"""$\|x^k-x^*\|_2\le sBe^{-ck}+C\sigma$ on $\mathcal X(B,s,\sigma)$, $c=-\log((2s-1)\mu)$,
    $C=2sC_W/(1+\mu-2\mu s)$.
    """
    c, signals = s.cached(constants), s.signal_class
    q = contraction(c, signals.sparsity).max()
    bound = q ** np.arange(1, s.network.depth + 1) * (signals.magnitude * signals.sparsity)
    if signals.noise.hi > 0:
        offset = c.size.max() * signals.noise * (signals.sparsity * (2 + THRESHOLD_SLACK))
        # Without contraction there is no C; the recursion itself still says what the layers add up to.
        floor = offset / (1.0 - q) if q.hi < 1 else _accumulated(q, offset, s.network.depth)
        bound = bound + floor
    return s.error(2) <= s.up_to_rounding(bound, 2)


def _accumulated(factor: Enclosure, offset: Enclosure, depth: int) -> Enclosure:
    constant = (factor.broadcast_to((depth,)), offset.broadcast_to((depth,)))
    return recursion(Enclosure.exact(0.0), *constant)[1:]


@claim(source="chen2018", theorem="Theorem 2, support", hypotheses=THEOREM_2, trivial=zero_code_support, proof=PROOF)
def no_false_positives(s: Setting) -> Inequality:
    r"""$\mathrm{supp}\,x^k\subset\mathrm{supp}\,x^*$ on $\mathcal X(B,s,\sigma)$ (outside: 0 up to rounding)."""
    return s.off_support <= s.rounding


@claim(
    source="chen2018",
    theorem="Theorem 3, for each signal (derived)",
    hypotheses=THEOREM_2,
    trivial=zero_code_error,
    proof=PROOF,
)
def support_selection(s: Setting) -> Inequality:
    r"""$\|x^k-x^*\|_2\le e_k$, $e_0=sB$, $e_{k+1}=(s-1)\mu e_k+(s-q_k)\theta^k+sC_W\sigma$, where
    $q_k=\min(p_k,\#\{i:|x_i^*|>\theta^k+\mu e_k+C_W\sigma\})$ entries of the signal surely bypass the threshold.

    The paper states rates $c_{ss}^k\ge c$ over the class. Its class holds signals with entries too small to bypass,
    for which nothing is gained; this explicit form gains signal by signal. Thresholds follow the law of theorem 2.
    """
    return s.error(2) <= s.up_to_rounding(s.cached(signal_bounds)[1:], 2)


# -- theorem 1, at finite depth ------------------------------------------------------------------------------------
def half_iterates(s: Setting) -> np.ndarray:
    """Codes at depth 0..K for the signals halved."""
    with torch.no_grad():
        return s.network.iterates(torch.tensor(s.batch.y / 2)).numpy()


def _residual(s: Setting, codes: np.ndarray, truth: np.ndarray) -> Enclosure:
    r"""$r_k=\|e_S^{k+1}\|_2+\|(W_2e^k)_S\|_2$, shape (depth, sample)."""
    support = truth != 0
    rows = []
    for k, layer in enumerate(layer_maps(s.network, s.problem.dictionary)):
        before, after = (Enclosure.numerical(codes[j] - truth, s.rounding[-1][:, None]) for j in (k, k + 1))
        rows.append(where(support, after, 0.0).norm(2) + where(support, layer.carried(before), 0.0).norm(2))
    return stack(rows)


def full_residual(s: Setting) -> Enclosure:
    """r of the signals."""
    return _residual(s, s.iterates, s.truth)


def half_residual(s: Setting) -> Enclosure:
    """r of the halved signals."""
    return _residual(s, s.cached(half_iterates), s.truth / 2)


def _signs_match(s: Setting, codes: np.ndarray) -> Inequality:
    matched = np.where(s.truth != 0, np.sign(s.truth) * codes[1:], np.inf).min(axis=-1)
    return Enclosure.exact(matched) > s.rounding


@hypothesis(scope="cell")
def signs_match(s: Setting) -> Inequality:
    r"""$\mathrm{sgn}(x^{k}_S)=\mathrm{sgn}(x^*_S)$ in this layer's output, above rounding."""
    return _signs_match(s, s.iterates)


@hypothesis(scope="cell")
def half_signs_match(s: Setting) -> Inequality:
    r"""The same for the halved signal, which the class contains as well."""
    return _signs_match(s, s.cached(half_iterates))


@hypothesis(scope="cell")
def no_bypass(s: Setting) -> Inequality:
    r"""No support selection: every entry is thresholded."""
    return Enclosure.exact(np.array([[float(a.selected)] for a in s.network.affine_layers()])) <= 0.0


NECESSITY = [starts_at_zero, layers_as_declared, noise_free, no_bypass, signs_match, half_signs_match]


def _zero_code_residual(s: Setting) -> Enclosure:
    r"""$\|x^*_S\|_2+\|(W_2x^*)_S\|_2$: r of the zero code, shape (depth, sample)."""
    zeros = np.zeros((s.shape[0] + 1, *s.truth.shape))
    return _residual(s, zeros, s.truth)


def _mismatch_on_support(s: Setting) -> Enclosure:
    maps = list(layer_maps(s.network, s.problem.dictionary))
    if all(m.mismatch is None for m in maps):
        raise MissingStructure(
            s.network.title, "weight coupling as a conclusion", "weights that are not coupled already"
        )
    support = s.truth != 0
    codes = Enclosure.exact(s.truth)
    zero = Enclosure.exact(np.zeros(len(s.truth)))
    return stack([zero if m.mismatch is None else where(support, codes @ m.mismatch.T, 0.0).norm(2) for m in maps])


@claim(
    source="chen2018",
    theorem="Theorem 1, finite depth (derived)",
    hypotheses=NECESSITY,
    trivial=lambda s: 3.0 * s.cached(_zero_code_residual),
    proof=PROOF,
)
def weights_couple(s: Setting) -> Inequality:
    r"""$\|(D^kx^*)_S\|_2\le 2(r_k(x^*)+r_k(x^*/2))$, $D^k=W_2^k-(I-W_1^kA)$,
    $r_k(x^*)=\|e^{k+1}_S\|_2+\|(W_2^ke^k)_S\|_2$: small errors force coupled weights.

    Theorem 1 is the limit: if the errors vanish uniformly and $\|W_2^k\|$ is bounded, then $r_k\to 0$, hence
    $W_2^k-(I-W_1^kA)\to 0$.
    """
    return s.cached(_mismatch_on_support) <= 2.0 * (s.cached(full_residual) + s.cached(half_residual))


@claim(
    source="chen2018",
    theorem="Theorem 1, finite depth (derived)",
    hypotheses=NECESSITY,
    trivial=lambda s: 2.0 * s.cached(_zero_code_residual),
    proof=PROOF,
)
def thresholds_vanish(s: Setting) -> Inequality:
    r"""$\|\theta^k_S\|_2\le r_k(x^*)+2r_k(x^*/2)$: small errors force small thresholds.

    Theorem 1 is the limit: $\theta^k\to 0$.
    """
    support = s.truth != 0
    n = s.truth.shape[1]
    thresholds = np.stack([np.broadcast_to(a.threshold, (n,)) for a in s.network.affine_layers()])
    lhs = stack([Enclosure.exact(np.where(support, row, 0.0)).norm(2) for row in thresholds])
    return lhs <= s.cached(full_residual) + 2.0 * s.cached(half_residual)
