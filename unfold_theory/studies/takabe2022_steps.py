"""Learned steps beside Chebyshev steps: deep-unfolded gradient descent and ALISTA's gains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from unfold_theory.networks import Alista, Ista
from unfold_theory.problems import BernoulliGaussian, SparseRecovery
from unfold_theory.rates.step_polynomial import chebyshev_steps, chebyshev_value, largest_on_interval
from unfold_theory.store import Store
from unfold_theory.suite.study import Cell, Row, study
from unfold_theory.training import Supervised, TrainingConfig, quick_recipe
from unfold_theory.verified import smallest_singular_value_squared, spectral_norm_squared

POINTS = 201
DENSITY = 0.1


def _cells(scale: str) -> Sequence[Cell]:
    m, n, depths, sparse, steps = {
        "tiny": (12, 6, (3,), (10, 20, 3), 10),
        "quick": (120, 60, (8,), (100, 200, 16), 400),
        "paper": (300, 150, (8, 15), (250, 500, 16), 800),
    }[scale]
    descent: list[Cell] = [
        {"kind": "descent", "m": m, "n": n, "depth": depth, "seed": 0, "steps": steps} for depth in depths
    ]
    wide, columns, layers = sparse
    return [*descent, {"kind": "alista", "m": wide, "n": columns, "depth": layers, "seed": 0, "steps": steps // 2}]


@study(cells=_cells)
def takabe2022_steps(cell: Cell, store: Store) -> list[Row]:
    """Learned steps, sorted, against Chebyshev steps, and the polynomials of both over the spectrum.

    Gradient descent on least squares (dense normal codes, tall Gaussian dictionary, no noise), its steps trained end to
    end from distinct ones: where two steps are equal, so are their gradients. The interval is the certified spectrum.
    ALISTA: the suite's training; the interval is the random-matrix spectrum of $W_S^TA_S$ at 10 percent density.
    """
    return _descent(cell, store) if cell["kind"] == "descent" else _alista(cell, store)


def _steps(kind: str, values: np.ndarray) -> list[Row]:
    return [
        {"series": kind, "what": "step", "x": float(i + 1), "value": float(v)} for i, v in enumerate(np.sort(values))
    ]


def _descent(cell: Cell, store: Store) -> list[Row]:
    m, n, depth, seed = (int(cell[key] or 0) for key in ("m", "n", "depth", "seed"))
    problem = SparseRecovery.gaussian(m, n, law=BernoulliGaussian(1.0), seed=seed)
    low = float(smallest_singular_value_squared(problem.dictionary).lo)
    high = float(spectral_norm_squared(problem.dictionary).hi)
    start = np.linspace(0.5, 1.5, depth) * 2 / (low + high)
    options = {"lam": 0.0, "learn_steps": True, "steps": start.round(6).tolist()}
    training = TrainingConfig(
        loss=Supervised(logarithm=True),
        steps=int(cell["steps"] or 0),
        learning_rate=2e-2,
        decays=(0.2, 0.04),
        patience=None,
        seed=seed,
    )
    network = store.trained(Ista, problem, depth, training, options).network
    chosen = {
        "learned": network.proximal_steps(0.0),
        "Chebyshev": chebyshev_steps(low, high, depth),
        "constant": np.full(depth, 2 / (low + high)),
    }
    rows: list[Row] = []
    grid = np.linspace(low, high, POINTS)
    for kind, steps in chosen.items():
        rows += _steps(kind, steps)
        polynomial = np.abs(np.prod(1 - np.multiply.outer(grid, steps), axis=1))
        rows += [
            {"series": kind, "what": "polynomial", "x": float(x), "value": float(v)}
            for x, v in zip(grid, polynomial, strict=True)
        ]
        worst = largest_on_interval(steps, low, high)[-1]
        rows.append({"series": kind, "what": "largest", "x": high, "value": float(worst.hi)})
    least = chebyshev_value(low, high, depth)[-1]
    rows.append({"series": "least", "what": "largest", "x": low, "value": float(least.lo)})
    return rows


def _alista(cell: Cell, store: Store) -> list[Row]:
    m, n, depth, seed = (int(cell[key] or 0) for key in ("m", "n", "depth", "seed"))
    problem = SparseRecovery.gaussian(m, n, law=BernoulliGaussian(DENSITY), seed=seed)
    made = quick_recipe("alista", depth, problem.recipe, seed=seed)
    training = replace(made.training, steps=int(cell["steps"] or 0))
    network = store.trained(Alista, problem, depth, training, made.options).network
    gains = np.array([layer.gain for layer in network.affine_layers()])
    ratio = m / n
    centre = 1 + DENSITY * (1 - 2 * ratio) / ratio
    half = 2 * np.sqrt(DENSITY * (1 - DENSITY) * (1 - ratio) / ratio)
    return _steps("learned", gains) + _steps("Chebyshev", chebyshev_steps(centre - half, centre + half, depth))
