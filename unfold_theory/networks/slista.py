"""StepLISTA: ISTA with one learned step in each layer."""

from __future__ import annotations

from typing import Any, ClassVar

from unfold_theory.networks.ista import Ista
from unfold_theory.networks.tensors import Number


class StepLista(Ista):
    r"""$x^{k+1}=\eta_{t_k\lambda}(x^k+t_kA^T(y-Ax^k))$, $x^0=0$; only the K steps $t_k$ train, on the Lasso objective.

    Reference: Ablin et al. (2019), where it is SLISTA. It starts at ISTA, $t_k=1/L$; ``quick_recipe`` trains it on
    $F(x^K)$ as published. Arguments as in :class:`~unfold_theory.networks.proximal.ProximalGradient`.
    """

    name: ClassVar[str] = "slista"
    title: ClassVar[str] = "StepLISTA"
    source: ClassVar[str] = "ablin2019"

    def __init__(self, dictionary: Any, depth: int, *, steps: Any, lam: Number, learn_steps: bool = True):
        super().__init__(dictionary, depth, steps=steps, lam=lam, learn_steps=learn_steps)

    @classmethod
    def for_problem(
        cls, problem: Any, depth: int, *, lam: Number = 0.05, steps: Any = None, learn_steps: bool = True
    ) -> StepLista:
        """ISTA's steps, ready to train; see :meth:`~unfold_theory.networks.proximal.ProximalGradient.for_problem`."""
        made = super().for_problem(problem, depth, lam=lam, steps=steps, learn_steps=learn_steps)
        assert isinstance(made, cls)
        return made
