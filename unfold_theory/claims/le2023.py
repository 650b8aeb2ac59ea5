r"""Le, Repetti and Pustelnik 2023 compare unfolded networks by Jacobian norms over data: what that says of constants.

Their proximal networks denoise images. What is checked is the measure, on any network of this package.
"""

from __future__ import annotations

import numpy as np

from unfold_theory.claim import Setting, claim
from unfold_theory.claims.shared import starts_at_zero
from unfold_theory.claims.stability import SLOPES, system, triangle
from unfold_theory.enclosure import Enclosure, Inequality
from unfold_theory.lipschitz.linearization import Linearization

PROOF = "proofs_checks/check_le2023.py"
POWER_ITERATIONS = 15
RESIDUAL = 2.0**-36


def jacobian_norms(s: Setting) -> Enclosure:
    r"""Lower estimates of $\|J(y_i)\|$ of the whole network, shape (sample,): power iterations."""
    start = np.random.default_rng(0).standard_normal((1, s.batch.y.shape[1]))
    here = Linearization(s.cached(system), s.batch.y)
    values, _ = here.norms(np.repeat(start, len(s.batch.y), axis=0), iterations=POWER_ITERATIONS)
    return Enclosure.numerical(values, RESIDUAL * values)


@claim(
    source="le2023",
    theorem="robustness measure (derived)",
    hypotheses=[starts_at_zero, *SLOPES],
    trivial=lambda s: Enclosure.exact(0.0),
    proof=PROOF,
    bound="lower",
)
def jacobian_measure(s: Setting) -> Inequality:
    r"""$\|J(y_i)\|\le(1+2^{-30})L_K$ for every measurement, $L_K\le\|W_1\|+\|W_2\|L_{K-1}$: the largest
    Jacobian norm over a data set is a lower bound on the constant, never an upper one.

    Read at the last layer (0 before it). Norms come from power iterations, which only lower them,
    and from float64, for which the factor is.
    """
    lhs = np.zeros(s.shape)
    last = s.cached(jacobian_norms)
    lower, upper = lhs.copy(), lhs.copy()
    lower[-1], upper[-1] = last.lo, last.hi
    return Enclosure(lower, upper, last.basis) <= s.cached(triangle)[1:, None] * (1 + 2.0**-30)
