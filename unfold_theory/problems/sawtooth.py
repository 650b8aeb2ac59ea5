"""The slowest function for gradient descent without convexity."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float64

from unfold_theory.errors import InputError
from unfold_theory.problems.functions import TestFunction, positive


@dataclass(frozen=True)
class Sawtooth(TestFunction):
    r"""A one-dimensional function on which gradient descent sees the gradient $\gamma$ at every iterate.

    Between two iterates, $h_k\gamma/L$ apart, the gradient dips as deep as curvatures in $[-\rho,L]$ allow, which
    makes the decrease as small as it can be: $\frac{\gamma^2}{L}\left(h_k-\frac{\rho}{2(L+\rho)}h_k^2\right)$. With
    $\rho=L$ this attains the bound of Abbaszadehpeivasti, de Klerk and Zamani (2022) for steps $h_k\le 1$.

    Args:
        steps: $h_k$, in units of 1/L.
        slope: $\gamma$.
        smoothness: L.
        nonconvexity: $\rho\in[0,L]$.

    Raises:
        InputError: A parameter is out of range.
    """

    steps: tuple[float, ...]
    slope: float = 1.0
    smoothness: float = 1.0
    nonconvexity: float = 1.0

    def __post_init__(self) -> None:
        for value in (*self.steps, self.slope, self.smoothness):
            positive(value, "A step, slope or smoothness")
        if not 0 <= self.nonconvexity <= self.smoothness:
            raise InputError(f"A nonconvexity of {self.nonconvexity}", "Choose it between 0 and the smoothness")

    dimension = 1

    @property
    def lipschitz(self) -> float:
        """L."""
        return self.smoothness

    @property
    def curvature(self) -> float:
        r"""$-\rho$."""
        return -self.nonconvexity

    @cached_property
    def _knots(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Ends of the pieces along the descent, the gradient there, and the value lost since the start."""
        L, rho, length = self.smoothness, self.nonconvexity, [0.0]
        gradient = [self.slope]
        for step in self.steps:
            whole = step * self.slope / L
            falling = whole * rho / (L + rho)
            length += [length[-1] + falling, length[-1] + whole]
            gradient += [self.slope - L * falling, self.slope]
        length.append(length[-1] + self.slope / L)
        gradient.append(0.0)
        at, g = np.array(length), np.array(gradient)
        return at, g, np.concatenate([[0.0], np.cumsum(np.diff(at) * (g[1:] + g[:-1]) / 2)])

    @property
    def minimizer(self) -> Float64[np.ndarray, " d"]:
        """Where the gradient vanishes behind the last iterate; the start of the teeth is at 0."""
        return np.array([-self._knots[0][-1]])

    def value(self, x: Float64[np.ndarray, " d"]) -> float:
        """F(x); 0 at x = 0."""
        at, g, lost = self._knots
        way = -float(x[0])
        if way <= 0:
            return -self.slope * way
        if way >= at[-1]:
            return float(-lost[-1] + 0.5 * self.smoothness * (way - at[-1]) ** 2)
        i = int(np.searchsorted(at, way, side="right")) - 1
        here = np.interp(way, at, g)
        return float(-lost[i] - (way - at[i]) * (g[i] + here) / 2)

    def gradient(self, x: Float64[np.ndarray, " d"]) -> Float64[np.ndarray, " d"]:
        """The gradient; constant before the teeth, and with curvature L behind the minimiser."""
        at, g, _ = self._knots
        way = -float(x[0])
        if way >= at[-1]:
            return np.array([-self.smoothness * (way - at[-1])])
        return np.array([float(np.interp(max(way, 0.0), at, g))])
