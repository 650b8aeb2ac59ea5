"""Iterative hard thresholding: gradient steps, of which the s largest entries are kept."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from unfold_theory.errors import InputError
from unfold_theory.networks.base import InstanceLayer, UnfoldedNetwork
from unfold_theory.networks.tensors import entry, numpy64, parameters, per_layer
from unfold_theory.networks.thresholding import largest


class Iht(UnfoldedNetwork):
    r"""$x^{k+1}=H_s(x^k+\gamma_kA^T(y-Ax^k))$, $x^0=0$; $H_s$ keeps the s largest magnitudes.

    Reference: Blumensath and Davies (2009), with $\gamma=1$ in Foucart and Rauhut (2013), section 6.3; here the steps
    may train. Of ties at the s-th place the lowest indices are kept.

    Args:
        dictionary: A, shape (m, n).
        depth: Number of layers K.
        steps: $\gamma_k$: a number, shape (K,), or (1,) for one that all layers share.
        sparsity: s.
        learn_steps: Whether the steps train.

    Raises:
        InputError: A shape does not fit, a step is not finite, or s lies outside 1..n.
    """

    name: ClassVar[str] = "iht"
    title: ClassVar[str] = "IHT"
    source: ClassVar[str] = "foucart2013"
    paradigm: ClassVar[str] = "learned hyperparameters"
    adaptive: ClassVar[bool] = True
    layered: ClassVar[tuple[str, ...]] = ("steps",)

    def __init__(self, dictionary: Any, depth: int, *, steps: Any, sparsity: Any, learn_steps: bool = True):
        super().__init__(dictionary, depth)
        n = self.dictionary.shape[1]
        if isinstance(sparsity, bool) or not isinstance(sparsity, int | np.integer) or not 1 <= sparsity <= n:
            raise InputError(f"A sparsity of {sparsity!r} for codes of length {n}", f"Choose s from 1 to {n}")
        self.sparsity = int(sparsity)
        self.learn_steps = bool(learn_steps)
        self.steps = parameters(per_layer(steps, self.depth, [()], "The step"), trained=self.learn_steps)

    @classmethod
    def for_problem(
        cls, problem: Any, depth: int, *, steps: Any = None, sparsity: Any = None, learn_steps: bool = True
    ) -> Iht:
        r"""Steps $1/L$, with which the residual never grows, and the mean sparsity of the problem's codes.

        Args:
            problem: Has ``dictionary``, ``lipschitz``, and ``law`` unless the sparsity is given.
            depth: Number of layers.
            steps: Other steps; the theorem of Foucart and Rauhut has 1.
            sparsity: Another sparsity.
            learn_steps: Whether the steps train.

        Raises:
            InputError: The sparsity is needed, or an option does not fit.
        """
        n = problem.dictionary.shape[1]
        if sparsity is None:
            law = getattr(problem, "law", None)
            if law is None:
                raise InputError("The sparsity of the codes is unknown", "Pass sparsity=s")
            sparsity = min(max(round(law.expected_support(n)), 1), n)
        if steps is None:
            steps = float((1 / problem.lipschitz).lo)
        return cls(problem.dictionary, depth, steps=steps, sparsity=sparsity, learn_steps=learn_steps)

    def gradient_step(
        self, k: int, x: Float[Tensor, "batch n"], y: Float[Tensor, "batch m"]
    ) -> Float[Tensor, "batch n"]:
        r"""$x+\gamma_kA^T(y-Ax)$."""
        return x + entry(self.steps, k) * (torch.addmm(y, x, self.dictionary.T, alpha=-1) @ self.dictionary)

    def step(self, k: int, state: Float[Tensor, "batch n"], y: Float[Tensor, "batch m"]) -> Float[Tensor, "batch n"]:
        """A gradient step, then all but the s largest entries are zero."""
        v = self.gradient_step(k, state, y)
        with torch.no_grad():
            kept = largest(v.abs(), self.sparsity)
        return v * kept.to(v.dtype)

    def hard_threshold_steps(self) -> Float64[np.ndarray, " depth"]:
        r"""$\gamma_k$ of each layer."""
        return np.array([float(entry(self.steps, k).detach()) for k in range(self.depth)])

    def instance_layers(self, y: Float[Tensor, "batch m"]) -> list[InstanceLayer]:
        """Soft thresholds at the (s+1)-th largest magnitude, which the s largest entries bypass: the same map."""
        matrix, batch, n = numpy64(self.dictionary), y.shape[0], self.dictionary.shape[1]
        codes, layers = self.iterates(y).detach(), []
        for k, gain in enumerate(self.hard_threshold_steps()):
            size = np.sort(np.abs(self.gradient_step(k, codes[k], y).detach().double().numpy()), axis=1)
            next_largest = size[:, n - self.sparsity - 1] if self.sparsity < n else np.zeros(batch)
            layers.append(
                InstanceLayer(
                    weight=matrix,
                    gain=np.full(batch, gain),
                    threshold=np.repeat(next_largest[:, None], n, axis=1),
                    momentum=np.zeros(batch),
                    selected=np.full(batch, self.sparsity),
                    gated=False,
                )
            )
        return layers

    def config(self) -> dict[str, Any]:
        """Depth, sparsity, and whether the steps train."""
        return {"depth": self.depth, "sparsity": self.sparsity, "learn_steps": self.learn_steps}
