"""What ISTA and FISTA share: proximal gradient steps on the Lasso."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.networks.tensors import Number, entry, parameters, per_layer
from unfold_theory.networks.thresholding import soft_threshold


class ProximalGradient(UnfoldedNetwork):
    r"""Layers made of $P_t(z)=\eta_{t\lambda}(z+tA^T(y-Az))$, a step on $F(x)=\frac12\|Ax-y\|^2+\lambda\|x\|_1$.

    Args:
        dictionary: A, shape (m, n).
        depth: Number of layers K.
        steps: $t_k$: a number, shape (K,), or (1,) for one that all layers share.
        lam: $\lambda\ge 0$.
        learn_steps: Whether the steps train.

    Raises:
        InputError: A shape does not fit, a step is not finite, or the weight is negative or not finite.
    """

    paradigm: ClassVar[str] = "learned hyperparameters"
    layered: ClassVar[tuple[str, ...]] = ("steps",)

    def __init__(self, dictionary: Any, depth: int, *, steps: Any, lam: Number, learn_steps: bool = False):
        super().__init__(dictionary, depth)
        if not (isinstance(lam, int | float) and math.isfinite(lam) and lam >= 0):
            raise InputError(f"A Lasso weight of {lam!r}", "Choose a nonnegative number")
        self.lam = float(lam)
        self.learn_steps = bool(learn_steps)
        self.steps = parameters(per_layer(steps, self.depth, [()], "The step"), trained=self.learn_steps)

    @classmethod
    def for_problem(
        cls, problem: Any, depth: int, *, lam: Number = 0.05, steps: Any = None, learn_steps: bool = False
    ) -> ProximalGradient:
        r"""Steps are the lower end of the certified enclosure of $1/L$, so that $t_k\le 1/L$ is certain in float64.

        Args:
            problem: Has ``dictionary`` and ``lipschitz``.
            depth: Number of layers.
            lam: Weight of the Lasso.
            steps: Other steps than the default.
            learn_steps: Whether the steps train.
        """
        if steps is None:
            steps = float((1 / problem.lipschitz).lo)
        return cls(problem.dictionary, depth, steps=steps, lam=lam, learn_steps=learn_steps)

    def proximal_gradient(
        self, k: int, z: Float[Tensor, "batch n"], y: Float[Tensor, "batch m"]
    ) -> Float[Tensor, "batch n"]:
        """Layer k's proximal gradient step from z."""
        t = entry(self.steps, k)
        residual = torch.addmm(y, z, self.dictionary.T, alpha=-1)
        return soft_threshold(z + t * (residual @ self.dictionary), self.lam * t)

    def proximal_steps(self, lam: Number) -> Float64[np.ndarray, " depth"]:
        """The steps, if the network was built for this weight."""
        if lam != self.lam:
            raise MissingStructure(
                f"{self.title} for a Lasso weight of {self.lam}",
                f"a proximal gradient theorem on the Lasso of weight {lam}",
                "steps on that objective",
                f"Build it with lam={lam}, or verify the objective of weight {self.lam}",
            )
        return np.array([float(entry(self.steps, k).detach()) for k in range(self.depth)])

    def config(self) -> dict[str, Any]:
        """Depth, weight of the Lasso, and whether the steps train."""
        return {"depth": self.depth, "lam": self.lam, "learn_steps": self.learn_steps}
