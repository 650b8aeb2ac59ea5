"""One network on one problem: what is verified and drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from unfold_theory.errors import InputError
from unfold_theory.networks import NETWORKS, UnfoldedNetwork, network_class
from unfold_theory.networks.user_files import load_user_network
from unfold_theory.problems import SparseRecovery
from unfold_theory.training import TrainingConfig

Origin = Literal["trained", "classical", "theory"]


@dataclass(frozen=True)
class Entry:
    """A setting that can be prepared: JSON-able parts only, so that a worker process can train its network.

    Attributes:
        name: Shown in tables; one of a kind in a suite.
        regime: Settings of one regime share their problem: ``standard``, ``sparse``, ``sparse, noisy``, ``long``.
        network: A registered name, or ``FILE.py`` or ``FILE.py:NAME`` for a user's own.
        problem_recipe: Recipe of the problem.
        depth: Number of layers.
        origin: ``trained``; ``classical``: as built; ``theory``: weights and thresholds that the theorems prescribe.
        options: Of the class's ``for_problem``; of the theory's constructor where ``origin`` is ``theory``.
        training: How it is trained; None where ``origin`` is not ``trained``.
        signals: Size of the batch that claims are verified on.
        seed: Of that batch.
        lam: Weight of the Lasso whose objective is followed.
    """

    name: str
    regime: str
    network: str
    problem_recipe: Mapping[str, Any] = field(repr=False)
    depth: int
    origin: Origin
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    training: TrainingConfig | None = field(default=None, repr=False)
    signals: int = 128
    seed: int = 2026
    lam: float = 0.05

    def problem(self) -> SparseRecovery:
        """The problem, built anew."""
        return SparseRecovery.from_recipe(dict(self.problem_recipe))

    @property
    def fingerprint(self) -> str:
        """Of the problem."""
        return self.problem().fingerprint

    def recipe(self) -> dict[str, Any]:
        """JSON-able description, for sidecars and reports."""
        return {
            "name": self.name,
            "regime": self.regime,
            "network": Path(self.network).name,
            "depth": self.depth,
            "origin": self.origin,
            "options": dict(self.options),
            "problem": dict(self.problem_recipe),
            "training": None if self.training is None else self.training.recipe(),
            "signals": self.signals,
            "seed": self.seed,
            "lam": self.lam,
        }


def resolve_network(name: str) -> type[UnfoldedNetwork]:
    """The class of a registered name, or of ``FILE.py`` or ``FILE.py:NAME``.

    Raises:
        InputError: There is none.
    """
    if name in NETWORKS:
        return NETWORKS[name]
    path, separator, chosen = name.rpartition(":")
    if separator and path.endswith(".py"):
        return _from_file(str(Path(path).expanduser().resolve()), chosen)
    if name.endswith(".py"):
        return _from_file(str(Path(name).expanduser().resolve()), None)
    try:
        return network_class(name)
    except InputError as error:
        raise InputError(error.cause, f"{error.remedy}, or pass the path of a .py file") from None


# Loading a file twice would make two classes of one network.
@cache
def _from_file(path: str, chosen: str | None) -> type[UnfoldedNetwork]:
    return load_user_network(path, chosen)
