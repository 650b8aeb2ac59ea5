"""The linear part of each layer, enclosed: what every bound on sparse coding networks reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from unfold_theory.enclosure import Enclosure, where
from unfold_theory.errors import InputError
from unfold_theory.networks.base import UnfoldedNetwork


@dataclass(frozen=True)
class LayerMap:
    r"""One layer in error coordinates: $v-x^* = W_2e + Dx^* + W_1\varepsilon$, $D = W_2-(I-W_1A)$.

    Attributes:
        state: $W_2$, shape (n, n).
        mismatch: $D$, shape (n, n); None where weight coupling makes it zero by construction.
        input: $W_1$, shape (n, m).
        threshold: Shape (n,).
        selected: How many entries may bypass the threshold.
        gated: Whether only entries above the threshold may.
    """

    state: Enclosure
    mismatch: Enclosure | None
    input: Enclosure
    threshold: Float64[np.ndarray, " n"]
    selected: int
    gated: bool

    @property
    def common_threshold(self) -> bool:
        """Whether all coordinates share one threshold."""
        return bool((self.threshold == self.threshold[0]).all())


def layer_maps(network: UnfoldedNetwork, dictionary: Float64[np.ndarray, "m n"]) -> Iterator[LayerMap]:
    r"""Enclosed maps of every layer, one at a time; $W^TA$ is formed once for each distinct $W$.

    For networks that start at $x^0=0$: there $W_2^0$ multiplies nothing, so that every $W_2^0$ gives the same layer,
    and $I-W_1^0A$ is the one without mismatch.

    Raises:
        MissingStructure: The network has no affine layers.
        InputError: A weight has the wrong shape or is not finite.
    """
    n = dictionary.shape[1]
    identity = np.eye(n)
    products: dict[bytes, Enclosure] = {}
    for k, layer in enumerate(network.affine_layers()):
        weight = np.asarray(layer.weight, dtype=np.float64)
        if weight.shape != dictionary.shape or not np.isfinite(weight).all():
            raise InputError(
                f"The weight of layer {k + 1} has shape {weight.shape} or is not finite; the dictionary has "
                f"{dictionary.shape}",
                "Check the checkpoint",
            )
        key = weight.tobytes()
        if key not in products:
            products = {key: Enclosure.exact(weight.T) @ dictionary}
        gram = products[key]
        gain = Enclosure.exact(float(layer.gain))
        coupled_state = Enclosure.exact(identity) - gain * gram
        if layer.state_weight is None or k == 0:
            state, mismatch = coupled_state, None
        else:
            state = Enclosure.exact(layer.state_weight)
            mismatch = state - coupled_state
        yield LayerMap(
            state=state,
            mismatch=mismatch,
            input=gain * weight.T,
            threshold=np.broadcast_to(np.asarray(layer.threshold, dtype=np.float64), (n,)),
            selected=int(layer.selected),
            gated=layer.gated,
        )


def largest_column_sum(matrix: Enclosure, size: int) -> Enclosure:
    r"""$\max_{|S|\le s}\|B_{SS}\|_{1\to1}$: per column the diagonal and the s-1 largest other entries, shape ()."""
    entries = abs(matrix)
    n = matrix.shape[0]
    eye = np.eye(n, dtype=bool)
    total = (where(eye, entries, 0.0)).sum(0)
    if size > 1:
        total = total + where(eye, 0.0, entries).sort(axis=0)[n - min(size - 1, n - 1) :].sum(0)
    return total.max()


def largest_off_diagonal(matrix: Enclosure) -> Enclosure:
    r"""$\max_{j\ne i}|B_{ij}|$ per row, shape (n,)."""
    return where(np.eye(matrix.shape[0], dtype=bool), 0.0, abs(matrix)).max(axis=1)
