"""AGLISTA: ALISTA with the gates of gated LISTA, as its authors' successors run it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NoReturn

import torch
from jaxtyping import Float
from torch import Tensor

from unfold_theory.errors import MissingStructure
from unfold_theory.networks.alista import Alista
from unfold_theory.networks.tensors import entry, parameters, per_layer
from unfold_theory.networks.thresholding import select_support_threshold

STEADY = 0.01
"""What keeps the overshoot gate finite where an entry does not move."""


class Aglista(Alista):
    r"""ALISTA with a gain gate in the residual and an overshoot gate on the step:

    $g=1+\theta^ku^ke^{-v^k|x^k|}$, $\tilde x=\eta_{\theta^k}(x^k+\gamma^kW^T(y-A(g\odot x^k)))$,
    $x^{k+1}=\tilde x+a^k(\tilde x-x^k)/(|\tilde x-x^k|+0.01)$, entry by entry, $x^0=0$.

    The gain enlarges the code inside the residual only; Wu et al. (2020) enlarge it outside as well
    (:class:`~unfold_theory.networks.gated_lista.GatedLista`). The overshoot moves every entry that moves at all by up
    to $|a^k|$ further, so that codes have no zero entries where $a^k\ne 0$. At $x^0=0$ the gain gate of layer 1
    multiplies nothing; its $u$ and $v$ do not train.

    Reference: Behrens et al. (2021), the competitor "AGLISTA" of the published experiments.

    Args:
        dictionary: A, shape (m, n).
        depth: Number of layers K.
        weights: W, shape (m, n); fixed.
        gains: $\gamma^k$: a number or shape (K,).
        thresholds: $\theta^k$: a number, shape (K,) or (K, n).
        gate_sizes: $u^k$: a number or shape (K,).
        gate_rates: $v^k$: a number or shape (K,).
        overshoots: $a^k$: a number or shape (K,).
        selected: Support selection, see :class:`~unfold_theory.networks.coupled.CoupledNetwork`; none by default.
        gated: Whether only entries above the threshold may bypass it.
        nonnegative: Use $|\theta^k|$ of the stored parameter.

    Raises:
        InputError: A shape does not fit, or an entry is not finite.
    """

    name: ClassVar[str] = "aglista"
    title: ClassVar[str] = "AGLISTA"
    source: ClassVar[str] = "behrens2021"
    adaptive: ClassVar[bool] = True
    layered: ClassVar[tuple[str, ...]] = (*Alista.layered, "gate_sizes", "gate_rates", "overshoots")

    def __init__(
        self,
        dictionary: Any,
        depth: int,
        *,
        weights: Any,
        gains: Any,
        thresholds: Any,
        gate_sizes: Any = 0.05,
        gate_rates: Any = 1.0,
        overshoots: Any = 0.01,
        selected: Sequence[int] | int = 0,
        gated: bool = True,
        nonnegative: bool = False,
    ):
        super().__init__(
            dictionary,
            depth,
            weights=weights,
            gains=gains,
            thresholds=thresholds,
            selected=selected,
            gated=gated,
            nonnegative=nonnegative,
        )
        self.gate_sizes = parameters(per_layer(gate_sizes, self.depth, [()], "The size of the gain gate"))
        self.gate_rates = parameters(per_layer(gate_rates, self.depth, [()], "The rate of the gain gate"))
        self.overshoots = parameters(per_layer(overshoots, self.depth, [()], "The overshoot"))
        for gates in (self.gate_sizes, self.gate_rates):
            if len(gates) == self.depth:
                gates[0].requires_grad_(False)

    def step(self, k: int, state: Float[Tensor, "batch n"], y: Float[Tensor, "batch m"]) -> Float[Tensor, "batch n"]:
        """Layer k."""
        theta = self.threshold(k)
        gain = 1 + theta * entry(self.gate_sizes, k) * torch.exp(-entry(self.gate_rates, k) * state.abs())
        residual = torch.addmm(y, gain * state, self.dictionary.T, alpha=-1)
        v = state + self.gain(k) * (residual @ self.weights)
        move = select_support_threshold(v, theta, self.selected[k], gated=self.gated) - state
        return state + move * (1 + entry(self.overshoots, k) / (move.abs() + STEADY))

    def affine_layers(self) -> NoReturn:
        """Gates depend on the signal."""
        raise MissingStructure(self.title, "bounds on affine layers with thresholds", "affine_layers()")

    def instance_layers(self, y: Float[Tensor, "batch m"]) -> NoReturn:
        """A layer with gates is no threshold of a step from the code."""
        raise MissingStructure(self.title, "bounds on the layers of one signal", "layers without gates")
