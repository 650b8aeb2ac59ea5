"""What networks with coupled weights share: x+ = threshold(x + gain W^T (y - A x))."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from unfold_theory.errors import InputError
from unfold_theory.networks.base import AffineLayer, UnfoldedNetwork
from unfold_theory.networks.tensors import entry, numpy64, parameters, per_layer
from unfold_theory.networks.thresholding import select_support_threshold


class CoupledNetwork(UnfoldedNetwork):
    r"""Layers $x^{k+1}=\eta_{\theta^k}(x^k+\gamma^k (W^k)^T(y-Ax^k))$, with support selection where asked for.

    Args:
        dictionary: A, shape (m, n).
        depth: Number of layers K.
        thresholds: $\theta^k$: a number, shape (K,) or (K, n); leading axis 1 for one that all layers share.
        selected: Number of entries that may bypass the threshold: one for each layer, or one for all; 0 for none.
        gated: Whether only entries above the threshold may bypass it.
        nonnegative: Use $|\theta^k|$ of the stored parameter, so that thresholds cannot become negative.

    Raises:
        InputError: A shape does not fit, an entry is not finite, or ``selected`` lies outside 0..n.
    """

    def __init__(
        self,
        dictionary: Any,
        depth: int,
        *,
        thresholds: Any,
        selected: Sequence[int] | int = 0,
        gated: bool = True,
        nonnegative: bool = False,
    ):
        super().__init__(dictionary, depth)
        n = self.dictionary.shape[1]
        self.thresholds = parameters(per_layer(thresholds, self.depth, [(), (n,)], "The threshold"))
        self.selected = checked_selection(selected, self.depth, n)
        self.gated = bool(gated)
        self.nonnegative = bool(nonnegative)

    @abstractmethod
    def weight(self, k: int) -> Float[Tensor, "m n"]:
        r"""$W^k$."""

    def gain(self, k: int) -> Tensor | None:
        r"""$\gamma^k$, shape (); None where the layer has none, which means 1."""
        return None

    def threshold(self, k: int) -> Tensor:
        r"""$\theta^k$, shape () or (n,)."""
        stored = entry(self.thresholds, k)
        return stored.abs() if self.nonnegative else stored

    def step(self, k: int, state: Float[Tensor, "batch n"], y: Float[Tensor, "batch m"]) -> Float[Tensor, "batch n"]:
        """Layer k, in two products with A and W; the (n, n) product W^T A is never formed."""
        correction = torch.addmm(y, state, self.dictionary.T, alpha=-1) @ self.weight(k)
        gain = self.gain(k)
        v = state + (correction if gain is None else gain * correction)
        return select_support_threshold(v, self.threshold(k), self.selected[k], gated=self.gated)

    def linear_maps(self, k: int) -> tuple[Float[Tensor, "n m"], Float[Tensor, "n n"]]:
        r"""$\gamma W^T$ and $I-\gamma W^TA$."""
        gain, weight = self.gain(k), self.weight(k)
        first = (weight if gain is None else gain * weight).T
        return first, torch.eye(first.shape[0], dtype=first.dtype) - first @ self.dictionary

    def affine_layers(self) -> list[AffineLayer]:
        """The layers as they stand: coupled by construction."""
        layers = []
        for k in range(self.depth):
            gain = self.gain(k)
            layers.append(
                AffineLayer(
                    weight=numpy64(self.weight(k)),
                    gain=1.0 if gain is None else float(gain.detach()),
                    threshold=numpy64(self.threshold(k)),
                    selected=self.selected[k],
                    gated=self.gated,
                )
            )
        return layers

    def config(self) -> dict[str, Any]:
        """Depth, support selection and the sign rule of the thresholds."""
        return {
            "depth": self.depth,
            "selected": list(self.selected),
            "gated": self.gated,
            "nonnegative": self.nonnegative,
        }


def checked_selection(selected: Sequence[int] | int, depth: int, n: int) -> list[int]:
    """One count for each layer.

    Raises:
        InputError: There are more or fewer, or one lies outside 0..n.
    """
    counts = np.atleast_1d(np.asarray(selected))
    if len(counts) == 1:
        counts = np.repeat(counts, depth)
    if counts.shape != (depth,) or (counts != counts.astype(int)).any() or not ((counts >= 0) & (counts <= n)).all():
        raise InputError(
            f"Support selection of {selected} entries in a network of {depth} layers",
            f"Pass one count from 0 to {n}, or one for each layer",
        )
    return [int(count) for count in counts]
