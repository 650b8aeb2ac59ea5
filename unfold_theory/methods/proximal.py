"""Methods that read a function through its proximal map, alone or after a gradient step on another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from unfold_theory.methods.base import Method, Observation, Oracle, Step, Vector, at, set_schedules


def _prox_is_defined(name: str, steps: np.ndarray, mu: float) -> str | None:
    """A proximal map of a rho-weakly convex function is single-valued for steps below 1/rho."""
    above = np.flatnonzero(steps * -mu >= 1)
    return f"step {above[0] + 1} of the proximal map of {name} reaches or exceeds 1/rho" if above.size else None


@dataclass(frozen=True, eq=False)
class ProximalGradient(Method):
    r"""$x^{k+1}=\mathrm{prox}_{t_kg}(x^k-t_k\nabla f(x^k))$ on $F=f+g$ (ISTA where $g=\lambda\|\cdot\|_1$).

    Args:
        steps: $t_k>0$, shape (K,).

    Raises:
        InputError: There is no step, or one is not finite and positive.
    """

    steps: Any

    components: ClassVar[tuple[str, ...]] = ("f", "g")
    parameter_names: ClassVar[tuple[str, ...]] = ("steps",)
    title: ClassVar[str] = "proximal gradient"

    def __post_init__(self) -> None:
        set_schedules(self, steps=("steps", True))

    @property
    def depth(self) -> int:
        """Number of steps."""
        return len(self.steps)

    def start(self, oracle: Oracle, *, values: bool = False) -> tuple[Vector, ...]:
        """The starting point and its gradient; its subgradient too where values are asked for."""
        x = oracle.initial()
        g = oracle.gradient("f", x)
        return (x, g, oracle.gradient("g", x)) if values else (x, g)

    def step(self, k: Step, state: tuple[Vector, ...], oracle: Oracle) -> tuple[Vector, ...]:
        """A gradient step, a proximal step, and the gradient there."""
        x, g = state[:2]
        t = at(self.steps, k)
        forward = x - t * g
        s = oracle.prox("g", forward, t)
        x = forward - t * s
        return x, oracle.gradient("f", x), s

    def kinds(self, k: int) -> str:
        """A point, its gradient and its subgradient."""
        return "xgg"

    def carried(self, k: Step, state: tuple[Vector, ...]) -> list[tuple[str, Vector, Vector]]:
        """Gradient and subgradient at the point."""
        x, g, s = state
        return [("f", x, g), ("g", x, s)]

    def observe(self, k: Step, state: tuple[Vector, ...]) -> Observation:
        """The point and its subgradient of F."""
        return Observation(state[0], state[1] + state[2] if len(state) == 3 else None)

    def finite(self, classes: Any, L: float) -> str | None:
        """Where the proximal map is not defined."""
        return _prox_is_defined("g", self.steps, classes["g"].mu)


def fista_momenta(depth: int) -> np.ndarray:
    r"""$\beta_k=(t_k-1)/t_{k+1}$, $t_0=1$, $t_{k+1}=(1+\sqrt{1+4t_k^2})/2$ (Beck and Teboulle 2009), shape (depth,)."""
    t, momenta = 1.0, []
    for _ in range(depth):
        after = (1 + math.sqrt(1 + 4 * t**2)) / 2
        momenta.append((t - 1) / after)
        t = after
    return np.array(momenta)


@dataclass(frozen=True, eq=False)
class AcceleratedProximalGradient(Method):
    r"""Proximal gradient steps at extrapolated points, $y^0=x^0$ (FISTA for Beck and Teboulle's momenta):

    $x^{k+1}=\mathrm{prox}_{t_kg}(y^k-t_k\nabla f(y^k))$, $y^{k+1}=x^{k+1}+\beta_k(x^{k+1}-x^k)$. The output is $x^K$.

    Args:
        steps: $t_k>0$, shape (K,).
        momenta: $\beta_k$, a number or shape (K,); the last one has no effect.

    Raises:
        InputError: A length does not fit, a number is not finite, or a step is not positive.
    """

    steps: Any
    momenta: Any

    components: ClassVar[tuple[str, ...]] = ("f", "g")
    parameter_names: ClassVar[tuple[str, ...]] = ("steps", "momenta")
    title: ClassVar[str] = "accelerated proximal gradient"

    def __post_init__(self) -> None:
        set_schedules(self, steps=("steps", True), momenta=("momenta", False))

    @property
    def depth(self) -> int:
        """Number of steps."""
        return len(self.steps)

    def start(self, oracle: Oracle, *, values: bool = False) -> tuple[Vector, ...]:
        """The starting point and its gradient; its subgradient too where values are asked for."""
        x = oracle.initial()
        g = oracle.gradient("f", x)
        return (x, g, oracle.gradient("g", x)) if values else (x, g)

    def _extrapolated(self, k: Step, state: Any) -> Vector:
        """Where step k takes its gradient."""
        plain = len(state) < 4 or self.is_last(k - 1)
        if plain:
            return state[0]
        return state[0] + at(self.momenta, k - 1) * (state[0] - state[3])

    def step(self, k: Step, state: tuple[Vector, ...], oracle: Oracle) -> tuple[Vector, ...]:
        """A proximal gradient step at the extrapolated point, and the gradient at the next one."""
        x, g = state[:2]
        t = at(self.steps, k)
        forward = self._extrapolated(k, state) - t * g
        s = oracle.prox("g", forward, t)
        after = forward - t * s
        # The next point is spanned by the last two iterates also where the momentum is zero.
        onward = self._extrapolated(k + 1, (after, g, s, x))
        return after, oracle.gradient("f", onward), s, x

    def kinds(self, k: int) -> str:
        """The last iterate, the gradient at the extrapolated point, the subgradient, and the iterate before."""
        return "xggx"

    def carried(self, k: Step, state: tuple[Vector, ...]) -> list[tuple[str, Vector, Vector]]:
        """The gradient at the extrapolated point, the subgradient at the last iterate."""
        x, g, s, _ = state
        return [("f", self._extrapolated(k, state), g), ("g", x, s)]

    def observe(self, k: Step, state: tuple[Vector, ...]) -> Observation:
        """The last iterate; of the output, its subgradient of F."""
        known = len(state)
        output = known == 3 or (known == 4 and self.is_last(k - 1))
        return Observation(state[0], state[1] + state[2] if output else None)

    def finite(self, classes: Any, L: float) -> str | None:
        """Where the proximal map is not defined."""
        return _prox_is_defined("g", self.steps, classes["g"].mu)


@dataclass(frozen=True, eq=False)
class ProximalPoint(Method):
    r"""$x^{k+1}=\mathrm{prox}_{t_kf}(y^k)$, $y^{k+1}=x^{k+1}+\beta_k(x^{k+1}-x^k)+\gamma_k(x^{k+1}-y^k)$, $y^0=x^0$.

    Args:
        steps: $t_k>0$, shape (K,).
        momenta: $\beta_k$, a number or shape (K,); the last one has no effect. None by default.
        corrections: $\gamma_k$, likewise.

    Raises:
        InputError: A length does not fit, a number is not finite, or a step is not positive.
    """

    steps: Any
    momenta: Any = 0.0
    corrections: Any = 0.0

    components: ClassVar[tuple[str, ...]] = ("f",)
    parameter_names: ClassVar[tuple[str, ...]] = ("steps", "momenta", "corrections")
    title: ClassVar[str] = "proximal point"

    def __post_init__(self) -> None:
        set_schedules(self, steps=("steps", True), momenta=("momenta", False), corrections=("corrections", False))

    @property
    def depth(self) -> int:
        """Number of steps."""
        return len(self.steps)

    @property
    def inactive(self) -> tuple[str, ...]:
        """Momenta and corrections, where all are zero."""
        return ("momenta", "corrections") if self._plain else ()

    @property
    def _plain(self) -> bool:
        return not (np.any(self.momenta) or np.any(self.corrections))

    def start(self, oracle: Oracle, *, values: bool = False) -> tuple[Vector, ...]:
        """The starting point; its subgradient too where values are asked for."""
        x = oracle.initial()
        start = (x,) if self._plain else (x, x)
        return (*start, oracle.gradient("f", x)) if values else start

    def step(self, k: Step, state: tuple[Vector, ...], oracle: Oracle) -> tuple[Vector, ...]:
        """A proximal step, then the next extrapolation."""
        y, x = state[0], state[0] if self._plain else state[1]
        t = at(self.steps, k)
        s = oracle.prox("f", y, t)
        after = y - t * s
        if self._plain:
            return after, s
        if self.is_last(k):
            return after, after, s
        onward = after + at(self.momenta, k) * (after - x) + at(self.corrections, k) * (after - y)
        return onward, after, s

    def kinds(self, k: int) -> str:
        """The point of the next step, the last iterate where it differs, and its subgradient."""
        return "xg" if self._plain else "xxg"

    def carried(self, k: Step, state: tuple[Vector, ...]) -> list[tuple[str, Vector, Vector]]:
        """The subgradient at the last iterate."""
        return [("f", state[-2], state[-1])]

    def observe(self, k: Step, state: tuple[Vector, ...]) -> Observation:
        """The last iterate and its subgradient."""
        if len(state) == (1 if self._plain else 2):
            return Observation(state[0], None)
        return Observation(state[-2], state[-1])

    def finite(self, classes: Any, L: float) -> str | None:
        """Where the proximal map is not defined."""
        return _prox_is_defined("f", self.steps, classes["f"].mu)
