"""HyperLISTA's three hyperparameters, by grid or by gradient."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from unfold_theory.errors import InputError
from unfold_theory.networks.hyperlista import HyperLista
from unfold_theory.training.config import TrainingConfig
from unfold_theory.training.loop import train
from unfold_theory.training.losses import Supervised
from unfold_theory.training.seeds import VALIDATION, stream

GRID: dict[str, tuple[float, ...]] = {
    "c1": (0.03, 0.045, 0.055, 0.065, 0.08, 0.12, 0.16),
    "c2": (0.0, 0.01, 0.02, 0.03),
    "c3": (0.05, 0.1, 0.3, 1.0),
}
"""112 points around what is best at 250 x 500 with one entry in ten, and for smaller problems."""
GRADIENT = TrainingConfig(
    loss=Supervised(logarithm=True), steps=100, learning_rate=5e-4, decays=(), patience=None, validation_interval=20
)
"""Adam on the logarithm of the error of the last layer; a larger rate leaves the narrow basin around the optimum."""


@dataclass(frozen=True)
class Tuned:
    """A tuned network.

    Attributes:
        network: HyperLISTA with the hyperparameters that did best on the validation signals.
        nmse_db: What they reached there: a selected value, to be measured again on fresh signals
            (:func:`~unfold_theory.training.evaluate`).
        table: Grid: one row a point with ``c1``, ``c2``, ``c3`` and ``nmse_db``, best first. Gradient: the training's
            history.
    """

    network: HyperLista
    nmse_db: float
    table: list[dict[str, Any]] = field(repr=False)


def tune_hyperlista(
    problem: Any,
    depth: int,
    *,
    method: str = "grid",
    grid: Mapping[str, Sequence[float]] | None = None,
    config: TrainingConfig | None = None,
    signals: int = 512,
    seed: int = 0,
    **options: Any,
) -> Tuned:
    r"""Chooses $c_1,c_2,c_3$ on signals of the validation stream, which no test signal belongs to.

    "grid" compares all points of a grid on one batch in float32, as the released code does (there 11 x 11 x 21 points
    on one training batch). "gradient" trains from the class's start, $c_3$ by its straight-through estimate; in the
    released code no gradient reaches $c_3$.

    Args:
        problem: Has planted codes.
        depth: Number of layers.
        method: "grid" or "gradient".
        grid: Values of ``c1``, ``c2`` and ``c3``; those left out are taken from ``GRID``.
        config: Of the training by gradient; ``GRADIENT`` with this seed by default.
        signals: Validation signals of the grid. Rare signals that fail decide a ratio of sums: too few hide them.
        seed: Of the streams of training and validation.
        **options: Of :meth:`HyperLista.for_problem`: weight, gain, momentum, and the start of the gradient's way.

    Raises:
        InputError: There is no such method or option, the grid is empty, or no point gives finite codes.
    """
    if method == "gradient":
        start = HyperLista.for_problem(problem, depth, **options)
        done = train(start, problem, config or TrainingConfig.from_recipe(GRADIENT.recipe() | {"seed": seed}))
        assert isinstance(done.network, HyperLista)
        batch = problem.sample(signals, seed=stream(seed, VALIDATION))
        reached = _nmse_db(done.network, torch.tensor(batch.x), torch.tensor(batch.y))
        return Tuned(done.network, reached, done.history)
    if method != "grid":
        raise InputError(f"There is no tuning method {method!r}", 'Choose "grid" or "gradient"')
    axes = GRID | {name: tuple(values) for name, values in (grid or {}).items()}
    unknown = sorted(set(axes) - set(GRID))
    if unknown or not all(axes.values()):
        raise InputError(f"A grid over {sorted(axes)} with empty or unknown axes", "Give values of c1, c2 and c3")
    network = HyperLista.for_problem(problem, depth, **options)
    if not network.momentum:
        axes["c2"] = (0.0,)
    batch = problem.sample(signals, seed=stream(seed, VALIDATION))
    x, y = (torch.tensor(part, dtype=torch.float32) for part in (batch.x, batch.y))
    rows, work = [], HyperLista.for_problem(problem, depth, **options).float()
    for point in itertools.product(*(axes[name] for name in GRID)):
        values = dict(zip(GRID, point, strict=True))
        _set(work, values)
        rows.append(values | {"nmse_db": _nmse_db(work, x, y)})
    rows.sort(key=lambda row: row["nmse_db"])
    if not math.isfinite(rows[0]["nmse_db"]):
        raise InputError("HyperLISTA diverges at every point of the grid", "Choose smaller c1 and c2, or a gain of 1")
    _set(network, rows[0])
    return Tuned(network, rows[0]["nmse_db"], rows)


def _set(network: HyperLista, values: Mapping[str, float]) -> None:
    with torch.no_grad():
        for name in GRID:
            getattr(network, name).fill_(values[name])


def _nmse_db(network: HyperLista, x: torch.Tensor, y: torch.Tensor) -> float:
    with torch.no_grad():
        error = (network(y) - x).square().sum() / x.square().sum()
    return float(10 * torch.log10(error)) if torch.isfinite(error) else math.inf
