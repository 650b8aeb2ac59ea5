"""Support selection: how many entries bypass their threshold, and what it does to the error."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from unfold_theory.networks import HyperLista, UnfoldedNetwork, network_class
from unfold_theory.problems import BernoulliGaussian, SparseRecovery
from unfold_theory.problems.metrics import nmse_db
from unfold_theory.store import Store
from unfold_theory.suite import study
from unfold_theory.training import quick_recipe, tune_hyperlista

SIZES = {"tiny": (30, 60, 4), "quick": (100, 200, 16), "paper": (250, 500, 16)}
NETWORKS = ("lista-cp", "lista-cpss", "hyperlista")


def _cells(scale: str) -> list[dict[str, Any]]:
    m, n, depth = SIZES[scale]
    return [{"network": network, "m": m, "n": n, "depth": depth, "signals": 128, "seed": 2026} for network in NETWORKS]


@study(cells=_cells)
def chen2021_selection(cell: Any, store: Store) -> list[dict[str, Any]]:
    """Bypassing entries and error in each layer of LISTA-CP, LISTA-CPSS and HyperLISTA.

    Noise-free signals with one entry in ten; LISTA-CP and LISTA-CPSS trained by their quick recipes, HyperLISTA tuned
    on a grid. Rows: depth, ``nmse_db``, and the means over signals of the support entries and of the false entries that
    leave the layer unshrunk, and of the support's size.
    """
    problem = SparseRecovery.gaussian(cell["m"], cell["n"], law=BernoulliGaussian(0.1))
    network = _network(cell["network"], problem, cell["depth"], store).double()
    batch = problem.sample(cell["signals"], seed=cell["seed"])
    y, support = torch.tensor(batch.y), batch.x != 0
    with torch.no_grad():
        codes = network.iterates(y).numpy()
    rows = [{"depth": 0, "nmse_db": 0.0, "bypassing": 0.0, "false": 0.0, "support": float(support.sum(1).mean())}]
    before = codes[0]
    for k, layer in enumerate(network.instance_layers(y)):
        x = codes[k]
        v = x + layer.gain[:, None] * ((batch.y - x @ problem.dictionary.T) @ layer.weight)
        v = v + layer.momentum[:, None] * (x - before)
        rank = np.argsort(np.argsort(-np.abs(v), axis=1, kind="stable"), axis=1)
        passing = (rank < layer.selected[:, None]) & (np.abs(v) > layer.threshold)
        before = x
        rows.append(
            {
                "depth": k + 1,
                "nmse_db": float(nmse_db(codes[k + 1], batch.x)),
                "bypassing": float((passing & support).sum(axis=1).mean()),
                "false": float((passing & ~support).sum(axis=1).mean()),
                "support": rows[0]["support"],
            }
        )
    return rows


def _network(name: str, problem: SparseRecovery, depth: int, store: Store) -> UnfoldedNetwork:
    if name == HyperLista.name:
        return tune_hyperlista(problem, depth).network
    made = quick_recipe(name, depth, problem.recipe)
    return store.trained(network_class(name), problem, depth, made.training, made.options).network
