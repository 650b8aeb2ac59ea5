r"""The best multipliers at large size: the bound of the recursion, minimised over $\log\Lambda$ by L-BFGS.

$\rho(\Lambda)=\lambda_{\max}(R(\Lambda))$ of :mod:`unfold_theory.lipschitz.recursion` is convex, and each evaluation
costs one backward pass (linear in depth), its gradient only products with vectors. What makes it hard is that the
largest eigenvalue is multiple at the optimum; it is smoothed by $\|R\|_p=(\sum_i\lambda_i^p)^{1/p}$ with p rising in
stages, and the logarithm keeps multipliers positive. Every iterate is feasible, and the best $\lambda_{\max}$ seen is
kept, so that stopping early costs tightness and never validity.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError
from unfold_theory.lipschitz.bound import Multipliers, UpperBound, per_neuron
from unfold_theory.lipschitz.greedy import greedy_bound
from unfold_theory.lipschitz.recursion import Recursion
from unfold_theory.networks.system import System

SMOOTHING = (8.0, 32.0, 128.0, 512.0)
_MEMORY = 30
_FLOOR = 1e-12

Logarithms = Float64[np.ndarray, " variables"]


def optimised_bound(
    system: System,
    *,
    layerwise: bool = False,
    start: UpperBound | None = None,
    evaluations: int = 800,
    tolerance: float = 1e-5,
    smoothing: tuple[float, ...] = SMOOTHING,
) -> UpperBound:
    r"""Multipliers that make the bound small, ``numerical`` until :func:`certify` has confirmed it.

    Args:
        system: The network.
        layerwise: One multiplier a layer, instead of one for each block of neurons.
        start: A bound with multipliers to start from; the greedy one by default.
        evaluations: How many backward passes may be spent in all.
        tolerance: A stage ends where a step lowers $\rho$ by less than this share times 1 / p.
        smoothing: The exponents p, rising.

    Raises:
        InputError: The start carries no multipliers or they prove nothing, or an option is out of range.
    """
    if evaluations < 1 or not tolerance > 0 or not smoothing or min(smoothing) < 1:
        raise InputError(
            f"{evaluations} evaluations, a tolerance of {tolerance}, exponents {smoothing}",
            "Pass a positive count, a positive tolerance and exponents of at least 1",
        )
    given = greedy_bound(system) if start is None else start
    if given.multipliers is None:
        raise InputError(f"The bound by {given.method} carries no multipliers", "Start from one that does")
    per_neuron(system, given.multipliers)  # shapes
    search = _Search(system, given.multipliers, layerwise, evaluations)
    x = search.initial
    for p in smoothing:
        search.exponent = p
        x = search.minimise(x, tolerance / p)
    if not np.isfinite(search.best):
        raise InputError("The multipliers to start from prove no bound", "Enlarge them, or start from greedy_bound")
    method = "layer multipliers" if layerwise else "neuron multipliers"
    value = Enclosure.numerical(np.sqrt(max(search.best, 0.0)))
    return UpperBound(value, method, search.multipliers(search.best_point))


class _Search:
    """One minimisation: counts evaluations and remembers the best bound."""

    def __init__(self, system: System, start: Multipliers, layerwise: bool, evaluations: int):
        self.recursion = Recursion(system)
        self.left = evaluations
        self.exponent = SMOOTHING[0]
        self.best = np.inf
        self.sizes = [len(part) for part in start]
        # Layers without effect on the output keep their multiplier 0.
        self.live = [bool(part.any()) for part in start]
        levels = [np.maximum(part, _FLOOR * part.max()) for part, live in zip(start, self.live, strict=True) if live]
        self.layerwise = layerwise
        levels = [np.array([part.max()]) for part in levels] if layerwise else levels
        self.initial = np.log(np.concatenate(levels)) if levels else np.zeros(0)
        self.best_point = self.initial

    def multipliers(self, x: Logarithms) -> Multipliers:
        """One number for each block of each layer."""
        parts, at = [], 0
        for size, live in zip(self.sizes, self.live, strict=True):
            used = (1 if self.layerwise else size) if live else 0
            parts.append(np.broadcast_to(np.exp(x[at : at + used]), (size,)).copy() if live else np.zeros(size))
            at += used
        return tuple(parts)

    def __call__(self, x: Logarithms) -> tuple[float, Logarithms]:
        r"""$\log\|R\|_p$ and its gradient in x; infinite where the multipliers prove nothing."""
        self.left -= 1
        recursion = self.recursion
        multipliers = self.multipliers(x)
        found = recursion.form([m[labels] for m, labels in zip(multipliers, recursion.blocks, strict=True)])
        if found is None:
            return np.inf, x
        values, vectors = np.linalg.eigh(found[0])
        top = float(values[-1])
        if top < self.best:
            self.best, self.best_point = top, x
        if not top > 0:
            return -np.inf, np.zeros_like(x)
        ratio = np.maximum(values, 0.0) / top
        total = (ratio**self.exponent).sum()
        weights = ratio ** (self.exponent - 1) / (top * total)
        kept = weights > 1e-9 * weights.max()
        sums = recursion.collect(recursion.gradient(found[1], vectors[:, kept], weights[kept]))
        slopes = [g * m for g, m, live in zip(sums, multipliers, self.live, strict=True) if live]
        slopes = [np.array([part.sum()]) for part in slopes] if self.layerwise else slopes
        return np.log(top) + np.log(total) / self.exponent, np.concatenate(slopes) if slopes else x

    def minimise(self, x: Logarithms, tolerance: float) -> Logarithms:
        """L-BFGS with backtracking from a feasible point, until progress or evaluations end."""
        if self.left < 1 or not len(x):
            if self.left > 0 and not len(x):
                self(x)
            return x
        value, slope = self(x)
        pairs: list[tuple[np.ndarray, np.ndarray]] = []
        while self.left > 0 and np.isfinite(value):
            direction = -_inverse_times(pairs, slope)
            descent = float(slope @ direction)
            if descent > -1e-15:
                break
            # A factor of e^2 in one step is enough for any multiplier.
            step = min(1.0, 2.0 / float(np.abs(direction).max()))
            new, new_slope = self(x + step * direction)
            while self.left > 0 and not new <= value + 1e-4 * step * descent:
                step *= 0.5 if not np.isfinite(new) else _interpolated(step, descent, new - value)
                if step < 1e-12:
                    break
                new, new_slope = self(x + step * direction)
            if not new < value:
                break
            moved, bent = step * direction, new_slope - slope
            if moved @ bent > 1e-12 * np.linalg.norm(moved) * np.linalg.norm(bent):
                pairs = [*pairs, (moved, bent)][-_MEMORY:]
            gain = value - new
            x, value, slope = x + moved, new, new_slope
            if gain < tolerance:
                break
        return x


def _inverse_times(pairs: list[tuple[np.ndarray, np.ndarray]], slope: Logarithms) -> Logarithms:
    """The two-loop recursion (Nocedal and Wright, Numerical Optimization, algorithm 7.4)."""
    q, factors = slope.copy(), []
    for moved, bent in reversed(pairs):
        factor = (moved @ q) / (moved @ bent)
        factors.append(factor)
        q -= factor * bent
    if pairs:
        moved, bent = pairs[-1]
        q *= (moved @ bent) / (bent @ bent)
    else:
        q *= 0.3 / max(float(np.abs(slope).max()), 1e-300)
    for (moved, bent), factor in zip(pairs, reversed(factors), strict=True):
        q += moved * (factor - (bent @ q) / (moved @ bent))
    return q


def _interpolated(step: float, descent: float, rise: float) -> float:
    """The factor to the minimiser of the parabola through both values and the slope, within [0.1, 0.5]."""
    return float(np.clip(-0.5 * descent * step / (rise - descent * step), 0.1, 0.5))
