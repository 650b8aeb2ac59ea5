r"""Xu and Sivaranjani 2024 (ECLipsE): the matrix inequality as a recursion over layers, multipliers in closed form.

The paper treats chains from the first layer on. With the measurement in every layer the recursion runs backward
(``proofs_checks/check_xu2024.py``); multipliers are found in float64 and what they prove is certified.
"""

from __future__ import annotations

import numpy as np

from unfold_theory.claim import Setting, claim, hypothesis
from unfold_theory.claims.shared import starts_at_zero
from unfold_theory.claims.stability import SLOPES, apart, plain_system, triangle, within
from unfold_theory.enclosure import Enclosure, Inequality, stack
from unfold_theory.errors import InputError
from unfold_theory.lipschitz import UpperBound, certify, greedy_bound
from unfold_theory.networks.system import System

PROOF = "proofs_checks/check_xu2024.py"
DEPTHS = (1, 2, 4, 8, 16)
"""Depths that are read: each has a recursion of its own."""


def certified(own: System, found: UpperBound) -> Enclosure:
    """The bound that multipliers prove; infinite where float64 cannot tell."""
    try:
        return certify(own, found).value
    except InputError:
        return Enclosure.exact(np.inf)


def greedy_constants(s: Setting) -> Enclosure:
    """Certified constants at the depths that are read, infinite elsewhere, shape (depth,)."""
    own, found = s.cached(plain_system), []
    for depth in range(1, own.depth + 1):
        cut = own.truncated(depth)
        found.append(certified(cut, greedy_bound(cut)) if depth in DEPTHS else Enclosure.exact(np.inf))
    return stack(found)


@hypothesis(scope="cell")
def depth_read(s: Setting) -> Inequality:
    """Depth 1, 2, 4, 8 or 16: each has a recursion of its own, and one certificate."""
    read = np.isin(np.arange(1, s.network.depth + 1), DEPTHS)
    return Enclosure.exact(np.where(read, 0.0, 1.0)[:, None]) <= 0.0


@claim(
    source="xu2024",
    theorem="ECLipsE-Fast, with input injection (derived)",
    hypotheses=[depth_read, starts_at_zero, *SLOPES],
    trivial=lambda s: s.cached(triangle)[1:, None] * s.cached(apart),
    proof=PROOF,
)
def greedy_recursion(s: Setting) -> Inequality:
    r"""$\|x^k(y)-x^k(y')\|\le\lambda_{\max}(R)^{1/2}\|y-y'\|$; backward from $Q=I$, $S=0$, $R=0$ with
    $\lambda=\|Q\|$, $N=2\lambda I-Q$, $G=S^T+\lambda W_1$:
    $R\leftarrow R+G^TN^{-1}G$, $S=\lambda G^TN^{-1}W_2$, $Q=\lambda^2W_2^TN^{-1}W_2$.

    Closed form, one pass, linear in depth. Trivial: the recursion of norms.
    """
    return within(s, s.cached(greedy_constants))
