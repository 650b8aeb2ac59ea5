"""LISTA-CP: LISTA with coupled weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float
from torch import Tensor

from unfold_theory.networks import initial
from unfold_theory.networks.coupled import CoupledNetwork
from unfold_theory.networks.tensors import Number, entry, parameters, per_layer


class ListaCp(CoupledNetwork):
    r"""$x^{k+1}=\eta_{\theta^k}(x^k+(W^k)^T(y-Ax^k))$, $x^0=0$; W and $\theta$ train.

    The coupling $W_2^k=I-(W^k)^TA$ is what Theorem 1 of Chen et al. (2018) finds necessary for LISTA to converge.

    Reference: Chen et al. (2018), equation (15).

    Args:
        dictionary: A, shape (m, n).
        depth: Number of layers K.
        weights: $W^k$, shape (m, n) for one that all layers share ("tied"), or (K, m, n).
        thresholds: $\theta^k$: a number, shape (K,) or (K, n).
        selected: Support selection, see :class:`~unfold_theory.networks.coupled.CoupledNetwork`; none by default.
        gated: Likewise.
        nonnegative: Likewise.

    Raises:
        InputError: A shape does not fit, or an entry is not finite.
    """

    name: ClassVar[str] = "lista-cp"
    title: ClassVar[str] = "LISTA-CP"
    source: ClassVar[str] = "chen2018"
    paradigm: ClassVar[str] = "learned objective parameters"
    layered: ClassVar[tuple[str, ...]] = ("weights", "thresholds")

    def __init__(
        self,
        dictionary: Any,
        depth: int,
        *,
        weights: Any,
        thresholds: Any,
        selected: Sequence[int] | int = 0,
        gated: bool = True,
        nonnegative: bool = False,
    ):
        super().__init__(
            dictionary, depth, thresholds=thresholds, selected=selected, gated=gated, nonnegative=nonnegative
        )
        shape = tuple(self.dictionary.shape)
        self.weights = parameters(per_layer(weights, self.depth, [shape], "The weight"))

    @classmethod
    def for_problem(
        cls,
        problem: Any,
        depth: int,
        *,
        init: str = "published",
        tied: bool = True,
        lam: Number = initial.LAM,
        theta: Any = None,
        nonnegative: bool = False,
    ) -> ListaCp:
        r"""$W=A/(1.001L)$ and $\theta=\lambda/(1.001L)$: ISTA, before training.

        Args:
            problem: Has ``dictionary`` and ``lipschitz``.
            depth: Number of layers.
            init: "published" as above, or "frobenius" for ALISTA's W.
            tied: One W for all layers (the published code's default), or one for each.
            lam: Sets the threshold.
            theta: Other thresholds than these.
            nonnegative: As in the constructor.

        Raises:
            InputError: An option is unknown or does not fit.
        """
        return cls(
            problem.dictionary,
            depth,
            weights=cls._start(problem, depth, init, tied),
            thresholds=initial.threshold(problem, theta, lam),
            nonnegative=nonnegative,
        )

    @staticmethod
    def _start(problem: Any, depth: int, init: str, tied: bool) -> np.ndarray:
        weight = initial.starting_weight(problem, init)
        return weight if tied else np.stack([weight] * depth)

    def weight(self, k: int) -> Float[Tensor, "m n"]:
        r"""$W^k$."""
        return entry(self.weights, k)
