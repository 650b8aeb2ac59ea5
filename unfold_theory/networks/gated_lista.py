"""Gated LISTA: LISTA-CPSS with a gain gate on the code that enters a layer, and an overshoot gate on what leaves it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NoReturn

import torch
from jaxtyping import Float
from torch import Tensor

from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.networks import initial
from unfold_theory.networks.lista_cp import ListaCp
from unfold_theory.networks.tensors import Number, entry, parameters, per_layer
from unfold_theory.networks.thresholding import percent_schedule, select_support_threshold

GATES = ("relu", "inverse", "exponential")
STEADY = 0.1
"""What keeps the overshoot gate finite where an entry does not move."""


class GatedLista(ListaCp):
    r"""$z=g^k(x^k)\odot x^k$, $\tilde x=\eta_{\theta^k}(z+(W^k)^T(y-Az))$, $x^{k+1}=x^k+o^k\odot(\tilde x-x^k)$.

    The gain gate $g$ makes up for entries that thresholds leave too small, and the more so the smaller they are. With
    size a and rate D it is, entry by entry,

    - "relu": $1+a\,(1-(D|x|)_+)_+$,
    - "inverse": $1+0.2a/(0.001+|Dx|)$,
    - "exponential": $1+a\,e^{-D|x|}$.

    The overshoot gate is $o=1+c\,\theta^k/(|\tilde x-x^k|+0.1)$. At $x^0=0$ the gain gate of layer 1 multiplies
    nothing; its size and rate do not train.

    The published code writes $-c$ for $c$ and takes the threshold of the layer before, with 0 for entries that bypassed
    it.

    Reference: Wu et al. (2020), gates as in their code, on the coupled weights of Chen et al. (2018).

    Args:
        dictionary: A, shape (m, n).
        depth: Number of layers K.
        weights: $W^k$, shape (m, n) for one that all layers share, or (K, m, n).
        thresholds: $\theta^k$: a number, shape (K,) or (K, n).
        gate_sizes: a: a number or shape (K,).
        gate_rates: D: a number, shape (K,) or (K, n).
        overshoots: c: a number or shape (K,).
        gate: Form of the gain gate.
        selected: Support selection, see :class:`~unfold_theory.networks.coupled.CoupledNetwork`; none by default.
        gated: Whether only entries above the threshold may bypass it.
        nonnegative: Use $|\theta^k|$ of the stored parameter.

    Raises:
        InputError: A shape does not fit, an entry is not finite, or the form of the gate is unknown.
    """

    name: ClassVar[str] = "glista"
    title: ClassVar[str] = "Gated LISTA"
    source: ClassVar[str] = "wu2020"
    adaptive: ClassVar[bool] = True
    layered: ClassVar[tuple[str, ...]] = (*ListaCp.layered, "gate_sizes", "gate_rates", "overshoots")

    def __init__(
        self,
        dictionary: Any,
        depth: int,
        *,
        weights: Any,
        thresholds: Any,
        gate_sizes: Any = 0.01,
        gate_rates: Any = 1.0,
        overshoots: Any = 0.0,
        gate: str = "relu",
        selected: Sequence[int] | int = 0,
        gated: bool = True,
        nonnegative: bool = False,
    ):
        super().__init__(
            dictionary,
            depth,
            weights=weights,
            thresholds=thresholds,
            selected=selected,
            gated=gated,
            nonnegative=nonnegative,
        )
        if gate not in GATES:
            raise InputError(f"A gain gate of the form {gate!r}", f"Choose one of {', '.join(GATES)}")
        n = self.dictionary.shape[1]
        self.gate = gate
        self.gate_sizes = parameters(per_layer(gate_sizes, self.depth, [()], "The size of the gain gate"))
        self.gate_rates = parameters(per_layer(gate_rates, self.depth, [(), (n,)], "The rate of the gain gate"))
        self.overshoots = parameters(per_layer(overshoots, self.depth, [()], "The overshoot"))
        for gates in (self.gate_sizes, self.gate_rates):
            if len(gates) == self.depth:
                gates[0].requires_grad_(False)

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
        gate: str = "relu",
        percent: Number = 1.2,
        max_percent: Number = 13.0,
        selected: Sequence[int] | int | None = None,
        gated: bool = True,
        nonnegative: bool = False,
    ) -> GatedLista:
        r"""Weights, thresholds and selection of LISTA-CPSS, with a small gain and no overshoot.

        Args:
            problem: Has ``dictionary`` and ``lipschitz``.
            depth: Number of layers.
            init: As in :meth:`ListaCp.for_problem`, like the next three.
            tied: One W for all layers, or one for each.
            lam: Sets the threshold.
            theta: Other thresholds than these.
            gate: Form of the gain gate.
            percent: Growth of the selected share with each layer; 0 for no support selection.
            max_percent: Largest selected share.
            selected: The selection as counts instead.
            gated: Whether only entries above the threshold may bypass it.
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
            gate=gate,
            selected=selected,
            gated=gated,
            nonnegative=nonnegative,
        )

    def gain_gate(self, k: int, x: Float[Tensor, "batch n"]) -> Float[Tensor, "batch n"]:
        r"""$g^k$ at a code."""
        size, reach = entry(self.gate_sizes, k), entry(self.gate_rates, k) * x.abs()
        if self.gate == "relu":
            return 1 + size * torch.relu(1 - torch.relu(reach))
        if self.gate == "inverse":
            return 1 + 0.2 * size / (0.001 + reach.abs())
        return 1 + size * torch.exp(-reach)

    def step(self, k: int, state: Float[Tensor, "batch n"], y: Float[Tensor, "batch m"]) -> Float[Tensor, "batch n"]:
        """Layer k."""
        z, theta = self.gain_gate(k, state) * state, self.threshold(k)
        v = z + torch.addmm(y, z, self.dictionary.T, alpha=-1) @ self.weight(k)
        move = select_support_threshold(v, theta, self.selected[k], gated=self.gated) - state
        return state + move * (1 + entry(self.overshoots, k) * theta / (move.abs() + STEADY))

    def affine_layers(self) -> NoReturn:
        """Gates depend on the signal."""
        raise MissingStructure(self.title, "bounds on affine layers with thresholds", "affine_layers()")

    def instance_layers(self, y: Float[Tensor, "batch m"]) -> NoReturn:
        """A layer with gates is no threshold of a step from the code."""
        raise MissingStructure(self.title, "bounds on the layers of one signal", "layers without gates")

    def config(self) -> dict[str, Any]:
        """Depth, form of the gain gate, support selection and the sign rule of the thresholds."""
        return {**super().config(), "gate": self.gate}
