r"""Activations as Lipschitz bounds read them: slopes, blocks, values and derivatives, in float64.

An activation is a map $\varphi:\mathbb R^q\to\mathbb R^q$ that is firmly nonexpansive on each *block* of its neurons:
$\langle\Delta w_B,\Delta v_B-\Delta w_B\rangle\ge0$ for $w=\varphi(v)$. A separable one has a block for each neuron,
and is then any function of slopes in [0, 1]. Proximal operators of convex functions are firmly nonexpansive.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from jaxtyping import Float64, Int
from scipy.special import expit

from unfold_theory.errors import InputError

Vector = Float64[np.ndarray, " q"]
Rows = Float64[np.ndarray, "batch q"]
Tangents = Float64[np.ndarray, "q d"]


class Activation(ABC):
    """A map that is firmly nonexpansive on each block of its neurons.

    Attributes:
        title: As messages and tables name it.
        continuous: Whether it is: the others have no Lipschitz constant, and serve to find that out.
    """

    title: ClassVar[str]
    continuous: ClassVar[bool] = True

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of neurons q."""

    @abstractmethod
    def __call__(self, v: Rows) -> Rows:
        """Values, shape (batch, q)."""

    @abstractmethod
    def derivative(self, v: Vector, tangents: Tangents) -> Tangents:
        """The Jacobian at v times the columns of ``tangents``; at a kink, that of one side."""

    @property
    def blocks(self) -> Int[np.ndarray, " q"]:
        """Label of each neuron's block, 0, 1, ...; one for each neuron by default (separable)."""
        return np.arange(self.size)

    @property
    def separable(self) -> bool:
        """Whether every neuron is a block of its own."""
        return len(np.unique(self.blocks)) == self.size

    @property
    def slopes(self) -> tuple[Vector, Vector]:
        """Least and greatest slope of each neuron; of a block, of its eigenvalues. [0, 1] by default."""
        return np.zeros(self.size), np.ones(self.size)


class Separable(Activation):
    """An activation that acts on each neuron alone."""

    @abstractmethod
    def slope(self, v: Rows) -> Rows:
        """Derivative of each neuron, shape (batch, q); at a kink, that of one side."""

    def derivative(self, v: Vector, tangents: Tangents) -> Tangents:
        """The slopes times the rows of ``tangents``."""
        return self.slope(v[None])[0][:, None] * tangents


def _finite(values: object, what: str) -> Vector:
    array = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if array.ndim != 1 or array.size == 0 or not np.isfinite(array).all():
        raise InputError(f"{what} has shape {array.shape} or an entry that is not finite", "Pass finite numbers")
    return array


@dataclass(frozen=True, eq=False)
class SoftThreshold(Separable):
    r"""$\mathrm{sgn}(v)(|v|-\theta)_+$.

    Args:
        threshold: $\theta\ge0$, shape (q,). A negative one makes a jump of $2|\theta|$ at 0.

    Raises:
        InputError: A threshold is negative or not finite.
    """

    title: ClassVar[str] = "soft threshold"
    threshold: Vector

    def __post_init__(self) -> None:
        object.__setattr__(self, "threshold", _finite(self.threshold, "The threshold"))
        if (self.threshold < 0).any():
            i = int(np.argmin(self.threshold))
            raise InputError(
                f"The threshold {self.threshold[i]:g} of neuron {i} is negative, so that the layer jumps at 0",
                "Train with nonnegative=True, or raise it to 0",
            )

    @property
    def size(self) -> int:
        """Number of thresholds."""
        return len(self.threshold)

    def __call__(self, v: Rows) -> Rows:
        """Values."""
        return np.sign(v) * np.maximum(np.abs(v) - self.threshold, 0.0)

    def slope(self, v: Rows) -> Rows:
        r"""1 where $|v|>\theta$, else 0."""
        return (np.abs(v) > self.threshold).astype(np.float64)


@dataclass(frozen=True, eq=False)
class SmoothSoftThreshold(Separable):
    r"""$\frac1b\left(\ln(1+e^{b(v-\theta)})-\ln(1+e^{-b(v+\theta)})\right)$, slopes in $[2s(-b\theta),1]$.

    s is the sigmoid.

    Args:
        threshold: $\theta\ge0$, shape (q,).
        sharpness: $b>0$; the soft threshold is the limit $b\to\infty$.

    Raises:
        InputError: A threshold is negative or not finite, or the sharpness is not positive.
    """

    title: ClassVar[str] = "smooth soft threshold"
    threshold: Vector
    sharpness: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "threshold", _finite(self.threshold, "The threshold"))
        if (self.threshold < 0).any():
            raise InputError("A threshold is negative: slopes of the activation exceed 1", "Raise it to 0")
        if not (np.isfinite(self.sharpness) and self.sharpness > 0):
            raise InputError(f"A sharpness of {self.sharpness!r}", "Choose a positive number")

    @property
    def size(self) -> int:
        """Number of thresholds."""
        return len(self.threshold)

    def __call__(self, v: Rows) -> Rows:
        """Values."""
        b = self.sharpness
        return (np.logaddexp(0, b * (v - self.threshold)) - np.logaddexp(0, -b * (v + self.threshold))) / b

    def slope(self, v: Rows) -> Rows:
        r"""$s(b(v-\theta))+s(-b(v+\theta))$."""
        b = self.sharpness
        return expit(b * (v - self.threshold)) + expit(-b * (v + self.threshold))


@dataclass(frozen=True, eq=False)
class Relu(Separable):
    """$v_+$.

    Args:
        neurons: q.
    """

    title: ClassVar[str] = "ReLU"
    neurons: int

    @property
    def size(self) -> int:
        """Number of neurons."""
        return self.neurons

    def __call__(self, v: Rows) -> Rows:
        """Values."""
        return np.maximum(v, 0.0)

    def slope(self, v: Rows) -> Rows:
        """1 where v > 0, else 0."""
        return (v > 0).astype(np.float64)


@dataclass(frozen=True, eq=False)
class BoxProjection(Separable):
    r"""$\min(\max(v,l),u)$.

    Args:
        lower, upper: The box, shape (q,) each, infinite ends allowed.

    Raises:
        InputError: The box is empty, or an end is NaN.
    """

    title: ClassVar[str] = "projection on a box"
    lower: Vector
    upper: Vector

    def __post_init__(self) -> None:
        for end in ("lower", "upper"):
            object.__setattr__(self, end, np.atleast_1d(np.asarray(getattr(self, end), dtype=np.float64)))
        if self.lower.shape != self.upper.shape or not (self.lower <= self.upper).all():
            raise InputError("The box is empty, or its ends do not match", "Pass lower <= upper of one shape")

    @property
    def size(self) -> int:
        """Number of coordinates."""
        return len(self.lower)

    def __call__(self, v: Rows) -> Rows:
        """Values."""
        return np.clip(v, self.lower, self.upper)

    def slope(self, v: Rows) -> Rows:
        """1 inside the box, else 0."""
        return ((v > self.lower) & (v < self.upper)).astype(np.float64)


@dataclass(frozen=True, eq=False)
class GroupSoftThreshold(Activation):
    r"""$v_G\,(1-\theta_G/\|v_G\|_2)_+$ on each group: the proximal operator of $\sum_G\theta_G\|v_G\|_2$.

    Args:
        threshold: $\theta_G\ge0$, shape (groups,).
        groups: The group of each neuron, 0, 1, ..., shape (q,).

    Raises:
        InputError: A threshold is negative or not finite, or a group has none.
    """

    title: ClassVar[str] = "group soft threshold"
    threshold: Float64[np.ndarray, " groups"]
    groups: Int[np.ndarray, " q"] = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "threshold", _finite(self.threshold, "The threshold"))
        if (self.threshold < 0).any():
            raise InputError("A threshold of a group is negative", "Raise it to 0")
        if not np.array_equal(np.unique(self.groups), np.arange(len(self.threshold))):
            raise InputError(f"{len(self.threshold)} thresholds for other groups", "Label groups 0, 1, ...")

    @property
    def size(self) -> int:
        """Number of neurons."""
        return len(self.groups)

    @property
    def blocks(self) -> Int[np.ndarray, " q"]:
        """The groups."""
        return self.groups

    def _norms(self, v: Rows) -> Float64[np.ndarray, "batch groups"]:
        sums = np.zeros((len(v), len(self.threshold)))
        np.add.at(sums.T, self.groups, (v**2).T)
        return np.sqrt(sums)

    def __call__(self, v: Rows) -> Rows:
        """Values."""
        norms = np.maximum(self._norms(v), np.finfo(float).tiny)
        return v * np.maximum(1.0 - self.threshold / norms, 0.0)[:, self.groups]

    def derivative(self, v: Vector, tangents: Tangents) -> Tangents:
        r"""$(1-\theta/r)I+(\theta/r)uu^T$ with $r=\|v_G\|$, $u=v_G/r$ where $r>\theta$, else 0."""
        norms = np.maximum(self._norms(v[None])[0], np.finfo(float).tiny)
        ratio = np.where(norms > self.threshold, self.threshold / norms, 1.0)
        unit = v / norms[self.groups]
        along = np.zeros((len(self.threshold), tangents.shape[1]))
        np.add.at(along, self.groups, unit[:, None] * tangents)
        kept = (norms > self.threshold)[self.groups]
        mixed = (1.0 - ratio[self.groups])[:, None] * tangents + (ratio[self.groups] * unit)[:, None] * along[
            self.groups
        ]
        return kept[:, None] * mixed


@dataclass(frozen=True, eq=False)
class SingularValueThreshold(Activation):
    r"""Soft threshold of the singular values of v, read as a matrix row by row: the prox of $\theta\|\cdot\|_*$.

    Args:
        shape: (rows, columns), rows * columns = q.
        threshold: $\theta\ge0$.

    Raises:
        InputError: The threshold is negative or not finite.
    """

    title: ClassVar[str] = "singular value threshold"
    shape: tuple[int, int]
    threshold: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.threshold) and self.threshold >= 0):
            raise InputError(f"A singular value threshold of {self.threshold!r}", "Choose a nonnegative number")

    @property
    def size(self) -> int:
        """Rows times columns."""
        return self.shape[0] * self.shape[1]

    @property
    def blocks(self) -> Int[np.ndarray, " q"]:
        """One block."""
        return np.zeros(self.size, dtype=int)

    def __call__(self, v: Rows) -> Rows:
        """Values."""
        left, values, right = np.linalg.svd(v.reshape(len(v), *self.shape), full_matrices=False)
        return ((left * np.maximum(values - self.threshold, 0.0)[:, None, :]) @ right).reshape(v.shape)

    def derivative(self, v: Vector, tangents: Tangents) -> Tangents:
        r"""Divided differences of $f(\sigma)=(\sigma-\theta)_+$, symmetric and antisymmetric part apart."""
        rows, columns = self.shape
        left, values, right = np.linalg.svd(v.reshape(self.shape), full_matrices=True)
        s = np.zeros(max(rows, columns))
        s[: len(values)] = values
        f, a, b = np.maximum(s - self.threshold, 0.0), s[:rows, None], s[None, :columns]
        fa, fb = f[:rows, None], f[None, :columns]
        with np.errstate(divide="ignore", invalid="ignore"):
            minus = np.where(a != b, (fa - fb) / (a - b), (a > self.threshold) * 1.0)
            plus = np.where(a + b > 0, (fa + fb) / (a + b), 0.0)
        moved = np.einsum("ri,rcd,jc->ijd", left, tangents.reshape(rows, columns, -1), right)
        k = min(rows, columns)
        result = moved * ((minus + plus) / 2)[:, :, None]
        result[:k, :k] += np.swapaxes(moved[:k, :k], 0, 1) * ((minus - plus) / 2)[:k, :k, None]
        # Outside the square part nothing is mirrored: f(sigma) / sigma.
        result[k:] = moved[k:] * plus[k:, :, None]
        result[:, k:] = moved[:, k:] * plus[:, k:, None]
        return np.einsum("ri,ijd,jc->rcd", left, result, right).reshape(tangents.shape)
