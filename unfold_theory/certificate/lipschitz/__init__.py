"""Lipschitz constants of networks with input injection, from above and from below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from unfold_theory.certificate.kinds import Theorem, register
from unfold_theory.certificate.lipschitz import exact, independent
from unfold_theory.certificate.lipschitz.proof import Dissipation, Witness
from unfold_theory.certificate.lipschitz.statement import BoundedLayer, Network, RunLayer, read_bounded, read_run
from unfold_theory.certificate.rationals import enclosed
from unfold_theory.enclosure import Enclosure

__all__ = ["BoundedLayer", "Dissipation", "LipschitzBound", "LipschitzWitness", "Network", "RunLayer", "Witness"]


@register
@dataclass(frozen=True)
class LipschitzBound(Theorem):
    r"""$\|z-z'\|_2\le L\|u-u'\|_2$ for all inputs and every activation that is firmly nonexpansive on its blocks."""

    statement: Network
    proof: Dissipation
    kind: ClassVar[str] = "Lipschitz bound"

    @classmethod
    def read(cls, statement: dict[str, Any], proof: dict[str, Any]) -> LipschitzBound:
        """Read strictly; see :class:`~unfold_theory.certificate.kinds.Theorem`."""
        network = Network.read(statement, read_bounded)
        return cls(network, Dissipation.read(proof, network))

    @property
    def title(self) -> str:
        """What is stated."""
        network = self.statement
        return f"|z-z'| <= {float(network.bound):.9g} |u-u'| for {network.title}, firmly nonexpansive on its blocks"

    @property
    def bound(self) -> Enclosure:
        """L between two floats."""
        return enclosed(self.statement.bound)

    def check(self) -> int:
        """Each layer's inequality decomposed with FLINT's rationals."""
        return exact.check(self.statement, self.proof)

    def check_independently(self) -> bool:
        """One quadratic form for all layers, with SymPy."""
        return independent.check(self.statement, self.proof)


@register
@dataclass(frozen=True)
class LipschitzWitness(Theorem):
    r"""$\|z-z'\|_2\ge L\|u-u'\|_2$ for two inputs, run in exact arithmetic: no smaller number is a Lipschitz bound."""

    statement: Network
    proof: Witness
    kind: ClassVar[str] = "Lipschitz witness"

    @classmethod
    def read(cls, statement: dict[str, Any], proof: dict[str, Any]) -> LipschitzWitness:
        """Read strictly; see :class:`~unfold_theory.certificate.kinds.Theorem`."""
        network = Network.read(statement, read_run)
        return cls(network, Witness.read(proof, network))

    @property
    def title(self) -> str:
        """What is stated."""
        network = self.statement
        activations = sorted({layer.activation for layer in network.layers})
        claimed = f"|z-z'| >= {float(network.bound):.9g} |u-u'| for some inputs"
        return f"{claimed} of {network.title}, {' and '.join(activations)}"

    @property
    def bound(self) -> Enclosure:
        """L between two floats."""
        return enclosed(self.statement.bound)

    def check(self) -> int:
        """Both inputs run with FLINT's rationals."""
        return exact.check_witness(self.statement, self.proof)

    def check_independently(self) -> bool:
        """Their difference followed through the network with SymPy's rationals."""
        return independent.check_witness(self.statement, self.proof)
