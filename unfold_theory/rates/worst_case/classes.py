r"""Classes of functions and operators, through the inequalities that a finite set of their values satisfies.

For functions these are the interpolation inequalities of Taylor, Hendrickx and Glineur (2017, Theorem 4), which are
sufficient too when they hold for all pairs; for curvatures below zero, Rotaru et al. (2024). For averaged operators
they are the definition, sufficient by Kirszbraun's theorem.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unfold_theory.errors import InputError
from unfold_theory.methods import Method

Terms = list[tuple[Any, Any, Any]]
"""A quadratic form as a sum of coefficient * <u, v>."""


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise InputError(f"A {name} of {value!r}", "Pass a number")
    return float(value)


@dataclass(frozen=True)
class FunctionClass:
    r"""$\mathcal F_{\mu,L}$: $f-\frac\mu2\|\cdot\|^2$ is convex, and $\frac L2\|\cdot\|^2-f$ is too where L is finite.

    Args:
        mu: Lower curvature: 0 for convex, positive for strongly, negative for weakly convex.
        L: Upper curvature, infinite for functions without a gradient.

    Raises:
        InputError: A number is NaN, L is not positive, or mu is not below L and finite.
    """

    mu: float = 0.0
    L: float = math.inf

    def __post_init__(self) -> None:
        object.__setattr__(self, "mu", _number("curvature mu", self.mu))
        object.__setattr__(self, "L", _number("curvature L", self.L))
        if self.L <= 0:
            raise InputError(f"A curvature L of {self.L}", "Choose a positive number")
        if self.mu > self.L:
            raise InputError(f"mu = {self.mu} exceeds L = {self.L}", "No function has both curvatures: lower mu")
        if self.mu == self.L or math.isinf(self.mu):
            raise InputError(f"Curvatures mu = {self.mu} and L = {self.L}", "Choose mu finite and below L")
        if self.mu < -self.L:
            raise InputError(f"A lower curvature of {self.mu}, below -L = {-self.L}", "Choose mu from -L up")

    def terms(self, dx: Any, dg: Any, gj: Any) -> Terms:
        r"""The quadratic part q of $f_j-f_i+q\le0$, from $x_i-x_j$, $g_i-g_j$ and $g_j$."""
        parts = [(1.0, gj, dx)]
        if math.isinf(self.L):
            return parts if self.mu == 0 else [*parts, (self.mu / 2, dx, dx)]
        half = 1 / (2 * (1 - self.mu / self.L))
        parts.append((half / self.L, dg, dg))
        if self.mu != 0:
            parts += [(half * self.mu, dx, dx), (-2 * half * self.mu / self.L, dg, dx)]
        return parts

    def lower_bound(self, g: Any) -> Terms:
        r"""The quadratic part of $f_*-f_k+\|g_k\|^2/(2L)\le0$: no value lies below the infimum."""
        return [] if math.isinf(self.L) else [(1 / (2 * self.L), g, g)]


@dataclass(frozen=True)
class OperatorClass:
    r"""Operators T with $\|Tx-Ty\|^2+\frac{1-\theta}{\theta}\|(x-Tx)-(y-Ty)\|^2\le c^2\|x-y\|^2$.

    Args:
        averaged: $\theta\in(0,1]$: 1 for nonexpansive, 1/2 for firmly nonexpansive (resolvents).
        contraction: c > 0; other than 1 only with ``averaged=1``: c-Lipschitz.

    Raises:
        InputError: A number is out of range.
    """

    averaged: float = 1.0
    contraction: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "averaged", _number("constant of averagedness", self.averaged))
        object.__setattr__(self, "contraction", _number("contraction constant", self.contraction))
        if not 0 < self.averaged <= 1:
            raise InputError(f"A constant of averagedness of {self.averaged}", "Choose it in (0, 1]")
        if not 0 < self.contraction < math.inf:
            raise InputError(f"A contraction constant of {self.contraction}", "Choose a positive number")
        if self.contraction != 1 and self.averaged != 1:
            raise InputError("An averaged contraction", "Give one of the two constants")

    def terms(self, dx: Any, dt: Any) -> Terms:
        """The quadratic q of q <= 0, from differences of points and of values."""
        parts = [(1.0, dt, dt), (-(self.contraction**2), dx, dx)]
        if self.averaged < 1:
            parts.append(((1 - self.averaged) / self.averaged, dx - dt, dx - dt))
        return parts


def smooth_convex(L: float = 1.0) -> FunctionClass:
    r"""$\mathcal F_{0,L}$."""
    return FunctionClass(0.0, L)


def strongly_convex(mu: float, L: float = math.inf) -> FunctionClass:
    r"""$\mathcal F_{\mu,L}$."""
    return FunctionClass(mu, L)


def convex() -> FunctionClass:
    r"""$\mathcal F_{0,\infty}$: closed, convex, proper."""
    return FunctionClass()


def weakly_convex(rho: float, L: float = math.inf) -> FunctionClass:
    r"""$\mathcal F_{-\rho,L}$: adding $\frac\rho2\|\cdot\|^2$ makes it convex."""
    return FunctionClass(-_number("weak convexity rho", rho), L)


def smooth_nonconvex(L: float = 1.0) -> FunctionClass:
    r"""$\mathcal F_{-L,L}$: gradients are L-Lipschitz."""
    return FunctionClass(-_number("curvature L", L), L)


def averaged(theta: float) -> OperatorClass:
    r"""$\theta$-averaged operators."""
    return OperatorClass(averaged=theta)


def nonexpansive() -> OperatorClass:
    """Nonexpansive operators."""
    return OperatorClass()


def lipschitz(constant: float) -> OperatorClass:
    """Operators with a Lipschitz constant."""
    return OperatorClass(contraction=constant)


Components = Mapping[str, FunctionClass | OperatorClass]


def components(method: Method, classes: Any) -> dict[str, Any]:
    """The class of each component of a method.

    Args:
        method: The method.
        classes: A class for its only component, one for each in order, or a mapping from their names.

    Raises:
        InputError: They do not fit the method.
    """
    names = method.components
    if isinstance(classes, FunctionClass | OperatorClass):
        classes = (classes,)
    given = dict(classes) if isinstance(classes, Mapping) else dict(zip(names, classes, strict=False))
    if set(given) != set(names) or (not isinstance(classes, Mapping) and len(classes) != len(names)):
        raise InputError(
            f"{len(classes)} classes for {method.title}", f"Give one for each of its components: {', '.join(names)}"
        )
    wanted = OperatorClass if method.operators else FunctionClass
    for name in names:
        if not isinstance(given[name], wanted):
            kind = "an operator" if method.operators else "a function"
            raise InputError(f"{name} of {method.title} is {kind}, not a {type(given[name]).__name__}", "Change it")
    return {name: given[name] for name in names}
