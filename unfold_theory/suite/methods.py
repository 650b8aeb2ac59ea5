r"""First-order methods that ``verify`` and ``report`` run on functions which attain their rates, or nearly so.

Claims on classes of functions say little on random data: these settings show where they hold with equality, and where
their hypotheses end.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unfold_theory.claim import MethodSetting
from unfold_theory.methods import AcceleratedProximalGradient, GradientDescent, Method, ProximalGradient, fista_momenta
from unfold_theory.problems.functions import (
    AbsoluteValue,
    Cosine,
    DiagonalLasso,
    Huber,
    LogCosh,
    Quadratic,
    TestFunction,
)
from unfold_theory.problems.sawtooth import Sawtooth
from unfold_theory.rates.worst_case.schedules import silver_steps

DEPTH = 7
"""Steps of each method: a depth at which silver steps have a theorem."""
REGIME = "first-order methods"
Samples = tuple[Sequence[TestFunction], Sequence[np.ndarray]]


@dataclass(frozen=True)
class MethodEntry:
    """A method on functions of a class, as an entry of a suite.

    Attributes:
        name: Shown in tables; one of a kind.
        make: Builds the setting.
        origin: ``classical``, ``theory`` or ``learned`` parameters.
    """

    name: str
    make: Callable[[str], MethodSetting] = field(repr=False)
    origin: str = "classical"
    regime: str = REGIME

    def setting(self) -> MethodSetting:
        """The setting, built anew."""
        return self.make(self.name)

    @property
    def network(self) -> str:
        """The method's kind."""
        return type(self.setting().method).__name__

    @property
    def depth(self) -> int:
        """Number of steps."""
        return self.setting().method.depth

    @property
    def signals(self) -> int:
        """Number of functions."""
        return len(self.setting().functions)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the recipe."""
        return hashlib.sha256(json.dumps(self.recipe(), sort_keys=True).encode()).hexdigest()

    def recipe(self) -> dict[str, Any]:
        """JSON-able: method, functions and starting points."""
        return {"name": self.name, "regime": self.regime, "origin": self.origin} | self.setting().recipe()


@dataclass(frozen=True, eq=False)
class MethodSubject:
    """An entry that is ready to be verified.

    Attributes:
        entry: What it was made from.
        setting: Its method on its functions.
    """

    entry: MethodEntry
    setting: MethodSetting


def method_entries() -> list[MethodEntry]:
    """The methods that are verified, in the order in which tables show them."""
    short = np.array([0.5, 1.0, 0.75, 1.0, 0.25, 1.0, 0.5])
    long, silver = 1.9 * short, silver_steps(DEPTH)
    fista = AcceleratedProximalGradient(np.ones(DEPTH), fista_momenta(DEPTH))
    return [
        MethodEntry("gradient descent, steps up to 1/L", _on(GradientDescent(short), _convex(short.sum()))),
        MethodEntry("gradient descent, steps up to 1.9/L", _on(GradientDescent(long), _convex(long.sum()))),
        MethodEntry(
            "gradient descent, silver steps",
            _on(GradientDescent(silver), _convex(silver.sum())),
        ),
        MethodEntry("gradient descent, strongly convex", _on(GradientDescent(short), _strongly_convex())),
        MethodEntry("gradient descent, nonconvex", _on(GradientDescent(short), _nonconvex(short, 1.0), curvature=-1.0)),
        MethodEntry(
            "gradient descent, weakly convex", _on(GradientDescent(short), _nonconvex(short, 0.3), curvature=-0.3)
        ),
        MethodEntry("proximal gradient, steps up to 1/L", _on(ProximalGradient(short), _composite(short.sum()))),
        MethodEntry(
            "proximal gradient, learned steps", _on(ProximalGradient(LEARNED), _composite(LEARNED.sum())), "learned"
        ),
        MethodEntry("FISTA", _on(fista, _composite(float(DEPTH)))),
    ]


LEARNED = np.array([1.29, 1.38, 1.73, 1.92, 1.4, 1.6, 1.2])
"""Like steps that certified training leaves: all above 1/L, most above 1.4/L."""


def _on(method: Method, samples: Samples, curvature: float | None = None) -> Callable[[str], MethodSetting]:
    functions, starts = samples
    return lambda name: MethodSetting(method, functions, starts, lipschitz=1.0, curvature=curvature, name=name)


def _convex(total: float) -> Samples:
    """Huber's function that attains the rate at this total length, and others, from a distance of 1."""
    functions = [Huber(1.0, 1 / (2 * total + 1)), Quadratic((1.0,)), Quadratic((0.02, 0.3, 1.0)), LogCosh(1.0, 4.0)]
    return functions, [np.full(f.dimension, f.dimension**-0.5) for f in functions]


def _strongly_convex() -> Samples:
    functions = [Quadratic((0.1,)), Quadratic((1.0,)), Quadratic((0.1, 0.4, 1.0))]
    return functions, [np.full(f.dimension, f.dimension**-0.5) for f in functions]


def _nonconvex(steps: np.ndarray, rho: float) -> Samples:
    worst = Sawtooth(tuple(float(h) for h in steps), nonconvexity=rho)
    functions: list[TestFunction] = [worst, Huber(1.0, 0.2), LogCosh(1.0, 2.0)]
    starts = [np.zeros(1), np.ones(1), np.ones(1)]
    if rho == 1.0:
        functions += [Cosine(1.0, 1.0, dimension=2), Cosine(1.0, 1.0)]
        starts += [np.array([2.0, 1.0]), np.array([3.0])]
    return functions, starts


def _composite(total: float) -> Samples:
    """The absolute value that attains the rate of proximal gradient at this total length, and diagonal Lassos."""
    functions = [
        AbsoluteValue(1 / (2 * total)),
        DiagonalLasso((1.0, 0.1), (1.0, -1.0), 0.05),
        DiagonalLasso((1.0, 0.5, 0.02), (0.5, -1.0, 2.0), 0.01),
    ]
    return functions, [np.ones(1), np.zeros(2), np.zeros(3)]
