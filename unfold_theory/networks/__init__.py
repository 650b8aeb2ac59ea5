"""Unfolded networks, one file each, and how to build them by name."""

from __future__ import annotations

import inspect
from typing import Any

from unfold_theory.errors import InputError
from unfold_theory.networks.ada_lista import AdaLista, AdaListaSingle
from unfold_theory.networks.admm import Admm
from unfold_theory.networks.aglista import Aglista
from unfold_theory.networks.alista import Alista
from unfold_theory.networks.alista_at import AlistaAt
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.networks.fista import Fista
from unfold_theory.networks.gated_lista import GatedLista
from unfold_theory.networks.hyperlista import HyperLista
from unfold_theory.networks.iht import Iht
from unfold_theory.networks.ista import Ista
from unfold_theory.networks.layers import AffineLayer, InstanceLayer
from unfold_theory.networks.lista import Lista, ListaTied
from unfold_theory.networks.lista_cp import ListaCp
from unfold_theory.networks.lista_cpss import ListaCpss
from unfold_theory.networks.lista_momentum import ListaMomentum
from unfold_theory.networks.na_alista import NaAlista
from unfold_theory.networks.oista import Oista
from unfold_theory.networks.orthogonal_dictionary import OrthogonalDictionary
from unfold_theory.networks.slista import StepLista
from unfold_theory.networks.tilista import TiLista

NETWORKS: dict[str, type[UnfoldedNetwork]] = {
    network.name: network
    for network in (
        Ista,
        Fista,
        StepLista,
        Oista,
        Admm,
        Lista,
        ListaTied,
        ListaCp,
        ListaCpss,
        TiLista,
        Alista,
        AlistaAt,
        Aglista,
        ListaMomentum,
        HyperLista,
        Iht,
        NaAlista,
        GatedLista,
        AdaLista,
        AdaListaSingle,
        OrthogonalDictionary,
    )
}
"""The registered networks by name; tests run over all of them."""


def network_class(name: str) -> type[UnfoldedNetwork]:
    """The registered network of a name.

    Raises:
        InputError: There is none.
    """
    if name not in NETWORKS:
        raise InputError(f"There is no network named {name!r}", f"Choose one of {', '.join(NETWORKS)}")
    return NETWORKS[name]


def build(network: str | type[UnfoldedNetwork], problem: Any, depth: int, **options: Any) -> UnfoldedNetwork:
    """A network at its initialisation for a problem.

    Args:
        network: A registered name, or a class (of a user's own file, say).
        problem: What the network is for.
        depth: Number of layers.
        **options: See the ``for_problem`` of the class.

    Raises:
        InputError: The name or an option is unknown, or an option does not fit.
    """
    cls = network_class(network) if isinstance(network, str) else network
    known = inspect.signature(cls.for_problem).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values()):
        known = inspect.signature(cls).parameters
    accepted = [name for name, p in known.items() if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]
    accepted = [name for name in accepted if name not in ("problem", "dictionary", "depth")]
    unknown = [name for name in options if name not in accepted]
    if unknown and not any(p.kind is p.VAR_KEYWORD for p in known.values()):
        listed = ", ".join(accepted) or "none"
        raise InputError(f"{cls.title} has no option {', '.join(map(repr, unknown))}", f"Its options are: {listed}")
    return cls.for_problem(problem, depth, **options)


__all__ = [
    "NETWORKS",
    "AdaLista",
    "AdaListaSingle",
    "Admm",
    "AffineLayer",
    "Aglista",
    "Alista",
    "AlistaAt",
    "Fista",
    "GatedLista",
    "HyperLista",
    "Iht",
    "InstanceLayer",
    "Ista",
    "Lista",
    "ListaCp",
    "ListaCpss",
    "ListaMomentum",
    "ListaTied",
    "NaAlista",
    "Oista",
    "OrthogonalDictionary",
    "StepLista",
    "TiLista",
    "UnfoldedNetwork",
    "build",
    "network_class",
]
