r"""Joint recursion: state and input of a layer bounded together, layer by layer.

**Theorem.** $\sup\{\|X\xi+Yu\|^2:\|\xi\|\le\ell,\|u\|\le1\}\le
 (p\ell^2+1-p)\,\lambda_{\max}(XX^T/p+YY^T/(1-p))$ for every $p\in(0,1)$, at most $(\ell\|X\|+\|Y\|)^2$ at the best p.
*Proof.* With $M=XX^T/p+YY^T/(1-p)$ and a unit vector a: by Cauchy-Schwarz
$a^T(X\xi+Yu)\le\sqrt{p\|\xi\|^2+(1-p)\|u\|^2}\sqrt{\|X^Ta\|^2/p+\|Y^Ta\|^2/(1-p)}$; for the second part take
$p=\|X\|/(\ell\|Y\|+\|X\|)$, up to the order of the terms. $\square$

Applied to $[C\;D]$ and $[A\;E]$ of every layer, with a nonexpansive activation between:
$\ell_{k+1}=\sup\|A\xi+Eu\|+\|B\|\sup\|C\xi+Du\|$. At $\ell=0$ the infimum is not attained, and the supremum is $\|Y\|$.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg
import scipy.optimize

from unfold_theory.enclosure import Enclosure, minimum
from unfold_theory.lipschitz.bound import UpperBound
from unfold_theory.lipschitz.triangle import Norms
from unfold_theory.networks.system import Matrix, System, beside
from unfold_theory.verified import spectral_norm_squared


def joint_supremum(X: Matrix | None, Y: Matrix | None, level: Enclosure, norm: Norms) -> Enclosure:
    r"""A certified bound on $\sup\|X\xi+Yu\|$ over $\|\xi\|\le\ell$, $\|u\|\le1$; a matrix that is None is zero."""
    if X is None or level.hi == 0:
        return norm(Y, 0.0)
    if Y is None:
        return norm(X, 0.0) * level
    square = float(level.hi) ** 2
    A, B = X.mid @ X.mid.T, Y.mid @ Y.mid.T
    last = len(A) - 1

    def value(t: float) -> float:
        p = 1.0 / (1.0 + np.exp(-t))
        top = scipy.linalg.eigh(A / p + B / (1 - p), eigvals_only=True, subset_by_index=(last, last))[0]
        return np.log((p * square + 1 - p) * top)

    # The optimum is flat: this precision in log(p / (1 - p)) costs some 1e-7 of the value.
    found = scipy.optimize.minimize_scalar(value, bounds=(-14, 14), method="bounded", options={"xatol": 1e-3})
    p = Enclosure.exact(1.0 / (1.0 + np.exp(-found.x)))  # pyright: ignore[reportAttributeAccessIssue]
    q = 1.0 - p
    norm_squared = spectral_norm_squared(beside((1.0 / p.sqrt()) * X, (1.0 / q.sqrt()) * Y))
    together = ((p * (level * level) + q) * norm_squared).sqrt()
    return minimum(together, norm(X, 0.0) * level + norm(Y, 0.0))


def joint_bounds(system: System) -> list[UpperBound]:
    """Certified bounds on the first 1, ..., K layers, the readout applied after each.

    Args:
        system: The network.

    Returns:
        K bounds, ``certified`` (or the weaker basis of a matrix).
    """
    norm = Norms()
    level, out = norm(system.start, 0.0), norm(system.readout, 1.0)
    bounds = []
    for layer in system.layers:
        emitted = norm(layer.emission, 1.0) * joint_supremum(layer.preactivation, layer.injection, level, norm)
        level = emitted + joint_supremum(layer.transition, layer.passage, level, norm)
        bounds.append(UpperBound(out * level, "joint"))
    return bounds


def joint_bound(system: System) -> UpperBound:
    """The last of :func:`joint_bounds`."""
    return joint_bounds(system)[-1]
