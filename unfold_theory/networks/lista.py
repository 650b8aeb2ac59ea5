"""LISTA: layers with two free matrices, untied or tied."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from unfold_theory.networks import initial
from unfold_theory.networks.base import AffineLayer, UnfoldedNetwork
from unfold_theory.networks.tensors import Number, entry, numpy64, parameters, per_layer
from unfold_theory.networks.thresholding import soft_threshold


class Lista(UnfoldedNetwork):
    r"""$x^{k+1}=\eta_{\theta^k}(W_1^ky+W_2^kx^k)$, $x^0=0$; all three train.

    An own $W_2^0$ does not: it multiplies zero.

    Reference: Gregor and LeCun (2010), with own matrices in each layer as in Chen et al. (2018), equation (2).

    Args:
        dictionary: A, shape (m, n); the layers do not read it.
        depth: Number of layers K.
        input_weights: $W_1^k$, shape (n, m) or (K, n, m); leading axis 1 for one that all layers share.
        state_weights: $W_2^k$, shape (n, n) or (K, n, n); likewise.
        thresholds: $\theta^k$: a number, shape (K,) or (K, n); likewise.
        nonnegative: Use $|\theta^k|$ of the stored parameter, so that thresholds cannot become negative.

    Raises:
        InputError: A shape does not fit, or an entry is not finite.
    """

    name: ClassVar[str] = "lista"
    title: ClassVar[str] = "LISTA"
    source: ClassVar[str] = "gregor2010"
    paradigm: ClassVar[str] = "learned objective parameters"
    layered: ClassVar[tuple[str, ...]] = ("input_weights", "state_weights", "thresholds")

    def __init__(
        self,
        dictionary: Any,
        depth: int,
        *,
        input_weights: Any,
        state_weights: Any,
        thresholds: Any,
        nonnegative: bool = False,
    ):
        super().__init__(dictionary, depth)
        m, n = self.dictionary.shape
        self.input_weights = parameters(per_layer(input_weights, self.depth, [(n, m)], "The input weight"))
        self.state_weights = parameters(per_layer(state_weights, self.depth, [(n, n)], "The state weight"))
        if len(self.state_weights) == self.depth:
            self.state_weights[0].requires_grad_(False)  # it multiplies x^0 = 0
        self.thresholds = parameters(per_layer(thresholds, self.depth, [(), (n,)], "The threshold"))
        self.nonnegative = bool(nonnegative)

    @classmethod
    def for_problem(
        cls,
        problem: Any,
        depth: int,
        *,
        init: str = "published",
        lam: Number = initial.LAM,
        theta: Any = None,
        nonnegative: bool = False,
    ) -> Lista:
        r"""$W_1=W^T$, $W_2=I-W^TA$ with $W=A/(1.001L)$ and $\theta=\lambda/(1.001L)$: ISTA, before training.

        Args:
            problem: Has ``dictionary`` and ``lipschitz``.
            depth: Number of layers.
            init: "published" as above, or "frobenius" for ALISTA's W.
            lam: Sets the threshold.
            theta: Other thresholds than these.
            nonnegative: As in the constructor.

        Raises:
            InputError: An option is unknown or does not fit.
        """
        weight = initial.starting_weight(problem, init)
        state_weight = np.eye(weight.shape[1]) - weight.T @ problem.dictionary
        matrices = cls._tie(weight.T, state_weight, depth)
        return cls(
            problem.dictionary,
            depth,
            input_weights=matrices[0],
            state_weights=matrices[1],
            thresholds=cls._tie_thresholds(initial.threshold(problem, theta, lam)),
            nonnegative=nonnegative,
        )

    @classmethod
    def _tie(cls, first: np.ndarray, second: np.ndarray, depth: int) -> tuple[np.ndarray, np.ndarray]:
        return np.stack([first] * depth), np.stack([second] * depth)

    @classmethod
    def _tie_thresholds(cls, thresholds: Any) -> Any:
        return thresholds

    def threshold(self, k: int) -> Tensor:
        r"""$\theta^k$, shape () or (n,)."""
        stored = entry(self.thresholds, k)
        return stored.abs() if self.nonnegative else stored

    def step(self, k: int, state: Float[Tensor, "batch n"], y: Float[Tensor, "batch m"]) -> Float[Tensor, "batch n"]:
        """Layer k."""
        v = torch.addmm(y @ entry(self.input_weights, k).T, state, entry(self.state_weights, k).T)
        return soft_threshold(v, self.threshold(k))

    def linear_maps(self, k: int) -> tuple[Float[Tensor, "n m"], Float[Tensor, "n n"]]:
        """The two free matrices."""
        return entry(self.input_weights, k), entry(self.state_weights, k)

    def affine_layers(self) -> list[AffineLayer]:
        r"""$W=(W_1^k)^T$, $\gamma=1$, and $W_2^k$ as it stands: not coupled by construction."""
        return [
            AffineLayer(
                weight=np.ascontiguousarray(numpy64(entry(self.input_weights, k)).T),
                gain=1.0,
                threshold=numpy64(self.threshold(k)),
                state_weight=numpy64(entry(self.state_weights, k)),
            )
            for k in range(self.depth)
        ]

    def config(self) -> dict[str, Any]:
        """Depth, and the sign rule of the thresholds."""
        return {"depth": self.depth, "nonnegative": self.nonnegative}


class ListaTied(Lista):
    r"""LISTA as first published: one $W_1$, $W_2$ and $\theta$ for all layers.

    Reference: Gregor and LeCun (2010), section 3; arguments as in :class:`Lista`. Explicit ``thresholds`` of shape (K,)
    give each layer its own.
    """

    name: ClassVar[str] = "lista-tied"
    title: ClassVar[str] = "LISTA (tied)"

    @classmethod
    def _tie(cls, first: np.ndarray, second: np.ndarray, depth: int) -> tuple[np.ndarray, np.ndarray]:
        return first, second

    @classmethod
    def _tie_thresholds(cls, thresholds: Any) -> Any:
        return [thresholds] if np.ndim(thresholds) == 0 else thresholds
