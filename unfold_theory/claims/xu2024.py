r"""Xu and Sivaranjani 2024 (ECLipsE): the matrix inequality as a recursion over layers, multipliers in closed form.

The paper treats chains from the first layer on. With the measurement in every layer the recursion runs backward
(``proofs_checks/check_xu2024.py``); multipliers are found in float64 and what they prove is certified.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg

from unfold_theory.claim import Setting, claim, hypothesis
from unfold_theory.claims.shared import starts_at_zero
from unfold_theory.claims.stability import SLOPES, apart, system, triangle, within
from unfold_theory.enclosure import Enclosure, Inequality, stack
from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.lipschitz import certify
from unfold_theory.networks.system import System

PROOF = "proofs_checks/check_xu2024.py"
DEPTHS = (1, 2, 4, 8, 16)
"""Depths that are read: each has a recursion of its own."""


def plain_system(s: Setting) -> System:
    r"""Layers $W_1y+W_2x$ without memory.

    Raises:
        MissingStructure: The layers carry memory besides the code.
    """
    own = s.cached(system)
    if not own.plain or own.readout is not None or any(layer.injection is None for layer in own.layers):
        raise MissingStructure(s.network.title, "a bound by multipliers", "layers W_1 y + W_2 x without memory")
    return own


def recursion(own: System, multipliers: list[float] | None) -> tuple[float, list[float]]:
    r"""$\lambda_{\max}(R)^{1/2}$ in float64 and the multipliers of the layers, those given or $\|Q\|$ of each layer.

    Infinite where a given multiplier leaves $2\lambda I-Q$ indefinite.
    """
    n = own.layers[-1].sizes[1]
    Q, S, R, used = np.eye(n), np.zeros((own.inputs, n)), np.zeros((own.inputs, own.inputs)), []
    for k in range(own.depth - 1, -1, -1):
        layer = own.layers[k]
        assert layer.injection is not None
        level = (1 + 1e-9) * float(np.linalg.eigvalsh(Q)[-1]) if multipliers is None else multipliers[k]
        used.append(level)
        try:
            factor = np.linalg.cholesky(2 * level * np.eye(len(Q)) - Q)
        except np.linalg.LinAlgError:
            return np.inf, used[::-1]
        given = np.hstack([S.T + level * layer.injection.mid, level * layer.preactivation.mid])
        solved = scipy.linalg.solve_triangular(factor, given, lower=True, check_finite=False)
        Y, X = solved[:, : own.inputs], solved[:, own.inputs :]
        R, S, Q = R + Y.T @ Y, Y.T @ X, X.T @ X
    return float(np.sqrt(np.linalg.eigvalsh(R)[-1])), used[::-1]


def certified(own: System, levels: list[float]) -> Enclosure:
    """The bound that layer multipliers prove; infinite where float64 cannot tell."""
    sizes = [layer.activation.size for layer in own.layers]
    try:
        return certify(own, tuple(np.full(q, level) for q, level in zip(sizes, levels, strict=True))).value
    except InputError:
        return Enclosure.exact(np.inf)


def greedy_constants(s: Setting) -> Enclosure:
    """Certified constants at the depths that are read, infinite elsewhere, shape (depth,)."""
    own = s.cached(plain_system)
    found = []
    for depth in range(1, own.depth + 1):
        if depth in DEPTHS:
            cut = own.truncated(depth)
            found.append(certified(cut, recursion(cut, None)[1]))
        else:
            found.append(Enclosure.exact(np.inf))
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
