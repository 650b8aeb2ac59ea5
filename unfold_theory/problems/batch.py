"""Signals with the recipe that makes them again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float64

from unfold_theory.errors import InputError


@dataclass(frozen=True, eq=False)
class Batch:
    r"""``count`` signals with $y_i = A x_i + \varepsilon_i$, rows of float64 arrays that cannot be written to.

    Attributes:
        x: Codes $x_i^\star$, shape (count, n).
        y: Measurements, shape (count, m).
        noise: $\varepsilon_i$, shape (count, m); zeros where the problem is noise-free.
        recipe: JSON-able; :func:`unfold_theory.problems.replay` makes the same batch from it.

    Raises:
        InputError: An array holds NaN or infinity, or the numbers of rows differ.
    """

    x: Float64[np.ndarray, "count n"]
    y: Float64[np.ndarray, "count m"]
    noise: Float64[np.ndarray, "count m"]
    recipe: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("x", "y", "noise"):
            array = np.array(getattr(self, name), dtype=np.float64, order="C")
            if array.ndim != 2 or not np.isfinite(array).all():
                raise InputError(
                    f"{name} of a batch, shape {array.shape}, is not a finite array with two axes",
                    "Pass one signal a row, without NaN or infinity",
                )
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        if not len(self.x) == len(self.y) == len(self.noise) or self.y.shape != self.noise.shape:
            raise InputError(
                f"x {self.x.shape}, y {self.y.shape} and noise {self.noise.shape} do not belong together",
                "Pass one row a signal in all three",
            )

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        return f"Batch(count={len(self)}, n={self.x.shape[1]}, m={self.y.shape[1]})"

    def subset(self, indices: Sequence[int] | np.ndarray | slice) -> Batch:
        """The signals at ``indices`` (positions in this batch, a boolean mask or a slice), still replayable.

        Raises:
            InputError: An index lies outside the batch.
        """
        try:
            positions = np.arange(len(self))[indices if isinstance(indices, slice) else np.asarray(indices)]
        except IndexError as error:
            raise InputError(f"An index lies outside a batch of {len(self)} signals", "Count signals from 0") from error
        positions = np.atleast_1d(positions)
        recipe = dict(self.recipe)
        if recipe:
            known = recipe.get("indices") or range(recipe["count"])
            recipe["indices"] = [int(known[i]) for i in positions]
            recipe["count"] = len(positions)
        return Batch(self.x[positions], self.y[positions], self.noise[positions], recipe)
