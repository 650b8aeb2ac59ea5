"""The forms in which bounds read a network's layers, in float64."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64


@dataclass(frozen=True)
class AffineLayer:
    r"""One layer as $x^+=\eta_{\theta}(v)$ with $v = W_1 y + W_2 x$ and $W_1=\gamma W^T$, in float64.

    Bounds read networks through these maps. Floats are exact numbers here; nothing is multiplied out.

    Attributes:
        weight: $W$, shape (m, n).
        gain: $\gamma$.
        state_weight: $W_2$, shape (n, n), or None where the layer computes
            $x+\gamma W^T(y-Ax)$, so that $W_2=I-\gamma W^TA$ by construction (weight coupling).
        threshold: $\theta$, shape () or (n,). Training may leave it negative: theorems ask for $\theta\ge 0$, and this
            is where they find out (:func:`~unfold_theory.networks.thresholding.soft_threshold` has the meaning).
        selected: How many of the largest entries bypass the threshold (support selection); 0 for none.
        gated: Whether an entry may bypass only if it exceeds the threshold.
    """

    weight: Float64[np.ndarray, "m n"]
    gain: float
    threshold: np.ndarray
    state_weight: Float64[np.ndarray, "n n"] | None = None
    selected: int = 0
    gated: bool = True

    @property
    def coupled(self) -> bool:
        r"""Whether $W_2=I-W_1A$ holds by construction."""
        return self.state_weight is None


@dataclass(frozen=True)
class InstanceLayer:
    r"""One coupled layer as it acted on a batch: $x^{k+1}=\eta_{\theta}(x^k+\gamma W^T(y-Ax^k)+\beta(x^k-x^{k-1}))$.

    Every scalar has one value for each signal of the batch, as adaptive networks compute them.

    Attributes:
        weight: $W$, shape (m, n).
        gain: $\gamma$, shape (batch,).
        threshold: $\theta$, shape (batch, n).
        momentum: $\beta$, shape (batch,); 0 where the layer has none.
        selected: How many of the largest entries of a row bypass the threshold, shape (batch,).
        gated: Whether an entry may bypass only if it exceeds the threshold.
    """

    weight: Float64[np.ndarray, "m n"]
    gain: Float64[np.ndarray, " batch"]
    threshold: Float64[np.ndarray, "batch n"]
    momentum: Float64[np.ndarray, " batch"]
    selected: np.ndarray
    gated: bool = True

    @classmethod
    def of_affine(cls, layer: AffineLayer, batch: int) -> InstanceLayer:
        """A layer whose scalars are the same for every signal."""
        return cls(
            weight=layer.weight,
            gain=np.full(batch, float(layer.gain)),
            threshold=np.array(np.broadcast_to(np.asarray(layer.threshold), (batch, layer.weight.shape[1]))),
            momentum=np.zeros(batch),
            selected=np.full(batch, layer.selected),
            gated=layer.gated,
        )
