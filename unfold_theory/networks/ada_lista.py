"""Ada-LISTA: weights of the size of the measurements, so that the dictionary is an input and may change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from unfold_theory.errors import InputError
from unfold_theory.networks import initial
from unfold_theory.networks.base import AffineLayer, UnfoldedNetwork
from unfold_theory.networks.coupled import CoupledNetwork
from unfold_theory.networks.tensors import Number, entry, exact, numpy64, parameters, per_layer
from unfold_theory.networks.thresholding import soft_threshold
from unfold_theory.problems.frobenius import full_rank_dictionary


def symmetric_frobenius_weight(dictionary: Any) -> Float64[np.ndarray, "m m"]:
    r"""The W of least $\|D^TW^TD\|_F$ with $d_i^TW^Td_i=1$ for all i, in closed form; shape (m, m), symmetric.

    $W=G^{-1}D\,\mathrm{diag}(\nu)D^TG^{-1}$ with $G=DD^T$ and $(P\circ P)\nu=1$, $P=D^TG^{-1}D$: the stationary point
    of a convex problem (``proofs_checks/check_aberdam2021.py``). Least squares where $P\circ P$ is singular.

    Raises:
        InputError: D is no matrix of full row rank, has a zero column, or no W is feasible.
    """
    matrix = full_rank_dictionary(dictionary)
    try:
        half = np.linalg.solve(matrix @ matrix.T, matrix)
    except np.linalg.LinAlgError as error:
        raise InputError("The dictionary has deficient row rank", "Remove dependent rows") from error
    kernel = matrix.T @ half
    nu = np.linalg.lstsq(kernel**2, np.ones(len(kernel)), rcond=None)[0]
    weight = (half * nu) @ half.T
    weight = (weight + weight.T) / 2
    if np.abs(np.einsum("mi,mk,ki->i", matrix, weight, matrix) - 1).max() > 1e-6:
        raise InputError("No weight of this size has unit products with all columns", "Use fewer columns")
    return weight


def on_dictionary(network: UnfoldedNetwork, dictionary: Any) -> UnfoldedNetwork:
    """The network as it is, run on another dictionary of the same shape; ``trained_on`` keeps its own.

    Ada-LISTA adapts its products; every other network keeps its weights and sees the dictionary in its residual only.

    Raises:
        InputError: The dictionary has another shape or is not finite.
    """
    matrix = exact(dictionary, "The dictionary")
    if matrix.shape != network.dictionary.shape:
        raise InputError(
            f"A dictionary of shape {tuple(matrix.shape)} for a network of {tuple(network.dictionary.shape)}",
            "Pass one of the same shape",
        )
    moved = type(network).from_config(network.config(), {**network.state_dict(), "dictionary": matrix})
    moved.trained_on = numpy64(network.dictionary) if network.trained_on is None else network.trained_on
    return moved


def _square(value: Any, dictionary: Tensor, what: str) -> torch.nn.ParameterList:
    m = dictionary.shape[0]
    return parameters(per_layer(value, 1, [(m, m)], what))


class AdaListaSingle(CoupledNetwork):
    r"""$x^{k+1}=\eta_{\theta^k}(x^k+\gamma^kD^TW^T(y-Dx^k))$, $x^0=0$; W of shape (m, m), $\gamma$, $\theta$ train.

    Reference: the single-weight form that the theorems of Aberdam, Golts and Elad (2021) are about.

    Args:
        dictionary: D, shape (m, n): an input, see :func:`on_dictionary`.
        depth: Number of layers K.
        weights: W, shape (m, m).
        gains: $\gamma^k$: a number or shape (K,).
        thresholds: $\theta^k$: a number, shape (K,) or (K, n).
        selected: Support selection, see :class:`~unfold_theory.networks.coupled.CoupledNetwork`; none by default.
        gated: Likewise.
        nonnegative: Likewise.

    Raises:
        InputError: A shape does not fit, or an entry is not finite.
    """

    name: ClassVar[str] = "ada-lista-single"
    title: ClassVar[str] = "Ada-LISTA, single weight"
    source: ClassVar[str] = "aberdam2021"
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
        self.weights = _square(weights, self.dictionary, "The weight")
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
        selected: Sequence[int] | int = 0,
        gated: bool = True,
    ) -> AdaListaSingle:
        r"""Published: $W=I$, $\gamma=1/(1.001L)$, which is ISTA; "frobenius": the closed form with $\gamma=1$.

        Args:
            problem: Has ``dictionary`` and ``lipschitz``.
            depth: Number of layers.
            init: "published" or "frobenius".
            lam: Sets the threshold $\lambda/(1.001L)$.
            theta: Other thresholds.
            selected: Support selection.
            gated: Whether only entries above the threshold may bypass it.

        Raises:
            InputError: An option is unknown or does not fit.
        """
        weight, gain = _start(problem, init)
        theta = initial.threshold(problem, theta, lam)
        options: dict[str, Any] = {"selected": selected, "gated": gated}
        return cls(problem.dictionary, depth, weights=weight, gains=gain, thresholds=theta, **options)

    def weight(self, k: int) -> Float[Tensor, "m n"]:
        r"""$WD$, the same in every layer."""
        return entry(self.weights, k) @ self.dictionary

    def gain(self, k: int) -> Float[Tensor, ""]:
        r"""$\gamma^k$."""
        return entry(self.gains, k)


class AdaLista(UnfoldedNetwork):
    r"""$x^{k+1}=\eta_{\theta^k}(x^k-\gamma^k(W_2D)^TW_2Dx^k+\gamma^k(W_1D)^Ty)$, $x^0=0$; W_1, W_2 of shape (m, m).

    Reference: Aberdam, Golts and Elad (2021) and their released code.

    Args:
        dictionary: D, shape (m, n): an input, see :func:`on_dictionary`.
        depth: Number of layers K.
        input_weights: $W_1$, shape (m, m), shared by all layers.
        state_weights: $W_2$, likewise.
        gains: $\gamma^k$: a number or shape (K,).
        thresholds: $\theta^k$: a number, shape (K,) or (K, n).

    Raises:
        InputError: A shape does not fit, or an entry is not finite.
    """

    name: ClassVar[str] = "ada-lista"
    title: ClassVar[str] = "Ada-LISTA"
    source: ClassVar[str] = "aberdam2021"
    paradigm: ClassVar[str] = "learned objective parameters"
    layered: ClassVar[tuple[str, ...]] = ("input_weights", "state_weights", "gains", "thresholds")

    def __init__(
        self, dictionary: Any, depth: int, *, input_weights: Any, state_weights: Any, gains: Any, thresholds: Any
    ):
        super().__init__(dictionary, depth)
        n = self.dictionary.shape[1]
        self.input_weights = _square(input_weights, self.dictionary, "The input weight")
        self.state_weights = _square(state_weights, self.dictionary, "The state weight")
        self.gains = parameters(per_layer(gains, self.depth, [()], "The gain"))
        self.thresholds = parameters(per_layer(thresholds, self.depth, [(), (n,)], "The threshold"))

    @classmethod
    def for_problem(
        cls, problem: Any, depth: int, *, init: str = "published", lam: Number = initial.LAM, theta: Any = None
    ) -> AdaLista:
        r"""As :meth:`AdaListaSingle.for_problem`; the closed form is $W_1$ and the square of $W_2$.

        Args:
            problem: Has ``dictionary`` and ``lipschitz``.
            depth: Number of layers.
            init: "published" or "frobenius".
            lam: Sets the threshold $\lambda/(1.001L)$.
            theta: Other thresholds.

        Raises:
            InputError: An option is unknown or does not fit.
        """
        weight, gain = _start(problem, init)
        values, vectors = np.linalg.eigh(weight)
        root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
        theta = initial.threshold(problem, theta, lam)
        return cls(problem.dictionary, depth, input_weights=weight, state_weights=root, gains=gain, thresholds=theta)

    def step(self, k: int, state: Float[Tensor, "batch n"], y: Float[Tensor, "batch m"]) -> Float[Tensor, "batch n"]:
        """Layer k, in products with D, W_1 and W_2 only."""
        second = entry(self.state_weights, k)
        correction = y @ entry(self.input_weights, k) - state @ self.dictionary.T @ second.T @ second
        v = state + entry(self.gains, k) * (correction @ self.dictionary)
        return soft_threshold(v, entry(self.thresholds, k))

    def affine_layers(self) -> list[AffineLayer]:
        r"""$W=W_1D$, and $W_2=I-\gamma(W_2D)^TW_2D$ as a matrix of its own: nothing couples the two."""
        matrix = numpy64(self.dictionary)
        layers = []
        for k in range(self.depth):
            image, gain = numpy64(entry(self.state_weights, k)) @ matrix, float(entry(self.gains, k).detach())
            layers.append(
                AffineLayer(
                    weight=numpy64(entry(self.input_weights, k)) @ matrix,
                    gain=gain,
                    threshold=numpy64(entry(self.thresholds, k)),
                    state_weight=np.eye(matrix.shape[1]) - gain * (image.T @ image),
                )
            )
        return layers

    def config(self) -> dict[str, Any]:
        """The depth."""
        return {"depth": self.depth}


def _start(problem: Any, init: str) -> tuple[np.ndarray, float]:
    matrix = np.asarray(problem.dictionary, dtype=np.float64)
    if init == "published":
        return np.eye(matrix.shape[0]), 1.0 / initial.scale(problem)
    if init == "frobenius":
        return symmetric_frobenius_weight(matrix), 1.0
    raise InputError(f"An initialisation named {init!r}", 'Choose "published" or "frobenius"')
