"""A method's questions, answered by a test function: how methods are run and replayed."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float64

from unfold_theory.errors import MissingStructure
from unfold_theory.problems.functions import TestFunction

Number = float | int


class FunctionOracle:
    """Answers a method's questions from a test function; positions are relative to its minimiser.

    Args:
        function: The function.
        start: Starting point, absolute.
        error_sign: Errors that a method allows are this times the largest allowed multiple of the reference:
            -1 shortens the step, 1 lengthens it.
    """

    def __init__(self, function: TestFunction, start: Float64[np.ndarray, " d"], error_sign: Number = -1.0):
        self.function, self.start, self.error_sign = function, start, error_sign
        self._origin = function.minimizer

    def initial(self, name: str = "x") -> np.ndarray:
        """The starting point; only methods that start from one x can be run on a function alone."""
        if name != "x":
            raise MissingStructure("A method with dual variables", "a run on a test function", "a starting point x")
        return self.start - self._origin

    def gradient(self, component: str, point: np.ndarray) -> np.ndarray:
        """The gradient of the smooth part."""
        if component != "f":
            raise MissingStructure("A test function", f"the (sub)gradient of {component}", "one of its own")
        return self.function.gradient(self._origin + point)

    def prox(self, component: str, point: np.ndarray, step: Any) -> np.ndarray:
        """The subgradient at the proximal point; f has one where it is the nonsmooth part alone."""
        if component != "g" and not (component == "f" and self.function.lipschitz == 0):
            raise MissingStructure("A test function", f"the proximal map of {component}", "one of its own")
        after = self.function.prox(self._origin + point, float(step)) - self._origin
        return (point - after) / float(step)

    def error(self, reference: np.ndarray, relative: Any) -> np.ndarray:
        """An error of the largest allowed size along the reference."""
        return self.error_sign * float(relative) * reference
