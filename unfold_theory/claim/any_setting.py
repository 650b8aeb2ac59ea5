"""What every setting has: the verifier needs no more."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar, get_args, get_type_hints

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import MissingStructure

T = TypeVar("T")


class AnySetting(ABC):
    """What hypotheses and conclusions are read from: cells (depth, sample), and measurements that are shared.

    A claim says by the annotation of its parameter which kinds it can be read on; on others it is not applicable.

    Attributes:
        name: Shown in tables.
    """

    name: str
    _memory: dict[Callable[[Any], Any], Any]

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """(K, N): depth and samples."""

    @property
    @abstractmethod
    def subject(self) -> str:
        """Name of what is verified: a network's registered name, or a method's."""

    @property
    @abstractmethod
    def title(self) -> str:
        """What is verified, as tables show it."""

    @property
    @abstractmethod
    def place(self) -> str:
        """What it is verified on, in words."""

    @property
    @abstractmethod
    def depth(self) -> Enclosure:
        """1, ..., K, shape (depth, 1)."""

    @abstractmethod
    def subset(self, indices: Sequence[int]) -> AnySetting:
        """The same setting on some samples."""

    @abstractmethod
    def recipe(self) -> dict[str, Any]:
        """JSON-able: how to see the same again."""

    def cached(self, function: Callable[[Any], T]) -> T:
        """``function(self)``, computed once: hypotheses and conclusions of a claim often share one bound."""
        if function not in self._memory:
            self._memory[function] = function(self)
        return self._memory[function]


def require_kind(read: Callable[..., Any], setting: AnySetting, what: str) -> None:
    """Refuse a function of settings of another kind, as its first parameter's annotation says; none allows every kind.

    Raises:
        MissingStructure: The setting is of another kind.
    """
    kinds = _kinds(inspect.unwrap(read))
    if kinds and not isinstance(setting, kinds):
        lacks = " or ".join(kind.__name__ for kind in kinds)
        raise MissingStructure(f"{setting.name} ({type(setting).__name__})", what, f"what a {lacks} has")


@cache
def _kinds(read: Callable[..., Any]) -> tuple[type[AnySetting], ...]:
    try:
        hints = get_type_hints(read)
        first = hints[next(iter(inspect.signature(read).parameters))]
    except (NameError, TypeError, KeyError, StopIteration, ValueError):
        return ()
    options = get_args(first) or (first,)
    return tuple(o for o in options if isinstance(o, type) and issubclass(o, AnySetting))
