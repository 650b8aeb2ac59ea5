"""What an unfolded network is: a start, one step per layer, and a readout."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from unfold_theory.errors import InputError, MissingStructure

State = Any


@dataclass(frozen=True)
class AffineLayer:
    r"""One layer as $x^+=\eta_{\theta}(v)$ with $v = W_1 y + W_2 x$ and $W_1=\gamma W^T$, in float64.

    Bounds read networks through these maps. Floats are exact numbers here; nothing is multiplied out.

    Attributes:
        weight: $W$, shape (m, n).
        gain: $\gamma$.
        state_weight: $W_2$, shape (n, n), or None where the layer computes
            $x+\gamma W^T(y-Ax)$, so that $W_2=I-\gamma W^TA$ by construction (weight coupling).
        threshold: $\theta\ge 0$, shape () or (n,).
        selected: How many of the largest entries bypass the threshold (support selection); 0 for none.
        gated: Whether an entry may bypass only if it exceeds the threshold.
    """

    weight: Float64[np.ndarray, "m n"]
    gain: float
    threshold: np.ndarray
    state_weight: Float64[np.ndarray, "n n"] | None = None
    selected: int = 0
    gated: bool = True

    @property
    def coupled(self) -> bool:
        r"""Whether $W_2=I-W_1A$ holds by construction."""
        return self.state_weight is None


class UnfoldedNetwork(torch.nn.Module, ABC):
    r"""``depth`` layers that map measurements y, shape (batch, m), to codes x, shape (batch, n).

    A subclass implements :meth:`step`, and :meth:`init` where its iteration carries more than x (momentum).
    Laws, tested on every registered network: layers run in order 0..depth-1; ``iterates(y)[k]`` does not depend on
    later layers; rows of a batch do not influence each other; nothing is random.

    Args:
        dictionary: A, shape (m, n); a buffer, never trained.
        depth: Number of layers K, at least 1.

    Raises:
        InputError: The depth is below 1, or the dictionary is not a finite matrix.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    paradigm: ClassVar[str]
    dictionary: Tensor

    def __init__(self, dictionary: Any, depth: int):
        super().__init__()
        matrix = torch.as_tensor(np.array(dictionary) if not isinstance(dictionary, Tensor) else dictionary)
        if matrix.ndim != 2 or 0 in matrix.shape or not torch.isfinite(matrix).all():
            raise InputError(
                f"The dictionary of shape {tuple(matrix.shape)} is not a finite, nonempty matrix",
                "Pass a (m, n) array without NaN or infinity",
            )
        if int(depth) < 1:
            raise InputError(f"A depth of {depth}", "Ask for at least one layer")
        self.depth = int(depth)
        self.register_buffer("dictionary", matrix.clone())

    # -- to implement ----------------------------------------------------------------------------------------------
    def init(self, y: Float[Tensor, "batch m"]) -> State:
        """State before layer 0; zeros by default."""
        return y.new_zeros(y.shape[0], self.dictionary.shape[1])

    @abstractmethod
    def step(self, k: int, state: State, y: Float[Tensor, "batch m"]) -> State:
        """Layer k, counted from 0: the next state."""

    def readout(self, state: State) -> Float[Tensor, "batch n"]:
        """The code in a state; the state itself by default."""
        return state

    def affine_layers(self) -> list[AffineLayer]:
        """The layers in the form that bounds read.

        Raises:
            MissingStructure: The network's layers do not have this form.
        """
        raise MissingStructure(self.title, "bounds on affine layers with thresholds", "affine_layers()")

    def proximal_steps(self, lam: float) -> Float64[np.ndarray, " depth"]:
        r"""The steps $t_k$ if layer k is exactly proximal gradient on the Lasso with weight ``lam``.

        Raises:
            MissingStructure: The layers are no proximal gradient steps for this weight.
        """
        raise MissingStructure(self.title, "a proximal gradient theorem", "proximal_steps(lam)")

    # -- building --------------------------------------------------------------------------------------------------
    @classmethod
    @abstractmethod
    def for_problem(cls, problem: Any, depth: int, **options: Any) -> UnfoldedNetwork:
        """The network at its published initialisation for a problem."""

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """JSON-able constructor options beside the tensors; ``from_config`` is its inverse."""

    @classmethod
    @abstractmethod
    def from_config(cls, config: dict[str, Any], tensors: dict[str, Tensor]) -> UnfoldedNetwork:
        """Rebuild from ``config()`` and ``state_dict()``."""

    # -- running ---------------------------------------------------------------------------------------------------
    def forward(self, y: Float[Tensor, "batch m"], depth: int | None = None) -> Float[Tensor, "batch n"]:
        """The code after ``depth`` layers (all by default)."""
        state = self.init(y)
        for k in range(self.depth if depth is None else depth):
            state = self.step(k, state, y)
        return self.readout(state)

    def iterates(self, y: Float[Tensor, "batch m"], depth: int | None = None) -> Float[Tensor, "iterate batch n"]:
        """The codes at depth 0, 1, ..., K, stacked."""
        state = self.init(y)
        codes = [self.readout(state)]
        for k in range(self.depth if depth is None else depth):
            state = self.step(k, state, y)
            codes.append(self.readout(state))
        return torch.stack(codes)
