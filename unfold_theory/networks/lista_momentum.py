"""ALISTA and LISTA-CP with momentum: heavy ball inside the threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from unfold_theory.errors import InputError
from unfold_theory.networks import initial
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.networks.coupled import CoupledNetwork
from unfold_theory.networks.layers import AffineLayer, InstanceLayer
from unfold_theory.networks.system import System, with_memory
from unfold_theory.networks.tensors import Number, entry, exact, numpy64, parameters, per_layer
from unfold_theory.networks.thresholding import percent_schedule, select_support_threshold


class MomentumState(NamedTuple):
    """The code and the one before it."""

    x: Tensor
    before: Tensor


class ListaMomentum(CoupledNetwork):
    r"""$x^{k+1}=\eta_{\theta^k}(x^k+\gamma^kW^T(y-Ax^k)+\beta^k(x^k-x^{k-1}))$, $x^0=x^{-1}=0$.

    With a fixed W this is ALISTA with momentum, with a trained one LISTA-CP (tied) with momentum. The momentum of the
    first layer multiplies zero and is not trained.

    Reference: Chen, Liu, Wang, Yin (2021).

    Args:
        dictionary: A, shape (m, n).
        depth: Number of layers K.
        weights: W, shape (m, n), one for all layers.
        gains: $\gamma^k$: a number or shape (K,).
        thresholds: $\theta^k$: a number, shape (K,) or (K, n).
        momenta: $\beta^k$: a number or shape (K,).
        train_weight: Whether W trains.
        selected: Support selection, see :class:`~unfold_theory.networks.coupled.CoupledNetwork`; none by default.
        gated: Likewise.
        nonnegative: Likewise.

    Raises:
        InputError: A shape does not fit, or an entry is not finite.
    """

    name: ClassVar[str] = "lista-momentum"
    title: ClassVar[str] = "ALISTA with momentum"
    source: ClassVar[str] = "chen2021"
    paradigm: ClassVar[str] = "learned hyperparameters"
    adaptive: ClassVar[bool] = True
    layered: ClassVar[tuple[str, ...]] = ("weights", "gains", "thresholds", "momenta")
    weights: Tensor

    def __init__(
        self,
        dictionary: Any,
        depth: int,
        *,
        weights: Any,
        gains: Any,
        thresholds: Any,
        momenta: Any,
        train_weight: bool = False,
        selected: Sequence[int] | int = 0,
        gated: bool = True,
        nonnegative: bool = False,
    ):
        super().__init__(
            dictionary, depth, thresholds=thresholds, selected=selected, gated=gated, nonnegative=nonnegative
        )
        matrix = exact(weights, "The weight")
        if matrix.shape != self.dictionary.shape:
            raise InputError(
                f"A weight of shape {tuple(matrix.shape)} for a dictionary of shape {tuple(self.dictionary.shape)}",
                "Pass a weight of the dictionary's shape",
            )
        self.train_weight = bool(train_weight)
        if self.train_weight:
            self.weights = torch.nn.Parameter(matrix)
        else:
            self.register_fixed("weights", matrix)
        self.gains = parameters(per_layer(gains, self.depth, [()], "The gain"))
        entries = per_layer(momenta, self.depth, [()], "The momentum")
        if len(entries) != self.depth:
            entries = [entries[0].clone() for _ in range(self.depth)]
        self.momenta = parameters(entries)
        self.momenta[0].requires_grad_(False)

    @classmethod
    def for_problem(
        cls,
        problem: Any,
        depth: int,
        *,
        weight: Any = "frobenius",
        lam: Number = initial.LAM,
        theta: Any = None,
        gamma: Any = 1.0,
        beta: Any = 0.1,
        train_weight: bool = False,
        percent: Number = 1.2,
        max_percent: Number = 13.0,
        selected: Sequence[int] | int | None = None,
        gated: bool = True,
        nonnegative: bool = False,
    ) -> ListaMomentum:
        r"""As ALISTA starts, with momentum $\beta$.

        Args:
            problem: Has ``dictionary`` and ``lipschitz``.
            depth: Number of layers.
            weight: "frobenius", "symmetric", "minimax", or an (m, n) array.
            lam: Sets the threshold $\lambda/(1.001L)$.
            theta: Other thresholds than these.
            gamma: Gains.
            beta: Momenta.
            train_weight: Whether W trains.
            percent: Growth of the selected share with each layer; 0 for no support selection.
            max_percent: Largest selected share.
            selected: The selection as counts instead.
            gated: Whether only entries above the threshold may bypass it.
            nonnegative: As in the constructor.

        Raises:
            InputError: An option is unknown or does not fit.
        """
        if selected is None:
            n = problem.dictionary.shape[1]
            selected = percent_schedule(n, depth, percent=percent, max_percent=max_percent)
        return cls(
            problem.dictionary,
            depth,
            weights=initial.analytic_weight(problem, weight),
            gains=gamma,
            thresholds=initial.threshold(problem, theta, lam),
            momenta=beta,
            train_weight=train_weight,
            selected=selected,
            gated=gated,
            nonnegative=nonnegative,
        )

    def weight(self, k: int) -> Float[Tensor, "m n"]:
        """W, the same in every layer."""
        return self.weights

    def gain(self, k: int) -> Float[Tensor, ""]:
        r"""$\gamma^k$."""
        return entry(self.gains, k)

    def init(self, y: Float[Tensor, "batch m"]) -> MomentumState:
        """Zeros at rest."""
        zero = UnfoldedNetwork.init(self, y)
        return MomentumState(zero, zero)

    def step(self, k: int, state: MomentumState, y: Float[Tensor, "batch m"]) -> MomentumState:
        """Layer k, in two products with A and W."""
        residual = torch.addmm(y, state.x, self.dictionary.T, alpha=-1)
        v = state.x + self.gain(k) * (residual @ self.weight(k)) + self.momenta[k] * (state.x - state.before)
        return MomentumState(
            select_support_threshold(v, self.threshold(k), self.selected[k], gated=self.gated), state.x
        )

    def readout(self, state: MomentumState) -> Float[Tensor, "batch n"]:
        """The code."""
        return state.x

    def affine_layers(self) -> list[AffineLayer]:
        """Not of this form: a layer reads two codes.

        Raises:
            MissingStructure: Always.
        """
        return UnfoldedNetwork.affine_layers(self)

    def linear_maps(self, k: int) -> tuple[Float[Tensor, "n m"], Float[Tensor, "n n"]]:
        """Not of this form: a layer reads two codes.

        Raises:
            MissingStructure: Always.
        """
        return UnfoldedNetwork.linear_maps(self, k)

    def instance_layers(self, y: Float[Tensor, "batch m"]) -> list[InstanceLayer]:
        """The layers with their momentum, the same for every signal."""
        return [
            replace(InstanceLayer.of_affine(layer, y.shape[0]), momentum=np.full(y.shape[0], float(beta.detach())))
            for layer, beta in zip(super().affine_layers(), self.momenta, strict=True)
        ]

    def as_system(self) -> System:
        r"""State $(x^k,x^{k-1})$: $C=((1+\beta)I-\gamma W^TA,\ -\beta I)$, $D=\gamma W^T$."""
        plain = System.of_affine_layers(super().affine_layers(), numpy64(self.dictionary), title=self.title)
        return with_memory(plain, lambda k: float(self.momenta[k].detach()), inside=False)

    def config(self) -> dict[str, Any]:
        """As that of a coupled network, and whether W trains."""
        return {**super().config(), "train_weight": self.train_weight}
