"""The linear part of each layer, enclosed: what every bound on sparse coding networks reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float64

from unfold_theory.enclosure import Enclosure, where
from unfold_theory.errors import InputError
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.rates.gram import Gram, gram


@dataclass(frozen=True, eq=False)
class LayerMap:
    r"""One layer in error coordinates: $v-x^* = W_2e + Dx^* + W_1\varepsilon$, $D = W_2-(I-W_1A)$, $W_1=\gamma W^T$.

    Attributes:
        gram: $W^TA$, shared by the layers with this W.
        gain: $\gamma$.
        free_state: $W_2$ where training may have chosen it, shape (n, n); None where it is $I-\gamma W^TA$ by
            construction (weight coupling).
        threshold: Shape (n,).
        selected: How many entries may bypass the threshold.
        gated: Whether only entries above the threshold may.
    """

    gram: Gram
    gain: float
    free_state: Float64[np.ndarray, "n n"] | None
    threshold: Float64[np.ndarray, " n"]
    selected: int
    gated: bool

    @property
    def coupled(self) -> bool:
        """Whether D is zero by construction."""
        return self.free_state is None

    @property
    def _coupled_state(self) -> Enclosure:
        return Enclosure.exact(np.eye(len(self.gram.product))) - Enclosure.exact(self.gain) * self.gram.product

    @cached_property
    def state(self) -> Enclosure:
        """$W_2$, shape (n, n)."""
        return self._coupled_state if self.free_state is None else Enclosure.exact(self.free_state)

    @cached_property
    def mismatch(self) -> Enclosure | None:
        """$D$, shape (n, n); None where it is zero by construction."""
        return None if self.free_state is None else self.state - self._coupled_state

    @property
    def size(self) -> Enclosure:
        r"""$|\gamma|$."""
        return Enclosure.exact(abs(self.gain))

    @cached_property
    def state_diagonal(self) -> Enclosure:
        r"""$|1-\gamma M_{ii}|$ of a coupled layer, shape (n,)."""
        return abs(1.0 - self.gain * self.gram.diagonal)

    def carried(self, error: Enclosure) -> Enclosure:
        """$W_2e$ for each row e, shape (sample, n); a coupled layer takes two products with A and W."""
        if self.free_state is not None:
            return error @ self.free_state.T
        return error - self.gain * ((error @ self.gram.dictionary.T) @ self.gram.weight)

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
    for k, layer in enumerate(network.affine_layers()):
        weight = np.asarray(layer.weight, dtype=np.float64)
        if weight.shape != dictionary.shape or not np.isfinite(weight).all():
            raise InputError(
                f"The weight of layer {k + 1} has shape {weight.shape} or is not finite; the dictionary has "
                f"{dictionary.shape}",
                "Check the checkpoint",
            )
        yield LayerMap(
            gram=gram(weight, dictionary),
            gain=float(layer.gain),
            free_state=None if k == 0 else layer.state_weight,
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
