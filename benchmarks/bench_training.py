"""What the recipes for networks of the literature's size reach, and how long they take on one thread.

Run: python benchmarks/bench_training.py [RECIPE ...]
NMSE is 10 log10(sum ||e||^2 / sum ||x*||^2) over 10,000 fresh signals: the ratio of sums.
"""

from __future__ import annotations

import sys
import time

from unfold_theory.training import RichProgress, evaluate, recipe, train

TARGETS = {"alista-snr40": -39.0, "lista-cpss-noisefree": -45.0}
SECONDS = 600.0


def main(names: list[str]) -> int:
    """Trains each recipe, prints a line for it, and returns 1 if one misses its target."""
    missed = 0
    for name in names:
        entry = recipe(name)
        problem = entry.problem()
        started = time.perf_counter()
        with RichProgress(name) as progress:
            result = train(entry.untrained(problem), problem, entry.training, progress=progress)
        seconds = time.perf_counter() - started
        nmse = evaluate(result.network, problem, 10_000)["nmse_db"]
        target = TARGETS.get(name)
        met = target is None or (nmse[-1] <= target and seconds <= SECONDS)
        missed += not met
        goal = "" if target is None else f", target {target:.0f} dB in {SECONDS:.0f} s: {'met' if met else 'missed'}"
        print(f"{name}: NMSE {nmse[-1]:.2f} dB after {entry.depth} layers, trained in {seconds:.0f} s{goal}")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(TARGETS)))
