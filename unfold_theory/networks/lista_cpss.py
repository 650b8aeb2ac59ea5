"""LISTA-CPSS: coupled weights and support selection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from unfold_theory.networks import initial
from unfold_theory.networks.lista_cp import ListaCp
from unfold_theory.networks.tensors import Number
from unfold_theory.networks.thresholding import percent_schedule


class ListaCpss(ListaCp):
    r"""LISTA-CP whose $p_k$ largest entries above the threshold pass it unshrunk.

    Reference: Chen et al. (2018), equation (16) with the operator of (17); arguments as in
    :class:`~unfold_theory.networks.lista_cp.ListaCp`.
    """

    name: ClassVar[str] = "lista-cpss"
    title: ClassVar[str] = "LISTA-CPSS"

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
        percent: Number = 1.2,
        max_percent: Number = 13.0,
        selected: Sequence[int] | int | None = None,
        gated: bool = True,
        nonnegative: bool = False,
    ) -> ListaCpss:
        r"""The start of LISTA-CP, with $p_k=\min(1.2k,13)$ percent of the entries in layer k = 1, 2, ...

        Args:
            problem: Has ``dictionary`` and ``lipschitz``.
            depth: Number of layers.
            init: As for LISTA-CP.
            tied: As for LISTA-CP.
            lam: As for LISTA-CP.
            theta: As for LISTA-CP.
            percent: Growth of $p_k$ with each layer.
            max_percent: Largest $p_k$.
            selected: $p_k$ as counts instead.
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
            weights=cls._start(problem, depth, init, tied),
            thresholds=initial.threshold(problem, theta, lam),
            selected=selected,
            gated=gated,
            nonnegative=nonnegative,
        )
