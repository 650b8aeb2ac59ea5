"""ALISTA as released by Behrens et al. (2021) beside ours, trained for seconds: same dictionary, same fresh signals.

Run: python benchmarks/bench_released.py FOLDER [K ...]
FOLDER holds the released networks.json and matrices. Ours takes the closed-form weight and the recipe alista-snr40 on
one thread. NMSE is 10 log10(sum ||e||^2 / sum ||x*||^2) over 10,000 signals at 40 dB: the ratio of sums.
"""

from __future__ import annotations

import sys
import time

import torch

from unfold_theory.networks import UnfoldedNetwork
from unfold_theory.networks.released import load_released
from unfold_theory.problems import Batch, nmse_db
from unfold_theory.training import train
from unfold_theory.training.recipes import alista_snr40

DEPTHS = (2, 4, 8, 12, 16)
SIGNALS, SEED = 10_000, 2026
TOLERANCE = 1.0
"""dB by which ours may be worse."""


def main(folder: str, depths: list[int]) -> int:
    """Trains and compares each depth, and returns 1 if one of ours is worse by more than the tolerance."""
    torch.set_num_threads(1)
    print(f"{'K':>3} {'log':>8} {'released':>9} {'ours':>8} {'seconds':>8}")
    missed = 0
    for depth in depths:
        # The released code lets one entry fewer bypass than the paper says; its log is the code's.
        network, problem, log = load_released(folder, depth=depth, snr_db=40, selection="code")
        batch = problem.sample(SIGNALS, seed=SEED)
        recipe = alista_snr40(depth, problem.recipe)
        started = time.perf_counter()
        trained = train(recipe.untrained(problem), problem, recipe.training).network
        seconds = time.perf_counter() - started
        theirs, ours = (measured(made, batch) for made in (network, trained))
        missed += ours > theirs + TOLERANCE
        logged = "–" if log.nmse_db_best is None else f"{log.nmse_db_best:.2f}"
        print(f"{depth:>3} {logged:>8} {theirs:>9.2f} {ours:>8.2f} {seconds:>8.0f}", flush=True)
    print(f"ours within {TOLERANCE:g} dB of the released networks: {'missed' if missed else 'met'} at every K")
    return int(missed > 0)


def measured(network: UnfoldedNetwork, batch: Batch) -> float:
    """NMSE in dB, in float64."""
    assert batch.x is not None
    with torch.no_grad():
        codes = [network.double()(part) for part in torch.tensor(batch.y).split(1000)]
    return float(nmse_db(torch.cat(codes).numpy(), batch.x))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("Run: python benchmarks/bench_released.py FOLDER [K ...]")
    sys.exit(main(sys.argv[1], [int(depth) for depth in sys.argv[2:]] or list(DEPTHS)))
