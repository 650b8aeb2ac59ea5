"""The networks of the local-law study: how they are trained or tuned, apart from what is measured on them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from unfold_theory.networks import UnfoldedNetwork
from unfold_theory.problems import KSparse, SparseRecovery
from unfold_theory.store import Store
from unfold_theory.training import TrainingConfig, quick_recipe, tune_hyperlista

DEPTHS = (4, 8)
"""Depths of the networks; each depth is trained on its own, and the slope is what one more layer gains."""
NETWORKS = ("alista", "lista-cp", "hyperlista")
STEPS = 200
HYPERPARAMETERS = {"c1": (0.05, 0.08, 0.12, 0.16, 0.22), "c2": (0.0, 0.015, 0.03, 0.045), "c3": (0.1, 0.3, 1.0)}
"""HyperLISTA's grid: its thresholds are in units of the coherence, which is larger for small dictionaries."""


def problem_of(m: int, n: int, s: int, seed: int) -> SparseRecovery:
    """Gaussian dictionary with unit columns, exactly s normal entries, no noise."""
    return SparseRecovery.gaussian(m, n, law=KSparse(s), seed=seed)


def network_of(name: str, depth: int, problem: SparseRecovery, s: int, seed: int, store: Store) -> UnfoldedNetwork:
    """The network, trained or from the cache, in float64; HyperLISTA tuned by grid for this depth."""
    if name == "hyperlista":
        return tune_hyperlista(problem, depth, grid=HYPERPARAMETERS, signals=256, seed=seed).network
    config, options = training_of(name, depth, problem, s, seed)
    network = store.trained(name, problem, depth, config, options).network.double()
    assert isinstance(network, UnfoldedNetwork)
    return network


def training_of(
    network: str, depth: int, problem: SparseRecovery, s: int, seed: int
) -> tuple[TrainingConfig, dict[str, Any]]:
    """End to end from the closed form of W, in seconds.

    ALISTA selects support as the released networks do: the count grows linearly to s, and selected entries pass
    whatever their size. (With the gate, the loss jumps where an entry crosses the threshold, gradients do not see it,
    and end-to-end training drifts uphill.)
    """
    made = quick_recipe(network, depth, problem.recipe, seed=seed)
    options = dict(made.options)
    if network == "alista":
        options |= {"selected": [math.ceil(s * (k + 1) / depth) for k in range(depth)], "gated": False}
    return replace(made.training, steps=STEPS, learning_rate=1e-2), options
