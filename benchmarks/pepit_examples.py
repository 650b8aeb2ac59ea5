"""PEPit's own published examples, at its own parameters, asked here: each a module of its examples and a question.

Run from the project's root: ``python benchmarks/pepit_examples.py``. Values agree to 1e-5 relative; where the example
states a closed form that it calls tight, that is printed too.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from math import log2, sqrt
from typing import Any

from unfold_theory.methods import (
    AcceleratedGradient,
    AcceleratedProximalGradient,
    DouglasRachford,
    GradientDescent,
    Halpern,
    HeavyBall,
    InexactGradientDescent,
    KrasnoselskiiMann,
    ProximalGradient,
    ProximalPoint,
)
from unfold_theory.rates.worst_case import (
    Measure,
    averaged,
    convex,
    lipschitz,
    nonexpansive,
    smooth_convex,
    smooth_nonconvex,
    strongly_convex,
    worst_case_rate,
)

RELATIVE = 1e-5
CONVEX, COMPOSITE = "unconstrained_convex_minimization", "composite_convex_minimization"
FIXED, MONOTONE = "fixed_point_problems", "monotone_inclusions_variational_inequalities"


@dataclass(frozen=True)
class Example:
    """One example: where it is, its parameters, and the same question here."""

    folder: str
    module: str
    arguments: dict[str, Any]
    method: Callable[[], Any]
    classes: Any
    measure: Any = "gap"
    start: Any = "distance"
    function: str = ""
    forms: tuple[str, ...] = field(default=("full",))

    def theirs(self) -> tuple[float, float | None]:
        """PEPit's value with CLARABEL, and the example's theoretical one."""
        module = importlib.import_module(f"PEPit.examples.{self.folder}.{self.module}")
        wc = getattr(module, self.function or f"wc_{self.module}")
        return wc(**self.arguments, wrapper="cvxpy", solver="CLARABEL", verbose=-1)

    def ours(self, form: str = "full") -> float:
        """The bound that is computed here."""
        return worst_case_rate(self.method(), self.classes, self.measure, self.start, form=form).upper


def fista_momenta(count: int) -> list[float]:
    t = [1.0]
    for _ in range(count):
        t.append((1 + sqrt(1 + 4 * t[-1] ** 2)) / 2)
    return [(a - 1) / b for a, b in pairwise(t)]


def simple_momenta(count: int) -> list[float]:
    return [k / (k + 3) for k in range(count)]


def silver(count: int) -> list[float]:
    def valuation(i: int) -> int:
        return int(log2(i & -i))

    return [1 + (1 + sqrt(2)) ** (valuation(i) - 1) for i in range(1, count + 1)]


def optimized_gradient(L: float, count: int) -> AcceleratedGradient:
    theta = [1.0]
    for k in range(count):
        theta.append((1 + sqrt((4 if k < count - 1 else 8) * theta[-1] ** 2 + 1)) / 2)
    momenta = [(a - 1) / b for a, b in pairwise(theta)]
    corrections = [a / b for a, b in pairwise(theta)]
    return AcceleratedGradient([1 / L] * count, momenta, corrections, extrapolated=True)


def optimized_for_gradient(L: float, count: int) -> AcceleratedGradient:
    theta = [1.0]
    for k in range(count):
        theta.append((1 + sqrt((4 if k < count - 1 else 8) * theta[-1] ** 2 + 1)) / 2)
    momenta = [(a - 1) * (2 * b - 1) / a / (2 * a - 1) for a, b in pairwise(theta[::-1])]
    corrections = [(2 * b - 1) / (2 * a - 1) for a, b in pairwise(theta[::-1])]
    return AcceleratedGradient([1 / L] * count, momenta, corrections, extrapolated=True)


def accelerated_proximal_point(A: float, steps: list[float]) -> ProximalPoint:
    """Guler's second method; v is eliminated."""
    alpha = []
    for t in steps:
        alpha.append((sqrt((A * t) ** 2 + 4 * A * t) - A * t) / 2)
        A *= 1 - alpha[-1]
    return ProximalPoint(steps, [*(b * (1 - a) / a for a, b in pairwise(alpha)), 0.0])


def heavy_ball(mu: float, L: float, count: int) -> tuple[dict[str, Any], HeavyBall]:
    alpha = 1 / (2 * L)
    beta = sqrt((1 - alpha * mu) * (1 - L * alpha))
    return {"mu": mu, "L": L, "alpha": alpha, "beta": beta, "n": count}, HeavyBall([alpha] * count, beta)


def contractive_anchors(gamma: float, count: int) -> list[float]:
    return [(gamma**2 - 1) / (gamma ** (2 * i + 4) - 1) for i in range(count)]


def examples() -> Iterator[Example]:
    """The table; parameters are those that each example's own ``__main__`` uses."""
    smooth, pair, both = smooth_convex(1.0), (smooth_convex(1.0), convex()), ("chain", "full")
    strong = strongly_convex(0.1, 1.0)
    kappa = sqrt(0.1)
    momentum = (1 - kappa) / (1 + kappa)
    yield Example(
        CONVEX, "gradient_descent", {"L": 3, "gamma": 1 / 3, "n": 4},
        lambda: GradientDescent([1 / 3] * 4), smooth_convex(3.0), forms=both,
    )  # fmt: skip
    yield Example(
        CONVEX, "gradient_descent_silver_stepsize_convex", {"L": 10, "n": 7},
        lambda: GradientDescent([h / 10 for h in silver(7)]), smooth_convex(10.0),
    )  # fmt: skip
    yield Example(
        CONVEX, "accelerated_gradient_convex", {"mu": 0, "L": 1, "n": 5},
        lambda: AcceleratedGradient([1.0] * 5, fista_momenta(5)), smooth, forms=both,
    )  # fmt: skip
    yield Example(
        CONVEX, "accelerated_gradient_convex_simplified", {"mu": 0, "L": 1, "n": 5},
        lambda: AcceleratedGradient([1.0] * 5, simple_momenta(5)), smooth, forms=both,
    )  # fmt: skip
    yield Example(
        CONVEX, "accelerated_gradient_strongly_convex", {"mu": 0.1, "L": 1, "n": 2},
        lambda: AcceleratedGradient([1.0] * 2, momentum), strong, start=Measure(gap=1.0, distance=0.05), forms=both,
    )  # fmt: skip
    steps = [(i + 1) / 1.1 for i in range(3)]
    yield Example(
        CONVEX, "accelerated_proximal_point", {"A0": 5, "gammas": steps, "n": 3},
        lambda: accelerated_proximal_point(5.0, steps), convex(), start=Measure(gap=1.0, distance=2.5), forms=both,
    )  # fmt: skip
    arguments, method = heavy_ball(0.1, 1.0, 2)
    yield Example(CONVEX, "heavy_ball_momentum", arguments, lambda: method, strong, start="gap", forms=both)
    inexact = InexactGradientDescent([2 / (1.1 + 0.09)] * 2, 0.1)
    yield Example(
        CONVEX, "inexact_gradient_descent", {"L": 1, "mu": 0.1, "epsilon": 0.1, "n": 2},
        lambda: inexact, strong, start="gap", forms=both,
    )  # fmt: skip
    yield Example(
        CONVEX, "optimized_gradient", {"L": 3, "n": 4},
        lambda: optimized_gradient(3.0, 4), smooth_convex(3.0), forms=both,
    )  # fmt: skip
    yield Example(
        CONVEX, "optimized_gradient_for_gradient", {"L": 3, "n": 4},
        lambda: optimized_for_gradient(3.0, 4), smooth_convex(3.0), "residual", "gap",
    )  # fmt: skip
    yield Example(
        CONVEX, "proximal_point", {"gamma": 3, "n": 4}, lambda: ProximalPoint([3.0] * 4), convex(), forms=both
    )
    yield Example(
        COMPOSITE, "proximal_gradient", {"L": 1, "mu": 0.1, "gamma": 1, "n": 2},
        lambda: ProximalGradient([1.0] * 2), (strong, convex()), "distance", forms=both,
    )  # fmt: skip
    yield Example(
        COMPOSITE, "accelerated_proximal_gradient", {"L": 1, "mu": 0, "n": 4},
        lambda: AcceleratedProximalGradient([1.0] * 4, fista_momenta(4)), pair, forms=both,
    )  # fmt: skip
    yield Example(
        COMPOSITE, "accelerated_proximal_gradient_simplified", {"L": 1, "mu": 0, "n": 4},
        lambda: AcceleratedProximalGradient([1.0] * 4, simple_momenta(4)), pair, forms=both,
    )  # fmt: skip
    yield Example(
        COMPOSITE, "douglas_rachford_splitting", {"L": 1, "alpha": 1, "theta": 1, "n": 9},
        lambda: DouglasRachford([1.0] * 9), pair,
    )  # fmt: skip
    yield Example(
        COMPOSITE, "douglas_rachford_splitting_contraction", {"mu": 0.1, "L": 1, "alpha": 3, "theta": 1, "n": 2},
        lambda: DouglasRachford([1.0] * 2, 3.0, shadow=False), (convex(), strong), "distance", forms=both,
    )  # fmt: skip
    yield Example(
        "nonconvex_optimization", "gradient_descent", {"L": 1, "gamma": 1, "n": 5},
        lambda: GradientDescent([1.0] * 5), smooth_nonconvex(1.0), "best residual", "decrease", forms=both,
    )  # fmt: skip
    yield Example(
        FIXED, "halpern_iteration", {"n": 25},
        lambda: Halpern([1 / (k + 2) for k in range(25)]), nonexpansive(), "residual", forms=both,
    )  # fmt: skip
    yield Example(
        FIXED, "krasnoselskii_mann_constant_step_sizes", {"n": 3, "gamma": 0.75},
        lambda: KrasnoselskiiMann([0.75] * 3), nonexpansive(), Measure(residual=0.25), forms=both,
    )  # fmt: skip
    yield Example(
        FIXED, "krasnoselskii_mann_increasing_step_sizes", {"n": 3},
        lambda: KrasnoselskiiMann([1 - 1 / (k + 2) for k in range(3)]), nonexpansive(), Measure(residual=0.25),
    )  # fmt: skip
    yield Example(
        FIXED, "optimal_contractive_halpern_iteration", {"n": 10, "gamma": 1.1},
        lambda: Halpern(contractive_anchors(1.1, 10)), lipschitz(1 / 1.1), "residual", forms=both,
    )  # fmt: skip
    yield Example(
        MONOTONE, "proximal_point", {"alpha": 2, "n": 10},
        lambda: KrasnoselskiiMann([1.0] * 9), averaged(0.5), "residual", forms=both,
    )  # fmt: skip
    yield Example(
        "tutorials", "gradient_descent_contraction", {"L": 1, "mu": 0.1, "gamma": 1, "n": 1},
        lambda: GradientDescent([1.0]), strong, "distance", forms=both,
    )  # fmt: skip


def main() -> int:
    """Print the table; returns 1 if a value differs."""
    failed, count = 0, 0
    print(f"{'example':<60} {'PEPit':>12} {'theory':>12} {'all pairs':>12} {'relative':>9} {'chain':>12}")
    for example in examples():
        theirs, theory = example.theirs()
        ours, chain = example.ours(), example.ours("chain") if "chain" in example.forms else None
        difference = abs(ours / theirs - 1)
        failed += difference > RELATIVE
        count += 1
        cells = [f"{theirs:12.8f}", "           -" if theory is None else f"{theory:12.8f}", f"{ours:12.8f}"]
        cells += [f"{difference:9.1e}", "           -" if chain is None else f"{chain:12.8f}"]
        print(f"{example.folder[:22] + '/' + example.module:<60} {' '.join(cells)}", flush=True)
    print(f"{count - failed} of {count} within {RELATIVE:g}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
