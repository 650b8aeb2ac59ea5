r"""Training with a Lipschitz bound in the loss: accuracy traded for stability in the measurements.

The bound is the greedy recursion for $x^{k+1}=\eta(W_1^ky+W_2^kx^k)$, $x^0=0$: with $Q=I$, $R=0$, $S=0$ and, from the
last layer to the first, $\lambda=\|Q\|_2$,
$$N=2\lambda I-Q,\quad G=S^T+\lambda W_1,\quad R\mathrel{+}=G^TN^{-1}G,\quad S=\lambda G^TN^{-1}W_2,\quad
  Q=\lambda^2W_2^TN^{-1}W_2,$$
$L^2\le\lambda_{\max}(R)$ (:mod:`unfold_theory.lipschitz` has the theorem, and certifies what was trained). It is
differentiable in the weights almost everywhere, as a largest eigenvalue is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.training.losses import LOSSES, Loss, Supervised


def greedy_bound(network: UnfoldedNetwork, depth: int) -> Float[Tensor, ""]:
    r"""The greedy bound on the Lipschitz constant of the network's first layers, differentiable in its weights.

    It is for training: neither rounded outward nor aware of negative thresholds or support selection, which
    ``network.as_system()`` refuses.

    Args:
        network: Has ``linear_maps(k)``.
        depth: Number of layers.

    Raises:
        MissingStructure: The layers have no such maps.
    """
    if network.adaptive:
        raise MissingStructure(network.title, "a Lipschitz penalty", "layers that are the same for every signal")
    first, second = network.linear_maps(depth - 1)
    n, m = first.shape
    identity = torch.eye(n, dtype=first.dtype)
    Q, R, S = identity, first.new_zeros(m, m), first.new_zeros(m, n)
    for k in range(depth - 1, -1, -1):
        if k < depth - 1:
            first, second = network.linear_maps(k)
        size = torch.linalg.eigvalsh(Q)[-1]
        if float(size.detach()) <= 0:
            break  # Nothing of the earlier layers reaches the output.
        N = 2 * size * identity - Q
        G = S.T + size * first
        factor = torch.linalg.cholesky(N)
        half = torch.linalg.solve_triangular(factor, torch.cat([G, size * second], dim=1), upper=False)
        for_input, for_state = half[:, :m], half[:, m:]
        R = R + for_input.T @ for_input
        S, Q = for_input.T @ for_state, for_state.T @ for_state
    return torch.linalg.eigvalsh(R)[-1].clamp_min(torch.finfo(R.dtype).tiny).sqrt()


@dataclass(frozen=True)
class LipschitzPenalised(Loss):
    r"""A loss plus $c\,\log L$, or $c\,(\log L/L_0)_+^2$ with a target: L is :func:`greedy_bound` at the loss's depth.

    Attributes:
        base: The loss of accuracy; logarithmic by default, so that both terms are ratios.
        weight: $c\ge0$.
        target: $L_0>0$, or None.

    Raises:
        InputError: The weight is negative, or the target is not positive.
    """

    base: Loss = field(default_factory=lambda: Supervised(logarithm=True))
    weight: float = 0.1
    target: float | None = None
    name: ClassVar[str] = "lipschitz-penalised"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.weight) and self.weight >= 0):
            raise InputError(f"A Lipschitz penalty of weight {self.weight}", "Choose a nonnegative number")
        if self.target is not None and not (math.isfinite(self.target) and self.target > 0):
            raise InputError(f"A target of {self.target} for a Lipschitz constant", "Choose a positive number")

    @property
    def needs_truth(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As the loss of accuracy."""
        return self.base.needs_truth

    def __call__(
        self,
        network: UnfoldedNetwork,
        x: Float[Tensor, "batch n"],
        y: Float[Tensor, "batch m"],
        depth: int,
    ) -> Float[Tensor, ""]:
        """Both terms."""
        size = greedy_bound(network, depth).log()
        excess = size if self.target is None else (size - math.log(self.target)).clamp_min(0.0).square()
        return self.base(network, x, y, depth) + self.weight * excess

    def recipe(self) -> dict[str, Any]:
        """JSON-able."""
        return {"loss": self.name, "base": self.base.recipe(), "weight": self.weight, "target": self.target}


LOSSES[LipschitzPenalised.name] = LipschitzPenalised
