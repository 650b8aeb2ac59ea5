"""Methods that look for a fixed point of an operator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from unfold_theory.methods.base import Method, Observation, Oracle, Step, Vector, at, set_schedules


@dataclass(frozen=True, eq=False)
class KrasnoselskiiMann(Method):
    r"""$x^{k+1}=(1-a_k)x^k+a_kT x^k$ for an averaged or nonexpansive T (a denoiser as a prior, say).

    Args:
        relaxations: $a_k$, shape (K,).

    Raises:
        InputError: There is no step, or one is not finite.
    """

    relaxations: Any

    components: ClassVar[tuple[str, ...]] = ("T",)
    parameter_names: ClassVar[tuple[str, ...]] = ("relaxations",)
    title: ClassVar[str] = "Krasnoselskii-Mann"
    operators: ClassVar[bool] = True

    def __post_init__(self) -> None:
        set_schedules(self, relaxations=("relaxations", False))

    @property
    def depth(self) -> int:
        """Number of steps."""
        return len(self.relaxations)

    def start(self, oracle: Oracle, *, values: bool = False) -> tuple[Vector, ...]:
        """The starting point and its image."""
        x = oracle.initial()
        return x, oracle.gradient("T", x)

    def step(self, k: Step, state: tuple[Vector, ...], oracle: Oracle) -> tuple[Vector, ...]:
        """One relaxed step, and the image there."""
        x, t = state
        x = x + at(self.relaxations, k) * (t - x)
        return x, oracle.gradient("T", x)

    def kinds(self, k: int) -> str:
        """A point and its image."""
        return "xx"

    def carried(self, k: Step, state: tuple[Vector, ...]) -> list[tuple[str, Vector, Vector]]:
        """The image of the point."""
        return [("T", *state)]

    def observe(self, k: Step, state: tuple[Vector, ...]) -> Observation:
        """The point and x - T x."""
        return Observation(state[0], state[0] - state[1])


@dataclass(frozen=True, eq=False)
class Halpern(Method):
    r"""$x^{k+1}=b_kx^0+(1-b_k)Tx^k$; $b_k=1/(k+2)$ is Lieder's (2021) choice.

    Args:
        anchors: $b_k$, shape (K,).

    Raises:
        InputError: There is no step, or one is not finite.
    """

    anchors: Any

    components: ClassVar[tuple[str, ...]] = ("T",)
    parameter_names: ClassVar[tuple[str, ...]] = ("anchors",)
    title: ClassVar[str] = "Halpern"
    operators: ClassVar[bool] = True

    def __post_init__(self) -> None:
        set_schedules(self, anchors=("anchors", False))

    @property
    def depth(self) -> int:
        """Number of steps."""
        return len(self.anchors)

    def start(self, oracle: Oracle, *, values: bool = False) -> tuple[Vector, ...]:
        """The starting point and its image."""
        x = oracle.initial()
        return x, oracle.gradient("T", x)

    def step(self, k: Step, state: tuple[Vector, ...], oracle: Oracle) -> tuple[Vector, ...]:
        """A step towards the anchor, and the image there."""
        anchor, t = state[-1] if len(state) == 3 else state[0], state[1]
        b = at(self.anchors, k)
        x = b * anchor + (1 - b) * t
        return x, oracle.gradient("T", x), anchor

    def kinds(self, k: int) -> str:
        """A point, its image, and the anchor."""
        return "xxx"

    def carried(self, k: Step, state: tuple[Vector, ...]) -> list[tuple[str, Vector, Vector]]:
        """The image of the point."""
        return [("T", state[0], state[1])]

    def observe(self, k: Step, state: tuple[Vector, ...]) -> Observation:
        """The point and x - T x."""
        return Observation(state[0], state[0] - state[1])
