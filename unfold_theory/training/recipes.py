"""Trainings that are known to work, by name, with what they reached when they were measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.networks import NETWORKS, build, network_class
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.networks.thresholding import linear_schedule
from unfold_theory.problems import BernoulliGaussian, SparseRecovery, problem_from_recipe
from unfold_theory.training.config import TrainingConfig
from unfold_theory.training.losses import Loss, Objective, Supervised


@dataclass(frozen=True)
class Recipe:
    """A network, its problem and its training, by name.

    Attributes:
        name: Name in ``RECIPES``.
        title: One line on what it is.
        network: Registered name of the network.
        depth: Number of layers.
        problem_recipe: Recipe of the problem.
        training: How it is trained.
        options: Options of the network's ``for_problem``.
        source: BibTeX keys of what the set-up follows.
        reached: What a measurement of this recipe gave, with the machine; empty if it is a published recipe that was
            not run in full.
    """

    name: str
    title: str
    network: str
    depth: int
    problem_recipe: dict[str, Any]
    training: TrainingConfig
    options: dict[str, Any] = field(default_factory=dict)
    source: tuple[str, ...] = ()
    reached: str = ""

    def problem(self) -> Any:
        """The problem."""
        return problem_from_recipe(self.problem_recipe)

    def untrained(self, problem: Any = None) -> UnfoldedNetwork:
        """The network at its start, for ``problem`` or the recipe's own."""
        return build(self.network, self.problem() if problem is None else problem, self.depth, **self.options)


def falling_thresholds(depth: int, *, first: float = 0.3, last: float = 0.02) -> list[float]:
    """Thresholds that fall linearly over the layers: roughly where trained ones end up for standard normal entries.

    They depend on the depth: for training to K layers at once, not for adding layers one at a time.
    """
    return np.linspace(first, last, depth).round(6).tolist()


def _standard(snr_db: float | None) -> dict[str, Any]:
    return SparseRecovery.gaussian(250, 500, law=BernoulliGaussian(0.1), snr_db=snr_db).recipe


_LOGARITHMIC = Supervised(logarithm=True)


def alista_snr40(depth: int, problem_recipe: Mapping[str, Any] | None = None) -> Recipe:
    """ALISTA with the closed-form weight, trained end to end to any depth on signals of 10 percent normal entries.

    Args:
        depth: Number of layers.
        problem_recipe: Problem; by default 250 x 500 Gaussian at 40 dB.

    Raises:
        InputError: The problem's recipe is damaged.
    """
    made = dict(problem_recipe or _standard(40.0))
    problem: Any = problem_from_recipe(made)
    # Support selection of the published networks: 1.2 times the mean number of nonzero entries in the last layer.
    sparsity = problem.law.expected_support(problem.dictionary.shape[1])
    return Recipe(
        name="alista-snr40",
        title="ALISTA with closed-form W, trained end to end at 40 dB",
        network="alista",
        depth=depth,
        problem_recipe=made,
        options={
            "weight": "frobenius",
            "theta": falling_thresholds(depth),
            "selected": linear_schedule(round(sparsity), depth),
            "gated": False,
        },
        training=TrainingConfig(loss=_LOGARITHMIC, steps=500, learning_rate=3e-2, patience=None),
        source=("liu2019", "behrens2021"),
    )


_PUBLISHED = TrainingConfig(
    loss=Supervised(),
    scheme="layer-wise",
    batch_size=64,
    steps=200_000,
    learning_rate=5e-4,
    decays=(0.2, 0.02),
    patience=400,
    validation_size=1000,
    validation_interval=10,
    gradient_clip=None,
)

_RECIPES = [
    replace(
        alista_snr40(16),
        reached="-40.0 dB on 10,000 fresh signals after 50 to 70 s on one core of an AMD EPYC",
    ),
    Recipe(
        name="lista-cpss-noisefree",
        title="LISTA-CPSS, W started at the closed form of ALISTA, trained end to end without noise",
        network="lista-cpss",
        depth=16,
        problem_recipe=_standard(None),
        options={"init": "frobenius", "theta": falling_thresholds(16)},
        training=TrainingConfig(
            loss=_LOGARITHMIC, steps=400, learning_rate=1e-2, matrix_rate=0.03, decays=(0.2,), patience=None
        ),
        source=("chen2018",),
        reached="-55.8 dB on 10,000 fresh signals after 44 to 64 s on one core of an AMD EPYC",
    ),
    Recipe(
        name="alista-layer-wise",
        title="ALISTA trained layer by layer at 40 dB, with short stages",
        network="alista",
        depth=16,
        problem_recipe=_standard(40.0),
        options={"weight": "frobenius", "selected": linear_schedule(50, 16), "gated": False},
        training=TrainingConfig(
            loss=_LOGARITHMIC, scheme="layer-wise", steps=100, learning_rate=2e-2, patience=3, validation_interval=20
        ),
        source=("liu2019", "behrens2021"),
        reached="-40.2 dB on 10,000 fresh signals after 150 s on one core of an AMD EPYC",
    ),
    Recipe(
        name="lista-cpss-published",
        title="LISTA-CPSS as in the paper's code: layer by layer from W = A^T/(1.001 L), hours on a CPU",
        network="lista-cpss",
        depth=16,
        problem_recipe=_standard(None),
        training=_PUBLISHED,
        source=("chen2018",),
    ),
    Recipe(
        name="alista-published",
        title="ALISTA as in the paper's code: layer by layer without noise, hours on a CPU",
        network="alista",
        depth=16,
        problem_recipe=_standard(None),
        training=replace(_PUBLISHED, patience=200),
        source=("liu2019",),
    ),
]

RECIPES: dict[str, Recipe] = {entry.name: entry for entry in _RECIPES}


def recipe(name: str) -> Recipe:
    """The recipe of a name.

    Raises:
        InputError: There is none.
    """
    if name not in RECIPES:
        raise InputError(f"There is no recipe {name!r}", f"Choose one of {', '.join(sorted(RECIPES))}")
    return RECIPES[name]


# From their published start, ISTA, these learn slowly; from the closed form of ALISTA's W a short training succeeds.
_FROBENIUS: dict[str, dict[str, Any]] = {
    "lista": {"init": "frobenius"},
    "lista-tied": {"init": "frobenius"},
    "lista-cp": {"init": "frobenius"},
    "lista-cpss": {"init": "frobenius"},
    "tilista": {"init": "frobenius"},
    "alista": {"weight": "frobenius"},
    "lista-momentum": {"weight": "frobenius"},
    "alista-at": {"weight": "frobenius"},
    "aglista": {"weight": "frobenius"},
    "glista": {"init": "frobenius"},
    "ada-lista": {"init": "frobenius"},
    "ada-lista-single": {"init": "frobenius"},
}

# These solve the Lasso and are trained on it, as published.
_LASSO = ("slista", "admm")
_LASSO_WEIGHT = 0.05


def quick_recipe(
    network: str,
    depth: int,
    problem_recipe: Mapping[str, Any] | None = None,
    *,
    loss: Loss | None = None,
    seed: int = 0,
) -> Recipe:
    """A training of seconds, for problems of up to about 100 x 200.

    Supervised networks start at the closed form of ALISTA's W, with thresholds that fall from 0.3 to 0.02 times the
    root mean square of the codes' nonzero entries; StepLISTA and ADMM minimise the Lasso of weight 0.05. With a loss
    that needs no truth they start as published.

    Args:
        network: Registered name.
        depth: Number of layers.
        problem_recipe: Problem; by default 100 x 200 Gaussian, 5 percent normal entries, 40 dB.
        loss: By default the logarithm of the relative error of the last layer; the Lasso for those that solve it.
        seed: Of the training.

    Raises:
        InputError: There is no network of this name, or the problem's recipe is damaged.
        MissingStructure: The loss compares with planted codes and the problem has none.
    """
    title = network_class(network).title
    made = problem_recipe or SparseRecovery.gaussian(100, 200, law=BernoulliGaussian(0.05), snr_db=40.0).recipe
    loss = loss or (Objective(_LASSO_WEIGHT) if network in _LASSO else _LOGARITHMIC)
    options: dict[str, Any] = {}
    if loss.needs_truth and network in _FROBENIUS:
        scale = _typical_entry(problem_from_recipe(dict(made)))
        options = _FROBENIUS[network] | {"theta": falling_thresholds(depth, first=0.3 * scale, last=0.02 * scale)}
    training = TrainingConfig(
        loss=loss, steps=200, learning_rate=2e-2, matrix_rate=0.03, decays=(0.2,), patience=None, seed=seed
    )
    return Recipe(
        name=f"{network}-quick",
        title=f"{title}, {depth} layers, trained for seconds",
        network=network,
        depth=depth,
        problem_recipe=dict(made),
        training=training,
        options=options,
        source=(NETWORKS[network].source,),
    )


def _typical_entry(problem: Any) -> float:
    """Root mean square of the nonzero entries of codes, to two digits, which are the same on every machine."""
    if not getattr(problem, "planted", True):
        raise MissingStructure("A supervised loss", "this problem", "planted codes", "Pass an Objective loss")
    codes = problem.sample(256, seed=0).x
    nonzero = codes[codes != 0]
    return float(f"{np.sqrt(np.mean(nonzero**2)):.2g}") if nonzero.size else 1.0
