"""The project's own certificate: the master lemma, layer by layer, on the weights as they were trained."""

from __future__ import annotations

import numpy as np

from unfold_theory.claim import Setting, claim, hypothesis
from unfold_theory.claims.instances import INSTANCE_STRUCTURE, instance, instance_thresholds_reach
from unfold_theory.claims.shared import (
    layers_as_declared,
    selection_decided,
    selection_gated,
    starts_at_zero,
    zero_code_support,
)
from unfold_theory.enclosure import Basis, Enclosure, Inequality
from unfold_theory.rates.master_lemma import LayerwiseBound, class_bound, sample_bound

PROOF = "proofs_checks/check_unfoldtheory2026.py"


def uniform(s: Setting) -> LayerwiseBound:
    """The certificate over the batch's signal class."""
    c = s.signal_class
    return class_bound(s.network, s.problem.dictionary, magnitude=c.magnitude, sparsity=c.sparsity, noise=c.noise)


def each(s: Setting) -> LayerwiseBound:
    """The certificate for each signal of the batch."""
    return sample_bound(s.network, s.problem.dictionary, s.truth, s.batch.noise)


@hypothesis(scope="prefix")
def thresholds_nonnegative(s: Setting) -> Inequality:
    r"""$\theta^k\ge 0$ in every layer so far."""
    layers = s.network.affine_layers()
    return Enclosure.exact(np.array([np.min(layer.threshold) for layer in layers])) >= 0.0


@hypothesis(scope="prefix")
def class_thresholds_reach(s: Setting) -> Inequality:
    r"""$\theta^k_i\ge\max_{j\ne i}|W^k_{2,ij}|E_k+\max_{j\ne i}|D^k_{ij}|sB+\|W^k_{1,i}\|_\infty\sigma$ for all i."""
    bound = s.cached(uniform)
    return bound.required <= bound.available


@hypothesis(scope="prefix")
def sample_thresholds_reach(s: Setting) -> Inequality:
    r"""$\theta^k_i\ge\max_{j\in S}|W^k_{2,ij}|E_k+|D^k_ix^*|+|W^k_{1,i}\varepsilon|$ for all $i\notin S$."""
    bound = s.cached(each)
    return bound.required <= bound.available


STRUCTURE = [starts_at_zero, thresholds_nonnegative, layers_as_declared, selection_gated, selection_decided]


@claim(
    source="unfoldtheory2026",
    theorem="master lemma, class",
    hypotheses=[*STRUCTURE, class_thresholds_reach],
    trivial=lambda s: s.cached(uniform).initial,
    proof=PROOF,
)
def class_certificate(s: Setting) -> Inequality:
    r"""$\|x^k-x^*\|_1\le E_k$ for every signal of $\mathcal X(B,s,\sigma)$, with $E_0=sB$ and
    $E_{k+1}=\max_{|S|\le s}\|W_{2,SS}\|_{1\to1}E_k+\max_{|S|\le s}\|D_{SS}\|_{1\to1}sB+\sum_S\theta_i+s\,C_W\sigma$.

    The class is the smallest that contains the batch. Vacuous where $E_k\ge sB$, which the zero code attains.
    """
    return s.error(1) <= s.up_to_rounding(s.cached(uniform).bound, 1)


@claim(
    source="unfoldtheory2026",
    theorem="master lemma, signal",
    hypotheses=[*STRUCTURE, sample_thresholds_reach],
    trivial=lambda s: s.cached(each).initial,
    proof=PROOF,
)
def sample_certificate(s: Setting) -> Inequality:
    r"""$\|x^k-x^*\|_1\le E_k$ for each signal, with $E_0=\|x^*\|_1$ and
    $E_{k+1}=\|W_{2,SS}\|_{1\to1}E_k+\|(Dx^*)_S\|_1+\sum_{i\in S\setminus Q}\theta_i+\|(W_1\varepsilon)_S\|_1$.

    S is the signal's own support, $\varepsilon$ its own noise, Q the entries that surely bypass the threshold.
    Vacuous where $E_k\ge\|x^*\|_1$, which the zero code attains.
    """
    return s.error(1) <= s.up_to_rounding(s.cached(each).bound, 1)


@claim(
    source="unfoldtheory2026",
    theorem="master lemma, support",
    hypotheses=[*STRUCTURE, sample_thresholds_reach],
    trivial=zero_code_support,
    proof=PROOF,
)
def no_false_positives(s: Setting) -> Inequality:
    r"""$\mathrm{supp}\,x^k\subset\mathrm{supp}\,x^*$ for each signal (entries outside are zero up to rounding)."""
    return s.off_support <= s.rounding


@claim(
    source="unfoldtheory2026",
    theorem="master lemma, instance",
    hypotheses=[starts_at_zero, *INSTANCE_STRUCTURE, instance_thresholds_reach],
    trivial=lambda s: s.cached(instance).initial,
    proof=PROOF,
)
def instance_certificate(s: Setting) -> Inequality:
    r"""$\|x^k-x^*\|_1\le E_k$ for each signal, with its own gains, thresholds, momentum and selection: $E_0=\|x^*\|_1$,
    $E_{k+1}=\|((1+\beta)I-\gamma W^TA)_{SS}\|_{1\to1}E_k+|\beta|E_{k-1}+\sum_{S\setminus Q}\theta_i
    +|\gamma|\|(W^T\varepsilon)_S\|_1$, the momentum of the first layer being 0.

    Thresholds are judged by the error that each signal has, so that laws which follow it, as in adaptive networks, can
    be met. Of the float64 run itself: rounding enters the recursion. Vacuous where $E_k\ge\|x^*\|_1$.
    """
    return s.error(1) <= s.cached(instance).bound.with_basis(Basis.NUMERICAL)


@claim(
    source="unfoldtheory2026",
    theorem="master lemma, instance, support",
    hypotheses=[starts_at_zero, *INSTANCE_STRUCTURE, instance_thresholds_reach],
    trivial=zero_code_support,
    proof=PROOF,
)
def instance_no_false_positives(s: Setting) -> Inequality:
    r"""$\mathrm{supp}\,x^k\subset\mathrm{supp}\,x^*$ for each signal, with its own thresholds (outside: exactly 0)."""
    return s.off_support <= 0.0
