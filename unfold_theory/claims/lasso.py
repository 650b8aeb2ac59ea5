"""What claims on the Lasso share: enclosed minimisers, distances and gaps without cancellation, steps, supports."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float64

from unfold_theory.claim import Setting, hypothesis
from unfold_theory.claims.instances import acted, layers_as_acted
from unfold_theory.enclosure import Basis, Enclosure, Inequality, minimum, stack, where
from unfold_theory.problems.lasso_minimizer import EnclosedMinimizers, enclose_minimizers
from unfold_theory.verified import column_subset_norms_squared


# -- measured ------------------------------------------------------------------------------------------------------
def minimizers(s: Setting) -> EnclosedMinimizers:
    r"""$x^\star$ of every signal.

    Raises:
        MissingStructure: The setting has no weight.
    """
    return enclose_minimizers(s.lasso, s.batch.y, s.optimum)


def deviations(s: Setting) -> Enclosure:
    r"""$x^k-x^\star$ at depth 0..K, shape (K + 1, sample, n)."""
    return Enclosure.exact(s.iterates) - s.cached(minimizers).code


def distances(s: Setting) -> Enclosure:
    r"""$\|x^k-x^\star\|_2$ at depth 0..K, shape (K + 1, sample)."""
    return s.cached(deviations).norm(2)


def gaps(s: Setting) -> Enclosure:
    r"""$F(x^k)-F^\star$ at depth 0..K, shape (K + 1, sample), small gaps to relative accuracy.

    With $c=A^T(y-Ax^\star)$ the gap is $\frac12\|A(x-x^\star)\|^2+\sum_j(\lambda|x_j|-c_jx_j)$: nonnegative terms.
    """
    found, lam = s.cached(minimizers), s.lasso.lam
    x = Enclosure.exact(s.iterates)
    smooth = ((s.cached(deviations) @ s.problem.dictionary.T) ** 2).sum(-1) * 0.5
    agrees = found.signs * s.iterates > 0
    sided = where(agrees, 0.0, abs(x) * lam - found.correlation * x)
    sided = Enclosure(np.maximum(sided.lo, 0.0), np.maximum(sided.hi, 0.0), sided.basis)
    return smooth + sided.sum(-1)


def steps(s: Setting) -> Float64[np.ndarray, "depth sample"]:
    """The step of every layer, for each signal."""
    return np.stack([layer.gain for layer in s.cached(acted).layers])


def on_support(s: Setting) -> Bool[np.ndarray, "iterate sample"]:
    r"""Where $\mathrm{supp}\,x^k\subset\mathrm{supp}\,x^\star$, at depth 0..K."""
    return ~((s.iterates != 0) & (s.cached(minimizers).signs == 0)).any(axis=-1)


def support_norms(s: Setting) -> Enclosure:
    r"""$L_S=\|A_S\|_2^2$ with $S=\mathrm{supp}\,x^k\cup\mathrm{supp}\,x^{k+1}$, k = 0..K-1, shape (depth, sample)."""
    seen = (s.iterates[:-1] != 0) | (s.iterates[1:] != 0)
    flat = column_subset_norms_squared(s.problem.dictionary, seen.reshape(-1, seen.shape[-1]))
    # No set of columns has a larger norm than all of them.
    return minimum(flat, s.lipschitz).reshape(*seen.shape[:2])


def code_rounding(s: Setting) -> Enclosure:
    r"""What one layer's float64 may change in $\|x^{k+1}-x^\star\|_2$, shape (depth, sample)."""
    found = s.cached(minimizers)
    # Below the width of the minimiser's enclosure nothing can be told either.
    width = np.where(found.known, np.linalg.norm(found.code.width, axis=-1), 0.0)
    allowed = 4 * s.cached(acted).slack * np.sqrt(s.problem.n) + 2 * width
    return Enclosure.exact(allowed).with_basis(Basis.NUMERICAL)


def gap_rounding(s: Setting) -> Enclosure:
    r"""What float64 may change in the gap: $\sqrt{2Lg}\,\delta+\frac12L\delta^2+2\lambda\sqrt n\,\delta$."""
    delta = s.cached(code_rounding)
    gap, L = s.cached(gaps)[1:], s.lipschitz
    flat = delta * (2.0 * s.lasso.lam * float(np.ceil(np.sqrt(s.problem.n))))
    total = (2.0 * L * gap).sqrt() * delta + 0.5 * L * delta**2 + flat
    return Enclosure(total.hi, total.hi, total.basis)


def contraction_factor(step: Float64[np.ndarray, "depth sample"], low: Enclosure, high: Enclosure) -> Enclosure:
    r"""$\max(|1-t\mu|,|1-tL|)$, the norm of $I-tG$ for a spectrum in $[\mu,L]$."""
    t = Enclosure.exact(step)
    ends = stack([abs(1.0 - t * low), abs(1.0 - t * high)])
    return ends.max(axis=0)


# -- hypotheses ----------------------------------------------------------------------------------------------------
@hypothesis(scope="prefix")
def proximal_layers(s: Setting) -> Inequality:
    r"""Layers are proximal gradient steps: $W=A$, $\theta=\lambda t$, no momentum, no support selection."""
    A, lam = s.problem.dictionary, s.lasso.lam
    rows = []
    for layer in s.cached(acted).layers:
        t = layer.gain[:, None]
        off = np.abs(layer.threshold - lam * t).max(axis=1) / np.maximum(lam * np.abs(t[:, 0]), np.finfo(float).tiny)
        other = max(float(np.abs(layer.weight - A).max()), float(layer.selected.max()))
        rows.append(np.maximum(np.maximum(off, np.abs(layer.momentum)), other))
    # Thresholds are products that were rounded; the rest must agree exactly.
    return Enclosure.exact(np.stack(rows)) <= 4 * np.finfo(float).eps


@hypothesis(scope="cell")
def step_positive(s: Setting) -> Inequality:
    r"""$t>0$: a step below zero has a threshold below zero, which is expansive."""
    return Enclosure.exact(s.cached(steps)) > 0.0


@hypothesis(scope="sample")
def strictly_complementary(s: Setting) -> Inequality:
    r"""$|A_j^T(y-Ax^\star)|<\lambda$ for every j off the support of $x^\star$."""
    found = s.cached(minimizers)
    off = where(found.signs != 0, 0.0, abs(found.correlation))
    return off.max(axis=-1) < s.lasso.lam


@hypothesis(scope="sample")
def support_injective(s: Setting) -> Inequality:
    r"""$\sigma_{\min}(A_S)>0$ on the support S of $x^\star$: the minimiser is unique."""
    found = s.cached(minimizers)
    empty = found.known & ~found.signs.any(axis=1)
    return Enclosure.exact(0.0) < where(empty, 1.0, found.curvature)


@hypothesis(scope="cell")
def support_identified(s: Setting) -> Inequality:
    r"""$\mathrm{supp}\,x^k,\mathrm{supp}\,x^{k+1}\subset\mathrm{supp}\,x^\star$ (1 where an entry is outside)."""
    inside, known = s.cached(on_support), s.cached(minimizers).known
    outside = np.where(inside[:-1] & inside[1:], 0.0, 1.0)
    # Of a minimiser that is not known, neither is the support.
    return Enclosure.certified(np.where(known, outside, 0.0), np.where(known, outside, 1.0)) <= 0.0


PROXIMAL = [layers_as_acted, proximal_layers]
REGULAR = [strictly_complementary, support_injective]
