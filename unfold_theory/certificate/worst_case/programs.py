r"""The methods as programs over exact vectors; what certificates mean by their names.

A program asks its oracle for starting points and for (sub)gradients. ``known`` is what an earlier step evaluated and
this one still speaks of. Everything is measured from the solution, and for sums f + g the functions are those with
$\nabla f(x^*)=0$ (a linear function moves from one to the other, which changes neither sums nor classes).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from flint import fmpq


class Vector(dict[int, fmpq]):
    """A sparse vector in the coordinates of the answers so far."""

    def plus(self, other: Vector, factor: fmpq | int = 1) -> Vector:
        """``self + factor * other``."""
        made = Vector(self)
        for i, value in other.items():
            total = made.get(i, _ZERO) + factor * value
            if total == 0:
                made.pop(i, None)
            else:
                made[i] = total
        return made

    def times(self, factor: fmpq | int) -> Vector:
        """``factor * self``."""
        return Vector({i: factor * value for i, value in self.items()} if factor != 0 else {})


_ZERO = fmpq(0)


class Evaluation(NamedTuple):
    """A component's value and (sub)gradient at a point; evaluations of each component are counted from 0."""

    component: str
    number: int
    point: Vector
    gradient: Vector


class Oracle:
    """Hands out coordinates, and remembers what was evaluated."""

    def __init__(self, counts: dict[str, int]):
        self.counts = dict(counts)
        self.size = 0
        self.evaluations: list[Evaluation] = []
        self.errors: list[tuple[int, Vector, Vector, fmpq]] = []

    def new(self) -> Vector:
        """A vector that nothing is known of."""
        self.size += 1
        return Vector({self.size - 1: fmpq(1)})

    def gradient(self, component: str, point: Vector) -> Vector:
        """The gradient of a component at a point."""
        g = self.new()
        self._record(component, point, g)
        return g

    def prox(self, component: str, point: Vector, step: fmpq) -> tuple[Vector, Vector]:
        """The point where a proximal map leads, and its subgradient there."""
        s = self.new()
        after = point.plus(s, -step)
        self._record(component, after, s)
        return after, s

    def _record(self, component: str, point: Vector, gradient: Vector) -> None:
        number = self.counts.get(component, 0)
        self.counts[component] = number + 1
        self.evaluations.append(Evaluation(component, number, point, gradient))


class Program:
    """One method; a state is a list of vectors, its coordinates first where a step is read on its own.

    Args:
        parameters: Exact numbers by name.
        depth: K.
    """

    width: int
    """Length of the state between two steps."""

    def __init__(self, parameters: dict[str, Sequence[fmpq]], depth: int):
        self.parameters, self.depth = parameters, depth
        self.steps = parameters.get("steps", [])

    def start(self, oracle: Oracle) -> list[Vector]:
        """The state before the first step."""
        x = oracle.new()
        return [x, oracle.gradient("f", x)]

    def step(self, k: int, state: list[Vector], oracle: Oracle) -> list[Vector]:
        """The state after step k."""
        raise NotImplementedError

    def known(self, k: int, state: list[Vector]) -> list[tuple[str, Vector, Vector]]:
        """The last evaluation of each component before step k >= 1, in terms of the state."""
        return [("f", state[0], state[1])]

    def start_point(self, state: list[Vector]) -> Vector:
        """Whose distance is measured."""
        return state[0]

    def residual(self, k: int, state: list[Vector]) -> Vector:
        """The (sub)gradient of the objective at the iterate before step k."""
        return state[1]


class GradientDescent(Program):
    """x+ = x - t f'(x)."""

    width = 2

    def step(self, k: int, state: list[Vector], oracle: Oracle) -> list[Vector]:
        """One step."""
        x = state[0].plus(state[1], -self.steps[k])
        return [x, oracle.gradient("f", x)]


class InexactGradientDescent(Program):
    """x+ = x - t (f'(x) + e), |e| <= delta |f'(x)|."""

    width = 2

    def step(self, k: int, state: list[Vector], oracle: Oracle) -> list[Vector]:
        """One step."""
        x, g = state
        e = oracle.new()
        oracle.errors.append((k, e, g, self.parameters["errors"][k]))
        x = x.plus(g.plus(e), -self.steps[k])
        return [x, oracle.gradient("f", x)]


class HeavyBall(Program):
    """x+ = x - t f'(x) + b (x - x_before), where the first step has no before."""

    width = 3

    def step(self, k: int, state: list[Vector], oracle: Oracle) -> list[Vector]:
        """One step."""
        x, g = state[:2]
        after = x.plus(g, -self.steps[k])
        if k > 0:
            after = after.plus(x.plus(state[2], -1), self.parameters["momenta"][k])
        return [after, oracle.gradient("f", after), x]


class AcceleratedGradient(Program):
    """x+ = y - t f'(y), y+ = x+ + b (x+ - x); y = x at the start, and the output is the last x, not extrapolated."""

    width = 3

    def _extrapolated(self, k: int, x: Vector, before: Vector) -> Vector:
        if k in (0, self.depth):
            return x
        return x.plus(x.plus(before, -1), self.parameters["momenta"][k - 1])

    def step(self, k: int, state: list[Vector], oracle: Oracle) -> list[Vector]:
        """One step."""
        x = state[0]
        after = self.known(k, state)[0][1].plus(state[1], -self.steps[k])
        return [after, oracle.gradient("f", self._extrapolated(k + 1, after, x)), x]

    def known(self, k: int, state: list[Vector]) -> list[tuple[str, Vector, Vector]]:
        """The last evaluations, in terms of the state."""
        return [("f", self._extrapolated(k, state[0], state[-1]), state[1])]


class ProximalGradient(Program):
    """x+ = prox of t g at x - t f'(x)."""

    width = 3

    def step(self, k: int, state: list[Vector], oracle: Oracle) -> list[Vector]:
        """One step."""
        t = self.steps[k]
        x, s = oracle.prox("g", state[0].plus(state[1], -t), t)
        return [x, oracle.gradient("f", x), s]

    def known(self, k: int, state: list[Vector]) -> list[tuple[str, Vector, Vector]]:
        """The last evaluations, in terms of the state."""
        x, g, s = state
        return [("f", x, g), ("g", x, s)]

    def residual(self, k: int, state: list[Vector]) -> Vector:
        """The subgradient of the sum."""
        return state[1].plus(state[2])


class AcceleratedProximalGradient(AcceleratedGradient):
    """x+ = prox of t g at y - t f'(y), y+ = x+ + b (x+ - x); y = x at the start, and the output is the last x."""

    width = 4

    def step(self, k: int, state: list[Vector], oracle: Oracle) -> list[Vector]:
        """One step."""
        x, t = state[0], self.steps[k]
        y = x if k == 0 else self._extrapolated(k, x, state[3])
        after, s = oracle.prox("g", y.plus(state[1], -t), t)
        return [after, oracle.gradient("f", self._extrapolated(k + 1, after, x)), s, x]

    def known(self, k: int, state: list[Vector]) -> list[tuple[str, Vector, Vector]]:
        """The last evaluations, in terms of the state."""
        x, g, s, before = state
        return [("f", self._extrapolated(k, x, before), g), ("g", x, s)]

    def residual(self, k: int, state: list[Vector]) -> Vector:
        """The subgradient of the sum."""
        return state[1].plus(state[2])


class ProximalPoint(Program):
    """x+ = prox of t f at x."""

    width = 2

    def start(self, oracle: Oracle) -> list[Vector]:
        """The state before the first step."""
        return [oracle.new()]

    def step(self, k: int, state: list[Vector], oracle: Oracle) -> list[Vector]:
        """One step."""
        return list(oracle.prox("f", state[0], self.steps[k]))


class DouglasRachford(Program):
    """x = prox of a f at w, y = prox of a g at 2x - w, w+ = w + theta (y - x); the output is the last y.

    The start is measured at the first x; f is evaluated at the output too.
    """

    width = 3

    def _evaluate(self, w: Vector, oracle: Oracle) -> list[Vector]:
        a = self.parameters["penalty"][0]
        x, u = oracle.prox("f", w, a)
        _, v = oracle.prox("g", x.times(2).plus(w, -1), a)
        return [w, u, v]

    def _points(self, state: list[Vector]) -> tuple[Vector, Vector]:
        a, (w, u, v) = self.parameters["penalty"][0], state
        x = w.plus(u, -a)
        return x, x.plus(u.plus(v), -a)

    def start(self, oracle: Oracle) -> list[Vector]:
        """The state before the first step."""
        return self._evaluate(oracle.new(), oracle)

    def step(self, k: int, state: list[Vector], oracle: Oracle) -> list[Vector]:
        """One step."""
        x, y = self._points(state)
        if k == self.depth - 1:
            return [y, oracle.gradient("f", y), state[2]]
        return self._evaluate(state[0].plus(y.plus(x, -1), self.parameters["relaxations"][k]), oracle)

    def known(self, k: int, state: list[Vector]) -> list[tuple[str, Vector, Vector]]:
        """The last evaluations, in terms of the state."""
        x, y = self._points(state)
        return [("f", x, state[1]), ("g", y, state[2])]

    def start_point(self, state: list[Vector]) -> Vector:
        """Where the first proximal map leads."""
        return self._points(state)[0]

    def residual(self, k: int, state: list[Vector]) -> Vector:
        """The subgradient of the sum."""
        return state[1].plus(state[2])


PROGRAMS: dict[str, Any] = {
    "gradient descent": GradientDescent,
    "inexact gradient descent": InexactGradientDescent,
    "heavy ball": HeavyBall,
    "accelerated gradient": AcceleratedGradient,
    "proximal gradient": ProximalGradient,
    "accelerated proximal gradient": AcceleratedProximalGradient,
    "proximal point": ProximalPoint,
    "Douglas-Rachford": DouglasRachford,
}
