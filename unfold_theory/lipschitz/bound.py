r"""What every Lipschitz bound of this package is: a number with its reason, and what makes others believe it.

For a network $u\mapsto z$ the constant is $L=\sup_{u\ne u'}\|z-z'\|_2/\|u-u'\|_2$. An upper bound comes from a theorem,
often with multipliers that prove it; a lower bound comes with two inputs that attain it when the network is run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from unfold_theory.enclosure import Basis, Enclosure
from unfold_theory.errors import InputError
from unfold_theory.networks.activations import Activation
from unfold_theory.networks.system import System

Multipliers = tuple[Float64[np.ndarray, " _"], ...]
r"""$\Lambda_k$ of each layer: one nonnegative number for each *block* of its activation, in the order of its labels."""


@dataclass(frozen=True, eq=False)
class UpperBound:
    r"""$L\le$ the upper end of ``value``.

    Attributes:
        value: The number that the method yields; a bound on $L$ as far as ``value.basis`` goes. ``certified``: its
            upper end was rounded outward. ``numerical``: a float64 result that a certificate has yet to confirm.
        method: As tables name it ("triangle", "greedy", "neuron multipliers", ...).
        multipliers: What proves it by the S-procedure, or None where the method has none.

    Raises:
        InputError: The value is negative or no scalar, or a multiplier is negative or not finite.
    """

    value: Enclosure
    method: str
    multipliers: Multipliers | None = None

    def __post_init__(self) -> None:
        if self.value.shape != () or self.value.hi < 0:
            raise InputError(f"A Lipschitz bound of {self.value}", "Pass one nonnegative number")
        for k, given in enumerate(self.multipliers or ()):
            if given.ndim != 1 or not (np.isfinite(given).all() and (given >= 0).all()):
                raise InputError(f"The multipliers of layer {k}", "Pass a vector of finite nonnegative numbers")

    @property
    def upper(self) -> float:
        """The bound itself."""
        return float(self.value.hi)

    @property
    def certified(self) -> bool:
        """Whether the bound holds in exact arithmetic."""
        return self.value.basis >= Basis.CERTIFIED

    def __repr__(self) -> str:
        return f"UpperBound(L <= {self.upper:.8g}, {self.method}, {self.value.basis.label})"


@dataclass(frozen=True, eq=False)
class LowerBound:
    r"""$L\ge$ the lower end of ``value``, by two inputs.

    Attributes:
        value: The ratio $\|z-z'\|_2/\|u-u'\|_2$ of the network in real arithmetic, or what is known of it.
        first, second: The inputs u and u', shape (m,).
        method: As tables name it ("all pass", "ascent", "enumeration", ...).

    Raises:
        InputError: The inputs are the same, differ in shape, or are not finite.
    """

    value: Enclosure
    first: Float64[np.ndarray, " m"]
    second: Float64[np.ndarray, " m"]
    method: str

    def __post_init__(self) -> None:
        if self.value.shape != () or self.first.shape != self.second.shape:
            raise InputError("A lower bound of another shape", "Pass a scalar and two inputs of one shape")
        if not (np.isfinite(self.first).all() and np.isfinite(self.second).all()):
            raise InputError("An input of the lower bound is not finite", "Scale the inputs down")
        if np.array_equal(self.first, self.second):
            raise InputError("Both inputs of the lower bound are the same", "Pass two inputs that differ")

    @property
    def lower(self) -> float:
        """The bound itself."""
        return float(self.value.lo)

    def replay(self, system: System) -> float:
        """The ratio in float64: outputs at both inputs, computed anew."""
        first, second = system(np.stack([self.first, self.second]))
        return float(np.linalg.norm(first - second) / np.linalg.norm(self.first - self.second))

    def __repr__(self) -> str:
        return f"LowerBound(L >= {self.lower:.8g}, {self.method}, {self.value.basis.label})"


def block_indicator(activation: Activation) -> Float64[np.ndarray, "blocks q"]:
    """1 where the neuron (column) belongs to the block (row)."""
    labels = np.asarray(activation.blocks)
    return (np.arange(labels.max() + 1)[:, None] == labels).astype(np.float64)


def per_neuron(system: System, multipliers: Sequence[Float64[np.ndarray, " _"]]) -> list[Float64[np.ndarray, " _"]]:
    r"""The diagonal of each $\Lambda_k$: multipliers of blocks, repeated for their neurons.

    Raises:
        InputError: There is not one vector for each layer, or not one number for each block.
    """
    if len(multipliers) != system.depth:
        raise InputError(f"{len(multipliers)} vectors of multipliers for {system.depth} layers", "Pass one a layer")
    spread = []
    for k, (layer, given) in enumerate(zip(system.layers, multipliers, strict=True)):
        labels = np.asarray(layer.activation.blocks)
        if np.shape(given) != (labels.max() + 1,):
            raise InputError(
                f"Multipliers of shape {np.shape(given)} for {labels.max() + 1} blocks of layer {k}",
                "Pass one number for each block of the activation",
            )
        spread.append(np.asarray(given, dtype=np.float64)[labels])
    return spread
