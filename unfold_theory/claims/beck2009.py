"""Beck and Teboulle 2009: sublinear rates of ISTA and FISTA on the Lasso."""

from __future__ import annotations

import numpy as np

from unfold_theory.claim import Setting, claim, hypothesis
from unfold_theory.enclosure import Enclosure, Inequality
from unfold_theory.errors import MissingStructure

PROOF = "proofs_checks/check_beck2009.py"


def steps(s: Setting) -> np.ndarray:
    """Steps of layers that are proximal gradient on the setting's Lasso, shape (depth,)."""
    return s.network.proximal_steps(s.lasso.lam)


def plain_steps(s: Setting) -> np.ndarray:
    """Steps of ISTA on the setting's Lasso, shape (depth,)."""
    if getattr(s.network, "accelerated", False):
        raise MissingStructure(s.network.title, "theorem 3.1 on ISTA", "layers without momentum", "Use theorem 4.4")
    return s.cached(steps)


def _accelerated(s: Setting) -> np.ndarray:
    if not getattr(s.network, "accelerated", False):
        raise MissingStructure(s.network.title, "theorem 4.4 on FISTA", "FISTA's momentum", "Use theorem 3.1")
    return s.cached(steps)


@hypothesis(scope="prefix")
def steps_positive(s: Setting) -> Inequality:
    r"""$t_k>0$ in every layer so far."""
    return Enclosure.exact(s.cached(steps)) > 0.0


@hypothesis(scope="prefix")
def steps_at_most_inverse_lipschitz(s: Setting) -> Inequality:
    r"""$t_k\le 1/L$ in every layer so far, $L=\|A\|_2^2$."""
    return Enclosure.exact(s.cached(steps)) <= 1.0 / s.lipschitz


@hypothesis(scope="prefix")
def steps_nonincreasing(s: Setting) -> Inequality:
    r"""$t_{k+1}\le t_k$, as backtracking guarantees and the potential of FISTA needs."""
    t = s.cached(steps)
    return Enclosure.exact(t) <= Enclosure.exact(np.concatenate([t[:1], t[:-1]]))


@claim(
    source="beck2009",
    theorem="Theorem 3.1, variable steps (derived)",
    hypotheses=[steps_positive, steps_at_most_inverse_lipschitz],
    trivial=lambda s: s.initial_gap,
    proof=PROOF,
)
def ista_rate(s: Setting) -> Inequality:
    r"""$F(x_k)-F^\star\le\|x_0-x^\star\|^2/(2\sum_{j<k}t_j)$ for all $k\ge1$.

    With $t_j=1/L$ this is theorem 3.1, $L\|x_0-x^\star\|^2/(2k)$; learned steps at most $1/L$ enter with
    their sum. Trivial: the gap at the start, which ISTA never exceeds.
    """
    length = Enclosure.exact(plain_steps(s)).cumsum()[:, None]
    return s.objective_gap <= s.initial_distance**2 / (2.0 * length)


@claim(
    source="beck2009",
    theorem="Theorem 4.4, nonincreasing steps (derived)",
    hypotheses=[steps_positive, steps_at_most_inverse_lipschitz, steps_nonincreasing],
    trivial=lambda s: s.initial_gap,
    proof=PROOF,
)
def fista_rate(s: Setting) -> Inequality:
    r"""$F(x_k)-F^\star\le2\|x_0-x^\star\|^2/(t_{k-1}(k+1)^2)$ for all $k\ge1$.

    With $t=1/L$ this is theorem 4.4, $2L\|x_0-x^\star\|^2/(k+1)^2$. Trivial: the gap at the start.
    """
    t = Enclosure.exact(_accelerated(s))[:, None]
    return s.objective_gap <= 2.0 * s.initial_distance**2 / (t * (s.depth + 1.0) ** 2)
