"""Perturbed dictionaries: Ada-LISTA and ALISTA, trained on one dictionary and run on others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import scipy.linalg
import torch

from unfold_theory.claim import Setting, verify
from unfold_theory.claims.aberdam2021 import fixed_weight_rate, perturbed_rate
from unfold_theory.networks import AdaListaSingle, Alista, network_class
from unfold_theory.networks.ada_lista import on_dictionary
from unfold_theory.problems import KSparse, SparseRecovery, WorstCase, nmse_db
from unfold_theory.rates.perturbation import adapted_movement, fixed_movement, perturbed_thresholds
from unfold_theory.store import Store
from unfold_theory.suite.study import Cell, Row, study
from unfold_theory.training import quick_recipe

NETWORKS = ("ada-lista", "ada-lista-single", "alista")
SPARSITY = 4
SIZES = np.concatenate([[0.0], np.geomspace(1e-3, 1.0, 13)])
CERTIFIED_SIZES = np.concatenate([[0.0], np.geomspace(1e-3, 0.2, 15)])


def _cells(scale: str) -> Sequence[Cell]:
    m, n, depth, order, seeds, steps = {
        "tiny": (12, 18, 3, 16, 1, 10),
        "quick": (50, 70, 12, 64, 1, 200),
        "paper": (50, 70, 16, 256, 3, 400),
    }[scale]
    trained: list[Cell] = [
        {"kind": "trained", "network": name, "m": m, "n": n, "depth": depth, "seed": seed, "steps": steps}
        for name in NETWORKS
        for seed in range(seeds)
    ]
    return trained + [
        {"kind": "theory", "network": name, "m": order, "n": 2 * order, "depth": 8, "seed": 0, "steps": None}
        for name in NETWORKS[1:]
    ]


@study(cells=_cells)
def aberdam2021_perturbation(cell: Cell, store: Store) -> list[Row]:
    """Error of Ada-LISTA and ALISTA on perturbed dictionaries, and what is certified of it.

    Columns are perturbed by random vectors of one norm. Trained networks: the size of Aberdam et al. (2021), 4 normal
    nonzeros, no noise. Networks of the theory: identity and Hadamard matrix, 2 nonzeros of size 1.
    """
    return _trained(cell, store) if cell["kind"] == "trained" else _theory(cell)


def _perturbed(dictionary: np.ndarray, size: float, seed: int) -> np.ndarray:
    drawn = np.random.default_rng(np.random.SeedSequence([seed, 1])).standard_normal(dictionary.shape)
    return dictionary + size * drawn / np.linalg.norm(drawn, axis=0)


def _trained(cell: Cell, store: Store) -> list[Row]:
    m, n, depth, seed = (int(cell[key] or 0) for key in ("m", "n", "depth", "seed"))
    problem = SparseRecovery.gaussian(m, n, law=KSparse(min(SPARSITY, m // 5)), seed=seed)
    made = quick_recipe(str(cell["network"]), depth, problem.recipe, seed=seed)
    cls = network_class(made.network)
    training = replace(made.training, steps=int(cell["steps"] or 0))
    network = store.trained(cls, problem, depth, training, made.options).network.double()
    rows: list[Row] = []
    for size in SIZES:
        moved = SparseRecovery(_perturbed(problem.dictionary, size, seed), problem.law)
        batch = moved.sample(512, seed=seed + 100)
        for told in (True, False):
            run = on_dictionary(network, moved.dictionary) if told else network
            with torch.no_grad():
                code = run(torch.tensor(batch.y)).numpy()
            rows.append(
                {"size": float(size), "told": told, "error_db": float(nmse_db(code, batch.x)), "bound_db": None}
            )
    return rows


def _theory(cell: Cell) -> list[Row]:
    order, depth, seed = (int(cell[key] or 0) for key in ("m", "depth", "seed"))
    own = np.hstack([np.eye(order), scipy.linalg.hadamard(order) / np.sqrt(order)])
    adapts = cell["network"] == AdaListaSingle.name
    weight = np.eye(order) if adapts else own
    rows: list[Row] = []
    for size in CERTIFIED_SIZES:
        moved = _perturbed(own, size, seed)
        found = (adapted_movement if adapts else fixed_movement)(weight, own, moved)
        theta = perturbed_thresholds(found, depth, magnitude=1.0, sparsity=2)
        made = (AdaListaSingle if adapts else Alista)(own, depth, weights=weight, gains=1.0, thresholds=theta)
        problem = SparseRecovery(moved, WorstCase(2))
        setting = Setting(on_dictionary(made, moved), problem, problem.sample(128, seed=seed))
        verdict = verify(perturbed_rate if adapts else fixed_weight_rate, setting)
        row: dict[str, float | bool | str | None] = {"size": float(size), "told": True, "status": verdict.status.value}
        # The zero code's error, sqrt(s) B, is 0 dB.
        row["error_db"] = _decibel(setting.error(2).hi[-1].max())
        if verdict.status.value == "holds" and verdict.conclusion is not None:
            row["bound_db"] = _decibel(verdict.conclusion.rhs.hi[-1].max())
        rows.append(row)
    return rows


def _decibel(error: float) -> float:
    return float(20 * np.log10(max(error, 1e-15) / np.sqrt(2)))
