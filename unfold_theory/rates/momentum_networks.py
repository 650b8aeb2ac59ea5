"""Networks with momentum that theory prescribes: heavy ball at its law, and conjugate gradients on the support."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError
from unfold_theory.networks import InstanceLayer, ListaMomentum, UnfoldedNetwork
from unfold_theory.networks.tensors import Number, numpy64
from unfold_theory.networks.thresholding import select_support_threshold
from unfold_theory.problems import SparseRecovery
from unfold_theory.rates.momentum_bound import momentum_law, symmetrising_scale
from unfold_theory.rates.sparse_coding import gram_constants
from unfold_theory.rates.theory_networks import ROOM

# Below this share of the largest entry a threshold would sit inside the rounding of the code.
FLOOR = 2.0**-44


def momentum_of_theory(
    problem: SparseRecovery,
    weight: Float64[np.ndarray, "m n"],
    *,
    depth: int,
    magnitude: Number,
    sparsity: int,
    momentum: bool = True,
    selected: int | None = None,
) -> ListaMomentum:
    r"""Unit gains, $\beta=(1-\sqrt{1-a})^2$ with $a=(2s-1)\mu$, gated selection of s entries, and
    $\theta^k=\mu E_k$, $E_{k+1}=(\beta+\delta+(s-1)\mu)E_k+\beta E_{k-1}+s\theta^k$, $E_0=sB$, for $\mathcal X(B,s,0)$.

    Law and thresholds are exceeded by half of the slack that claims grant, so that both are met for certain.

    Raises:
        InputError: The class is empty, or $(2s-1)\mu\ge 1$.
    """
    mu, delta, _ = gram_constants(weight, problem.dictionary)
    interval = mu * (2 * sparsity - 1)
    if not (magnitude > 0 and sparsity >= 1 and interval.hi < 1):
        raise InputError(
            f"There is no law of momentum for B = {magnitude}, s = {sparsity} and mu = {float(mu.hi):.3g}",
            "Choose B > 0 and 1 <= s < (1 + 1/mu)/2",
        )
    beta = float(momentum_law(interval).hi) * ROOM if momentum else 0.0
    errors = [Enclosure.exact(float(magnitude)) * sparsity] * 2
    thresholds = []
    for k in range(depth):
        theta = float((mu * errors[-1]).hi) * ROOM
        moving = beta if k else 0.0
        factor = Enclosure.exact(moving) + delta + mu * (sparsity - 1)
        errors.append(factor * errors[-1] + moving * errors[-2] + sparsity * Enclosure.exact(theta))
        thresholds.append(theta)
    return ListaMomentum(
        problem.dictionary,
        depth,
        weights=weight,
        gains=1.0,
        thresholds=np.array(thresholds),
        momenta=np.full(depth, beta),
        selected=sparsity if selected is None else selected,
    )


class CgState(NamedTuple):
    """The code, the one before it, and how many layers have run."""

    x: Tensor
    before: Tensor
    layer: int


class ConjugateGradientLista(UnfoldedNetwork):
    r"""$x^{k+1}=\eta_{\theta^k}(x^k+\gamma^kW^T(y-Ax^k)+\beta^k(x^k-x^{k-1}))$ with the best $(\gamma^k,\beta^k)$ for
    each signal, computed from its residual.

    The first layer finds the support: $\gamma=1$, $\beta=0$, $\theta=\mu sB$. Then, with S the support of $x^k$, $r=
    (W^T(y-Ax^k))_S$ and the metric $D=T^2$ that symmetrises $M=W^TA$, the two scalars minimise $e_S^TDM_{SS}e_S$, which
    they can, as $DM_{SS}e_S=-Dr$: this is conjugate gradients. $\theta^k=|\gamma^k|\mu\|r\|_1/(1-\delta-(s-1)\mu)$
    bounds what reaches entries off the support, since $\|e\|_1\le\|M_{SS}^{-1}\|_{1\to1}\|r\|_1$; every entry above it
    bypasses. Nothing of $x^*$ is used but B and s.

    Args:
        problem: Has the dictionary.
        weight: W, normalised.
        depth: Number of layers.
        magnitude: B.
        sparsity: s with $\delta+(s-1)\mu<1$.

    Raises:
        InputError: No such s or B.
    """

    name: ClassVar[str] = "lista-cg"
    title: ClassVar[str] = "LISTA with conjugate gradients"
    source: ClassVar[str] = "chen2021"
    paradigm: ClassVar[str] = "learned hyperparameters"
    adaptive: ClassVar[bool] = True

    def __init__(self, problem: Any, weight: Any, *, depth: int, magnitude: Number, sparsity: int):
        super().__init__(problem.dictionary, depth)
        matrix = np.asarray(weight, dtype=np.float64)
        mu, delta, _ = gram_constants(matrix, problem.dictionary)
        room = 1.0 - delta - mu * (sparsity - 1)
        if not (magnitude > 0 and sparsity >= 1 and room.lo > 0):
            raise InputError(
                f"B = {magnitude}, s = {sparsity} and mu = {float(mu.hi):.3g} leave no bound on the error",
                "Choose B > 0 and s >= 1 with (s - 1) mu < 1",
            )
        self.register_fixed("weights", torch.tensor(matrix))
        self.register_fixed("metric", torch.tensor(symmetrising_scale(matrix, problem.dictionary) ** 2))
        self.first_threshold = float((mu * (sparsity * float(magnitude))).hi) * ROOM
        self.reach = float((mu / room).hi) * ROOM

    weights: Tensor
    metric: Tensor

    def init(self, y: Float[Tensor, "batch m"]) -> CgState:
        """Zeros."""
        zero = super().init(y)
        return CgState(zero, zero, 0)

    def _scalars(self, state: CgState, correction: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gain, momentum and threshold, shape (batch, 1)."""
        one = torch.ones_like(correction[:, :1])
        if state.layer == 0:
            return one, 0 * one, self.first_threshold * one
        on = (state.x != 0).to(correction.dtype)
        r = correction * on
        moved = (state.x - state.before) * on if state.layer > 1 else 0 * r
        images = [((p @ self.dictionary.T) @ self.weights) * on for p in (r, moved)]

        def form(p: Tensor, q: Tensor) -> Tensor:
            return (self.metric * p * q).sum(dim=1, keepdim=True)

        a, b, c = form(r, images[0]), form(r, images[1]), form(moved, images[1])
        right, other = form(r, r), form(moved, r)
        determinant = a * c - b * b
        plane = determinant > 1e-12 * a * c
        safe = torch.where(plane, determinant, one)
        line = torch.where(a > 0, right / torch.where(a > 0, a, one), one)
        gain = torch.where(plane, (right * c - other * b) / safe, line)
        beta = torch.where(plane, (other * a - right * b) / safe, 0 * one)
        floor = FLOOR * state.x.abs().amax(dim=1, keepdim=True)
        # Where nothing but rounding is left there is nothing to optimise.
        settled = r.abs().sum(dim=1, keepdim=True) <= 8 * floor
        gain, beta = torch.where(settled, one, gain), torch.where(settled, 0 * one, beta)
        theta = gain.abs() * self.reach * r.abs().sum(dim=1, keepdim=True) + floor
        return gain, beta, theta

    def step(self, k: int, state: CgState, y: Float[Tensor, "batch m"]) -> CgState:
        """One layer."""
        correction = torch.addmm(y, state.x, self.dictionary.T, alpha=-1) @ self.weights
        gain, beta, theta = self._scalars(state, correction)
        v = state.x + gain * correction + beta * (state.x - state.before)
        return CgState(select_support_threshold(v, theta, v.shape[1]), state.x, state.layer + 1)

    def readout(self, state: CgState) -> Float[Tensor, "batch n"]:
        """The code."""
        return state.x

    def instance_layers(self, y: Float[Tensor, "batch m"]) -> list[InstanceLayer]:
        """The layers as they act on each signal of y, by running them."""
        weight, layers, n = numpy64(self.weights), [], self.dictionary.shape[1]
        with torch.no_grad():
            state = self.init(y)
            for k in self._layers(y, None):
                correction = torch.addmm(y, state.x, self.dictionary.T, alpha=-1) @ self.weights
                gain, beta, theta = (numpy64(part) for part in self._scalars(state, correction))
                threshold = np.broadcast_to(theta, (len(y), n))
                layers.append(InstanceLayer(weight, gain[:, 0], threshold, beta[:, 0], np.full(len(y), n)))
                state = self.step(k, state, y)
        return layers
