"""A setting of a first-order method: K steps with given parameters on functions with known minimisers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float64

from unfold_theory.claim.any_setting import AnySetting
from unfold_theory.claim.setting import ITERATE_RESIDUAL
from unfold_theory.enclosure import Basis, Enclosure
from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.methods import FunctionOracle, Method
from unfold_theory.problems.functions import TestFunction

Number = float | int


class MethodSetting(AnySetting):
    r"""A first-order method on functions of one class: what claims on worst-case rates are read from.

    Measured quantities have shape (depth, sample), a sample being a function with a starting point; row k is the
    iterate after k + 1 steps. Test functions attain the rates that random data never come near.

    Args:
        method: K steps with given parameters.
        functions: The samples' functions.
        starts: Their starting points, absolute.
        lipschitz: L of the class; the largest among the functions by default.
        curvature: $\mu$ of the class; the smallest among the functions by default.
        name: Shown in tables.

    Raises:
        InputError: Numbers or dimensions do not fit, a function lies outside the class, or a start is not finite.
    """

    method: Method
    functions: tuple[TestFunction, ...]
    starts: tuple[Float64[np.ndarray, " d"], ...]

    def __init__(
        self,
        method: Method,
        functions: Sequence[TestFunction],
        starts: Sequence[Float64[np.ndarray, " d"]],
        *,
        lipschitz: Number | None = None,
        curvature: Number | None = None,
        name: str | None = None,
    ):
        if not functions or len(functions) != len(starts):
            raise InputError(f"{len(functions)} functions and {len(starts)} starting points", "Give one start each")
        self.method, self.functions = method, tuple(functions)
        self.starts = tuple(np.array(start, dtype=np.float64) for start in starts)
        for function, start in zip(self.functions, self.starts, strict=True):
            if start.shape != (function.dimension,) or not np.isfinite(start).all():
                raise InputError(
                    f"A start of shape {start.shape} for a function of {function.dimension} variables",
                    "Pass a finite vector of that length",
                )
        own = max(f.lipschitz for f in functions), min(f.curvature for f in functions)
        self._constants = own[0] if lipschitz is None else lipschitz, own[1] if curvature is None else curvature
        if self._constants[0] < own[0] or self._constants[1] > own[1] or not self._constants[0] > 0:
            raise InputError(
                f"Curvatures in [{own[1]:g}, {own[0]:g}] are not all in the class [{self._constants[1]:g}, "
                f"{self._constants[0]:g}]",
                "Widen the class, L > 0",
            )
        self.name = name or method.title
        self._memory = {}

    @property
    def subject(self) -> str:
        """The method's title."""
        return self.method.title

    @property
    def title(self) -> str:
        """The method's title."""
        return self.method.title

    @property
    def place(self) -> str:
        """The class, and how many functions of it."""
        kind = "composite functions, curvature of the smooth part" if self.composite else "functions, curvature"
        return f"{len(self.functions)} {kind} in [{self._constants[1]:g}, {self._constants[0]:g}]"

    @property
    def shape(self) -> tuple[int, int]:
        """(K, N): steps and samples."""
        return self.method.depth, len(self.functions)

    @property
    def depth(self) -> Enclosure:
        """1, ..., K, shape (depth, 1)."""
        return Enclosure.exact(np.arange(1, self.method.depth + 1, dtype=np.float64)[:, None])

    @property
    def lipschitz(self) -> Enclosure:
        """L of the class, shape ()."""
        return Enclosure.exact(float(self._constants[0]))

    @property
    def curvature(self) -> Enclosure:
        r"""$\mu$ of the class, shape ()."""
        return Enclosure.exact(float(self._constants[1]))

    @property
    def composite(self) -> bool:
        """Whether some function has a nonsmooth part."""
        return any(function.composite for function in self.functions)

    def subset(self, indices: Sequence[int]) -> MethodSetting:
        """The same setting on some samples; the class stays."""
        return MethodSetting(
            self.method,
            [self.functions[i] for i in indices],
            [self.starts[i] for i in indices],
            lipschitz=self._constants[0],
            curvature=self._constants[1],
            name=self.name,
        )

    # -- what is measured ------------------------------------------------------------------------------------------
    @cached_property
    def iterates(self) -> list[Float64[np.ndarray, "iterate d"]]:
        """The iterates 0, ..., K on each sample.

        Raises:
            MissingStructure: The method cannot be run on a function alone, or diverges beyond float64.
        """
        runs = []
        for function, start in zip(self.functions, self.starts, strict=True):
            oracle = FunctionOracle(function, start)
            state = self.method.start(oracle)
            points = [self.method.observe(0, state).point]
            for k in range(self.method.depth):
                state = self.method.step(k, state, oracle)
                points.append(self.method.observe(k + 1, state).point)
            run = np.stack(points) + function.minimizer
            if not np.isfinite(run).all():
                raise MissingStructure(self.name, "a claim on its iterates", "finite iterates", "Look at its steps")
            runs.append(run)
        return runs

    def _measured(self, read: Callable[[TestFunction, np.ndarray], float], scale: Callable[[int], float]) -> Enclosure:
        """A quantity at every iterate, shape (K + 1, sample), with what float64 is allowed."""
        columns, slack = [], []
        for i, (function, run) in enumerate(zip(self.functions, self.iterates, strict=True)):
            columns.append([read(function, x) for x in run])
            slack.append(ITERATE_RESIDUAL * scale(i))
        values = np.array(columns).T
        residual = np.broadcast_to(np.array(slack), values.shape)
        return Enclosure(np.maximum(values - residual, 0.0), values + residual, Basis.NUMERICAL)

    def _size(self, i: int) -> float:
        """The largest value or quadratic model that rounding acts on."""
        function, run = self.functions[i], self.iterates[i]
        reach = float(np.max(np.sum((run - function.minimizer) ** 2, axis=1)))
        values = max(abs(function.value(x)) for x in run)
        return abs(function.minimum) + values + 0.5 * float(self._constants[0]) * reach

    @cached_property
    def _gaps(self) -> Enclosure:
        return self._measured(lambda f, x: f.value(x) - f.minimum, self._size)

    @cached_property
    def _distances(self) -> Enclosure:
        return self._measured(
            lambda f, x: float(np.linalg.norm(x - f.minimizer)),
            lambda i: float(np.abs(self.iterates[i]).max() + np.abs(self.functions[i].minimizer).max()),
        )

    @cached_property
    def gradient_norms(self) -> Enclosure:
        r"""$\|\nabla f(x_k)\|$ for k = 0, ..., K, shape (K + 1, sample).

        Raises:
            MissingStructure: A function has a nonsmooth part.
        """
        if self.composite:
            raise MissingStructure(self.name, "a claim on the gradient's norm", "a smooth objective")
        return self._measured(
            lambda f, x: float(np.linalg.norm(f.gradient(x))),
            lambda i: (
                float(self._constants[0]) * float(np.abs(self.iterates[i] - self.functions[i].minimizer).max())
                + float(np.linalg.norm(self.functions[i].gradient(self.starts[i])))
            ),
        )

    @property
    def objective_gap(self) -> Enclosure:
        r"""$F(x_k)-F^\star$, k = 1, ..., K, shape (depth, sample)."""
        return self._gaps[1:]

    @property
    def gap_allowance(self) -> Enclosure:
        """Twice the residual of a gap, shape (sample,): with it a rate that is attained is decided."""
        residual = np.array([2 * ITERATE_RESIDUAL * self._size(i) for i in range(len(self.functions))])
        return Enclosure.exact(residual).with_basis(Basis.NUMERICAL)

    @property
    def initial_gap(self) -> Enclosure:
        r"""$F(x_0)-F^\star$, shape (sample,)."""
        return self._gaps[0]

    @property
    def distance(self) -> Enclosure:
        r"""$\|x_k-x^\star\|$, k = 1, ..., K, shape (depth, sample)."""
        return self._distances[1:]

    @property
    def initial_distance(self) -> Enclosure:
        r"""$\|x_0-x^\star\|$, shape (sample,)."""
        return self._distances[0]

    def recipe(self) -> dict[str, Any]:
        """JSON-able: method, functions and starting points."""
        parameters = {name: np.asarray(values).tolist() for name, values in self.method.parameters.items()}
        return {
            "method": {"kind": type(self.method).__name__, **parameters},
            "functions": [function.recipe() for function in self.functions],
            "starts": [start.tolist() for start in self.starts],
            "L": self._constants[0],
            "mu": self._constants[1],
        }
