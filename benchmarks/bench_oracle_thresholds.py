"""LISTA-CP with oracle thresholds and the minimax weight: measured against predicted rates, and where theory ends.

Run from the project's root: ``python benchmarks/bench_oracle_thresholds.py [--signals 10000] [--layers 30]``. Reads
``../shared/data/hyperlista/A_sc.mat`` where it is there, else a Gaussian dictionary of the same size. Signals are
s-sparse with entries +-1, the extreme points of the theorems' class; thresholds are the coherence times the largest l1
error of the batch. A false positive counts where its signal's error is above 1e-10; below, rounding makes them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from unfold_theory.claim import Setting, verify
from unfold_theory.claims import chen2018, unfoldtheory2026
from unfold_theory.networks import UnfoldedNetwork
from unfold_theory.problems import Batch, SparseRecovery, WorstCase
from unfold_theory.problems.coherence import coherence
from unfold_theory.rates.theory_networks import lista_cp_of_batch, lista_cp_of_theory
from unfold_theory.store import Store
from unfold_theory.suite.weights import minimax

DATA = Path(__file__).resolve().parents[1] / "../shared/data/hyperlista/A_sc.mat"
ROUNDING = 1e-10
CHUNK = 500
VERIFIED = 128
"""Signals on which the claims are read; everything else is counted on all signals."""


def problem_of(sparsity: int) -> SparseRecovery:
    law = WorstCase(sparsity, 1.0)
    if DATA.is_file():
        return SparseRecovery.from_file(DATA, key="A", law=law)
    return SparseRecovery.gaussian(250, 500, law=law)


def measured_on(network: UnfoldedNetwork, batch: Batch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """l1 errors, l2 errors and whether entries off the support are nonzero, shape (depth + 1, signals) each."""
    parts = []
    for start in range(0, len(batch.y), CHUNK):
        some = batch.subset(range(start, min(start + CHUNK, len(batch.y))))
        assert some.x is not None
        with torch.no_grad():
            codes = network.iterates(torch.tensor(some.y)).numpy()
        off = codes - some.x
        wrong = ((codes != 0) & (some.x == 0)).any(axis=2)
        parts.append((np.abs(off).sum(axis=2), np.sqrt((off**2).sum(axis=2)), wrong))
    errors, distance, wrong = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
    return errors, distance, wrong


def run(sparsity: int, weight: np.ndarray, signals: int, layers: int) -> None:
    problem = problem_of(sparsity)
    batch = problem.sample(signals, seed=2026)
    assert batch.x is not None
    network = lista_cp_of_batch(problem, weight, batch.x, depth=layers)
    predicted = (2 * sparsity - 1) * float(coherence(weight, problem.dictionary).hi)
    errors, distance, wrong = measured_on(network, batch)
    worst = errors.max(axis=1)
    used = max(int((worst > 1e3 * ROUNDING).sum()) - 1, 1)
    measured = (worst[used] / worst[0]) ** (1 / used)
    bounds = sparsity * predicted ** np.arange(layers + 1.0)
    violations = int((distance > bounds[:, None] + ROUNDING).sum())
    wrong &= errors > ROUNDING
    print(f"s = {sparsity:2d}: measured {measured:.3f} over {used} layers, predicted {predicted:.3f}; ", end="")
    print(f"bound violated {violations} times, {int(wrong.sum())} codes with false positives, of {wrong[1:].size}")
    shown = batch.subset(range(VERIFIED))
    own = Setting(network, problem, shown)
    of_class = lista_cp_of_theory(problem, weight, depth=layers, magnitude=1.0, sparsity=sparsity)
    for claim, setting in (
        (unfoldtheory2026.instance_certificate, own),
        (unfoldtheory2026.instance_no_false_positives, own),
        (chen2018.linear_rate, Setting(of_class, problem, shown)),
    ):
        verdict = verify(claim, setting)
        print(f"    {claim.id}: {verdict.status.value}: {verdict.reason}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signals", type=int, default=10_000)
    parser.add_argument("--layers", type=int, default=30)
    parser.add_argument("--sparsities", type=int, nargs="+", default=[2, 3, 5, 7, 8, 9, 10, 11])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    problem = problem_of(2)
    weight = minimax(problem, Store())
    mu = coherence(weight, problem.dictionary)
    print(f"{problem!r}: minimax weight of coherence {mu!r}; 'of_class' uses the theorem's own thresholds")
    for sparsity in arguments.sparsities:
        run(sparsity, weight, arguments.signals, arguments.layers)


if __name__ == "__main__":
    main()
