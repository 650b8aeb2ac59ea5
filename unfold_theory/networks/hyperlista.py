"""HyperLISTA: every scalar of every layer computed from the residual, with three hyperparameters in all."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from unfold_theory.errors import InputError
from unfold_theory.networks import initial
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.networks.layers import InstanceLayer
from unfold_theory.networks.tensors import Number, exact, numpy64
from unfold_theory.networks.thresholding import ranks, select_support_threshold

# Keeps the ratio of residuals finite for zero measurements; a normal number in float32.
TINY = 1e-30
# Width, as a share of n, of the sigmoid whose derivative stands in for that of the count of bypassing entries.
SOFTNESS = 0.02


class HyperListaState(NamedTuple):
    r"""$x^k$, $x^{k-1}$ and $\|A^+y\|_1$, shape (batch, 1)."""

    x: Tensor
    before: Tensor
    start: Tensor


class _Scalars(NamedTuple):
    theta: Float[Tensor, "batch 1"]
    beta: Float[Tensor, "batch 1"]
    share: Float[Tensor, " batch"]
    selected: Int[Tensor, " batch"]


class HyperLista(UnfoldedNetwork):
    r"""$x^{k+1}=\eta^{p^k}_{\theta^k}(x^k+\gamma W^T(y-Ax^k)+\beta^k(x^k-x^{k-1}))$, $x^0=x^{-1}=0$, with

    $\theta^k=c_1\mu\gamma\|A^+(Ax^k-y)\|_1$, $\beta^k=c_2\mu\|x^k\|_0$ and gated selection of
    $p^k=\lfloor n\min(1,\,c_3\log(\|A^+y\|_1/\|A^+(Ax^k-y)\|_1)_+)\rfloor$ entries; $\mu=\max_{i\ne j}|W_i^TA_j|$.

    Only $c_1,c_2,c_3$ train. The count $p^k$ has no derivative; training puts that of a sigmoid of the entries' ranks
    in its place (a straight-through estimate: biased, the forward pass is untouched), so that $c_3$ trains as well.

    Reference: Chen, Liu, Wang, Yin (2021). Against their released code: there $c_1$ and $c_2$ contain $\mu$, the gain
    is a trained parameter of each layer that starts at $1/\|A\|_2^2$, or 0.05, and not the paper's 1, $p^k$ is taken as
    a quantile, so that one entry more bypasses and ties all do, an entry at the threshold bypasses too, and no gradient
    reaches $c_3$ (the selection is computed without one), which therefore only the grid search moves.

    Args:
        dictionary: A, shape (m, n).
        depth: Number of layers K.
        weights: W, shape (m, n); fixed.
        c1, c2, c3: The hyperparameters, in the units of the formulas above.
        gain: $\gamma$.
        momentum: Without, $\beta^k=0$ and $c_2$ is not trained.

    Raises:
        InputError: A shape does not fit, or an entry is not finite.
    """

    name: ClassVar[str] = "hyperlista"
    title: ClassVar[str] = "HyperLISTA"
    source: ClassVar[str] = "chen2021"
    paradigm: ClassVar[str] = "learned hyperparameters"
    adaptive: ClassVar[bool] = True
    layered: ClassVar[tuple[str, ...]] = ("weights", "c1", "c2", "c3")
    weights: Tensor
    pseudo_inverse: Tensor
    coherence: Tensor

    def __init__(
        self,
        dictionary: Any,
        depth: int,
        *,
        weights: Any,
        c1: Any,
        c2: Any,
        c3: Any,
        gain: Number = 1.0,
        momentum: bool = True,
    ):
        super().__init__(dictionary, depth)
        matrix = exact(weights, "The weight")
        if matrix.shape != self.dictionary.shape:
            raise InputError(
                f"A weight of shape {tuple(matrix.shape)} for a dictionary of shape {tuple(self.dictionary.shape)}",
                "Pass a weight of the dictionary's shape",
            )
        self.register_fixed("weights", matrix)
        self.register_fixed("pseudo_inverse", torch.linalg.pinv(self.dictionary))
        gram = (matrix.T @ self.dictionary).fill_diagonal_(0.0)
        self.register_fixed("coherence", gram.abs().max())
        self.gain = float(exact(gain, "The gain"))
        self.momentum = bool(momentum)
        self.c1 = _hyperparameter(c1, "c1")
        self.c2 = _hyperparameter(c2 if momentum else 0.0 * exact(c2, "c2"), "c2", trained=self.momentum)
        self.c3 = _hyperparameter(c3, "c3")

    @classmethod
    def for_problem(
        cls,
        problem: Any,
        depth: int,
        *,
        weight: Any = "frobenius",
        c1: Any = 0.06,
        c2: Any = 0.02,
        c3: Any = 0.2,
        gain: Number = 1.0,
        momentum: bool = True,
    ) -> HyperLista:
        r"""The analytic W, gain 1 and hyperparameters from which tuning starts.

        Args:
            problem: Has ``dictionary``.
            depth: Number of layers.
            weight: "frobenius" for the closed form, "symmetric" for the least coherent on average of the form
                $G^TGA$ (the paper's, closed form here), "minimax", or an (m, n) array.
            c1, c2, c3, gain, momentum: As in the constructor.

        Raises:
            InputError: An option is unknown or does not fit.
        """
        weights = initial.analytic_weight(problem, weight)
        return cls(problem.dictionary, depth, weights=weights, c1=c1, c2=c2, c3=c3, gain=gain, momentum=momentum)

    def config(self) -> dict[str, Any]:
        """Depth, gain and whether there is momentum."""
        return {"depth": self.depth, "gain": self.gain, "momentum": self.momentum}

    def init(self, y: Float[Tensor, "batch m"]) -> HyperListaState:
        r"""Zeros at rest, and $\|A^+y\|_1$."""
        zero = super().init(y)
        return HyperListaState(zero, zero, _size(y @ self.pseudo_inverse.T))

    def _scalars(self, state: HyperListaState, residual: Float[Tensor, "batch m"]) -> _Scalars:
        size = _size(residual @ self.pseudo_inverse.T)
        count = (state.x != 0).sum(dim=1, keepdim=True).to(size.dtype)
        # Below the unit roundoff a residual is rounding: the logarithm and its derivative stop there.
        left = (size / (state.start + TINY)).clamp(min=torch.finfo(size.dtype).eps)
        share = (-self.c3 * torch.log(left)).clamp(0.0, 1.0).squeeze(1)
        return _Scalars(
            theta=self.c1 * self.coherence * self.gain * size,
            beta=self.c2 * self.coherence * count,
            share=share,
            selected=(share.detach() * state.x.shape[1]).floor().to(torch.int64),
        )

    def step(self, k: int, state: HyperListaState, y: Float[Tensor, "batch m"]) -> HyperListaState:
        """One layer, the same for every k; the scalars are computed from the residual."""
        residual = torch.addmm(y, state.x, self.dictionary.T, alpha=-1)
        s = self._scalars(state, residual)
        v = state.x + self.gain * (residual @ self.weights) + s.beta * (state.x - state.before)
        after = select_support_threshold(v, s.theta, s.selected)
        if torch.is_grad_enabled() and self.c3.requires_grad:
            after = after + self._selection_gradient(v, s)
        return HyperListaState(after, state.x, state.start)

    def _selection_gradient(self, v: Tensor, s: _Scalars) -> Tensor:
        """Zero, with the derivative of a soft selection: an entry that bypasses gains its threshold."""
        n = v.shape[1]
        with torch.no_grad():
            gained = s.theta * v.sign() * (v.abs() > s.theta)
            rank = ranks(v.abs())
        soft = gained * torch.sigmoid((n * s.share[:, None] - rank - 0.5) / (SOFTNESS * n))
        return soft - soft.detach()

    def readout(self, state: HyperListaState) -> Float[Tensor, "batch n"]:
        """The code."""
        return state.x

    def instance_layers(self, y: Float[Tensor, "batch m"]) -> list[InstanceLayer]:
        """The layers as they act on each signal of y, by running them."""
        weight, layers = numpy64(self.weights), []
        batch, n = y.shape[0], self.dictionary.shape[1]
        with torch.no_grad():
            state = self.init(y)
            for k in self._layers(y, None):
                s = self._scalars(state, torch.addmm(y, state.x, self.dictionary.T, alpha=-1))
                layers.append(
                    InstanceLayer(
                        weight=weight,
                        gain=np.full(batch, self.gain),
                        threshold=np.broadcast_to(numpy64(s.theta), (batch, n)),
                        momentum=numpy64(s.beta)[:, 0],
                        selected=s.selected.cpu().numpy(),
                    )
                )
                state = self.step(k, state, y)
        return layers


def _size(codes: Tensor) -> Float[Tensor, "batch 1"]:
    return codes.abs().sum(dim=1, keepdim=True)


def _hyperparameter(value: Any, name: str, *, trained: bool = True) -> torch.nn.Parameter:
    number = exact(value, f"The hyperparameter {name}")
    if number.ndim:
        raise InputError(f"The hyperparameter {name} has shape {tuple(number.shape)}", "Pass a number")
    return torch.nn.Parameter(number, requires_grad=trained)
