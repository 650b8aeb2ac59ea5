"""Oracle ISTA: the step that the support at hand allows, for each signal."""

from __future__ import annotations

import math
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from unfold_theory.errors import InputError
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.networks.layers import InstanceLayer
from unfold_theory.networks.tensors import Number, numpy64
from unfold_theory.networks.thresholding import soft_threshold

# The step stays below 1/L_S by more than what an eigenvalue in float64 can be off.
ROOM = 1 + 1e-9


class OistaState(NamedTuple):
    """The code, its support, the constant L_S of that support, and the step that led here."""

    x: Tensor
    support: Tensor
    constant: Tensor
    step: Tensor


class Oista(UnfoldedNetwork):
    r"""ISTA with step $1/L_S$, $L_S=\|A_S\|_2^2$, $S=\mathrm{supp}\,x^k$; $1/L$ where the support would leave S.

    $u=\eta_{\lambda/L_S}(x^k+A^T(y-Ax^k)/L_S)$; $x^{k+1}=u$ if $\mathrm{supp}\,u\subset S$, else the step with $1/L$
    is taken instead (also from $x^k=0$). Steps belong to signals and nothing trains.

    Reference: Ablin et al. (2019), algorithm OISTA.

    Args:
        dictionary: A, shape (m, n).
        depth: Number of layers K.
        lam: $\lambda\ge 0$.
        fallback: The step that is safe for every support, at most $1/L$.

    Raises:
        InputError: The weight is negative or not finite, or the fallback is not a positive number.
    """

    name: ClassVar[str] = "oista"
    title: ClassVar[str] = "OISTA"
    source: ClassVar[str] = "ablin2019"
    paradigm: ClassVar[str] = "learned hyperparameters"
    adaptive: ClassVar[bool] = True

    def __init__(self, dictionary: Any, depth: int, *, lam: Number, fallback: Number):
        super().__init__(dictionary, depth)
        if not (isinstance(lam, int | float) and math.isfinite(lam) and lam >= 0):
            raise InputError(f"A Lasso weight of {lam!r}", "Choose a nonnegative number")
        if not (isinstance(fallback, int | float) and math.isfinite(fallback) and fallback > 0):
            raise InputError(f"A step of {fallback!r}", "Choose a positive number, at most 1/L")
        self.lam, self.fallback = float(lam), float(fallback)

    @classmethod
    def for_problem(cls, problem: Any, depth: int, *, lam: Number = 0.05) -> Oista:
        """The fallback is the lower end of the certified enclosure of 1/L.

        Args:
            problem: Has ``dictionary`` and ``lipschitz``.
            depth: Number of layers.
            lam: Weight of the Lasso.
        """
        return cls(problem.dictionary, depth, lam=lam, fallback=float((1 / problem.lipschitz).lo))

    def init(self, y: Float[Tensor, "batch m"]) -> OistaState:
        """Zeros, whose support is empty."""
        x = super().init(y)
        return OistaState(x, x != 0, y.new_zeros(len(y)), y.new_zeros(len(y)))

    def step(self, k: int, state: OistaState, y: Float[Tensor, "batch m"]) -> OistaState:
        """A step with the support's constant where it stays on the support, else one with L."""
        x, support, constant, _ = state
        direction = torch.addmm(y, x, self.dictionary.T, alpha=-1) @ self.dictionary
        fallback = torch.full_like(constant, self.fallback)
        oracle = torch.where(constant > 0, 1 / (constant * ROOM).clamp(min=torch.finfo(y.dtype).tiny), fallback)
        tried, found = self._shrunk(x, direction, oracle)
        stays = (found <= support).all(dim=1) & (constant > 0)
        safe, reached = self._shrunk(x, direction, fallback)
        following = torch.where(stays[:, None], tried, safe)
        support_now = torch.where(stays[:, None], found, reached)
        taken = torch.where(stays, oracle, fallback)
        return OistaState(following, support_now, self._constants(support_now, support, constant), taken)

    def _shrunk(self, x: Tensor, direction: Tensor, steps: Tensor) -> tuple[Tensor, Tensor]:
        # One threshold for each signal: the batch is transposed, so that rows of the shrinkage are coordinates.
        code = soft_threshold((x + steps[:, None] * direction).T, self.lam * steps).T
        return code, code != 0

    @torch.no_grad()
    def _constants(
        self, support: Bool[Tensor, "batch n"], before: Bool[Tensor, "batch n"], known: Float[Tensor, " batch"]
    ) -> Float[Tensor, " batch"]:
        """L_S of every row; where the support is the last one, what is known."""
        matrix, result = self.dictionary, known.clone()
        for i in torch.nonzero((support != before).any(dim=1)).flatten().tolist():
            columns = matrix[:, support[i]]
            small = columns.T @ columns if columns.shape[1] <= columns.shape[0] else columns @ columns.T
            result[i] = torch.linalg.eigvalsh(small)[-1] if len(small) else 0.0
        return result

    def readout(self, state: OistaState) -> Float[Tensor, "batch n"]:
        """The code."""
        return state.x

    def instance_layers(self, y: Float[Tensor, "batch m"]) -> list[InstanceLayer]:
        r"""$W=A$, $\gamma$ the step that each signal took, $\theta=\lambda\gamma$."""
        matrix, n = numpy64(self.dictionary), self.dictionary.shape[1]
        state, layers = self.init(y), []
        for k in range(self.depth):
            state = self.step(k, state, y)
            steps = numpy64(state.step)
            layers.append(
                InstanceLayer(
                    weight=matrix,
                    gain=steps,
                    threshold=np.repeat((self.lam * steps)[:, None], n, axis=1),
                    momentum=np.zeros(len(steps)),
                    selected=np.zeros(len(steps), dtype=int),
                )
            )
        return layers

    def config(self) -> dict[str, Any]:
        """Depth, weight of the Lasso, and the step that is always safe."""
        return {"depth": self.depth, "lam": self.lam, "fallback": self.fallback}
