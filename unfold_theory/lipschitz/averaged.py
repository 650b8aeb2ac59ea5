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
from unfold_theory.networks.system import Matrix, System, SystemLayer, above, beside
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
    """M_1, ..., M_l on differences; l = K where the last activation is the output, K + 1 where something follows it."""
    m = system.inputs
    identity = Enclosure.exact(np.eye(m))
    last = system.layers[-1]
    ends_in_activation = last.plain and system.readout is None
    maps, carried = [], system.start  # the state as a linear map of (w, xi, u) of the layer before
    widths: list[int] = []
    for k, layer in enumerate(system.layers):
        final = k == system.depth - 1
        u = identity if k == 0 else _beside([None] * (len(widths) - 1) + [identity], widths)
        v = _sum(_times(layer.preactivation, carried), _times(layer.injection, u), (layer.sizes[1], u.shape[1]))
        rows = [v]
        if not (final and ends_in_activation):
            if not layer.plain:
                rows.append(Enclosure.exact(np.zeros((layer.sizes[0], u.shape[1]))) if carried is None else carried)
            rows.append(u)
        if final and layer.plain and not ends_in_activation:
            rows = [v]
        maps.append(above(*rows) if len(rows) > 1 else rows[0])
        widths = [part.shape[0] for part in rows]
        carried = _next_state(layer, widths, m)
    if not ends_in_activation:
        state = carried
        assert state is not None
        maps.append(state if system.readout is None else system.readout @ state)
    return maps


def _next_state(layer: SystemLayer, widths: list[int], m: int) -> Matrix:
    """A xi + B w + E u as a matrix on (w, xi, u), or on (w, u) or w where the layer is plain."""
    q, after = layer.sizes[1:]
    emission = Enclosure.exact(np.eye(q)) if layer.emission is None else layer.emission
    parts: list[Matrix | None] = [emission]
    if not layer.plain:
        parts.append(layer.transition)
    if len(widths) > len(parts):
        parts.append(layer.passage)
    return _beside(parts, widths, after)


def _beside(parts: list[Matrix | None], widths: list[int], rows: int | None = None) -> Matrix:
    rows = next(part.shape[0] for part in parts if part is not None) if rows is None else rows
    filled = [
        Enclosure.exact(np.zeros((rows, width))) if part is None else part
        for part, width in zip(parts, widths, strict=True)
    ]
    return beside(*filled)


def _times(left: Matrix | None, right: Matrix | None) -> Matrix | None:
    return None if left is None or right is None else left @ right


def _sum(first: Matrix | None, second: Matrix | None, shape: tuple[int, int]) -> Matrix:
    if first is None or second is None:
        only = first if second is None else second
        return Enclosure.exact(np.zeros(shape)) if only is None else only
    return first + second
