"""NA-ALISTA: a recurrent network chooses gain and threshold of each layer for each signal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, NoReturn

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.networks import initial
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.networks.coupled import checked_selection
from unfold_theory.networks.layers import InstanceLayer
from unfold_theory.networks.tensors import Number, exact, numpy64
from unfold_theory.networks.thresholding import linear_schedule, select_support_threshold

NORMALISING = 512
"""Signals that the normalisation is taken from: one batch of the published training."""


class NaAlistaState(NamedTuple):
    """The code, and what the recurrent network remembers of the signal."""

    x: Tensor
    hidden: Tensor
    cell: Tensor


class NaAlista(UnfoldedNetwork):
    r"""ALISTA with $\gamma^k$ and $\theta^k$ computed for each signal:

    $x^{k+1}=\eta_{\theta^k}(x^k+\gamma^kW^Tr^k)$, $r^k=y-Ax^k$, $x^0=0$, with
    $(\gamma^k,\theta^k)=\mathrm{softplus}(C\,\mathrm{relu}(Bc^k+b)+c)$ and $c^k$ the cell state of an LSTM that all
    layers share, fed with $(\|r^k\|_1,\|W^Tr^k\|_1)$. Both norms are normalised by mean and standard deviation that
    they have in the first layer. The largest entries bypass the threshold, ungated as in the published code.

    Reference: Behrens et al. (2021), algorithm 1; sizes and normalisation as in their code.

    Args:
        dictionary: A, shape (m, n).
        depth: Number of layers K.
        weights: W, shape (m, n); fixed.
        normalisation: Mean and standard deviation (rows) of both norms (columns), shape (2, 2); fixed.
        selected: Support selection, see :class:`~unfold_theory.networks.coupled.CoupledNetwork`; none by default.
        gated: Whether only entries above the threshold may bypass it.
        width: Of the LSTM's state.
        seed: Of the LSTM's initial weights.

    Raises:
        InputError: A shape does not fit, an entry is not finite, a deviation is not positive, or the width is below 1.
    """

    name: ClassVar[str] = "na-alista"
    title: ClassVar[str] = "NA-ALISTA"
    source: ClassVar[str] = "behrens2021"
    paradigm: ClassVar[str] = "dnn inductive bias"
    adaptive: ClassVar[bool] = True
    layered: ClassVar[tuple[str, ...]] = ("weights", "normalisation")
    weights: Tensor
    normalisation: Tensor

    def __init__(
        self,
        dictionary: Any,
        depth: int,
        *,
        weights: Any,
        normalisation: Any,
        selected: Sequence[int] | int = 0,
        gated: bool = False,
        width: int = 128,
        seed: int = 0,
    ):
        super().__init__(dictionary, depth)
        matrix, moments = exact(weights, "The weight"), exact(normalisation, "The normalisation")
        if matrix.shape != self.dictionary.shape:
            raise InputError(
                f"A weight of shape {tuple(matrix.shape)} for a dictionary of shape {tuple(self.dictionary.shape)}",
                "Pass a weight of the dictionary's shape",
            )
        if moments.shape != (2, 2) or not bool((moments[1] > 0).all()):
            raise InputError(
                f"A normalisation of shape {tuple(moments.shape)}, or with deviations that are not positive",
                "Pass means and positive standard deviations of both norms, shape (2, 2)",
            )
        if isinstance(width, bool) or not isinstance(width, int) or width < 1:
            raise InputError(f"A recurrent network of width {width!r}", "Choose at least 1")
        self.register_fixed("weights", matrix)
        self.register_fixed("normalisation", moments)
        self.selected = checked_selection(selected, self.depth, self.dictionary.shape[1])
        self.gated, self.width, self.seed = bool(gated), width, int(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self.lstm = torch.nn.LSTMCell(2, width).double()
            self.inner = torch.nn.Linear(width, width).double()
            self.outer = torch.nn.Linear(width, 2).double()
            self.hidden = torch.nn.Parameter(torch.randn(width, dtype=torch.float64))
            self.cell = torch.nn.Parameter(torch.randn(width, dtype=torch.float64))

    @classmethod
    def for_problem(
        cls,
        problem: Any,
        depth: int,
        *,
        weight: Any = "frobenius",
        gamma: Number | None = None,
        theta: Number | None = None,
        selected: Sequence[int] | int | None = None,
        gated: bool = False,
        width: int = 128,
        seed: int = 0,
    ) -> NaAlista:
        r"""The analytic W, a random LSTM, and the selection of the published experiments.

        Args:
            problem: Has ``dictionary`` and ``sample``.
            depth: Number of layers.
            weight: "frobenius", "minimax", or an (m, n) array.
            gamma: Gain that the layers start near; by default about 0.7, as the random LSTM gives.
            theta: Threshold that they start near; likewise.
            selected: The selection as counts; by default rising linearly to 1.2 times the mean sparsity of signals.
            gated: As in the constructor.
            width: Likewise.
            seed: Likewise.

        Raises:
            InputError: An option does not fit.
            MissingStructure: The problem has no planted codes to count, and no selection was given.
        """
        batch = problem.sample(NORMALISING, seed=seed)
        matrix = initial.analytic_weight(problem, weight)
        if selected is None:
            if not getattr(problem, "planted", True):
                raise MissingStructure(cls.title, "this problem", "planted codes to count", "Pass selected=...")
            selected = linear_schedule(float(np.count_nonzero(batch.x, axis=1).mean().round()), depth)
        norms = np.stack([np.abs(batch.y).sum(axis=1), np.abs(batch.y @ matrix).sum(axis=1)])
        network = cls(
            problem.dictionary,
            depth,
            weights=matrix,
            normalisation=np.stack([norms.mean(axis=1), norms.std(axis=1, ddof=1)]),
            selected=selected,
            gated=gated,
            width=width,
            seed=seed,
        )
        with torch.no_grad():
            for place, start in enumerate((gamma, theta)):
                if start is not None:
                    network.outer.bias[place] = _before_softplus(start)
        return network

    def init(self, y: Float[Tensor, "batch m"]) -> NaAlistaState:
        """A zero code, and the trained initial state of the LSTM."""
        rows = len(y)
        return NaAlistaState(super().init(y), self.hidden.expand(rows, -1), self.cell.expand(rows, -1))

    def scalars(
        self, state: NaAlistaState, y: Float[Tensor, "batch m"]
    ) -> tuple[Float[Tensor, "batch 2"], Float[Tensor, "batch n"], NaAlistaState]:
        r"""$(\gamma,\theta)$ that the next layer takes, its correction $W^Tr$, and the state with the LSTM moved on."""
        residual = torch.addmm(y, state.x, self.dictionary.T, alpha=-1)
        correction = residual @ self.weights
        norms = torch.stack([residual.abs().sum(dim=1), correction.abs().sum(dim=1)], dim=1)
        mean, deviation = self.normalisation
        hidden, cell = self.lstm((norms - mean) / deviation, (state.hidden, state.cell))
        chosen = torch.nn.functional.softplus(self.outer(torch.relu(self.inner(cell))))
        return chosen, correction, NaAlistaState(state.x, hidden, cell)

    def step(self, k: int, state: NaAlistaState, y: Float[Tensor, "batch m"]) -> NaAlistaState:
        """Layer k."""
        chosen, correction, state = self.scalars(state, y)
        v = state.x + chosen[:, :1] * correction
        return state._replace(x=select_support_threshold(v, chosen[:, 1:], self.selected[k], gated=self.gated))

    def readout(self, state: NaAlistaState) -> Float[Tensor, "batch n"]:
        """The code."""
        return state.x

    def affine_layers(self) -> NoReturn:
        """Gains and thresholds depend on the signal."""
        raise MissingStructure(self.title, "bounds on affine layers with thresholds", "affine_layers()")

    def instance_layers(self, y: Float[Tensor, "batch m"]) -> list[InstanceLayer]:
        """The layers with the gains and thresholds that they took for each signal."""
        layers, weight = [], numpy64(self.weights)
        with torch.no_grad():
            state = self.init(y)
            for k in range(self.depth):
                chosen = numpy64(self.scalars(state, y)[0])
                layers.append(
                    InstanceLayer(
                        weight=weight,
                        gain=chosen[:, 0],
                        threshold=np.array(np.broadcast_to(chosen[:, 1:], (len(y), weight.shape[1]))),
                        momentum=np.zeros(len(y)),
                        selected=np.full(len(y), self.selected[k]),
                        gated=self.gated,
                    )
                )
                state = self.step(k, state, y)
        return layers

    def config(self) -> dict[str, Any]:
        """Depth, support selection, and width and seed of the LSTM."""
        return {
            "depth": self.depth,
            "selected": list(self.selected),
            "gated": self.gated,
            "width": self.width,
            "seed": self.seed,
        }


def _before_softplus(value: Number) -> float:
    if not (np.isfinite(value) and value > 0):
        raise InputError(f"A gain or threshold that starts near {value}", "Choose a positive number")
    return float(value + np.log(-np.expm1(-value)))
