"""Kinds of statements that certificates prove, and their checking.

A kind is a subclass of :class:`Theorem`: it reads its statement and proof strictly, and checks them twice, by code that
builds every inequality from the statement and shares nothing with whoever found the numbers.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from unfold_theory.certificate.document import Certificate
from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError

T = TypeVar("T", bound="Theorem")


class Refused(Exception):
    """A well-formed certificate that does not prove its statement; the message says why."""


class Theorem(ABC):
    """A statement of one kind together with its proof.

    Attributes:
        kind: The name in files.
        statement, proof: What is stated and what proves it; both write themselves by ``to_json()``.
    """

    kind: ClassVar[str]
    statement: Any
    proof: Any

    @classmethod
    @abstractmethod
    def read(cls, statement: dict[str, Any], proof: dict[str, Any]) -> Theorem:
        """Read strictly.

        Raises:
            InputError: A field is missing, unknown or malformed, or a number out of range.
        """

    @property
    @abstractmethod
    def title(self) -> str:
        """What is stated, in one line."""

    @property
    @abstractmethod
    def bound(self) -> Enclosure:
        """The number that is claimed, as the enclosure (basis ``exact``) of its rational value."""

    @abstractmethod
    def check(self) -> int:
        """Check with FLINT's rationals, and say how many bits the largest pivot took.

        Raises:
            Refused: It proves nothing.
        """

    @abstractmethod
    def check_independently(self) -> bool:
        """Check by another path with SymPy's rationals; False where the statement is too large for it.

        Raises:
            Refused: It proves nothing.
        """

    def certificate(self) -> Certificate:
        """As a file."""
        return Certificate(self.kind, self.statement.to_json(), self.proof.to_json())


KINDS: dict[str, type[Theorem]] = {}


def register(theorem: type[T]) -> type[T]:
    """Class decorator: certificates of this kind can be checked."""
    KINDS[theorem.kind] = theorem
    return theorem


@dataclass(frozen=True)
class Finding:
    """What came of checking a certificate.

    Attributes:
        accepted: Whether it proves its statement.
        title: The statement in one line.
        reason: Why it was refused; empty if it was not.
        bound: The number claimed, exact.
        checkers: Which of the two checkers accepted it.
        bits: Size of the largest pivot.
        seconds: Time that the first checker took, with reading.
    """

    accepted: bool
    title: str
    reason: str
    bound: Enclosure
    checkers: tuple[str, ...]
    bits: int
    seconds: float


def check(certificate: Certificate, *, independently: bool = True) -> Finding:
    """Check a certificate on its own.

    Args:
        certificate: Read from a file, or made by a producer.
        independently: Whether the second checker runs as well, where the size allows.

    Raises:
        InputError: The kind is unknown, or the contents are malformed.
    """
    began = time.perf_counter()
    if certificate.kind not in KINDS:
        raise InputError(
            f"Certificates of kind {certificate.kind!r} are unknown", f"Known kinds: {', '.join(sorted(KINDS))}"
        )
    theorem = KINDS[certificate.kind].read(certificate.statement, certificate.proof)
    checkers: list[str] = []
    bits, reason, taken = 0, "", None
    try:
        bits = theorem.check()
        checkers.append("FLINT")
        taken = time.perf_counter() - began
        if independently and theorem.check_independently():
            checkers.append("SymPy")
    except Refused as refusal:
        reason = str(refusal)
    taken = time.perf_counter() - began if taken is None else taken
    return Finding(not reason, theorem.title, reason, theorem.bound, tuple(checkers), bits, taken)
