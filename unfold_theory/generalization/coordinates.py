r"""Coordinates of a network around a reference: what a code quantises and a posterior perturbs.

A network's parameters are written as differences to a reference that was there before the data. Scalars of the layers
(gains, thresholds) become differences between layers; a coupled weight becomes $W^k=s_kW^k_0\,\mathrm{diag}(1+u^k)+R^k$
with a scale, the columns' gains and a residual. Decoding is one deterministic float64 program, so that a word *is* a
network; encoding goes layer by layer against what was already decoded, so that errors do not add up.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unfold_theory.errors import InputError
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.networks.coupled import CoupledNetwork

Values = dict[str, Tensor]
Rounding = Callable[[str, Tensor], Tensor]
"""What a quantiser makes of the real coordinates of a group: multiples of the group's step."""


@dataclass(frozen=True)
class Group:
    """Coordinates that share one step and one code.

    Attributes:
        name: Unique in the network.
        layers: For each coordinate the first layer, from 0, that needs it.
    """

    name: str
    layers: NDArray[np.int64]

    @property
    def size(self) -> int:
        """Number of coordinates."""
        return len(self.layers)


class _Part(ABC):
    """Some parameters and their coordinates."""

    groups: tuple[Group, ...]

    @abstractmethod
    def decode(self, values: Mapping[str, Tensor]) -> Values:
        """Parameters from coordinates; differentiable."""

    @abstractmethod
    def encode(self, given: Mapping[str, Tensor], rounded: Rounding) -> Values:
        """Rounded coordinates from parameters, each against what was decoded before it."""


class _Scalars(_Part):
    """One number a layer: the first differs from its reference by u_0, the change after it by u_k."""

    def __init__(self, name: str, reference: Tensor, names: list[str]):
        self.names, self.reference = names, reference.double()
        self.groups = (Group(name, np.arange(len(names))),)

    def decode(self, values: Mapping[str, Tensor]) -> Values:
        changes = values[self.groups[0].name]
        total = self.reference.to(changes.dtype) + torch.cumsum(changes, 0)
        return {name: total[k] for k, name in enumerate(self.names)}

    def encode(self, given: Mapping[str, Tensor], rounded: Rounding) -> Values:
        name = self.groups[0].name
        kept = []
        reached = torch.zeros((), dtype=torch.float64)
        for parameter, reference in zip(self.names, self.reference, strict=True):
            kept.append(rounded(name, (given[parameter] - reference - reached).reshape(1)))
            reached = reached + kept[-1][0]
        return {name: torch.cat(kept)}


class _Columns(_Part):
    """Weights (m, n) of the layers: scale, gains of the columns, residual."""

    def __init__(self, name: str, references: list[Tensor], names: list[str]):
        self.name, self.names = name, names
        self.references = [reference.double() for reference in references]
        n = references[0].shape[1]
        self.scale = f"{name}.scale"
        self.columns = f"{name}.columns"
        self.residuals = [f"{parameter}.residual" for parameter in names]
        layers = np.arange(len(names))
        self.groups = (
            Group(self.scale, layers),
            Group(self.columns, np.repeat(layers, n)),
            *(Group(r, np.full(references[0].numel(), k)) for k, r in enumerate(self.residuals)),
        )

    def decode(self, values: Mapping[str, Tensor]) -> Values:
        scale = 1 + torch.cumsum(values[self.scale], 0)
        columns = values[self.columns].reshape(len(self.names), -1)
        made = {}
        for k, (name, reference) in enumerate(zip(self.names, self.references, strict=True)):
            reference = reference.to(scale.dtype)
            residual = values[self.residuals[k]].reshape(reference.shape)
            made[name] = reference * (scale[k] * (1 + columns[k])) + residual
        return made

    def encode(self, given: Mapping[str, Tensor], rounded: Rounding) -> Values:
        scales, columns, residuals = [], [], {}
        reached = torch.ones((), dtype=torch.float64)
        for k, (name, reference) in enumerate(zip(self.names, self.references, strict=True)):
            best = (reference * given[name]).sum(0) / reference.square().sum(0)
            scales.append(rounded(self.scale, (best.mean() - reached).reshape(1)))
            reached = reached + scales[-1][0]
            divisor = reached if reached.abs() > 1e-3 else torch.full_like(reached, 1e-3)
            columns.append(rounded(self.columns, best / divisor - 1))
            left = given[name] - reference * (reached * (1 + columns[-1]))
            residuals[self.residuals[k]] = rounded(self.residuals[k], left.flatten())
        return {self.scale: torch.cat(scales), self.columns: torch.cat(columns), **residuals}


class _Plain(_Part):
    """Any tensor: its difference to the reference."""

    def __init__(self, name: str, reference: Tensor, layer: int):
        self.name, self.reference = name, reference.double()
        self.groups = (Group(name, np.full(reference.numel(), layer)),)

    def decode(self, values: Mapping[str, Tensor]) -> Values:
        reference = self.reference.to(values[self.name].dtype)
        return {self.name: reference + values[self.name].reshape(reference.shape)}

    def encode(self, given: Mapping[str, Tensor], rounded: Rounding) -> Values:
        return {self.name: rounded(self.name, (given[self.name] - self.reference).flatten())}


class Coordinates:
    """The coordinates of a network's trainable parameters around a reference.

    Args:
        reference: A network of the wanted architecture; kept as a float64 copy.

    Raises:
        InputError: It has no trainable parameters.
    """

    def __init__(self, reference: UnfoldedNetwork):
        self.reference = copy.deepcopy(reference).double().eval()
        self.parts = _parts(self.reference)
        self.groups = tuple(group for part in self.parts for group in part.groups)
        if not self.groups:
            raise InputError(f"{reference.title} has no trainable parameters", "Certify it as a fixed predictor")

    @property
    def size(self) -> int:
        """Number of coordinates; columns' gains and scales come on top of the parameters."""
        return sum(group.size for group in self.groups)

    def decode(self, values: Mapping[str, Tensor]) -> Values:
        """Parameters by their names, from the coordinates of each group; differentiable."""
        return {name: tensor for part in self.parts for name, tensor in part.decode(values).items()}

    def encode(self, network: UnfoldedNetwork, rounded: Rounding | None = None) -> Values:
        """Coordinates of a network, float64.

        Args:
            network: Of the reference's architecture.
            rounded: What becomes of the real coordinates of a group; they stay as they are by default.

        Raises:
            InputError: The network has other parameters than the reference, or other sizes.
        """
        given = {name: p.detach().double() for name, p in network.named_parameters()}
        own = {name: p.shape for name, p in self.reference.named_parameters()}
        same = type(network) is type(self.reference) and network.depth == self.reference.depth
        if not same or {name: p.shape for name, p in given.items()} != own:
            raise InputError(
                f"The code is for {self.reference.title} of {self.reference.depth} layers, not for this "
                f"{network.title} of {network.depth}",
                "Build both from the same options",
            )
        keep = rounded or (lambda name, values: values)
        return {name: tensor for part in self.parts for name, tensor in part.encode(given, keep).items()}

    def network(self, values: Mapping[str, Tensor]) -> UnfoldedNetwork:
        """The network of given coordinates, float64."""
        made = copy.deepcopy(self.reference)
        with torch.no_grad():
            own = dict(made.named_parameters())
            for name, tensor in self.decode(values).items():
                own[name].copy_(tensor)
        return made


def _parts(network: UnfoldedNetwork) -> list[_Part]:
    lists: dict[str, list[tuple[str, Tensor]]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            stem, _, last = name.rpartition(".")
            lists.setdefault(stem if last.isdigit() else name, []).append((name, parameter.detach()))
    parts: list[_Part] = []
    for stem, entries in lists.items():
        names, tensors = [name for name, _ in entries], [tensor for _, tensor in entries]
        layered = len(names) in (1, network.depth)
        if layered and all(tensor.ndim == 0 for tensor in tensors):
            parts.append(_Scalars(stem, torch.stack(tensors), names))
        elif layered and stem == "weights" and isinstance(network, CoupledNetwork):
            parts.append(_Columns(stem, tensors, names))
        else:
            parts += [_Plain(name, t, k if layered else 0) for k, (name, t) in enumerate(entries)]
    return parts
