r"""Product and triangle bounds: norms of the matrices, layer by layer.

**Theorem.** With nonexpansive activations, differences of two runs obey $\|\delta\xi^0\|\le\|F\|\|\delta u\|$ and
$$\|\delta\xi^{k+1}\|\le(\|A_k\|+\|B_k\|\|C_k\|)\|\delta\xi^k\|+(\|B_k\|\|D_k\|+\|E_k\|)\|\delta u\|.$$
For $x^{k+1}=\varphi(W_1u+W_2x^k)$: $L_{k+1}\le\|W_1\|+\|W_2\|L_k$. Without injection after the first layer this is the
product of the norms.
"""

from __future__ import annotations

from unfold_theory.enclosure import Enclosure
from unfold_theory.lipschitz.bound import UpperBound
from unfold_theory.networks.system import Matrix, System
from unfold_theory.verified import spectral_norm_squared


class Norms:
    """Certified spectral norms; a matrix that layers share is looked at once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Matrix, Enclosure]] = {}

    def __call__(self, matrix: Matrix | None, absent: float) -> Enclosure:
        r"""$\|M\|_2$; None stands for a matrix of norm ``absent`` (0, or 1 for the identity)."""
        if matrix is None:
            return Enclosure.exact(absent)
        if id(matrix) not in self._known:
            self._known[id(matrix)] = matrix, spectral_norm_squared(matrix).sqrt()
        return self._known[id(matrix)][1]


def triangle_bounds(system: System) -> list[UpperBound]:
    """Certified bounds on the first 1, ..., K layers, the readout applied after each.

    Args:
        system: The network.

    Returns:
        K bounds, ``certified`` (or the weaker basis of a matrix).
    """
    norm = Norms()
    gain = norm(system.start, 0.0)
    out = norm(system.readout, 1.0)
    bounds = []
    for layer in system.layers:
        emitted = norm(layer.emission, 1.0)
        kept = norm(layer.transition, 0.0) + emitted * norm(layer.preactivation, 0.0)
        gain = kept * gain + emitted * norm(layer.injection, 0.0) + norm(layer.passage, 0.0)
        bounds.append(UpperBound(out * gain, "triangle"))
    return bounds


def triangle_bound(system: System) -> UpperBound:
    """The last of :func:`triangle_bounds`."""
    return triangle_bounds(system)[-1]
