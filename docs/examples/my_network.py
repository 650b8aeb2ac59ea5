"""An architecture of one's own in one file: ISTA with a learned momentum in each layer.

``unfold-theory train docs/examples/my_network.py --out momentum.safetensors`` trains it, and
``unfold-theory verify --network docs/examples/my_network.py`` says which theorems reach it. It declares no affine
layers and no proximal steps, so that theorems on those say "not applicable" and why.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor

import unfold_theory as ut
from unfold_theory.networks.thresholding import soft_threshold


class State(NamedTuple):
    """The code and the one before it."""

    x: Tensor
    before: Tensor


class MomentumIsta(ut.UnfoldedNetwork):
    r"""$x^{k+1}=\eta_{\theta^k}(z^k+tA^T(y-Az^k))$ with $z^k=x^k+\beta^k(x^k-x^{k-1})$; $\beta^k$ and $\theta^k$ train.

    Args:
        dictionary: A, shape (m, n).
        depth: Number of layers.
        step: t.
        lam: Sets the first thresholds.
    """

    name = "momentum-ista"
    title = "Momentum ISTA"
    paradigm = "learned hyperparameters"

    def __init__(self, dictionary: Any, depth: int, *, step: float, lam: float = 0.05):
        super().__init__(dictionary, depth)
        self.step_size, self.lam = step, lam
        self.momentum = self._scalars(0.3)
        self.threshold = self._scalars(lam * step)

    def _scalars(self, value: float) -> torch.nn.ParameterList:
        return torch.nn.ParameterList([torch.tensor(value, dtype=torch.float64) for _ in range(self.depth)])

    @classmethod
    def for_problem(cls, problem: Any, depth: int, *, lam: float = 0.05) -> "MomentumIsta":
        """With the step 1/L of the problem."""
        return cls(problem.dictionary, depth, step=float((1 / problem.lipschitz).lo), lam=lam)

    def config(self) -> dict[str, Any]:
        """What a checkpoint needs to build it again."""
        return {"depth": self.depth, "step": self.step_size, "lam": self.lam}

    def init(self, y: Tensor) -> State:
        """Zeros."""
        zero = super().init(y)
        return State(zero, zero)

    def step(self, k: int, state: State, y: Tensor) -> State:
        """A proximal gradient step from the extrapolated point."""
        z = state.x + self.momentum[k] * (state.x - state.before)
        residual = y - z @ self.dictionary.T
        x = soft_threshold(z + self.step_size * (residual @ self.dictionary), self.threshold[k])
        return State(x, state.x)

    def readout(self, state: State) -> Tensor:
        """The code."""
        return state.x
