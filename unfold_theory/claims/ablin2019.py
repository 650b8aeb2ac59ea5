r"""Ablin, Moreau, Massias, Gramfort 2019: steps as long as the support at hand allows, and what a Lasso solver must be.

A proximal gradient step from x to $x^+$ only moves on $S=\mathrm{supp}\,x\cup\mathrm{supp}\,x^+$, so that
$L_S=\|A_S\|_2^2$ takes the place of $L$. The paper states this for the oracle's steps $1/L_S$ and for what follows
once the support is identified; the inequalities below hold step by step, for any steps $t\le1/L_S$, learned ones
included (``proofs_checks/check_ablin2019.py``). Networks with other weights are the subject of theorem 4.4.
"""

from __future__ import annotations

import numpy as np

from unfold_theory.claim import Setting, claim, hypothesis
from unfold_theory.claims.instances import acted, layers_as_acted
from unfold_theory.claims.lasso import (
    PROXIMAL,
    REGULAR,
    code_rounding,
    deviations,
    distances,
    gap_rounding,
    gaps,
    minimizers,
    step_positive,
    steps,
    support_identified,
    support_norms,
)
from unfold_theory.enclosure import Basis, Enclosure, Inequality, stack, where

PROOF = "proofs_checks/check_ablin2019.py"


# -- steps on the support ------------------------------------------------------------------------------------------
@hypothesis(scope="cell")
def step_within_support(s: Setting) -> Inequality:
    r"""$t\,L_S\le1$ with $L_S=\|A_S\|_2^2$, $S=\mathrm{supp}\,x^k\cup\mathrm{supp}\,x^{k+1}$."""
    return Enclosure.exact(s.cached(steps)) * s.cached(support_norms) <= 1.0


@hypothesis(scope="prefix")
def steps_positive_so_far(s: Setting) -> Inequality:
    r"""$t_j>0$ in every layer so far."""
    return Enclosure.exact(s.cached(steps)) > 0.0


@hypothesis(scope="prefix")
def steps_within_supports_so_far(s: Setting) -> Inequality:
    r"""$t_jL_{S_j}\le1$ in every layer so far, $S_j=\mathrm{supp}\,x^j\cup\mathrm{supp}\,x^{j+1}$."""
    return Enclosure.exact(s.cached(steps)) * s.cached(support_norms) <= 1.0


def objectives(s: Setting) -> Enclosure:
    r"""$F(x^k)$ at depth 0..K, shape (K + 1, sample)."""
    return s.lasso.enclose_objective(s.iterates, s.batch.y)


@claim(
    source="ablin2019",
    theorem="oracle step, with the decrease (derived)",
    hypotheses=[*PROXIMAL, step_positive],
    trivial=lambda s: s.cached(objectives)[:-1],
    proof=PROOF,
)
def descent_on_support(s: Setting) -> Inequality:
    r"""$F(x^{k+1})\le F(x^k)-(\frac1t-\frac12L_S)\|x^{k+1}-x^k\|_2^2$, $L_S=\|A_S\|_2^2$,
    $S=\mathrm{supp}\,x^k\cup\mathrm{supp}\,x^{k+1}$: steps below $2/L_S$ descend.

    The paper concludes $F(x^{k+1})\le F(x^k)$ for $t=1/L_S$; this is what its proof gives for every $t>0$. Trivial:
    no decrease.
    """
    value = s.cached(objectives)
    moved = ((Enclosure.exact(s.iterates[1:]) - s.iterates[:-1]) ** 2).sum(-1)
    room = 1.0 / Enclosure.exact(s.cached(steps)) - 0.5 * s.cached(support_norms)
    # Rounding moves the code by delta, hence F by at most |grad F| delta <= (sqrt(2 L F) + lam sqrt n) delta.
    delta = Enclosure.exact(4 * s.cached(acted).slack * np.sqrt(s.problem.n)).with_basis(Basis.NUMERICAL)
    slope = (2.0 * s.lipschitz * value[1:]).sqrt() + s.lasso.lam * float(np.sqrt(s.problem.n) + 1)
    allowed = slope * delta + (s.lipschitz + abs(room)) * delta**2 + 2.0 * abs(room) * moved.sqrt() * delta
    return value[1:] <= value[:-1] - room * moved + Enclosure(allowed.hi, allowed.hi, allowed.basis)


def _accumulated_rounding(s: Setting) -> Enclosure:
    r"""$\sum_j(g_j+(2d_j\delta_j+\delta_j^2)/(2t_j))$: what float64 adds to the telescoped inequality."""
    delta, d = s.cached(code_rounding), s.cached(distances)[1:]
    t = np.maximum(s.cached(steps), np.finfo(float).tiny)
    each = s.cached(gap_rounding) + (2.0 * d * delta + delta**2) / (2.0 * Enclosure.exact(t))
    total = each.cumsum()
    return Enclosure(total.hi, total.hi, total.basis)


@claim(
    source="ablin2019",
    theorem="sublinear rate, from any start (derived)",
    hypotheses=[*PROXIMAL, *REGULAR, steps_positive_so_far, steps_within_supports_so_far],
    trivial=lambda s: s.cached(gaps)[0],
    proof=PROOF,
)
def sublinear_rate(s: Setting) -> Inequality:
    r"""$F(x^k)-F^\star\le\|x^0-x^\star\|_2^2/(2\sum_{j<k}t_j)$ where every $t_j\le1/L_{S_j}$.

    Started at the layer $T^*$ from which the support is that of $x^\star$, with steps $1/L_{S^*}$, this is the paper's
    $L_{S^*}\|x^{T^*}-x^\star\|^2/(2(k-T^*))$. It needs no identification: longer steps count from the first layer on.
    Trivial: the gap at the start.
    """
    length = Enclosure.exact(np.maximum(s.cached(steps), 0.0)).cumsum()
    first = s.cached(distances)[0] ** 2
    return s.cached(gaps)[1:] <= first / (2.0 * length) + s.cached(_accumulated_rounding)


@claim(
    source="ablin2019",
    theorem="linear rate on the support, step by step (derived)",
    hypotheses=[*PROXIMAL, *REGULAR, step_positive, step_within_support, support_identified],
    trivial=lambda s: s.cached(gaps)[:-1],
    proof=PROOF,
)
def linear_rate_on_support(s: Setting) -> Inequality:
    r"""$F(x^{k+1})-F^\star\le(1-\mu^*t_k)(F(x^k)-F^\star)$, $\mu^*=\sigma_{\min}^2(A_{S^*})$, once
    $\mathrm{supp}\,x^k,\mathrm{supp}\,x^{k+1}\subset S^*=\mathrm{supp}\,x^\star$ and $t_k\le1/L_S$.

    With $t_k=1/L_{S^*}$ from layer $T^*$ on this is the paper's factor $(1-\mu^*/L_{S^*})^{k-T^*}$. Trivial: the gap
    before the layer.
    """
    factor = 1.0 - Enclosure.exact(s.cached(steps)) * s.cached(minimizers).curvature
    return s.cached(gaps)[1:] <= factor * s.cached(gaps)[:-1] + s.cached(gap_rounding)


# -- theorem 4.4, at finite depth ----------------------------------------------------------------------------------
@hypothesis(scope="cell")
def signs_of_minimizer(s: Setting) -> Inequality:
    r"""$\mathrm{sgn}(x^{k+1}_S)=\mathrm{sgn}(x^\star_S)$ in this layer's output, above rounding."""
    signs = s.cached(minimizers).signs
    matched = np.where(signs != 0, signs * s.iterates[1:], np.inf).min(axis=-1)
    return Enclosure.exact(matched) > 4 * s.cached(acted).slack


@hypothesis(scope="cell")
def no_momentum_no_bypass(s: Setting) -> Inequality:
    r"""No momentum and no support selection: $x^{k+1}=\eta_\theta(x^k+\alpha W^T(y-Ax^k))$."""
    layers = s.cached(acted).layers
    return Enclosure.exact(np.stack([np.abs(a.momentum) + a.selected for a in layers])) <= 0.0


def _right_side(s: Setting, errors: Enclosure) -> Enclosure:
    r"""$\|e^{k+1}_S\|_2+\|((I-\alpha W^TA)e^k)_S\|_2$ for errors at depth 0..K, shape (depth, sample)."""
    on = s.cached(minimizers).signs != 0
    rows = []
    for k, layer in enumerate(s.cached(acted).layers):
        carried = errors[k] - Enclosure.exact(layer.gain[:, None]) * (
            (errors[k] @ s.problem.dictionary.T) @ layer.weight
        )
        rows.append(where(on, errors[k + 1], 0.0).norm(2) + where(on, carried, 0.0).norm(2))
    return stack(rows)


def zero_code_side(s: Setting) -> Enclosure:
    """The right side for the zero code."""
    star = s.cached(minimizers).code
    return _right_side(s, stack([-star] * (s.shape[0] + 1)))


def coupling_residual(s: Setting) -> Enclosure:
    r"""$\|(\alpha W-\beta A)_S^Tr^\star\|_2$, $\beta=\theta/\lambda$, $r^\star=y-Ax^\star$, shape (depth, sample)."""
    found = s.cached(minimizers)
    residual = Enclosure.exact(s.batch.y) - found.code @ s.problem.dictionary.T
    on, rows = found.signs != 0, []
    for layer in s.cached(acted).layers:
        # On S, A_j^T r* is exactly lam sgn(x*_j), so that beta A_j^T r* is theta sgn(x*_j).
        force = Enclosure.exact(layer.gain[:, None]) * (residual @ layer.weight)
        rows.append(where(on, force - Enclosure.exact(layer.threshold * found.signs), 0.0).norm(2))
    return stack(rows)


@claim(
    source="ablin2019",
    theorem="Theorem 4.4, finite depth (derived)",
    hypotheses=[layers_as_acted, no_momentum_no_bypass, *REGULAR, signs_of_minimizer],
    trivial=lambda s: s.cached(zero_code_side),
    proof=PROOF,
)
def weights_couple(s: Setting) -> Inequality:
    r"""$\|(\alpha W-\beta A)_S^Tr^\star\|_2\le\|e^{k+1}_S\|_2+\|((I-\alpha W^TA)e^k)_S\|_2$ with $e^k=x^k-x^\star$,
    $r^\star=y-Ax^\star$, $\beta=\theta/\lambda$: who is near the Lasso solution has nearly ISTA's weights.

    Theorem 4.4 is the limit: if the right side vanishes for all inputs with $\|A^Ty\|_\infty=1$, column j of
    $\alpha W-\beta A$ is orthogonal to the residuals of all inputs with j in the support; these span
    $\mathbb R^m$, hence $\alpha W=\beta A$. For N inputs with j in S and residuals R,
    $\|\alpha W_j-\beta A_j\|_2\le\|(\text{right sides})\|_2/\sigma_{\min}(R)$.

    Trivial: the right side of the zero code.
    """
    rounding = 4 * s.cached(acted).slack * np.sqrt(s.problem.n)
    return s.cached(coupling_residual) <= _right_side(s, s.cached(deviations)) + Enclosure.exact(rounding)
