"""ALISTA: an analytic weight, with a learned gain and threshold in each layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor

from unfold_theory.errors import InputError
from unfold_theory.networks import initial
from unfold_theory.networks.coupled import CoupledNetwork
from unfold_theory.networks.tensors import Number, entry, exact, parameters, per_layer
from unfold_theory.networks.thresholding import percent_schedule


class Alista(CoupledNetwork):
    r"""$x^{k+1}=\eta_{\theta^k}(x^k+\gamma^kW^T(y-Ax^k))$, $x^0=0$; only the 2K numbers $\gamma$, $\theta$ train.

    Reference: Liu et al. (2019), equation (16).

    Args:
        dictionary: A, shape (m, n).
        depth: Number of layers K.
        weights: W, shape (m, n); fixed.
        gains: $\gamma^k$: a number or shape (K,).
        thresholds: $\theta^k$: a number, shape (K,) or (K, n).
        selected: Support selection, see :class:`~unfold_theory.networks.coupled.CoupledNetwork`; none by default.
        gated: Likewise.
        nonnegative: Likewise.

    Raises:
        InputError: A shape does not fit, or an entry is not finite.
    """

    name: ClassVar[str] = "alista"
    title: ClassVar[str] = "ALISTA"
    source: ClassVar[str] = "liu2019"
    paradigm: ClassVar[str] = "learned hyperparameters"
    layered: ClassVar[tuple[str, ...]] = ("weights", "gains", "thresholds")
    weights: Tensor

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
        matrix = exact(weights, "The weight")
        if matrix.shape != self.dictionary.shape:
            raise InputError(
                f"A weight of shape {tuple(matrix.shape)} for a dictionary of shape {tuple(self.dictionary.shape)}",
                "Pass a weight of the dictionary's shape",
            )
        self.register_fixed("weights", matrix)
        self.gains = parameters(per_layer(gains, self.depth, [()], "The gain"))

    @classmethod
    def for_problem(
        cls,
        problem: Any,
        depth: int,
        *,
        weight: Any = "frobenius",
        lam: Number = initial.LAM,
        theta: Any = None,
        gamma: Any = 1.0,
        percent: Number = 1.2,
        max_percent: Number = 13.0,
        selected: Sequence[int] | int | None = None,
        gated: bool = True,
        nonnegative: bool = False,
    ) -> Alista:
        r"""The analytic W, $\gamma=1$, $\theta=\lambda/(1.001L)$ and the support selection of LISTA-CPSS.

        Theorem 1 of Liu et al. (2019) is about ``weight="minimax"`` and no support selection (``percent=0``);
        their experiments, and this default, use the closed form and selection.

        Args:
            problem: Has ``dictionary`` and ``lipschitz``.
            depth: Number of layers.
            weight: "frobenius" for the closed form, "minimax" for the least coherent W, or an (m, n) array.
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
            weights=initial.analytic_weight(problem, weight),
            gains=gamma,
            thresholds=initial.threshold(problem, theta, lam),
            selected=selected,
            gated=gated,
            nonnegative=nonnegative,
        )

    def weight(self, k: int) -> Float[Tensor, "m n"]:
        """W, the same in every layer."""
        return self.weights

    def gain(self, k: int) -> Float[Tensor, ""]:
        r"""$\gamma^k$."""
        return entry(self.gains, k)
