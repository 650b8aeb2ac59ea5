"""Methods that read two functions through their proximal maps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from unfold_theory.methods.base import Method, Observation, Oracle, Step, Vector, at, set_schedules
from unfold_theory.methods.proximal import _prox_is_defined


@dataclass(frozen=True, eq=False)
class DouglasRachford(Method):
    r"""$x^k=\mathrm{prox}_{\alpha f}(w^k)$, $y^k=\mathrm{prox}_{\alpha g}(2x^k-w^k)$, $w^{k+1}=w^k+\theta_k(y^k-x^k)$.

    The solution $w^*=x^*+\alpha\nabla f(x^*)$ is at the origin, and the start is measured at $x^0$ (at $w^0$ without
    ``shadow``). The output is $y^{K-1}$, where f is
    evaluated too, or $w^K$ (``shadow=False``), for contraction of the governing sequence.

    Args:
        relaxations: $\theta_k$, shape (K,).
        penalty: $\alpha>0$, the same in all steps.
        shadow: Whether the output is y.

    Raises:
        InputError: There is no step, a number is not finite, or the penalty is not positive.
    """

    relaxations: Any
    penalty: Any = 1.0
    shadow: bool = True

    components: ClassVar[tuple[str, ...]] = ("f", "g")
    parameter_names: ClassVar[tuple[str, ...]] = ("relaxations", "penalty")
    title: ClassVar[str] = "Douglas-Rachford"

    def __post_init__(self) -> None:
        set_schedules(self, relaxations=("relaxations", False))
        set_schedules(self, 1, penalty=("penalties", True))

    @property
    def depth(self) -> int:
        """Number of steps."""
        return len(self.relaxations)

    def _points(self, w: Vector, u: Vector, v: Vector) -> tuple[Vector, Vector]:
        a = self.penalty[0]
        x = w - a * u
        return x, x - a * u - a * v

    def _evaluate(self, w: Vector, oracle: Oracle) -> tuple[Vector, Vector, Vector]:
        a = self.penalty[0]
        u = oracle.prox("f", w, a)
        x = w - a * u
        return w, u, oracle.prox("g", 2 * x - w, a)

    def start(self, oracle: Oracle, *, values: bool = False) -> tuple[Vector, ...]:
        """w and what the two proximal maps make of it."""
        return self._evaluate(oracle.initial("w"), oracle)

    def step(self, k: Step, state: tuple[Vector, ...], oracle: Oracle) -> tuple[Vector, ...]:
        """The relaxed step, and the proximal maps of the next; the last one evaluates f at y instead."""
        w, u, v = state
        x, y = self._points(w, u, v)
        if self.is_last(k) and self.shadow:
            return y, oracle.gradient("f", y), v
        return self._evaluate(w + at(self.relaxations, k) * (y - x), oracle)

    def kinds(self, k: int) -> str:
        """w and the two subgradients."""
        return "xgg"

    def carried(self, k: Step, state: tuple[Vector, ...]) -> list[tuple[str, Vector, Vector]]:
        """f at x, g at y."""
        w, u, v = state
        x, y = self._points(w, u, v)
        return [("f", x, u), ("g", y, v)]

    def observe(self, k: Step, state: tuple[Vector, ...]) -> Observation:
        """x of the first step at the start (as distances are published), w, or the output y."""
        w, u, v = state
        if self.is_last(k - 1) and self.shadow:
            return Observation(w, u + v)
        x, y = self._points(w, u, v)
        return Observation(x if self.shadow else w, x - y)

    def finite(self, classes: Any, L: float) -> str | None:
        """Where a proximal map is not defined."""
        reasons = [_prox_is_defined(name, self.penalty, classes[name].mu) for name in self.components]
        return next((reason for reason in reasons if reason), None)


@dataclass(frozen=True, eq=False)
class Admm(Method):
    r"""Relaxed ADMM on $f(x)+g(z)$, $x=z$, with a penalty $\rho_k$ and a relaxation $\alpha_k$ for each step:

    $x^{k+1}=\mathrm{prox}_{f/\rho_k}(z^k-\nu^k/\rho_k)$, $\hat x=\alpha_kx^{k+1}+(1-\alpha_k)z^k$,
    $z^{k+1}=\mathrm{prox}_{g/\rho_k}(\hat x+\nu^k/\rho_k)$, $\nu^{k+1}=\nu^k+\rho_k(\hat x-z^{k+1})$.

    The squared distance of the start is $\|z^0-z^*\|^2+\|\nu^0-\nu^*\|^2/\rho_0^2$; the output is $z^K$, where f is
    evaluated too.

    Args:
        penalties: $\rho_k>0$, shape (K,).
        relaxations: $\alpha_k$, a number or shape (K,).

    Raises:
        InputError: A length does not fit, a number is not finite, or a penalty is not positive.
    """

    penalties: Any
    relaxations: Any = 1.0

    components: ClassVar[tuple[str, ...]] = ("f", "g")
    parameter_names: ClassVar[tuple[str, ...]] = ("penalties", "relaxations")
    title: ClassVar[str] = "ADMM"

    def __post_init__(self) -> None:
        set_schedules(self, penalties=("penalties", True), relaxations=("relaxations", False))

    @property
    def depth(self) -> int:
        """Number of steps."""
        return len(self.penalties)

    def start(self, oracle: Oracle, *, values: bool = False) -> tuple[Vector, ...]:
        """z and the multiplier, in units of a gradient."""
        return oracle.initial("z"), oracle.initial("nu")

    def step(self, k: Step, state: tuple[Vector, ...], oracle: Oracle) -> tuple[Vector, ...]:
        """Both proximal maps and the multiplier; after the last, f is evaluated at z."""
        z, nu = state[:2]
        rho, alpha = at(self.penalties, k), at(self.relaxations, k)
        before = z - nu / rho
        u = oracle.prox("f", before, 1 / rho)
        x = before - u / rho
        relaxed = alpha * x + (1 - alpha) * z
        s = oracle.prox("g", relaxed + nu / rho, 1 / rho)
        after = relaxed + nu / rho - s / rho
        if self.is_last(k):
            return after, s, oracle.gradient("f", after), after
        return after, s, u, x

    def kinds(self, k: int) -> str:
        """z, its subgradient (the multiplier), and x with its subgradient."""
        return "xggx"

    def carried(self, k: Step, state: tuple[Vector, ...]) -> list[tuple[str, Vector, Vector]]:
        """f at x, g at z."""
        z, s, u, x = state
        return [("f", x, u), ("g", z, s)]

    def observe(self, k: Step, state: tuple[Vector, ...]) -> Observation:
        """z and the multiplier at the start; z and, at the output, its subgradient of F."""
        if len(state) == 2:
            return Observation(state[0], None, (state[1] / self.penalties[0],))
        return Observation(state[0], state[1] + state[2] if self.is_last(k - 1) else None)

    def finite(self, classes: Any, L: float) -> str | None:
        """Where a proximal map is not defined."""
        reasons = [_prox_is_defined(name, 1 / self.penalties, classes[name].mu) for name in self.components]
        return next((reason for reason in reasons if reason), None)
