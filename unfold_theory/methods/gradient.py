"""Methods that read one smooth function through its gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from unfold_theory.methods.base import Method, Observation, Oracle, Step, Vector, at, set_schedules


def _first_above(steps: np.ndarray, limit: float) -> int | None:
    above = np.flatnonzero(steps >= limit)
    return int(above[0]) + 1 if above.size else None


@dataclass(frozen=True, eq=False)
class GradientDescent(Method):
    r"""$x^{k+1}=x^k-t_k\nabla f(x^k)$.

    Args:
        steps: $t_k$, shape (K,).

    Raises:
        InputError: There is no step, or one is not finite.
    """

    steps: Any

    components: ClassVar[tuple[str, ...]] = ("f",)
    parameter_names: ClassVar[tuple[str, ...]] = ("steps",)
    title: ClassVar[str] = "gradient descent"

    def __post_init__(self) -> None:
        set_schedules(self, steps=("steps", False))

    @property
    def depth(self) -> int:
        """Number of steps."""
        return len(self.steps)

    def start(self, oracle: Oracle, *, values: bool = False) -> tuple[Vector, ...]:
        """The starting point and its gradient."""
        x = oracle.initial()
        return x, oracle.gradient("f", x)

    def direction(self, k: Step, g: Vector, oracle: Oracle) -> Vector:
        """What the step follows."""
        return g

    def step(self, k: Step, state: tuple[Vector, ...], oracle: Oracle) -> tuple[Vector, ...]:
        """One gradient step, and the gradient there."""
        x, g = state
        x = x - at(self.steps, k) * self.direction(k, g, oracle)
        return x, oracle.gradient("f", x)

    def kinds(self, k: int) -> str:
        """A point and its gradient."""
        return "xg"

    def carried(self, k: Step, state: tuple[Vector, ...]) -> list[tuple[str, Vector, Vector]]:
        """The gradient at the point."""
        return [("f", *state)]

    def observe(self, k: Step, state: tuple[Vector, ...]) -> Observation:
        """The point and its gradient."""
        return Observation(*state)

    def finite(self, classes: Any, L: float) -> str | None:
        """Steps from 2/L on let a nonconvex or decreasing budget grow without end."""
        step = _first_above(self.steps, 2 / L)
        return None if step is None else f"step {step} reaches or exceeds 2/L"


@dataclass(frozen=True, eq=False)
class InexactGradientDescent(GradientDescent):
    r"""$x^{k+1}=x^k-t_k(\nabla f(x^k)+e^k)$ for any $\|e^k\|\le\delta_k\|\nabla f(x^k)\|$ (a clipped correction).

    Args:
        steps: $t_k$, shape (K,).
        errors: $\delta_k\ge 0$, a number or shape (K,).

    Raises:
        InputError: There is no step, a number is not finite, or an error is negative.
    """

    errors: Any = 0.1

    parameter_names: ClassVar[tuple[str, ...]] = ("steps", "errors")
    title: ClassVar[str] = "inexact gradient descent"

    def __post_init__(self) -> None:
        set_schedules(self, steps=("steps", False))
        set_schedules(self, len(self.steps), errors=("relative errors", True))

    def direction(self, k: Step, g: Vector, oracle: Oracle) -> Vector:
        """The gradient and an error."""
        return g + oracle.error(g, at(self.errors, k))


@dataclass(frozen=True, eq=False)
class HeavyBall(Method):
    r"""$x^{k+1}=x^k-t_k\nabla f(x^k)+\beta_k(x^k-x^{k-1})$ with $x^{-1}=x^0$ (Polyak, 1964).

    Args:
        steps: $t_k$, shape (K,).
        momenta: $\beta_k$, a number or shape (K,); $\beta_0$ has no effect.

    Raises:
        InputError: A length does not fit, or a number is not finite.
    """

    steps: Any
    momenta: Any

    components: ClassVar[tuple[str, ...]] = ("f",)
    parameter_names: ClassVar[tuple[str, ...]] = ("steps", "momenta")
    title: ClassVar[str] = "heavy ball"

    def __post_init__(self) -> None:
        set_schedules(self, steps=("steps", False), momenta=("momenta", False))

    @property
    def depth(self) -> int:
        """Number of steps."""
        return len(self.steps)

    def start(self, oracle: Oracle, *, values: bool = False) -> tuple[Vector, ...]:
        """The starting point and its gradient."""
        x = oracle.initial()
        return x, oracle.gradient("f", x)

    def step(self, k: Step, state: tuple[Vector, ...], oracle: Oracle) -> tuple[Vector, ...]:
        """A gradient step and the momentum of the last one."""
        x, g = state[:2]
        after = x - at(self.steps, k) * g
        if len(state) == 3:
            after = after + at(self.momenta, k) * (x - state[2])
        return after, oracle.gradient("f", after), x

    def kinds(self, k: int) -> str:
        """A point, its gradient, and the point before."""
        return "xgx"

    def carried(self, k: Step, state: tuple[Vector, ...]) -> list[tuple[str, Vector, Vector]]:
        """The gradient at the point."""
        return [("f", state[0], state[1])]

    def observe(self, k: Step, state: tuple[Vector, ...]) -> Observation:
        """The point and its gradient."""
        return Observation(state[0], state[1])


@dataclass(frozen=True, eq=False)
class AcceleratedGradient(Method):
    r"""Gradient steps at extrapolated points, $y^0=x^0$:

    $x^{k+1}=y^k-t_k\nabla f(y^k)$, $y^{k+1}=x^{k+1}+\beta_k(x^{k+1}-x^k)+\gamma_k(x^{k+1}-y^k)$.

    With $\gamma=0$ this is Nesterov's method with arbitrary momentum; with $\gamma\ne 0$ it contains the optimised
    gradient method and its relatives (Kim and Fessler, 2016). The output is $x^K$, or $y^K$ with ``extrapolated``.

    Args:
        steps: $t_k$, shape (K,).
        momenta: $\beta_k$, a number or shape (K,).
        corrections: $\gamma_k$, a number or shape (K,).
        extrapolated: Whether the output is extrapolated too; otherwise the last $\beta$ and $\gamma$ have no effect.

    Raises:
        InputError: A length does not fit, or a number is not finite.
    """

    steps: Any
    momenta: Any
    corrections: Any = 0.0
    extrapolated: bool = False

    components: ClassVar[tuple[str, ...]] = ("f",)
    parameter_names: ClassVar[tuple[str, ...]] = ("steps", "momenta", "corrections")
    title: ClassVar[str] = "accelerated gradient"

    def __post_init__(self) -> None:
        set_schedules(self, steps=("steps", False), momenta=("momenta", False), corrections=("corrections", False))

    @property
    def depth(self) -> int:
        """Number of steps."""
        return len(self.steps)

    @property
    def inactive(self) -> tuple[str, ...]:
        """The corrections, where all are zero."""
        return () if self._corrected else ("corrections",)

    @property
    def _corrected(self) -> bool:
        return bool(np.any(self.corrections))

    def start(self, oracle: Oracle, *, values: bool = False) -> tuple[Vector, ...]:
        """The starting point and its gradient."""
        x = oracle.initial()
        return x, oracle.gradient("f", x)

    def _extrapolated(self, k: Step, state: tuple[Vector, ...]) -> Vector:
        """Where step k takes its gradient."""
        if len(state) == 2 or self._corrected or (self.is_last(k - 1) and not self.extrapolated):
            return state[0]
        return state[0] + at(self.momenta, k - 1) * (state[0] - state[2])

    def step(self, k: Step, state: tuple[Vector, ...], oracle: Oracle) -> tuple[Vector, ...]:
        """A gradient step at the extrapolated point, and the gradient at the next one."""
        first, g = state[:2]
        y = self._extrapolated(k, state)
        after = y - at(self.steps, k) * g
        if not self._corrected:
            # The next point is spanned by the last two iterates also where the momentum is zero.
            onward = self._extrapolated(k + 1, (after, g, first))
            return after, oracle.gradient("f", onward), first
        x = state[2] if len(state) == 3 else first
        if self.is_last(k) and not self.extrapolated:
            return after, oracle.gradient("f", after), after
        onward = after + at(self.momenta, k) * (after - x) + at(self.corrections, k) * (after - y)
        return onward, oracle.gradient("f", onward), after

    def kinds(self, k: int) -> str:
        """With corrections: the extrapolated point, its gradient, the last iterate; else the last two iterates."""
        return "xgx"

    def carried(self, k: Step, state: tuple[Vector, ...]) -> list[tuple[str, Vector, Vector]]:
        """The gradient at the extrapolated point."""
        return [("f", self._extrapolated(k, state), state[1])]

    def observe(self, k: Step, state: tuple[Vector, ...]) -> Observation:
        """The extrapolated point and its gradient; of the output after the last step."""
        return Observation(self._extrapolated(k, state), state[1])
