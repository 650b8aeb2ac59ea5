r"""Liang, Fadili, Peyre 2014: forward-backward identifies the support in finite time and is then linearly convergent.

The paper's theorem is asymptotic (some K, some constant) for partly smooth functions. For the Lasso everything is
explicit (``proofs_checks/check_liang2014.py``): how near to $x^\star$ a code must be for the next one to have the right
support, how many layers can have a wrong one, and the factor of every layer between codes on the support. Strict
complementarity and injectivity are certified for each signal, with $x^\star$ itself enclosed: a duality gap would
only bound $F(x)-F^\star$.
"""

from __future__ import annotations

import numpy as np

from unfold_theory.claim import Setting, claim, hypothesis
from unfold_theory.claims.instances import acted
from unfold_theory.claims.lasso import (
    PROXIMAL,
    REGULAR,
    code_rounding,
    contraction_factor,
    distances,
    minimizers,
    on_support,
    step_positive,
    steps,
    support_identified,
)
from unfold_theory.claims.shared import zero_code_support
from unfold_theory.enclosure import Basis, Enclosure, Inequality, where

PROOF = "proofs_checks/check_liang2014.py"


def margin(s: Setting) -> Enclosure:
    r"""$\omega=\lambda-\max_{j\notin S}|A_j^T(y-Ax^\star)|$, shape (sample,): positive where strictly complementary."""
    found = s.cached(minimizers)
    off = where(found.signs != 0, 0.0, abs(found.correlation)).max(axis=-1)
    room = s.lasso.lam - off
    return Enclosure(np.maximum(room.lo, 0.0), np.maximum(room.hi, 0.0), room.basis)


def local_factors(s: Setting) -> Enclosure:
    r"""$\max(|1-t\sigma_{\min}^2(A_S)|,|1-t\|A_S\|^2|)$, shape (depth, sample)."""
    found = s.cached(minimizers)
    return contraction_factor(s.cached(steps), found.curvature, found.steepness)


@hypothesis(scope="cell")
def step_nonexpansive(s: Setting) -> Inequality:
    r"""$0<t\le2/L$ (as $|tL-1|\le1$, $t>0$)."""
    t = s.cached(steps)
    return Enclosure.exact(np.where(t > 0, t, np.inf)) * s.lipschitz <= 2.0


@hypothesis(scope="prefix")
def steps_nonexpansive_so_far(s: Setting) -> Inequality:
    r"""$0<t_j\le2/L$ in every layer so far."""
    t = s.cached(steps)
    return Enclosure.exact(np.where(t > 0, t, np.inf)) * s.lipschitz <= 2.0


@hypothesis(scope="cell")
def within_identification_radius(s: Setting) -> Inequality:
    r"""$\|x^k-x^\star\|_2\le t_k\omega$, $\omega=\lambda-\max_{j\notin S}|A_j^T(y-Ax^\star)|$."""
    return s.cached(distances)[:-1] <= Enclosure.exact(np.maximum(s.cached(steps), 0.0)) * s.cached(margin)


@claim(
    source="liang2014",
    theorem="local linear convergence, step by step (derived)",
    hypotheses=[*PROXIMAL, *REGULAR, step_positive, support_identified],
    trivial=lambda s: s.cached(distances)[:-1],
    proof=PROOF,
)
def local_linear_rate(s: Setting) -> Inequality:
    r"""$\|x^{k+1}-x^\star\|_2\le\max(|1-t\sigma_{\min}^2(A_S)|,|1-t\|A_S\|_2^2|)\,\|x^k-x^\star\|_2$ between codes with
    support in $S=\mathrm{supp}\,x^\star$.

    For $t\le2/(\sigma_{\min}^2+\|A_S\|^2)$ the factor is $1-t\sigma_{\min}^2(A_S)$, with $t=1/L$ the known
    $1-\sigma_{\min}^2(A_S)/L$. Momentum that tends to 1 turns an eigenvalue m of the layer into $\sqrt m$: FISTA is
    slower there. Trivial: the distance before the layer.
    """
    return s.cached(distances)[1:] <= s.cached(local_factors) * s.cached(distances)[:-1] + s.cached(code_rounding)


@claim(
    source="liang2014",
    theorem="identification, with its radius (derived)",
    hypotheses=[*PROXIMAL, *REGULAR, step_nonexpansive, within_identification_radius],
    trivial=zero_code_support,
    proof=PROOF,
)
def support_is_identified(s: Setting) -> Inequality:
    r"""$\mathrm{supp}\,x^{k+1}\subset\mathrm{supp}\,x^\star$ as soon as $\|x^k-x^\star\|_2\le t\omega$ (outside: 0 up
    to rounding), $\omega=\lambda-\max_{j\notin S}|A_j^T(y-Ax^\star)|>0$, $0<t\le2/L$.

    Distances never grow with such steps, so that with a constant step all later codes stay on the support.
    """
    off = np.where(s.cached(minimizers).signs == 0, np.abs(s.iterates[1:]), 0.0).max(axis=-1)
    return Enclosure.exact(off) <= Enclosure.exact(4 * s.cached(acted).slack).with_basis(Basis.NUMERICAL)


@claim(
    source="liang2014",
    theorem="finite identification, with the number of layers (derived)",
    hypotheses=[*PROXIMAL, *REGULAR, steps_nonexpansive_so_far],
    trivial=lambda s: ((Enclosure.exact(np.maximum(s.cached(steps), 0.0)) * s.cached(margin)) ** 2).cumsum(),
    proof=PROOF,
)
def finite_identification(s: Setting) -> Inequality:
    r"""$\sum_{j<k:\,\mathrm{supp}\,x^{j+1}\not\subset S}(t_j\omega)^2\le\|x^0-x^\star\|_2^2$: at most
    $\|x^0-x^\star\|^2/(t\omega)^2$ layers have a support beyond that of $x^\star$.

    Trivial: the same sum over all layers; the theorem says something once there are more layers than it allows.
    """
    cost = (Enclosure.exact(np.maximum(s.cached(steps), 0.0)) * s.cached(margin)) ** 2
    paid = where(s.cached(on_support)[1:], 0.0, cost).cumsum()
    delta, d = s.cached(code_rounding), s.cached(distances)
    rounding = (2.0 * d[1:] * delta + delta**2).cumsum()
    return paid <= d[0] ** 2 + Enclosure(rounding.hi, rounding.hi, rounding.basis)
