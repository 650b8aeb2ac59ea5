"""A setting of algorithmic stability: one training algorithm, run many times on independent samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float64

from unfold_theory.claim.any_setting import AnySetting
from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError


@dataclass(frozen=True)
class DescentConstants:
    r"""What stochastic gradient descent is known to be, for every signal and all weights that it can reach.

    Attributes:
        gradient: G: losses are G-Lipschitz in the weights.
        smoothness: $\beta$: their gradients are $\beta$-Lipschitz.
        convex: Whether losses are convex in the weights.
        steps: $\alpha_t$ of every step, shape (step,); one signal a step, drawn uniformly.
    """

    gradient: float
    smoothness: float
    convex: bool
    steps: Float64[np.ndarray, " step"]


@dataclass(eq=False)
class TrainingSetting(AnySetting):
    r"""D independent trainings on N signals each, and the same with one signal replaced; cells (instant, 1).

    In draw d, $S$ and $S'$ differ in one signal $z_i$, i uniform, which in $S'$ is an independent draw; the algorithm's
    randomness is the same for both.

    Args:
        name: Shown in tables.
        instants: After how many steps the algorithm is looked at, ascending, shape (instant,).
        kept: $\ell(A(S);z_i)$, shape (instant, draw), in [0, 1].
        replaced: $\ell(A(S');z_i)$, likewise.
        gaps: $R(A(S))-\hat R(A(S))$ in each draw, exactly known (a law of finitely many signals), likewise in [-1, 1].
        samples: N.
        descent: What is known of the algorithm.
        delta: Failure probability of everything that is measured, of all instants together.

    Raises:
        InputError: Shapes do not fit, a loss is outside [0, 1], or delta outside (0, 1).
    """

    name: str
    instants: np.ndarray
    kept: Float64[np.ndarray, "instant draw"]
    replaced: Float64[np.ndarray, "instant draw"]
    gaps: Float64[np.ndarray, "instant draw"]
    samples: int
    descent: DescentConstants
    delta: float = 0.01
    _memory: dict[Any, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.instants.ndim != 1 or (np.diff(self.instants) <= 0).any() or self.instants[0] < 1:
            raise InputError("Instants that do not ascend from 1", "Pass numbers of steps in ascending order")
        if self.instants[-1] > len(self.descent.steps):
            raise InputError(f"{len(self.descent.steps)} steps for an instant of {self.instants[-1]}", "Pass all steps")
        for losses, least in ((self.kept, 0.0), (self.replaced, 0.0), (self.gaps, -1.0)):
            if losses.shape != (len(self.instants), self.kept.shape[1]):
                raise InputError(f"Losses of shape {losses.shape}", "Pass one row an instant, one column a draw")
            if not ((losses >= least) & (losses <= 1)).all():
                raise InputError("A loss is NaN or outside [0, 1]", "Bound the loss: clip or rescale it")
        if self.samples < 1 or not 0 < self.delta < 1:
            raise InputError(f"N = {self.samples}, delta = {self.delta}", "Pass N >= 1 and delta in (0, 1)")

    @property
    def shape(self) -> tuple[int, int]:
        """(instants, 1)."""
        return len(self.instants), 1

    @property
    def subject(self) -> str:
        """The algorithm."""
        return "sgd"

    @property
    def title(self) -> str:
        """The algorithm, in words."""
        return "stochastic gradient descent"

    @property
    def place(self) -> str:
        """How often it was run, on how many signals."""
        return f"{self.kept.shape[1]} trainings on {self.samples} signals each"

    @property
    def depth(self) -> Enclosure:
        """1, 2, ..., shape (instant, 1)."""
        return Enclosure.exact(np.arange(1.0, len(self.instants) + 1)[:, None])

    def subset(self, indices: Sequence[int]) -> TrainingSetting:
        """The setting itself: its expectations are one cell an instant.

        Raises:
            InputError: An index is not 0.
        """
        if any(index != 0 for index in indices) or not len(indices):
            raise InputError(f"Samples {list(indices)!r} of an expectation", "It has the one cell 0 at each instant")
        return self

    def recipe(self) -> dict[str, Any]:
        """JSON-able sizes; the draws themselves are the caller's."""
        return {"samples": self.samples, "draws": self.kept.shape[1], "instants": self.instants.tolist()}
