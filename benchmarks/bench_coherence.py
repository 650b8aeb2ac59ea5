"""Weights side by side: closed form, published weights, and the minimax weight against HiGHS column by column.

Run from the project's root: ``python benchmarks/bench_coherence.py [--gap 1e-3] [--columns 3]``. Reads
``../shared/data`` where it is there, else a Gaussian dictionary of the same size.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from unfold_theory.enclosure import Enclosure
from unfold_theory.problems.coherence import (
    audit_weight,
    coherence,
    frobenius_optimum,
    frobenius_weight,
    minimax_by_linear_program,
    minimax_weight,
    welch_bound,
)
from unfold_theory.problems.dictionaries import gaussian, load_matrix

DATA = Path(__file__).resolve().parents[1] / "../shared/data"
PUBLISHED = {
    "HyperLISTA": ("hyperlista/A_sc.mat", "A", "hyperlista/W_sc.mat", "W"),
    "ALISTA": ("alista/D.mat", "D", "alista/W.npy", None),
    "NA-ALISTA n=500": ("na_alista/phi_250x500.npy", None, "na_alista/W_frob_250x500.npy", None),
    "NA-ALISTA n=2000": ("na_alista/phi_250x2000.npy", None, "na_alista/W_frob_250x2000.npy", None),
}
T = TypeVar("T")


def timed(task: Callable[[], T]) -> tuple[T, float]:
    start = time.perf_counter()
    result = task()
    return result, time.perf_counter() - start


def published() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    for name, (dictionary, key, weight, weight_key) in PUBLISHED.items():
        if (DATA / dictionary).is_file():
            yield name, load_matrix(DATA / dictionary, key), load_matrix(DATA / weight, weight_key)


def closed_form(dictionary: np.ndarray) -> None:
    frobenius_weight(dictionary)
    seconds = min(timed(lambda: frobenius_weight(dictionary))[1] for _ in range(10))
    weight = frobenius_weight(dictionary)
    objective = ((Enclosure.exact(weight).T @ dictionary) ** 2).sum()
    gap = (objective.hi - frobenius_optimum(dictionary).lo) / objective.lo
    print(f"closed form {dictionary.shape}: {1e3 * seconds:.1f} ms (best of 10), certified relative gap {gap:.1e}")


def audits() -> None:
    names = ["diagonal_min", "diagonal_max", "objective", "optimum", "excess", "distance", "coherence"]
    print("\naudit of published weights" + "".join(f"{name:>14}" for name in names))
    for name, dictionary, weight in published():
        row = audit_weight(dictionary, weight).row()
        print(f"{name:<26}" + "".join(f"{row[key]:>14.6g}" for key in names))


def minimax(dictionary: np.ndarray, gap: float, columns: int) -> None:
    m, n = dictionary.shape
    found, seconds = timed(lambda: minimax_weight(dictionary, relative_gap=gap))
    mu = found.coherence
    print(f"\nminimax weight {m} x {n}, relative gap {gap:g}: {seconds:.1f} s, {found.iterations} iterations at most,")
    print(f"  {torch.get_num_threads()} threads; coherence in [{mu.lo:.9f}, {mu.hi:.9f}], certified;")
    print(f"  largest certified gap of a column {found.relative_gap:.1e}, max |W_ij| {found.largest_entry:.4f}")
    print(f"  for comparison: A itself {coherence(dictionary, dictionary).mid:.4f}, ", end="")
    print(f"Frobenius {coherence(frobenius_weight(dictionary), dictionary).mid:.4f}, Welch {welch_bound(m, n).mid:.4f}")
    chosen = list(range(0, n, -(-n // columns)))
    (values, _), slow = timed(lambda: minimax_by_linear_program(dictionary, chosen))
    inside = found.columns[chosen].contains(values)
    per_column = seconds / n, slow / len(chosen)
    print(f"HiGHS on columns {chosen}: {per_column[1]:.2f} s each, here {per_column[0]:.4f} s each, ", end="")
    print(f"ratio {per_column[1] / per_column[0]:.0f}; its values lie in the enclosures: {inside.tolist()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gap", type=float, default=1e-3, help="relative gap of the minimax weight")
    parser.add_argument("--columns", type=int, default=3, help="columns that HiGHS solves")
    arguments = parser.parse_args()
    first = next(published(), None)
    dictionary = gaussian(250, 500) if first is None else first[1]
    closed_form(dictionary)
    audits()
    minimax(dictionary, arguments.gap, arguments.columns)


if __name__ == "__main__":
    main()
