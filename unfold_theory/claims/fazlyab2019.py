r"""Fazlyab et al. 2019 (LipSDP): the matrix inequality from slopes, with the measurement in every layer.

The paper's coupled multipliers ("LipSDP-Network") are refuted in ``proofs_checks/check_fazlyab2019.py``; those of
neurons and of layers stand. The solver's value is never believed: what multipliers prove is certified.
"""

from __future__ import annotations

import numpy as np

from unfold_theory.claim import Setting, claim, hypothesis
from unfold_theory.claims.shared import starts_at_zero
from unfold_theory.claims.stability import SLOPES, apart, plain_system, triangle, within
from unfold_theory.claims.xu2024 import certified
from unfold_theory.enclosure import Enclosure, Inequality, stack
from unfold_theory.errors import InputError
from unfold_theory.lipschitz import UpperBound, greedy_bound, recursion_bound

PROOF = "proofs_checks/check_fazlyab2019.py"
TILTS = 2.0 ** np.linspace(-0.75, 0.75, 7)
"""Factors from layer to layer by which the greedy multipliers are tilted."""
LONGEST = 24


def tilted(s: Setting) -> UpperBound:
    r"""Layer multipliers $\lambda_k=r^{K-1-k}\|Q_k\|$ of the best of a few r in float64."""
    own = s.cached(plain_system)
    best = greedy = greedy_bound(own)
    assert greedy.multipliers is not None
    for tilt in TILTS:
        powers = tilt ** (np.arange(own.depth - 1, -1, -1) / max(own.depth - 1, 1))
        try:
            found = recursion_bound(own, tuple(p * part for p, part in zip(powers, greedy.multipliers, strict=True)))
        except InputError:
            continue
        best = found if found.upper < best.upper else best
    return best


def final_constant(s: Setting) -> Enclosure:
    """The certified constant of the whole network, infinite before the last layer, shape (depth,)."""
    value = certified(s.cached(plain_system), s.cached(tilted))
    return stack([*[Enclosure.exact(np.inf)] * (s.network.depth - 1), value])


@hypothesis(scope="cell")
def last_layer(s: Setting) -> Inequality:
    """The last layer of a network of at most 24 layers: one certificate for the whole network."""
    read = (np.arange(1, s.network.depth + 1) == s.network.depth) & (s.network.depth <= LONGEST)
    return Enclosure.exact(np.where(read, 0.0, 1.0)[:, None]) <= 0.0


@claim(
    source="fazlyab2019",
    theorem="LipSDP-Layer, with input injection (derived)",
    hypotheses=[last_layer, starts_at_zero, *SLOPES],
    trivial=lambda s: s.cached(triangle)[1:, None] * s.cached(apart),
    proof=PROOF,
)
def injected_inequality(s: Setting) -> Inequality:
    r"""$\|x^K(y)-x^K(y')\|\le\rho^{1/2}\|y-y'\|$ for every $\rho$, $\lambda_k\ge0$ with
    $\rho\|\beta\|^2-\|w_{K-1}\|^2-2\sum_k\lambda_kw_k^T(W_2^kw_{k-1}+W_1^k\beta-w_k)\ge0$ for all $\beta$, w.

    The multipliers are the greedy ones, tilted geometrically over the layers; the inequality is certified in floating
    point with every rounding error accounted for. Trivial: the recursion of norms.
    """
    return within(s, s.cached(final_constant))
