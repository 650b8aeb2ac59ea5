r"""Greedy recursion: one multiplier a layer in closed form, for any system and in one backward pass.

**Theorem.** In the recursion of :mod:`unfold_theory.lipschitz.recursion`, $\Lambda_k=\|B_k^TQ_{k+1}B_k\|_2I$ makes
$N_k=2\Lambda_k-B_k^TQ_{k+1}B_k\succeq\Lambda_k$, so that the recursion never breaks down: every system has a finite
bound. It minimises $\lambda^2\|N^{-1}\|$ over $\lambda$, a bound on the curvature that the layer hands on. Where
$B^TQB=0$ the layer has no effect on the output ($V\succeq0$ has no cross terms either), and any $\Lambda_k$ will do:
a small one is taken, which certificates need and which costs nothing that shows.
*Proof.* $\lambda^2/(2\lambda-q)$ with $q=\|B^TQB\|$ is least at $\lambda=q$. $\square$

For chains this is ECLipsE-Fast (Xu and Sivaranjani, NeurIPS 2024), here with input injection and memory.
"""

from __future__ import annotations

import numpy as np

from unfold_theory.enclosure import Enclosure
from unfold_theory.lipschitz.bound import UpperBound
from unfold_theory.lipschitz.recursion import Recursion
from unfold_theory.networks.system import System

_LEAST = 2.0**-40
"""Least multiplier, relative to the output's curvature."""


def greedy_bound(system: System) -> UpperBound:
    r"""The bound of layer multipliers $\|B_k^TQ_{k+1}B_k\|$, ``numerical`` until :func:`certify` has confirmed it.

    Args:
        system: The network.

    Returns:
        The bound, with its multipliers (the same number for every block of a layer).
    """
    recursion = Recursion(system)
    P, multipliers = recursion.terminal(), []
    floor = _LEAST * float(np.linalg.norm(P, 2))
    for k in range(system.depth - 1, -1, -1):
        curvature = recursion.curvature(P, k)
        # Rounding must not leave N indefinite: the norm is taken 1e-9 too large.
        level = max((1 + 1e-9) * float(np.linalg.eigvalsh(curvature)[-1]), floor)
        labels = recursion.blocks[k]
        multipliers.append(np.full(labels.max() + 1, level))
        before = recursion.backward(P, k, np.full(len(labels), level))
        assert before is not None  # N >= Lambda > 0
        P = before
    top = float(np.linalg.eigvalsh(recursion.restricted(P))[-1])
    return UpperBound(Enclosure.numerical(np.sqrt(max(top, 0.0))), "greedy", tuple(reversed(multipliers)))
