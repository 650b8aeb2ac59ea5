"""Does the local law predict what a layer gains: on known supports, and in trained networks?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from unfold_theory.networks import UnfoldedNetwork
from unfold_theory.networks.thresholding import select_support_threshold
from unfold_theory.problems import Batch, SparseRecovery
from unfold_theory.problems.coherence import frobenius_weight
from unfold_theory.rates.local_law import (
    METHODS,
    Edges,
    Method,
    finite_depth_law,
    observed_edges,
    random_edges,
    run_on_support,
    support_spectrum,
)
from unfold_theory.store import Store
from unfold_theory.studies.local_law_networks import DEPTHS, NETWORKS, network_of, problem_of
from unfold_theory.suite.study import Cell, Row, study

SIZES = (
    (50, 100),
    (50, 150),
    (75, 100),
    (75, 150),
    (75, 225),
    (100, 150),
    (100, 200),
    (100, 300),
    (125, 250),
    (125, 300),
)
SHARES = (0.05, 0.1, 0.2)
"""Nonzeros for each measurement, s/m."""
SIGNALS = 2000
SUPPORTS = 48
LATE = (16, 32)
"""Layers between which the asymptotic slope of an iteration is read, signal by signal."""
FLOOR = -280.0
"""dB relative to the signal, below which float64 has nothing to say."""


def _cells(scale: str) -> Sequence[Cell]:
    sizes, shares, seeds = {
        "tiny": (((20, 40),), (0.1,), 1),
        "quick": (((50, 100), (75, 100), (50, 150)), (0.1, 0.2), 1),
        "paper": (SIZES, SHARES, 2),
    }[scale]
    subjects = ("oracle", "alista") if scale == "tiny" else ("oracle", *NETWORKS)
    return [
        {"m": m, "n": n, "s": round(share * m), "seed": seed, "subject": subject}
        for share in shares
        for m, n in sizes
        for seed in range(seeds)
        for subject in subjects
    ]


@study(cells=_cells)
def unfoldtheory2026_local_law(cell: Cell, store: Store) -> list[Row]:
    """Predicted and measured gain of one more layer, over sizes and sparsities.

    Slopes are decibels a layer of the NMSE, a ratio of sums over signals, from depth 4 to depth 8. Iterations run on
    the known support; a network's slope is that of two networks, each trained to its depth.
    """
    m, n, s, seed = (int(cell[key] or 0) for key in ("m", "n", "s", "seed"))
    problem = problem_of(m, n, s, seed)
    if cell["subject"] == "oracle":
        return [_iteration(method, problem, s, seed) for method in METHODS if method != "best gains"]
    return [_network(str(cell["subject"]), problem, s, seed, store)]


def _predictions(method: Method, problem: SparseRecovery, s: int) -> dict[str, float]:
    m, n = problem.dictionary.shape
    law = finite_depth_law(m, n, s, DEPTHS[1], method)
    return {
        "asymptotic": random_edges(m, n, s).decibels(method),
        "finite": float(law[DEPTHS[1]] - law[DEPTHS[0]]) / (DEPTHS[1] - DEPTHS[0]),
    }


def _slope(nmse: np.ndarray) -> float:
    if nmse[DEPTHS[1]] < FLOOR:  # conjugate gradients end after s steps
        return float("nan")
    return float(nmse[DEPTHS[1]] - nmse[DEPTHS[0]]) / (DEPTHS[1] - DEPTHS[0])


def _iteration(method: Method, problem: SparseRecovery, s: int, seed: int) -> Row:
    m, n = problem.dictionary.shape
    weight, batch = frobenius_weight(problem.dictionary), problem.sample(SUPPORTS, seed=seed + 1)
    assert batch.x is not None
    edges = random_edges(m, n, s)
    squared = run_on_support(method, weight, problem.dictionary, batch.x, edges, LATE[1])
    nmse = 10 * np.log10(squared.sum(axis=1) / squared[0].sum() + 1e-300)
    row: dict[str, str | float] = {"method": method, "measured": _slope(nmse)} | _predictions(method, problem, s)
    if method in ("unit step", "fixed step"):
        row["late_ratio"] = _late_ratio(method, weight, problem, batch, edges, squared)
    return row


def _late_ratio(
    method: Method, weight: np.ndarray, problem: SparseRecovery, batch: Batch, edges: Edges, squared: np.ndarray
) -> float:
    r"""Median over signals of the slope at late layers against $20\log_{10}\rho$ of the signal's own spectrum."""
    assert batch.x is not None
    step = 1.0 if method == "unit step" else 1 / edges.center
    ratios = []
    for i, code in enumerate(batch.x):
        own = observed_edges(support_spectrum(weight, problem.dictionary, np.flatnonzero(code)))
        rho = max(abs(1 - step * own.low), abs(1 - step * own.high))
        gained = 10 * np.log10(squared[list(LATE), i] / squared[0, i] + 1e-300)
        if gained[1] > FLOOR and 0 < rho < 1:
            ratios.append((gained[1] - gained[0]) / (LATE[1] - LATE[0]) / (20 * np.log10(rho)))
    return float(np.median(ratios)) if ratios else float("nan")


def _network(name: str, problem: SparseRecovery, s: int, seed: int, store: Store) -> Row:
    batch = problem.sample(SIGNALS, seed=seed + 1)
    found: dict[str, list[float]] = {"measured": [], "typical": [], "supported": [], "linear": []}
    row: dict[str, str | float] = {"method": name}
    for depth in DEPTHS:
        network = network_of(name, depth, problem, s, seed, store).eval()
        codes = _codes(network, batch)
        found["measured"].append(_nmse(codes[-1], batch))
        found["typical"].append(_typical(codes[-1], batch))
        if not network.adaptive:
            found["supported"].append(_nmse(_on_support(network, batch, thresholds=True), batch))
            found["linear"].append(_nmse(_on_support(network, batch, thresholds=False), batch))
        if depth == DEPTHS[-1]:
            row |= _inside(codes, batch)
    for key, values in found.items():
        row |= {f"{key}_{depth}": value for depth, value in zip(DEPTHS, values, strict=False)}
        row[key] = (values[1] - values[0]) / (DEPTHS[1] - DEPTHS[0]) if values else float("nan")
    best = _predictions("best gains", problem, s)
    return row | _predictions("fixed step", problem, s) | {"best": best["finite"], "chebyshev": best["asymptotic"]}


def _inside(codes: np.ndarray, batch: Batch) -> dict[str, float]:
    """What happens inside the deeper network: its last layers' slope, and how wrong its support is."""
    assert batch.x is not None
    nmse = np.array([_nmse(code, batch) for code in codes])
    wrong = (codes != 0) & (batch.x == 0)
    size = (batch.x != 0).sum(axis=1).mean()
    middle = len(codes) // 2
    return {
        "last_layers": float(nmse[-1] - nmse[-3]) / 2,
        "false_positives_middle": float(wrong[middle].sum(axis=1).mean() / size),
        "false_positives_last": float(wrong[-1].sum(axis=1).mean() / size),
    }


def _codes(network: UnfoldedNetwork, batch: Batch) -> np.ndarray:
    with torch.no_grad():
        return network.iterates(torch.tensor(batch.y)).numpy()


def _nmse(codes: np.ndarray, batch: Batch) -> float:
    assert batch.x is not None
    return float(10 * np.log10(((codes - batch.x) ** 2).sum() / (batch.x**2).sum() + 1e-300))


def _typical(codes: np.ndarray, batch: Batch) -> float:
    """Median over signals, which a few failures do not move."""
    assert batch.x is not None
    relative = ((codes - batch.x) ** 2).sum(axis=1) / (batch.x**2).sum(axis=1)
    return float(10 * np.log10(np.median(relative) + 1e-300))


def _on_support(network: UnfoldedNetwork, batch: Batch, *, thresholds: bool) -> np.ndarray:
    """The network's own layers with the true support imposed after each, with or without their thresholds."""
    assert batch.x is not None
    inside, dictionary = torch.tensor((batch.x != 0).astype(float)), torch.tensor(network.dictionary.numpy())
    y = torch.tensor(batch.y)
    x = torch.zeros_like(inside)
    for layer in network.affine_layers():
        v = inside * (x + layer.gain * ((y - x @ dictionary.T) @ torch.tensor(layer.weight)))
        if thresholds:
            v = select_support_threshold(v, torch.tensor(layer.threshold), layer.selected, gated=layer.gated)
        x = v
    return x.numpy()
