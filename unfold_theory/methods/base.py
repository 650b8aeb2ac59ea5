r"""What a K-step first-order method with given parameters is: a program over abstract vectors.

The same program is read in several ways: in the coordinates of one step (chain form), of all steps (full pairs), and
with real vectors against a real function (replay). It therefore asks an :class:`Oracle` for everything that depends
on the functions, and only adds and scales what it gets.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from unfold_theory.errors import InputError

Vector = Any
"""Coordinates, shape (p,), or (steps, p) where many steps are read at once; anything that adds and scales."""
Step = Any
"""A layer's index, or an array of them where many steps are read at once."""


@runtime_checkable
class Oracle(Protocol):
    """What a program may ask for; every answer is recorded by who reads it."""

    def initial(self, name: str = "x") -> Vector:
        """A starting point, measured from the solution."""
        ...

    def gradient(self, component: str, point: Vector) -> Vector:
        """A (sub)gradient of a component at a point, or the value of an operator."""
        ...

    def prox(self, component: str, point: Vector, step: Any) -> Vector:
        r"""The subgradient s at $\mathrm{prox}_{t g}(z)=z-ts$."""
        ...

    def error(self, reference: Vector, relative: Any) -> Vector:
        r"""An arbitrary e with $\|e\|\le\delta\|\text{reference}\|$."""
        ...


@dataclasses.dataclass(frozen=True)
class Observation:
    """What can be measured at an iterate.

    Attributes:
        point: Its position, relative to the solution.
        residual: What vanishes at a solution: the (sub)gradient of the objective, or x - T x; None where it is not
            among what was asked for.
        further: Other vectors whose squares belong to the squared distance.
    """

    point: Vector
    residual: Vector
    further: tuple[Vector, ...] = ()


class Method(ABC):
    """K steps of a first-order method with given parameters.

    A subclass is a frozen dataclass whose array fields are its parameters. Its state between two steps is a tuple of
    vectors that are linearly independent for generic answers of the oracle; what was asked of the components before
    and matters for the next step must be expressible by it.

    Attributes:
        components: Names of the functions or operators that the method reads, in the order in which classes are given.
    """

    components: ClassVar[tuple[str, ...]]
    parameter_names: ClassVar[tuple[str, ...]]
    title: ClassVar[str]
    operators: ClassVar[bool] = False
    """Whether the components are operators (fixed points) rather than functions (minimisation)."""

    @property
    @abstractmethod
    def depth(self) -> int:
        """Number of steps K."""

    @abstractmethod
    def start(self, oracle: Oracle, *, values: bool = False) -> tuple[Vector, ...]:
        """The state before step 0; with ``values``, every component was evaluated at the starting point."""

    @abstractmethod
    def step(self, k: Step, state: tuple[Vector, ...], oracle: Oracle) -> tuple[Vector, ...]:
        """Step k, counted from 0. After the last one, every component was last evaluated at the output."""

    @abstractmethod
    def kinds(self, k: int) -> str:
        """The state before step k >= 1, a letter a vector: ``x`` for a position, ``g`` for a gradient."""

    @abstractmethod
    def carried(self, k: Step, state: tuple[Vector, ...]) -> list[tuple[str, Vector, Vector]]:
        """The last evaluation of each component before step k >= 1: component, point, (sub)gradient."""

    @abstractmethod
    def observe(self, k: Step, state: tuple[Vector, ...]) -> Observation:
        """What is measured at the state before step k; of the output for k = K."""

    def finite(self, classes: Any, L: float) -> str | None:
        """Why no finite worst case exists for components of these classes, or None if nothing here says so."""
        return None

    # -- parameters ------------------------------------------------------------------------------------------------
    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """The parameters by name, each of shape (K,)."""
        return {name: getattr(self, name) for name in self.parameter_names}

    @property
    def inactive(self) -> tuple[str, ...]:
        """Parameters that do not act in the method as it is, since its program leaves them out where they are zero."""
        return ()

    def replaced(self, **parameters: Any) -> Method:
        """The same method with other values, taken as they are (for derivatives: complex ones are allowed)."""
        made = object.__new__(type(self))
        for entry in dataclasses.fields(self):  # type: ignore[arg-type]
            object.__setattr__(made, entry.name, parameters.get(entry.name, getattr(self, entry.name)))
        return made

    def is_last(self, k: Step) -> bool:
        """Whether step k is the last one (many steps read at once never contain it)."""
        return bool(np.all(np.asarray(k) == self.depth - 1))

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return False
        fields = [entry.name for entry in dataclasses.fields(self)]  # type: ignore[arg-type]
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in fields)

    def __hash__(self) -> int:
        return hash((type(self), *(array.tobytes() for array in self.parameters.values())))


def at(values: Any, k: Step) -> Any:
    """The parameter of step k: a number, or a column where k is an array of steps."""
    return values[k][:, None] if isinstance(k, np.ndarray) else values[k]


def schedule(what: str, values: Any, length: int | None = None, *, positive: bool = False) -> np.ndarray:
    """A read-only float64 copy of one parameter a step.

    Args:
        what: What it is, for the message.
        values: A sequence of numbers, or one number where ``length`` is given.
        length: The number of steps it has to have.
        positive: Whether only positive numbers make sense.

    Raises:
        InputError: It is empty, of another length, holds NaN or infinity, or a number that is not positive.
    """
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"The {what} are not numbers: {error}", "Pass one number a step") from error
    if array.ndim == 0 and length is not None:
        array = np.full(length, float(array))
    if array.ndim != 1:
        raise InputError(f"The {what} have shape {array.shape}", "Pass one number a step, shape (K,)")
    if array.size == 0:
        raise InputError(f"There are no {what}: a method of N = 0 steps", "Ask for at least one step")
    if length is not None and array.size != length:
        raise InputError(f"There are {array.size} {what} for a method of {length} steps", "Pass one number a step")
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise InputError(f"The {what} hold {array[bad[0]]} in step {bad[0] + 1}", "Pass finite numbers")
    bad = np.flatnonzero(array <= 0)
    if positive and bad.size:
        raise InputError(f"The {what} hold {array[bad[0]]} in step {bad[0] + 1}", "Pass positive numbers")
    array.setflags(write=False)
    return array


def set_schedules(method: Method, length: int | None = None, **entries: tuple[str, bool]) -> None:
    """Check and freeze array fields in ``__post_init__``: name = (what it is, whether it has to be positive)."""
    for name, (what, positive) in entries.items():
        array = schedule(what, getattr(method, name), length, positive=positive)
        length = array.size
        object.__setattr__(method, name, array)
