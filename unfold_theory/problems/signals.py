"""Laws of sparse codes, and codes from files."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from unfold_theory.errors import InputError
from unfold_theory.problems.checks import Integer, Number, positive_integer, positive_number


class SignalLaw(ABC):
    """A probability law of codes x in R^n.

    Laws: rows are independent; the generator alone decides the result. A subclass is a frozen dataclass of JSON-able
    fields with ``kind``, :meth:`sample` and :meth:`expected_support`; a class of the user's own needs no more.
    """

    kind: ClassVar[str]

    @abstractmethod
    def sample(self, count: int, n: int, rng: np.random.Generator) -> Float64[np.ndarray, "count n"]:
        """``count`` codes of length n.

        Raises:
            InputError: The law has no signals of this length.
        """

    @abstractmethod
    def expected_support(self, n: int) -> float:
        """Mean number of nonzero entries of a code of length n."""

    def support_bound(self, n: int) -> int:
        r"""The smallest s with $\|x\|_0\le s$ almost surely; n where no less is known."""
        return n

    @property
    def magnitude_bound(self) -> float:
        r"""The smallest B with $\|x\|_\infty\le B$ almost surely; infinity where there is none."""
        return math.inf

    @property
    def amplitude_density(self) -> float:
        """The largest density of a nonzero entry given the support; infinity where there is none, or none is known."""
        return math.inf

    def torch_sample(
        self, count: int, n: int, generator: torch.Generator, dtype: torch.dtype
    ) -> Float[Tensor, "count n"]:
        """The same law drawn with torch, for training; other numbers than :meth:`sample`."""
        seed = torch.randint(2**62, (2,), generator=generator, device=generator.device).tolist()
        drawn = self.sample(count, n, np.random.default_rng(seed))
        return torch.as_tensor(drawn).to(device=generator.device, dtype=dtype)

    def recipe(self) -> dict[str, Any]:
        """JSON-able description; :func:`law_from_recipe` is its inverse."""
        return {"kind": self.kind, **asdict(self)}  # type: ignore[call-overload]


@dataclass(frozen=True)
class BernoulliGaussian(SignalLaw):
    r"""Entries are independently nonzero with probability p, and then normal: $x_i\sim$ Bernoulli(p) N(0, scale^2).

    The law of LISTA-CPSS, ALISTA and NA-ALISTA with p = 0.1 and scale = 1.

    Raises:
        InputError: p lies outside (0, 1], or the scale is not a positive number.
    """

    kind: ClassVar[str] = "bernoulli-gaussian"
    p: Number = 0.1
    scale: Number = 1.0

    def __post_init__(self) -> None:
        if not (isinstance(self.p, int | float) and 0 < self.p <= 1):
            raise InputError(f"A probability of nonzero entries of {self.p!r}", "Choose p in (0, 1]")
        positive_number("scale", self.scale)

    def sample(self, count: int, n: int, rng: np.random.Generator) -> Float64[np.ndarray, "count n"]:
        """``count`` codes of length n."""
        present = rng.random((count, n)) < self.p
        return np.where(present, self.scale * rng.standard_normal((count, n)), 0.0)

    def expected_support(self, n: int) -> float:
        """p n."""
        return self.p * n

    @property
    def amplitude_density(self) -> float:
        r"""$1/(\sqrt{2\pi}\,\mathrm{scale})$."""
        return 1 / (math.sqrt(2 * math.pi) * self.scale)

    def torch_sample(
        self, count: int, n: int, generator: torch.Generator, dtype: torch.dtype
    ) -> Float[Tensor, "count n"]:
        """The same law drawn with torch: normal values are drawn where an entry is nonzero only."""
        options: dict[str, Any] = {"generator": generator, "device": generator.device}
        present = torch.rand(count, n, **options) < self.p
        x = torch.zeros(count, n, dtype=dtype, device=generator.device)
        x[present] = self.scale * torch.randn(int(present.sum()), dtype=dtype, **options)
        return x


@dataclass(frozen=True)
class _ExactlySparse(SignalLaw):
    """Codes with exactly s nonzero entries on a uniformly random support."""

    s: Integer

    def __post_init__(self) -> None:
        positive_integer("support size s", self.s)

    def expected_support(self, n: int) -> float:
        """S."""
        return float(self.s)

    def support_bound(self, n: int) -> int:
        """S."""
        return self.s

    def _amplitudes(self, count: int, rng: np.random.Generator) -> Float64[np.ndarray, "count s"]:
        raise NotImplementedError

    def _torch_amplitudes(self, count: int, generator: torch.Generator, dtype: torch.dtype) -> Float[Tensor, "count s"]:
        raise NotImplementedError

    def _fits(self, n: int) -> None:
        if self.s > n:
            raise InputError(f"A support of {self.s} entries in codes of length {n}", f"Choose s at most {n}")

    def sample(self, count: int, n: int, rng: np.random.Generator) -> Float64[np.ndarray, "count n"]:
        """``count`` codes of length n.

        Raises:
            InputError: s exceeds n.
        """
        self._fits(n)
        keys = rng.random((count, n))
        support = np.argpartition(keys, self.s - 1, axis=1)[:, : self.s]
        # Sorted, so that which amplitude meets which index does not hang on the partition's internals.
        support.sort(axis=1)
        x = np.zeros((count, n))
        np.put_along_axis(x, support, self._amplitudes(count, rng), axis=1)
        return x

    def torch_sample(
        self, count: int, n: int, generator: torch.Generator, dtype: torch.dtype
    ) -> Float[Tensor, "count n"]:
        """The same law drawn with torch.

        Raises:
            InputError: s exceeds n.
        """
        self._fits(n)
        keys = torch.rand(count, n, generator=generator, device=generator.device)
        support = keys.topk(self.s, dim=1, sorted=False).indices.sort(dim=1).values
        x = torch.zeros(count, n, dtype=dtype, device=generator.device)
        return x.scatter_(1, support, self._torch_amplitudes(count, generator, dtype))


@dataclass(frozen=True)
class WorstCase(_ExactlySparse):
    r"""Exactly s entries $\pm B$ with random signs: extreme points of the class $\{\|x\|_0\le s,\ |x_i|\le B\}$.

    Raises:
        InputError: s is not a positive integer, or B is not a positive number.
    """

    kind: ClassVar[str] = "worst-case"
    magnitude: Number = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        positive_number("magnitude", self.magnitude)

    @property
    def magnitude_bound(self) -> float:
        """The magnitude B."""
        return float(self.magnitude)

    def _amplitudes(self, count: int, rng: np.random.Generator) -> Float64[np.ndarray, "count s"]:
        return self.magnitude * (2.0 * rng.integers(2, size=(count, self.s)) - 1)

    def _torch_amplitudes(self, count: int, generator: torch.Generator, dtype: torch.dtype) -> Float[Tensor, "count s"]:
        signs = torch.randint(2, (count, self.s), generator=generator, device=generator.device)
        return self.magnitude * (2 * signs.to(dtype) - 1)


@dataclass(frozen=True)
class KSparse(_ExactlySparse):
    r"""Exactly s nonzero entries with independent amplitudes.

    Args:
        s: Support size.
        amplitude: ``"normal"``: N(0, scale^2). ``"uniform"``: random sign times a uniform magnitude in
            [smallest, scale], so that $|x_i|\ge$ ``smallest`` on the support.
        scale: Standard deviation, or largest magnitude.
        smallest: Smallest magnitude, for ``"uniform"`` only.

    Raises:
        InputError: A number is out of its range, or the amplitude is unknown.
    """

    kind: ClassVar[str] = "k-sparse"
    amplitude: str = "normal"
    scale: Number = 1.0
    smallest: Number = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        positive_number("scale", self.scale)
        if self.amplitude not in ("normal", "uniform"):
            raise InputError(f"The amplitude law {self.amplitude!r} is unknown", "Choose normal or uniform")
        if not 0 <= self.smallest <= self.scale or (self.smallest and self.amplitude == "normal"):
            raise InputError(
                f"A smallest magnitude of {self.smallest} with amplitude {self.amplitude!r} and scale {self.scale}",
                "Use the uniform amplitude with 0 <= smallest <= scale",
            )

    @property
    def magnitude_bound(self) -> float:
        """The scale for uniform amplitudes, else infinity."""
        return float(self.scale) if self.amplitude == "uniform" else math.inf

    @property
    def amplitude_density(self) -> float:
        r"""$1/(\sqrt{2\pi}\,\mathrm{scale})$, or $1/(2(\mathrm{scale}-\mathrm{smallest}))$; infinity where fixed."""
        if self.amplitude == "normal":
            return 1 / (math.sqrt(2 * math.pi) * self.scale)
        return 1 / (2 * (self.scale - self.smallest)) if self.smallest < self.scale else math.inf

    def _amplitudes(self, count: int, rng: np.random.Generator) -> Float64[np.ndarray, "count s"]:
        size = (count, self.s)
        if self.amplitude == "normal":
            return self.scale * rng.standard_normal(size)
        magnitude = self.smallest + (self.scale - self.smallest) * (1 - rng.random(size))
        return np.minimum(magnitude, self.scale) * (2.0 * rng.integers(2, size=size) - 1)

    def _torch_amplitudes(self, count: int, generator: torch.Generator, dtype: torch.dtype) -> Float[Tensor, "count s"]:
        options: dict[str, Any] = {"generator": generator, "device": generator.device}
        if self.amplitude == "normal":
            return self.scale * torch.randn(count, self.s, dtype=dtype, **options)
        uniform = 1 - torch.rand(count, self.s, dtype=dtype, **options)
        magnitude = (self.smallest + (self.scale - self.smallest) * uniform).clamp(max=self.scale)
        return magnitude * (2 * torch.randint(2, (count, self.s), **options).to(dtype) - 1)


@dataclass(frozen=True)
class UnitNorm(_ExactlySparse):
    r"""Exactly s nonzero entries, uniform on the sphere $\|x\|_2=1$: normal amplitudes, normalised.

    Bounds on generalization need bounded losses, and with them bounded signals.

    Raises:
        InputError: s is not a positive integer.
    """

    kind: ClassVar[str] = "unit-norm"

    @property
    def magnitude_bound(self) -> float:
        """1."""
        return 1.0

    @property
    def amplitude_density(self) -> float:
        r"""$\Gamma(s/2)/(\sqrt\pi\,\Gamma((s-1)/2))$, a coordinate's density at 0, for s >= 3; else infinity."""
        if self.s < 3:
            return math.inf
        return math.exp(math.lgamma(self.s / 2) - math.lgamma((self.s - 1) / 2)) / math.sqrt(math.pi)

    def _amplitudes(self, count: int, rng: np.random.Generator) -> Float64[np.ndarray, "count s"]:
        normal = rng.standard_normal((count, self.s))
        # The quotient may round to one unit above 1.
        return np.clip(normal / np.linalg.norm(normal, axis=1, keepdims=True), -1.0, 1.0)

    def _torch_amplitudes(self, count: int, generator: torch.Generator, dtype: torch.dtype) -> Float[Tensor, "count s"]:
        normal = torch.randn(count, self.s, dtype=dtype, generator=generator, device=generator.device)
        return (normal / normal.norm(dim=1, keepdim=True)).clamp(-1.0, 1.0)


LAWS: dict[str, type[SignalLaw]] = {law.kind: law for law in (BernoulliGaussian, WorstCase, KSparse, UnitNorm)}


def law_from_recipe(recipe: dict[str, Any]) -> SignalLaw:
    """The law that ``recipe()`` describes.

    Raises:
        InputError: The kind is unknown, or its parameters do not fit it.
    """
    parameters = dict(recipe)
    kind = parameters.pop("kind", None)
    if kind not in LAWS:
        raise InputError(f"The signal law {kind!r} is unknown", f"Choose one of {', '.join(sorted(LAWS))}")
    try:
        return LAWS[kind](**parameters)
    except TypeError as error:
        raise InputError(f"The signal law {kind} cannot be built: {error}", "Correct the recipe") from error
