"""TiLISTA: one learned weight, with a gain and a threshold in each layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor

from unfold_theory.networks import initial
from unfold_theory.networks.coupled import CoupledNetwork
from unfold_theory.networks.tensors import Number, entry, parameters, per_layer
from unfold_theory.networks.thresholding import percent_schedule


class TiLista(CoupledNetwork):
    r"""$x^{k+1}=\eta_{\theta^k}(x^k+\gamma^kW^T(y-Ax^k))$, $x^0=0$; W, $\gamma$ and $\theta$ train.

    Reference: Liu et al. (2019), equation (15).

    Args:
        dictionary: A, shape (m, n).
        depth: Number of layers K.
        weights: W, shape (m, n).
        gains: $\gamma^k$: a number or shape (K,).
        thresholds: $\theta^k$: a number, shape (K,) or (K, n).
        selected: Support selection, see :class:`~unfold_theory.networks.coupled.CoupledNetwork`; none by default.
        gated: Likewise.
        nonnegative: Likewise.

    Raises:
        InputError: A shape does not fit, or an entry is not finite.
    """

    name: ClassVar[str] = "tilista"
    title: ClassVar[str] = "TiLISTA"
    source: ClassVar[str] = "liu2019"
    paradigm: ClassVar[str] = "learned objective parameters"
    layered: ClassVar[tuple[str, ...]] = ("weights", "gains", "thresholds")

    def __init__(
        self,
        dictionary: Any,
        depth: int,
        *,
        weights: Any,
        gains: Any,
        thresholds: Any,
        selected: Sequence[int] | int = 0,
        gated: bool = True,
        nonnegative: bool = False,
    ):
        super().__init__(
            dictionary, depth, thresholds=thresholds, selected=selected, gated=gated, nonnegative=nonnegative
        )
        shape = tuple(self.dictionary.shape)
        self.weights = parameters(per_layer(weights, 1, [shape], "The weight"))
        self.gains = parameters(per_layer(gains, self.depth, [()], "The gain"))

    @classmethod
    def for_problem(
        cls,
        problem: Any,
        depth: int,
        *,
        init: str = "published",
        lam: Number = initial.LAM,
        theta: Any = None,
        gamma: Any = 1.0,
        percent: Number = 1.2,
        max_percent: Number = 13.0,
        selected: Sequence[int] | int | None = None,
        gated: bool = True,
        nonnegative: bool = False,
    ) -> TiLista:
        r"""$W=A/(1.001L)$, $\theta=\lambda/(1.001L)$, $\gamma=1$ and the support selection of LISTA-CPSS.

        Args:
            problem: Has ``dictionary`` and ``lipschitz``.
            depth: Number of layers.
            init: "published" as above, or "frobenius" for ALISTA's W.
            lam: Sets the threshold.
            theta: Other thresholds than these.
            gamma: Other gains than 1.
            percent: Growth of the selected share with each layer; 0 for no support selection.
            max_percent: Largest selected share.
            selected: The selection as counts instead.
            gated: Whether only entries above the threshold may bypass it, as published.
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
            weights=initial.starting_weight(problem, init),
            gains=gamma,
            thresholds=initial.threshold(problem, theta, lam),
            selected=selected,
            gated=gated,
            nonnegative=nonnegative,
        )

    def weight(self, k: int) -> Float[Tensor, "m n"]:
        """W, the same in every layer."""
        return self.weights[0]

    def gain(self, k: int) -> Float[Tensor, ""]:
        r"""$\gamma^k$."""
        return entry(self.gains, k)
