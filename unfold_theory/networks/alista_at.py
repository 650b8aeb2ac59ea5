"""ALISTA-AT: the threshold of an entry falls as the entry grows."""

from __future__ import annotations

from typing import ClassVar, NoReturn

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from unfold_theory.errors import MissingStructure
from unfold_theory.networks.alista import Alista
from unfold_theory.networks.layers import InstanceLayer
from unfold_theory.networks.tensors import numpy64
from unfold_theory.networks.thresholding import select_support_threshold

KNEE = 0.1
"""The size of an entry at which its threshold is halved."""


class AlistaAt(Alista):
    r"""ALISTA with $\theta^k_i=\theta^k/(1+10|x^k_i|)$: what is large already is hardly shrunk.

    The layers are ALISTA's, $x^{k+1}=\eta_{\theta^k(x^k)}(x^k+\gamma^kW^T(y-Ax^k))$, $x^0=0$, with a threshold for each
    entry of each signal. Arguments as in :class:`~unfold_theory.networks.alista.Alista`.

    Reference: Behrens et al. (2021), the competitor "ALISTA-AT" of the published experiments, after the reweighting of
    Kim and Park (2020).
    """

    name: ClassVar[str] = "alista-at"
    title: ClassVar[str] = "ALISTA-AT"
    source: ClassVar[str] = "behrens2021"
    adaptive: ClassVar[bool] = True

    def step(self, k: int, state: Float[Tensor, "batch n"], y: Float[Tensor, "batch m"]) -> Float[Tensor, "batch n"]:
        """Layer k."""
        residual = torch.addmm(y, state, self.dictionary.T, alpha=-1)
        v = state + self.gain(k) * (residual @ self.weights)
        return select_support_threshold(v, self.thresholds_at(k, state), self.selected[k], gated=self.gated)

    def thresholds_at(self, k: int, x: Float[Tensor, "batch n"]) -> Float[Tensor, "batch n"]:
        r"""$\theta^k_i$ of layer k at a code."""
        return self.threshold(k) / (1 + x.abs() / KNEE)

    def affine_layers(self) -> NoReturn:
        """Thresholds depend on the signal."""
        raise MissingStructure(self.title, "bounds on affine layers with thresholds", "affine_layers()")

    def instance_layers(self, y: Float[Tensor, "batch m"]) -> list[InstanceLayer]:
        """The layers with the thresholds that they took for each signal."""
        with torch.no_grad():
            codes = self.iterates(y)
            return [
                InstanceLayer(
                    weight=numpy64(self.weights),
                    gain=np.full(len(y), float(self.gain(k))),
                    threshold=numpy64(self.thresholds_at(k, codes[k])),
                    momentum=np.zeros(len(y)),
                    selected=np.full(len(y), self.selected[k]),
                    gated=self.gated,
                )
                for k in range(self.depth)
            ]
