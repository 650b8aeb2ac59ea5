r"""Separable activations that are piecewise linear with slopes 0 and 1: their pieces, and where an interval decides.

Piece j of a neuron is $w=s_jv+o_j$ for $t_{j-1}\le v\le t_j$. At a knot both neighbours hold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int

from unfold_theory.errors import MissingStructure
from unfold_theory.networks.activations import Activation, BoxProjection, Relu, SoftThreshold

UNDECIDED = -1


@dataclass(frozen=True, eq=False)
class Pieces:
    r"""The pieces of q neurons.

    Attributes:
        knots: $-\infty=t_0\le t_1\le\dots\le t_{c}=\infty$ of each neuron, shape (q, c + 1).
        slopes: $s_1,\dots,s_c$ of all neurons, shape (c,).
        offsets: $o_1,\dots,o_c$, shape (q, c); anything on a piece of one point.
    """

    knots: Float64[np.ndarray, "q knots"]
    slopes: Float64[np.ndarray, " c"]
    offsets: Float64[np.ndarray, "q c"]

    def locate(
        self, lower: Float64[np.ndarray, "*batch q"], upper: Float64[np.ndarray, "*batch q"]
    ) -> Int[np.ndarray, "*batch q"]:
        """The piece that holds the whole interval, or -1."""
        inside = (lower[..., None] >= self.knots[:, :-1]) & (upper[..., None] <= self.knots[:, 1:])
        # A piece of one point holds nothing that its neighbours do not.
        inside &= self.knots[:, :-1] < self.knots[:, 1:]
        return np.where(inside.any(axis=-1), inside.argmax(axis=-1), UNDECIDED)

    def slope_range(
        self, lower: Float64[np.ndarray, " q"], upper: Float64[np.ndarray, " q"]
    ) -> tuple[Float64[np.ndarray, " q"], Float64[np.ndarray, " q"]]:
        """Least and greatest slope that difference quotients within the intervals have."""
        seen = (lower[:, None] < self.knots[:, 1:]) & (upper[:, None] > self.knots[:, :-1])
        seen &= self.knots[:, :-1] < self.knots[:, 1:]
        # An interval of one point on a knot meets no open piece.
        seen |= ~seen.any(axis=1, keepdims=True)
        return np.where(seen, self.slopes, np.inf).min(axis=1), np.where(seen, self.slopes, -np.inf).max(axis=1)


def pieces_of(activation: Activation) -> Pieces:
    """The pieces of a soft threshold, a ReLU or the projection on a box.

    Raises:
        MissingStructure: The activation is another one.
    """
    q = activation.size
    far, nothing = np.full(q, np.inf), np.zeros(q)
    if isinstance(activation, SoftThreshold):
        theta = activation.threshold
        return Pieces(
            np.stack([-far, -theta, theta, far], axis=1),
            np.array([1.0, 0.0, 1.0]),
            np.stack([theta, nothing, -theta], axis=1),
        )
    if isinstance(activation, Relu):
        return Pieces(np.stack([-far, nothing, far], axis=1), np.array([0.0, 1.0]), np.zeros((q, 2)))
    if isinstance(activation, BoxProjection):
        low, high = activation.lower, activation.upper
        return Pieces(
            np.stack([-far, low, high, far], axis=1),
            np.array([0.0, 1.0, 0.0]),
            np.stack([low, nothing, high], axis=1),
        )
    raise MissingStructure(f"A {activation.title}", "bounds that follow activation regions", "pieces of slope 0 and 1")
