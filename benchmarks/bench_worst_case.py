"""Worst-case rates beside PEPit with CLARABEL: chain form and all pairs, one process each, one thread.

Run from the project's root: ``python benchmarks/bench_worst_case.py [--steps 10 20] [--deep]``. Steps are drawn from
(0.1, 1). ``--deep`` adds N = 40, where PEPit takes minutes and more than a gigabyte. Times are of the whole question,
from parameters to the answer, without imports; ours are medians of five after one to warm up. Ratios carry over to
other machines, times do not; where other work shares the processors, processor time is the one to read.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
CHAIN_TARGETS = {10: 50.0, 20: 150.0, 40: 3000.0}
FULL_TARGETS = {20: 3.0, 40: 3.0}
RELATIVE = 1e-5
SECONDS = 10.0


def parameters(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Steps from (0.1, 1) and momenta k / (k + 3)."""
    return np.random.default_rng(count).uniform(0.1, 1.0, count), np.arange(count) / (np.arange(count) + 3.0)


def ours(name: str, count: int, form: str) -> Callable[[], float]:
    from unfold_theory.methods import AcceleratedProximalGradient, GradientDescent, ProximalGradient
    from unfold_theory.rates.worst_case import convex, smooth_convex, worst_case_rate

    steps, momenta = parameters(count)
    methods: dict[str, tuple[Any, Any]] = {
        "gd": (GradientDescent(steps), smooth_convex()),
        "pgm": (ProximalGradient(steps), (smooth_convex(), convex())),
        "fista": (AcceleratedProximalGradient(np.sort(steps)[::-1], momenta), (smooth_convex(), convex())),
    }
    method, classes = methods[name]
    return lambda: worst_case_rate(method, classes, form=form).upper


def pepit(name: str, count: int) -> float:
    from PEPit import PEP
    from PEPit.functions import ConvexFunction, SmoothConvexFunction
    from PEPit.primitive_steps import proximal_step

    steps, momenta = parameters(count)
    problem: Any = PEP()
    f: Any = problem.declare_function(SmoothConvexFunction, L=1.0)
    g: Any = None if name == "gd" else problem.declare_function(ConvexFunction)
    objective = f if g is None else f + g
    solution: Any = objective.stationary_point()
    x: Any = problem.set_initial_point()
    y = x
    problem.set_initial_condition((x - solution) ** 2 <= 1)
    value: Any = 0
    if name == "fista":
        steps = np.sort(steps)[::-1]
    for k, t in enumerate(steps):
        after = y - t * f.gradient(y)
        if g is not None:
            after, _, value = proximal_step(after, g, t)
        y = after + momenta[k] * (after - x) if name == "fista" else after
        x = after
    problem.set_performance_metric(f(x) + value - objective(solution))
    return float(problem.solve(wrapper="cvxpy", solver="CLARABEL", verbose=-1))


def measure(name: str, count: int, form: str) -> dict[str, Any]:
    """One task in this process: value, wall time and processor time."""
    task = (lambda: pepit(name, count)) if form == "pepit" else ours(name, count, form)
    repeats = 1 if form == "pepit" or (form == "full" and count > 10) else 5
    if repeats > 1:
        task()
    elif form == "pepit":
        pepit(name, 1)
    walls, processors, value = [], [], 0.0
    for _ in range(repeats):
        start = time.perf_counter(), time.process_time()
        value = task()
        walls.append(time.perf_counter() - start[0])
        processors.append(time.process_time() - start[1])
    return {"value": value, "wall": float(np.median(walls)), "cpu": float(np.median(processors))}


def in_process(name: str, count: int, form: str) -> dict[str, Any]:
    """The same in a process of its own, on one thread."""
    command = [sys.executable, __file__, "--task", name, str(count), form]
    environment = os.environ | dict.fromkeys(THREADS, "1")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return json.loads(done.stdout.strip().splitlines()[-1])


def compare(name: str, count: int, full: bool) -> bool:
    """A line for each form; whether what PGM is held to is reached."""
    theirs = in_process(name, count, "pepit")
    print(f"{name:>5} N={count:<3} PEPit      {theirs['wall']:9.3f} s ({theirs['cpu']:.3f} s processor)", flush=True)
    reached = True
    for form in ("chain", "full") if full else ("chain",):
        found = in_process(name, count, form)
        ratio, relative = theirs["cpu"] / found["cpu"], found["value"] / theirs["value"] - 1
        target = (CHAIN_TARGETS if form == "chain" else FULL_TARGETS).get(count) if name == "pgm" else None
        reached &= target is None or (ratio >= target and abs(relative) <= RELATIVE)
        held = "" if target is None else f", target {target:.0f}"
        line = f"{ratio:8.1f} times faster{held}; relative difference {relative:+.1e}"
        print(f"{'':>11} {form:<10} {found['wall']:9.4f} s ({found['cpu']:.4f} s processor), {line}", flush=True)
    return reached


def long_chains() -> bool:
    """N = 1000."""
    reached = True
    for name in ("gd", "pgm", "fista"):
        found = in_process(name, 1000, "chain")
        reached &= found["cpu"] <= SECONDS
        print(f"{name:>5} N=1000 chain {found['wall']:.2f} s ({found['cpu']:.2f} s processor), {found['value']:.6e}")
    return reached


def main() -> int:
    """Print the table; returns 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--steps", type=int, nargs="*", default=[10, 20])
    parser.add_argument("--methods", nargs="*", default=["pgm", "gd", "fista"], choices=["gd", "pgm", "fista"])
    parser.add_argument("--deep", action="store_true", help="N = 40 for PGM too: minutes")
    parser.add_argument("--task", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.task:
        name, count, form = arguments.task
        print(json.dumps(measure(name, int(count), form)))
        return 0
    reached = [compare(name, count, True) for count in arguments.steps for name in arguments.methods]
    if arguments.deep:
        reached.append(compare("pgm", 40, True))
    reached.append(long_chains())
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
