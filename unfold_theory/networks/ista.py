"""ISTA: proximal gradient on the Lasso."""

from __future__ import annotations

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unfold_theory.methods import Method
from unfold_theory.methods import ProximalGradient as ProximalGradientMethod
from unfold_theory.networks.base import AffineLayer
from unfold_theory.networks.proximal import ProximalGradient
from unfold_theory.networks.tensors import entry, numpy64


class Ista(ProximalGradient):
    r"""$x^{k+1}=\eta_{t_k\lambda}(x^k+t_kA^T(y-Ax^k))$, $x^0=0$.

    Reference: Beck and Teboulle (2009), equation (1.4); arguments as in
    :class:`~unfold_theory.networks.proximal.ProximalGradient`.
    """

    name: ClassVar[str] = "ista"
    title: ClassVar[str] = "ISTA"
    source: ClassVar[str] = "beck2009"

    def step(self, k: int, state: Float[Tensor, "batch n"], y: Float[Tensor, "batch m"]) -> Float[Tensor, "batch n"]:
        """One proximal gradient step."""
        return self.proximal_gradient(k, state, y)

    def as_method(self) -> Method:
        """Proximal gradient with the steps as they are."""
        return ProximalGradientMethod(self.proximal_steps(self.lam))

    def linear_maps(self, k: int) -> tuple[Float[Tensor, "n m"], Float[Tensor, "n n"]]:
        r"""$t_kA^T$ and $I-t_kA^TA$."""
        first = entry(self.steps, k) * self.dictionary.T
        return first, torch.eye(first.shape[0], dtype=first.dtype) - first @ self.dictionary

    def affine_layers(self) -> list[AffineLayer]:
        r"""$W=A$, $\gamma=t_k$, $\theta=\lambda t_k$: coupled by construction."""
        matrix = numpy64(self.dictionary)
        steps = [entry(self.steps, k) for k in range(self.depth)]
        return [AffineLayer(matrix, float(t.detach()), numpy64(self.lam * t)) for t in steps]
