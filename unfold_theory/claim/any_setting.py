"""What every setting has: the verifier needs no more."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import MissingStructure

T = TypeVar("T")


class LackingAttribute(MissingStructure, AttributeError):
    """A claim reads what this kind of setting does not have: it is not applicable there."""


class AnySetting(ABC):
    """What hypotheses and conclusions are read from: cells (depth, sample), and measurements that are shared.

    A claim that reads a quantity which only another kind of setting has is not applicable to this one.

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

    def __getattr__(self, attribute: str) -> Any:
        others = AnySetting.__subclasses__()
        if not any(hasattr(kind, attribute) or attribute in kind.__annotations__ for kind in others):
            raise AttributeError(f"{type(self).__name__} has no attribute {attribute!r}")
        shown = self.__dict__.get("name", type(self).__name__)
        raise LackingAttribute(str(shown), "a claim on other things", attribute)
