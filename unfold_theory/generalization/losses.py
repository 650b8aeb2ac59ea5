r"""Losses with values in [0, 1]: what every bound on generalization speaks of.

A loss is that of the network as float64 computes it, so that statements about its mean need no allowance for rounding.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float64

from unfold_theory.errors import InputError
from unfold_theory.generalization.checks import bounded_losses
from unfold_theory.problems.checks import Number, positive_number

Codes = Float64[np.ndarray, "*depth sample n"]
Truth = Float64[np.ndarray, "sample n"]
Values = Float64[np.ndarray, "*depth sample"]


class BoundedLoss(ABC):
    """A loss of codes against the planted ones, in [0, 1].

    A subclass is a frozen dataclass of JSON-able fields with ``name``, ``title`` and :meth:`values`. A user's own may
    return anything: :meth:`__call__` refuses what leaves [0, 1].
    """

    name: ClassVar[str]
    binary: ClassVar[bool] = False
    """Whether it is 0 or 1 only."""

    @abstractmethod
    def values(self, codes: Codes, truth: Truth) -> Values:
        """The loss of each signal; leading axes (depth) broadcast."""

    @property
    @abstractmethod
    def title(self) -> str:
        """LaTeX, for axes and tables."""

    def __call__(self, codes: Codes, truth: Truth) -> Values:
        """:meth:`values`, checked.

        Raises:
            InputError: A loss is NaN or outside [0, 1], or there is no signal.
        """
        return bounded_losses(self.values(codes, truth))

    def recipe(self) -> dict[str, Any]:
        """JSON-able fields and name; :func:`bounded_loss_from_recipe` is its inverse."""
        return {"loss": self.name} | asdict(self)  # type: ignore[call-overload]


@dataclass(frozen=True)
class Failure(BoundedLoss):
    r"""$\mathbf 1\{\|\hat x-x\|^2>\tau\|x\|^2\}$: recovery fails at the relative tolerance tau.

    Raises:
        InputError: The tolerance is not a positive number.
    """

    tolerance: Number = 0.05
    name: ClassVar[str] = "failure"
    binary: ClassVar[bool] = True

    def __post_init__(self) -> None:
        positive_number("tolerance", self.tolerance)

    @property
    def title(self) -> str:
        """LaTeX."""
        return rf"$1\{{\|\hat x-x\|^2>{self.tolerance:g}\,\|x\|^2\}}$"

    def values(self, codes: Codes, truth: Truth) -> Values:
        """0 or 1; NaN where a code is not finite."""
        error = _squared_error(codes, truth)
        failed = (error > self.tolerance * (truth**2).sum(axis=-1)).astype(np.float64)
        return np.where(np.isnan(error), np.nan, failed)


@dataclass(frozen=True)
class ClippedSquaredError(BoundedLoss):
    r"""$\min(\|\hat x-x\|^2/c,\,1)$ with c = ``ceiling``: for signals of unit norm 1 is the loss of $\hat x=0$.

    Raises:
        InputError: The ceiling is not a positive number.
    """

    ceiling: Number = 1.0
    name: ClassVar[str] = "clipped-squared-error"

    def __post_init__(self) -> None:
        positive_number("ceiling", self.ceiling)

    @property
    def title(self) -> str:
        """LaTeX."""
        over = "" if self.ceiling == 1 else f"/{self.ceiling:g}"
        return rf"$\min(\|\hat x-x\|^2{over},1)$"

    def values(self, codes: Codes, truth: Truth) -> Values:
        """Clipped at 1."""
        return np.minimum(_squared_error(codes, truth) / self.ceiling, 1.0)


@dataclass(frozen=True)
class HalfDistance(BoundedLoss):
    r"""$\tfrac12\|\sigma(\hat x)-x\|$, $\sigma$ the projection on the unit ball, for $\|x\|\le1$: 1/2-Lipschitz.

    Raises:
        InputError: On evaluation, a signal whose norm exceeds 1 (by more than rounding).
    """

    name: ClassVar[str] = "half-distance"

    @property
    def title(self) -> str:
        """LaTeX."""
        return r"$\frac{1}{2}\|\sigma(\hat x)-x\|$"

    def values(self, codes: Codes, truth: Truth) -> Values:
        """At most 1."""
        largest = float(np.linalg.norm(truth, axis=-1).max())
        if largest > 1 + 1e-12:
            raise InputError(
                f"A signal of norm {largest:g} under the half distance",
                "Use signals in the unit ball, such as UnitNorm",
            )
        size = np.linalg.norm(codes, axis=-1, keepdims=True)
        projected = codes / np.maximum(size, 1.0)
        return np.minimum(np.sqrt(_squared_error(projected, truth)) / 2, 1.0)


def _squared_error(codes: Codes, truth: Truth) -> Values:
    with np.errstate(invalid="ignore", over="ignore"):
        return ((codes - truth) ** 2).sum(axis=-1)


BOUNDED_LOSSES: dict[str, type[BoundedLoss]] = {
    loss.name: loss for loss in (Failure, ClippedSquaredError, HalfDistance)
}


def bounded_loss_from_recipe(recipe: Mapping[str, Any]) -> BoundedLoss:
    """The loss that ``recipe()`` came from.

    Raises:
        InputError: The name or an option is unknown, or an option is invalid.
    """
    options = dict(recipe)
    name = options.pop("loss", None)
    if name not in BOUNDED_LOSSES:
        raise InputError(f"There is no bounded loss {name!r}", f"Choose one of {', '.join(sorted(BOUNDED_LOSSES))}")
    try:
        return BOUNDED_LOSSES[name](**options)
    except TypeError as error:
        raise InputError(f"The {name} loss cannot be built: {error}", "Check the names of its options") from error
