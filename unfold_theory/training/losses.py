"""What training minimises."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unfold_theory.errors import InputError
from unfold_theory.networks.base import UnfoldedNetwork


class Loss(ABC):
    """A number to minimise for a network cut after ``depth`` layers.

    Subclasses are frozen dataclasses of JSON-able fields, so that ``loss_from_recipe(loss.recipe())`` equals ``loss``.
    """

    name: ClassVar[str]
    needs_truth: ClassVar[bool]

    @abstractmethod
    def __call__(
        self,
        network: UnfoldedNetwork,
        x: Float[Tensor, "batch n"],
        y: Float[Tensor, "batch m"],
        depth: int,
    ) -> Float[Tensor, ""]:
        """The loss on a batch of codes x (ignored by losses that need no truth) and measurements y."""

    def recipe(self) -> dict[str, Any]:
        """JSON-able fields and name of the loss."""
        fields = asdict(self)  # pyright: ignore[reportArgumentType]
        return {"loss": self.name} | {
            key: list(value) if isinstance(value, tuple) else value for key, value in fields.items()
        }


def _relative_error(code: Tensor, x: Tensor) -> Tensor:
    # The clamp only matters for a batch without a single nonzero entry.
    return (code - x).square().sum() / x.square().sum().clamp_min(torch.finfo(x.dtype).tiny)


def _scaled(value: Tensor, logarithm: bool) -> Tensor:
    # An exact solution has log 0; the floor, far below float32 accuracy, keeps gradients finite.
    return torch.log(value + 1e-14) if logarithm else value


@dataclass(frozen=True)
class Supervised(Loss):
    r"""Relative error of the last layer, $\ell=\sum_i\|x_i^K-x_i^\star\|^2/\sum_i\|x_i^\star\|^2$.

    With ``logarithm`` it is $\log(\ell+10^{-14})$: the same minimisers on one batch, but a gradient that does not
    fade as the error falls over several orders of magnitude. Over many batches it minimises the mean of logarithms,
    which pays less attention to rare hard batches.
    """

    logarithm: bool = False
    name: ClassVar[str] = "supervised"
    needs_truth: ClassVar[bool] = True

    def __call__(
        self,
        network: UnfoldedNetwork,
        x: Float[Tensor, "batch n"],
        y: Float[Tensor, "batch m"],
        depth: int,
    ) -> Float[Tensor, ""]:
        """The loss of ``network(y, depth)`` against x."""
        return _scaled(_relative_error(network(y, depth), x), self.logarithm)


@dataclass(frozen=True)
class IterationWeighted(Loss):
    r"""$\sum_{k=1}^K w_k\ell_k$ with $\ell_k$ the (logarithm of the) relative error after layer k.

    Attributes:
        growth: $w_k\propto\text{growth}^{k-K}$; 1 weighs all layers alike, large values approach the last-layer loss.
        weights: Explicit $w_1,w_2,\dots$, nonnegative, at least as many as layers; normalised over those in use.
        logarithm: Whether $\ell_k$ is replaced by $\log(\ell_k+10^{-14})$, so that deep, accurate layers count too.

    Raises:
        InputError: A weight is negative or not finite, all are 0, or ``growth`` is not positive.
    """

    growth: float = 1.0
    weights: tuple[float, ...] | None = None
    logarithm: bool = False
    name: ClassVar[str] = "iteration-weighted"
    needs_truth: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not (math.isfinite(self.growth) and self.growth > 0):
            raise InputError(f"A weight growth of {self.growth}", "Choose a positive number; 1 weighs all layers alike")
        if self.weights is not None:
            weights = tuple(float(w) for w in self.weights)
            if not all(math.isfinite(w) and w >= 0 for w in weights) or not any(weights):
                raise InputError(f"Layer weights {weights}", "Pass nonnegative, finite numbers that are not all 0")
            object.__setattr__(self, "weights", weights)

    def layer_weights(self, depth: int) -> list[float]:
        r"""$w_1..w_K$ for K = ``depth``, with sum 1.

        Raises:
            InputError: There are fewer explicit weights than layers, or those in use are all 0.
        """
        raw = self.weights or tuple(self.growth ** (k - depth) for k in range(1, depth + 1))
        if len(raw) < depth or not any(raw[:depth]):
            raise InputError(
                f"Layer weights {raw} for a network of {depth} layers", "Pass one weight a layer, not all of them 0"
            )
        return [w / sum(raw[:depth]) for w in raw[:depth]]

    def __call__(
        self,
        network: UnfoldedNetwork,
        x: Float[Tensor, "batch n"],
        y: Float[Tensor, "batch m"],
        depth: int,
    ) -> Float[Tensor, ""]:
        """The weighted loss of ``network.iterates(y, depth)[1:]`` against x."""
        total = y.new_zeros(())
        for weight, code in zip(self.layer_weights(depth), network.iterates(y, depth)[1:], strict=True):
            if weight:
                total = total + weight * _scaled(_relative_error(code, x), self.logarithm)
        return total


@dataclass(frozen=True)
class Objective(Loss):
    r"""Unsupervised: the Lasso objective $F(x)=\tfrac12\|Ax-y\|^2+\lambda\|x\|_1$, relative to $F(0)$.

    $\sum_k w_k\sum_i F_i(x_i^k)/\sum_i F_i(0)$; the published losses of this kind use the last layer.

    Attributes:
        lam: $\lambda>0$.
        growth: As in :class:`IterationWeighted`; None (the default) takes the last layer only.

    Raises:
        InputError: $\lambda$ or ``growth`` is not positive.
    """

    lam: float
    growth: float | None = None
    name: ClassVar[str] = "objective"
    needs_truth: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.lam) and self.lam > 0):
            raise InputError(f"A Lasso weight of {self.lam}", "Choose a positive number")
        if self.growth is not None:
            IterationWeighted(growth=self.growth)

    def __call__(
        self,
        network: UnfoldedNetwork,
        x: Float[Tensor, "batch n"],
        y: Float[Tensor, "batch m"],
        depth: int,
    ) -> Float[Tensor, ""]:
        """The objective along ``network``; x is not looked at."""
        if self.growth is None:
            codes, weights = [network(y, depth)], [1.0]
        else:
            codes = list(network.iterates(y, depth)[1:])
            weights = IterationWeighted(growth=self.growth).layer_weights(depth)
        start = 0.5 * y.square().sum().clamp_min(torch.finfo(y.dtype).tiny)
        total = y.new_zeros(())
        for weight, code in zip(weights, codes, strict=True):
            residual = code @ network.dictionary.T - y
            total = total + weight * (0.5 * residual.square().sum() + self.lam * code.abs().sum()) / start
        return total


LOSSES: dict[str, type[Loss]] = {loss.name: loss for loss in (Supervised, IterationWeighted, Objective)}


def loss_from_recipe(recipe: Mapping[str, Any]) -> Loss:
    """The loss that ``recipe()`` came from.

    Raises:
        InputError: The name or an option is unknown, or an option is invalid.
    """
    options: dict[str, Any] = {key: _restored(value) for key, value in recipe.items()}
    name = options.pop("loss", None)
    if name not in LOSSES:
        raise InputError(f"There is no loss {name!r}", f"Choose one of {', '.join(sorted(LOSSES))}")
    try:
        return LOSSES[name](**options)
    except TypeError as error:
        raise InputError(f"The {name} loss cannot be built: {error}", "Check the names of its options") from error


def _restored(value: Any) -> Any:
    """What JSON made of an option, undone: a list is a tuple, a mapping a loss within a loss."""
    if isinstance(value, Mapping):
        return loss_from_recipe(value)
    return tuple(value) if isinstance(value, list) else value
