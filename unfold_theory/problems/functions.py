r"""Test functions for first-order methods: $F=f+g$ with known constants and a known minimiser.

Each is where some rate is attained or nearly so: worst-case theorems are tested on them, not on random data alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar, cast

import numpy as np
from jaxtyping import Float64

from unfold_theory.errors import InputError

Number = float | int


class TestFunction(ABC):
    r"""$F=f+g$ on $\mathbb R^d$, $f$ with curvature in $[\mu,L]$, $g$ convex with an explicit proximal operator.

    Attributes:
        dimension: d.
        lipschitz: L, of the gradient of f; 0 where f = 0.
        curvature: $\mu$, the smallest curvature of f; negative where f is not convex.
    """

    __test__: ClassVar[bool] = False  # not a test case, whatever its name makes pytest think
    dimension: int
    lipschitz: float
    curvature: float
    composite: ClassVar[bool] = False
    """Whether g is anything but 0."""

    @property
    @abstractmethod
    def minimizer(self) -> Float64[np.ndarray, " d"]:
        """A minimiser of F."""

    @abstractmethod
    def value(self, x: Float64[np.ndarray, " d"]) -> float:
        """F(x)."""

    @abstractmethod
    def gradient(self, x: Float64[np.ndarray, " d"]) -> Float64[np.ndarray, " d"]:
        """The gradient of f at x."""

    def prox(self, x: Float64[np.ndarray, " d"], step: float) -> Float64[np.ndarray, " d"]:
        r"""$\arg\min_z g(z)+\|z-x\|^2/(2t)$; x itself where g = 0."""
        return x

    @property
    def minimum(self) -> float:
        r"""$F^\star$."""
        return self.value(self.minimizer)

    def recipe(self) -> dict[str, Any]:
        """JSON-able: the class and its parameters."""
        return {"kind": type(self).__name__} | {f.name: getattr(self, f.name) for f in fields(cast(Any, self))}


def positive(value: Number, what: str) -> float:
    """The value as a float.

    Raises:
        InputError: It is not positive and finite.
    """
    if not (np.isfinite(value) and value > 0):
        raise InputError(f"{what} is {value}", "Choose a positive number")
    return float(value)


@dataclass(frozen=True)
class Quadratic(TestFunction):
    r"""$\frac12\sum_i\lambda_ix_i^2$, $\lambda_i\ge 0$: where only the spectrum counts.

    Raises:
        InputError: An eigenvalue is negative or not finite, or there is none.
    """

    eigenvalues: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.eigenvalues or not all(np.isfinite(v) and v >= 0 for v in self.eigenvalues):
            raise InputError(f"Eigenvalues {self.eigenvalues}", "Choose nonnegative numbers, one at least")

    @property
    def dimension(self) -> int:
        """Number of eigenvalues."""
        return len(self.eigenvalues)

    @property
    def lipschitz(self) -> float:
        """The largest eigenvalue."""
        return max(self.eigenvalues)

    @property
    def curvature(self) -> float:
        """The smallest eigenvalue."""
        return min(self.eigenvalues)

    @property
    def minimizer(self) -> Float64[np.ndarray, " d"]:
        """0."""
        return np.zeros(self.dimension)

    def value(self, x: Float64[np.ndarray, " d"]) -> float:
        """F(x)."""
        return float(0.5 * np.sum(np.array(self.eigenvalues) * x**2))

    def gradient(self, x: Float64[np.ndarray, " d"]) -> Float64[np.ndarray, " d"]:
        """The gradient."""
        return np.array(self.eigenvalues) * x


@dataclass(frozen=True)
class Huber(TestFunction):
    r"""$\frac L2x^2$ for $|x|\le r$, $Lr|x|-\frac L2r^2$ beyond: gradient descent with short steps is slowest here.

    Raises:
        InputError: L or r is not positive.
    """

    smoothness: float
    radius: float

    def __post_init__(self) -> None:
        positive(self.smoothness, "The smoothness of Huber's function")
        positive(self.radius, "The radius of Huber's function")

    dimension = 1
    curvature = 0.0

    @property
    def lipschitz(self) -> float:
        """L."""
        return self.smoothness

    @property
    def minimizer(self) -> Float64[np.ndarray, " d"]:
        """0."""
        return np.zeros(1)

    def value(self, x: Float64[np.ndarray, " d"]) -> float:
        """F(x)."""
        size = abs(float(x[0]))
        if size <= self.radius:
            return 0.5 * self.smoothness * size**2
        return self.smoothness * self.radius * (size - 0.5 * self.radius)

    def gradient(self, x: Float64[np.ndarray, " d"]) -> Float64[np.ndarray, " d"]:
        """The gradient."""
        return self.smoothness * np.clip(x, -self.radius, self.radius)


@dataclass(frozen=True)
class LogCosh(TestFunction):
    r"""$\sum_i\frac{L}{c^2}\log\cosh(cx_i)$: convex, smooth, flat far away.

    Raises:
        InputError: L or c is not positive.
    """

    smoothness: float
    sharpness: float
    dimension: int = 1

    def __post_init__(self) -> None:
        positive(self.smoothness, "The smoothness of log cosh")
        positive(self.sharpness, "The sharpness of log cosh")

    curvature = 0.0

    @property
    def lipschitz(self) -> float:
        """L."""
        return self.smoothness

    @property
    def minimizer(self) -> Float64[np.ndarray, " d"]:
        """0."""
        return np.zeros(self.dimension)

    def value(self, x: Float64[np.ndarray, " d"]) -> float:
        """F(x)."""
        z = np.abs(self.sharpness * x)
        return float(self.smoothness / self.sharpness**2 * np.sum(z + np.log1p(np.exp(-2 * z)) - np.log(2.0)))

    def gradient(self, x: Float64[np.ndarray, " d"]) -> Float64[np.ndarray, " d"]:
        """The gradient."""
        return self.smoothness / self.sharpness * np.tanh(self.sharpness * x)


@dataclass(frozen=True)
class Cosine(TestFunction):
    r"""$\sum_i\frac{L}{c^2}(1-\cos cx_i)$: smooth with every curvature in $[-L,L]$; flat tops near $\pi/c$.

    Raises:
        InputError: L or c is not positive.
    """

    smoothness: float
    frequency: float
    dimension: int = 1

    def __post_init__(self) -> None:
        positive(self.smoothness, "The smoothness of the cosine")
        positive(self.frequency, "The frequency of the cosine")

    @property
    def lipschitz(self) -> float:
        """L."""
        return self.smoothness

    @property
    def curvature(self) -> float:
        """-L."""
        return -self.smoothness

    @property
    def minimizer(self) -> Float64[np.ndarray, " d"]:
        """0, one of many."""
        return np.zeros(self.dimension)

    def value(self, x: Float64[np.ndarray, " d"]) -> float:
        """F(x)."""
        return float(2 * self.smoothness / self.frequency**2 * np.sum(np.sin(self.frequency * x / 2) ** 2))

    def gradient(self, x: Float64[np.ndarray, " d"]) -> Float64[np.ndarray, " d"]:
        """The gradient."""
        return self.smoothness / self.frequency * np.sin(self.frequency * x)


@dataclass(frozen=True)
class AbsoluteValue(TestFunction):
    r"""f = 0 and $g(x)=c|x|$: proximal gradient with short steps is slowest here.

    Raises:
        InputError: c is not positive.
    """

    slope: float

    def __post_init__(self) -> None:
        positive(self.slope, "The slope of the absolute value")

    dimension = 1
    lipschitz = 0.0
    curvature = 0.0
    composite = True

    @property
    def minimizer(self) -> Float64[np.ndarray, " d"]:
        """0."""
        return np.zeros(1)

    def value(self, x: Float64[np.ndarray, " d"]) -> float:
        """F(x)."""
        return self.slope * abs(float(x[0]))

    def gradient(self, x: Float64[np.ndarray, " d"]) -> Float64[np.ndarray, " d"]:
        """0."""
        return np.zeros(1)

    def prox(self, x: Float64[np.ndarray, " d"], step: float) -> Float64[np.ndarray, " d"]:
        """The soft threshold."""
        return np.sign(x) * np.maximum(np.abs(x) - step * self.slope, 0.0)


@dataclass(frozen=True)
class DiagonalLasso(TestFunction):
    r"""$\frac12\sum_id_i(x_i-c_i)^2+\lambda\|x\|_1$, $d_i>0$; minimiser $S_{\lambda/d_i}(c_i)$.

    Raises:
        InputError: The lengths differ, a $d_i$ is not positive, or $\lambda$ is negative.
    """

    diagonal: tuple[float, ...]
    centre: tuple[float, ...]
    lam: float
    composite = True

    def __post_init__(self) -> None:
        if len(self.diagonal) != len(self.centre) or not self.diagonal:
            raise InputError(f"{len(self.diagonal)} curvatures for {len(self.centre)} centres", "Give one each")
        if min(self.diagonal) <= 0 or not self.lam >= 0:
            raise InputError("A curvature that is not positive, or a negative weight", "Choose d > 0 and lam >= 0")

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return len(self.diagonal)

    @property
    def lipschitz(self) -> float:
        """The largest $d_i$."""
        return max(self.diagonal)

    @property
    def curvature(self) -> float:
        """The smallest $d_i$."""
        return min(self.diagonal)

    @cached_property
    def minimizer(self) -> Float64[np.ndarray, " d"]:
        """The soft threshold of the centre."""
        return self._shrink(np.array(self.centre), self.lam / np.array(self.diagonal))

    @staticmethod
    def _shrink(x: np.ndarray, level: Any) -> np.ndarray:
        return np.sign(x) * np.maximum(np.abs(x) - level, 0.0)

    def value(self, x: Float64[np.ndarray, " d"]) -> float:
        """F(x)."""
        smooth = 0.5 * np.sum(np.array(self.diagonal) * (x - np.array(self.centre)) ** 2)
        return float(smooth + self.lam * np.abs(x).sum())

    def gradient(self, x: Float64[np.ndarray, " d"]) -> Float64[np.ndarray, " d"]:
        """The gradient of the quadratic part."""
        return np.array(self.diagonal) * (x - np.array(self.centre))

    def prox(self, x: Float64[np.ndarray, " d"], step: float) -> Float64[np.ndarray, " d"]:
        """The soft threshold."""
        return self._shrink(x, step * self.lam)
