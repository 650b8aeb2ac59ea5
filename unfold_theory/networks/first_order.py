"""Which networks are first-order methods with given parameters, and why the others are not."""

from __future__ import annotations

import numpy as np

from unfold_theory.errors import MissingStructure
from unfold_theory.methods import Method, ProximalGradient
from unfold_theory.networks.layers import AffineLayer

ROUNDING = 1e-12
"""Relative difference that counts as rounding of one and the same number."""


def method_of_layers(title: str, dictionary: np.ndarray, layers: list[AffineLayer]) -> Method:
    r"""Proximal gradient with steps $t_k$, if layer k is $\eta_{\lambda t_k}(x+t_kA^T(y-Ax))$ with one $\lambda$.

    Args:
        title: The network's name, for the message.
        dictionary: A, shape (m, n).
        layers: Its layers.

    Raises:
        MissingStructure: They are not, with the reason and the layer.
    """

    def lacks(k: int, what: str) -> MissingStructure:
        return MissingStructure(
            title,
            "worst-case rates of first-order methods",
            f"{what} (layer {k + 1})",
            "Use a network whose layers are gradient and proximal steps of one objective, or bounds from its weights",
        )

    steps, weights = [], []
    square = float(np.sum(dictionary**2))
    for k, layer in enumerate(layers):
        if layer.state_weight is not None:
            raise lacks(k, "layers of the form x + t A^T (y - A x): W_2 is a matrix of its own")
        t = layer.gain * float(np.sum(layer.weight * dictionary)) / square
        difference = np.abs(layer.gain * layer.weight - t * dictionary).max()
        if difference > ROUNDING * abs(t) * np.abs(dictionary).max():
            raise lacks(k, "the transpose of A as its weight: W is not a multiple of A")
        if layer.selected:
            raise lacks(k, "a proximal map: entries selected for support bypass the threshold")
        if t <= 0:
            raise lacks(k, f"a positive step: it is {t:.3g}")
        theta = np.asarray(layer.threshold)
        if np.any(theta < 0):
            raise lacks(k, "a proximal map: a threshold is negative")
        steps.append(t)
        weights.append((float(theta.min()) / t, float(theta.max()) / t))
    lam = weights[0][0]
    for k, (low, high) in enumerate(weights):
        if max(abs(low - lam), abs(high - lam)) > ROUNDING * max(lam, high):
            raise lacks(k, f"one objective: its threshold over its step is {low:.6g} to {high:.6g}, not {lam:.6g}")
    return ProximalGradient(steps)
