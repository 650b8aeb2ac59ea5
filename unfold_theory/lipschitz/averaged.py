r"""Averagedness: products of neighbouring layers, for firmly nonexpansive activations (Combettes and Pesquet 2020).

**Theorem** (Combettes and Pesquet, SIAM J. Math. Data Sci. 2, 2020, for $R_l$ firmly nonexpansive). For
$T=M_l\circ R_{l-1}\circ M_{l-1}\circ\dots\circ R_1\circ M_1$ with linear $M_j$:
$$L\le2^{1-l}\theta_l,\qquad\theta_0=1,\qquad\theta_j=\sum_{i<j}\theta_i\|M_jM_{j-1}\cdots M_{i+1}\|.$$
*Proof.* $R=\frac12(I+Q)$ with nonexpansive Q; expand by the place of the last Q. $\square$

**With injection and memory.** The activation acts on $(v^k,\xi^k,u)\mapsto(\varphi(v^k),\xi^k,u)$, which is firmly
nonexpansive because the identity is; the linear maps are $(w,\xi,u)\mapsto(C\xi_++Du,\xi_+,u)$ with
$\xi_+=A\xi+Bw+Eu$ (without $\xi$ where layers are plain). The last map is the output's, $G\xi^K$.
"""

from __future__ import annotations

import numpy as np

from unfold_theory.enclosure import Enclosure
from unfold_theory.lipschitz.bound import UpperBound
from unfold_theory.networks.system import Matrix, System, above, beside
from unfold_theory.verified import spectral_norm_squared


def averaged_bound(system: System) -> UpperBound:
    """The bound by products of neighbouring layers: K (K + 1) / 2 of them.

    Args:
        system: The network.

    Returns:
        The bound, ``certified`` (or the weaker basis of a matrix).
    """
    maps = _linear_maps(system)
    thetas = [Enclosure.exact(1.0)]
    for last in range(len(maps)):
        total, product = Enclosure.exact(0.0), None
        for first in range(last, -1, -1):
            product = maps[first] if product is None else product @ maps[first]
            total = total + 0.5 ** (last - first) * thetas[first] * spectral_norm_squared(product).sqrt()
        # theta_j is kept as 2^{-j} theta_j, so that nothing overflows; the last map has no activation behind it.
        thetas.append(total if last == len(maps) - 1 else 0.5 * total)
    return UpperBound(thetas[-1], "averaged")


def _linear_maps(system: System) -> list[Matrix]:
    """M_1, ..., M_l; l = K where the last activation is the output, K + 1 where something follows it."""
    plain, m = system.plain, system.inputs
    # The state that enters layer k, and u, as linear maps of what the layer before hands on.
    state, u = system.start, Enclosure.exact(np.eye(m))
    maps = []
    for k, layer in enumerate(system.layers):
        p, q, after = layer.sizes
        v = _sum(_times(layer.preactivation, state), _times(layer.injection, u), (q, u.shape[1]))
        rows = [v]
        if not plain:
            rows.append(_sum(state, None, (p, u.shape[1])))
        if not plain or k < system.depth - 1:
            rows.append(u)
        maps.append(above(*rows))
        widths = [row.shape[0] for row in rows]
        parts = [Enclosure.exact(np.eye(q)) if layer.emission is None else layer.emission]
        parts += [] if plain else [_sum(layer.transition, None, (after, p))]
        parts += [] if len(widths) == len(parts) else [_sum(layer.passage, None, (after, m))]
        state = beside(*parts)
        u = Enclosure.exact(np.hstack([np.zeros((m, max(sum(widths) - m, 0))), np.eye(m)]))
    assert state is not None  # a system has a layer
    if system.readout is not None:
        return [*maps, system.readout @ state]
    return maps if plain else [*maps, state]


def _times(left: Matrix | None, right: Matrix | None) -> Matrix | None:
    return None if left is None or right is None else left @ right


def _sum(first: Matrix | None, second: Matrix | None, shape: tuple[int, int]) -> Matrix:
    if first is None or second is None:
        only = first if second is None else second
        return Enclosure.exact(np.zeros(shape)) if only is None else only
    return first + second
