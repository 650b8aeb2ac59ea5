"""The project's own certificate: the master lemma, layer by layer, on the weights as they were trained."""

from __future__ import annotations

import numpy as np

from unfold_theory.claim import Setting, claim, hypothesis
from unfold_theory.claims import capacity, capacity_gap  # noqa: F401  (ours as well: registered with this file)
from unfold_theory.claims.instances import (
    INSTANCE_STRUCTURE,
    acted,
    instance,
    instance_thresholds_reach,
    layers_as_acted,
)
from unfold_theory.claims.shared import (
    layers_as_declared,
    selection_decided,
    selection_gated,
    starts_at_zero,
    zero_code_support,
)
from unfold_theory.enclosure import Basis, Enclosure, Inequality
from unfold_theory.errors import MissingStructure
from unfold_theory.rates.local_rate import LocalBound, local_bound
from unfold_theory.rates.master_lemma import LayerwiseBound, class_bound, sample_bound
from unfold_theory.rates.unconditional_bound import UnconditionalBound, unconditional_bound

PROOF = "proofs_checks/check_unfoldtheory2026.py"
LOCAL_PROOF = "proofs_checks/check_unfoldtheory2026_local.py"


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


# -- whatever the thresholds and the selection are -----------------------------------------------------------------
def unconditional(s: Setting) -> UnconditionalBound:
    """The bound that needs neither thresholds nor gates."""
    made = s.cached(acted)
    return unconditional_bound(made.layers, s.problem.dictionary, s.truth, s.batch.noise, rounding=made.slack)


@claim(
    source="unfoldtheory2026",
    theorem="master lemma, any support",
    hypotheses=[starts_at_zero, layers_as_acted],
    trivial=lambda s: s.cached(unconditional).initial,
    proof=PROOF,
)
def unconditional_certificate(s: Setting) -> Inequality:
    r"""$\|x^k-x^*\|_1\le a_k+b_k$ for each signal, whatever its thresholds and its selection, gated or not:
    $a_0=\|x^*\|_1$, $b_0=0$,
    $a_{k+1}=\|B_{SS}\|_{1\to1}a_k+\|B_{SS^c}\|_{1\to1}b_k+\sum_{S\setminus Q}\min(|x_i^*|,\theta_i)+\cdots$,
    $b_{k+1}=\sum_{i\notin S}(d_i-\theta_i)_++\Sigma_f$, $B=(1+\beta)I-\gamma W^TA$.

    $d_i$ bounds $|v_i-x_i^*|$; of the p selected entries at most $f=p-P$ are false, where P entries of S surely are
    among the p largest, and $\Sigma_f$ is the largest sum of f such entries. Noise, momentum and rounding enter as in
    the instance certificate; the recursion is kept entry by entry as well, and the smaller bound counts. Thresholds are
    not judged, so that it always speaks: it need not contract, and is vacuous where it exceeds $\|x^*\|_1$.
    """
    return s.error(1) <= s.cached(unconditional).bound.with_basis(Basis.NUMERICAL)


@claim(
    source="unfoldtheory2026",
    theorem="master lemma, any support, count",
    hypotheses=[starts_at_zero, layers_as_acted],
    trivial=lambda s: Enclosure.exact((s.truth == 0).sum(axis=1).astype(float)),
    proof=PROOF,
)
def false_positives_counted(s: Setting) -> Inequality:
    r"""At most $f_k+\#\{i\notin S:d_i>\theta_i\}$ entries off the support are nonzero, $f_k\le p_k$ of them selected.

    $f_k=p_k-P_k$, where $P_k$ entries of S surely are among the $p_k$ largest; with gated selection only entries with
    $d_i>\theta_i$ count.
    """
    wrong = ((s.iterates[1:] != 0) & (s.truth == 0)).sum(axis=-1)
    return Enclosure.exact(wrong.astype(float)) <= Enclosure.exact(
        s.cached(unconditional).false_positives.astype(float)
    )


def local(s: Setting) -> LocalBound:
    """The bound from the identification of each signal's support on."""
    layers = s.network.affine_layers()
    weight = np.asarray(layers[0].weight)
    if not all(layer.coupled and np.array_equal(layer.weight, weight) for layer in layers):
        raise MissingStructure(s.network.title, "a local rate", "coupled layers that share one weight")
    v, slack = s.preactivations
    taken = Enclosure.numerical(np.abs(v - s.iterates[1:]), slack[:, :, None])
    gains = np.array([float(layer.gain) for layer in layers])
    return local_bound(weight, gains, s.problem.dictionary, s.iterates, s.truth, abs(taken), s.batch.noise)


@hypothesis(scope="cell")
def support_identified(s: Setting) -> Inequality:
    r"""$k>k_0$: from depth $k_0$ on no code of this signal has an entry off the support of $x^*$."""
    return Enclosure.exact(s.cached(local).start.astype(float)) < s.depth


@claim(
    source="unfoldtheory2026",
    theorem="local rate",
    hypotheses=[layers_as_declared, support_identified],
    trivial=lambda s: s.cached(local).initial,
    proof=LOCAL_PROOF,
)
def local_rate(s: Setting) -> Inequality:
    r"""Coupled layers, one W: $\|x^k-x^*\|_2\le U_k/\sqrt{\min_Sd}$ once the support is identified at depth $k_0$,
    $U_k=P_{k_0,k}U_{k_0}+\sum_{j=k_0}^{k-1}P_{j+1,k}(\|r^j\|+|\gamma^j|\|N\|U_j)$,
    $P_{j,k}=\max_{l\le\lambda\le h}\prod_{i=j}^{k-1}|1-\gamma^i\lambda|$ and $[l,h]$ encloses the spectrum of the
    symmetric part of $D^{1/2}W_S^TA_SD^{-1/2}$, N the rest, $r^j=D^{1/2}(\gamma^jW_S^T\varepsilon-t^j)$, $t^j$ what the
    threshold took on S.

    Where thresholds vanish, one gain gives the spectral radius and Chebyshev gains their polynomial's maximum; where
    they act, they add what they take. Vacuous where nothing is gained on the error at identification.
    """
    return s.error(2) <= s.up_to_rounding(s.cached(local).bound, 2)
