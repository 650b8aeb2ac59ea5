"""FISTA: proximal gradient on the Lasso with momentum."""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float
from torch import Tensor

from unfold_theory.methods import AcceleratedProximalGradient, Method, fista_momenta
from unfold_theory.networks.layers import AffineLayer
from unfold_theory.networks.proximal import ProximalGradient
from unfold_theory.networks.system import System, with_memory
from unfold_theory.networks.tensors import numpy64


class FistaState(NamedTuple):
    """The code x^k, the extrapolated point z^{k+1} where the next step is taken, and t_{k+1}."""

    x: Tensor
    z: Tensor
    t: float


class Fista(ProximalGradient):
    r"""Beck and Teboulle's accelerated proximal gradient with $x^0=z^1=0$, $t_1=1$:

    $x^k=P(z^k)$, $t_{k+1}=\frac12(1+\sqrt{1+4t_k^2})$, $z^{k+1}=x^k+\frac{t_k-1}{t_{k+1}}(x^k-x^{k-1})$.

    Reference: Beck and Teboulle (2009), equations (4.1) to (4.3); arguments as in
    :class:`~unfold_theory.networks.proximal.ProximalGradient`.
    """

    name: ClassVar[str] = "fista"
    title: ClassVar[str] = "FISTA"
    source: ClassVar[str] = "beck2009"
    accelerated: ClassVar[bool] = True

    def init(self, y: Float[Tensor, "batch m"]) -> FistaState:
        """Zeros, and t = 1."""
        zero = super().init(y)
        return FistaState(zero, zero, 1.0)

    def step(self, k: int, state: FistaState, y: Float[Tensor, "batch m"]) -> FistaState:
        """A proximal gradient step from the extrapolated point, then the next extrapolation."""
        x = self.proximal_gradient(k, state.z, y)
        t = (1 + math.sqrt(1 + 4 * state.t**2)) / 2
        return FistaState(x, x + (state.t - 1) / t * (x - state.x), t)

    def as_method(self) -> Method:
        """Accelerated proximal gradient with the steps as they are and the momenta of the sequence t."""
        return AcceleratedProximalGradient(self.proximal_steps(self.lam), fista_momenta(self.depth))

    def as_system(self) -> System:
        r"""State $(x^k,x^{k-1})$: the step from $z=x^k+\beta_k(x^k-x^{k-1})$, $\beta_0=0$."""
        layers = [
            AffineLayer(weight=numpy64(self.dictionary), gain=float(t), threshold=np.asarray(self.lam * t))
            for t in self.proximal_steps(self.lam)
        ]
        plain = System.of_affine_layers(layers, numpy64(self.dictionary), title=self.title)
        momenta = [0.0, *fista_momenta(self.depth)]
        return with_memory(plain, lambda k: float(momenta[k]), inside=True)

    def readout(self, state: FistaState) -> Float[Tensor, "batch n"]:
        """The code, not the extrapolated point."""
        return state.x
