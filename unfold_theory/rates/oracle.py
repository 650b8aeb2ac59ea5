"""ALISTA whose thresholds follow the true error of each signal: what the theory of adaptive networks speaks of."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from unfold_theory.enclosure import gamma
from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.networks import InstanceLayer, UnfoldedNetwork
from unfold_theory.networks.tensors import exact, numpy64, per_layer
from unfold_theory.networks.thresholding import soft_threshold
from unfold_theory.problems import Batch, SparseRecovery
from unfold_theory.rates.sparse_coding import gram_constants
from unfold_theory.rates.theory_networks import ROOM


class OracleAlista(UnfoldedNetwork):
    r"""$x^{k+1}=\eta_{\theta^k}(x^k+\gamma^kW^T(y-Ax^k))$ with $\theta^k=\gamma^k\mu\|x^k-x^*\|_1$ for each signal.

    It looks the code x* of a measurement up among those it was given, so that it runs on these signals only. Thresholds
    exceed the law by half of ``THRESHOLD_SLACK`` and by what float64 may change in an entry of a layer.

    Reference: Behrens et al. (2021), theorem 1.

    Args:
        dictionary: A, shape (m, n).
        depth: Number of layers K.
        weights: W, shape (m, n).
        gains: $\gamma^k$: a number or shape (K,).
        coherence: $\mu\ge\max_{i\ne j}|W_i^TA_j|$.
        codes: x*, shape (count, n).
        measurements: y, shape (count, m).

    Raises:
        InputError: A shape does not fit, or an entry is not finite.
    """

    name: ClassVar[str] = "oracle-alista"
    title: ClassVar[str] = "ALISTA with oracle thresholds"
    source: ClassVar[str] = "behrens2021"
    adaptive: ClassVar[bool] = True
    weights: Tensor
    codes: Tensor

    def __init__(
        self, dictionary: Any, depth: int, *, weights: Any, gains: Any, coherence: float, codes: Any, measurements: Any
    ):
        super().__init__(dictionary, depth)
        self.register_fixed("weights", exact(weights, "The weight"))
        self.register_fixed("codes", exact(codes, "The codes"))
        self.gains = [float(gain) for gain in per_layer(gains, self.depth, [()], "The gain")]
        self.coherence = float(coherence)
        rows = numpy64(exact(measurements, "The measurements"))
        self._places = {row.tobytes(): place for place, row in enumerate(rows)}

    def truth(self, y: Float[Tensor, "batch m"]) -> Float[Tensor, "batch n"]:
        """The codes behind measurements.

        Raises:
            InputError: A row is none of the measurements that the network was given.
        """
        try:
            places = [self._places[row.tobytes()] for row in numpy64(y)]
        except KeyError:
            raise InputError(
                "Measurements that the oracle does not know", "Run it in float64 on the batch it was built for"
            ) from None
        return self.codes[places]

    def thresholds_at(
        self, k: int, x: Float[Tensor, "batch n"], y: Float[Tensor, "batch m"]
    ) -> Float[Tensor, "batch 1"]:
        r"""$\theta^k$ at codes x."""
        truth, gain = self.truth(y), abs(self.gains[k])
        law = gain * self.coherence * (x - truth).abs().sum(dim=1, keepdim=True)
        given = y.abs() + (truth.abs() + x.abs()) @ self.dictionary.T.abs()
        size = (x.abs() + gain * (given @ self.weights.abs())).amax(dim=1, keepdim=True)
        return ROOM * law + 2 * gamma(sum(self.dictionary.shape) + 12) * size

    def step(self, k: int, state: Float[Tensor, "batch n"], y: Float[Tensor, "batch m"]) -> Float[Tensor, "batch n"]:
        """Layer k."""
        residual = torch.addmm(y, state, self.dictionary.T, alpha=-1)
        return soft_threshold(state + self.gains[k] * (residual @ self.weights), self.thresholds_at(k, state, y))

    def affine_layers(self) -> NoReturn:
        """Thresholds depend on the signal."""
        raise MissingStructure(self.title, "bounds on affine layers with thresholds", "affine_layers()")

    def instance_layers(self, y: Float[Tensor, "batch m"]) -> list[InstanceLayer]:
        """The layers with the thresholds that they took for each signal."""
        codes, count = self.iterates(y), len(y)
        return [
            InstanceLayer(
                weight=numpy64(self.weights),
                gain=np.full(count, self.gains[k]),
                threshold=numpy64(self.thresholds_at(k, codes[k], y).expand(count, self.codes.shape[1])),
                momentum=np.zeros(count),
                selected=np.zeros(count, dtype=int),
            )
            for k in range(self.depth)
        ]


def alista_with_oracle(
    problem: SparseRecovery, weight: Any, batch: Batch, *, depth: int, gains: Any = 1.0
) -> OracleAlista:
    r"""ALISTA with $\theta^k=\gamma^k\mu\|x^k-x^*\|_1$, $\mu=\max_{i\ne j}|W_i^TA_j|$, for the signals of a batch.

    Raises:
        InputError: A shape does not fit, or an entry is not finite.
    """
    mu = gram_constants(np.asarray(weight, dtype=np.float64), problem.dictionary)[0]
    return OracleAlista(
        problem.dictionary,
        depth,
        weights=weight,
        gains=gains,
        coherence=float(mu.hi),
        codes=batch.x,
        measurements=batch.y,
    )
