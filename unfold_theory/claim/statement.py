"""Claims and hypotheses: functions of a setting that return inequalities, with their statement and source."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, Literal, cast

import numpy as np

from unfold_theory.claim.any_setting import AnySetting
from unfold_theory.enclosure import Inequality
from unfold_theory.errors import InputError

Read = Callable[[Any], Inequality]
Scope = Literal["all", "sample", "prefix", "cell"]
_SCOPES = ("all", "sample", "prefix", "cell")


def _statement(function: Callable[..., Any]) -> str:
    doc = inspect.getdoc(function)
    if not doc:
        raise InputError(
            f"{function.__name__!r} has no docstring", "State it in LaTeX in the docstring: that is its statement"
        )
    return " ".join(doc.split("\n\n")[0].split())


@dataclass(frozen=True)
class Hypothesis:
    """An inequality that a theorem assumes.

    Attributes:
        name: The function's name.
        statement: LaTeX, from the docstring's first paragraph.
        read: The function.
        scope: Which cells (depth, sample) an entry decides: ``all``: every one; ``sample``: all depths of its sample;
            ``prefix``: its layer and the later ones; ``cell``: its own.
    """

    name: str
    statement: str
    read: Read
    scope: Scope = "all"

    def masks(self, found: Inequality, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Cells where the hypothesis is met, and cells where it is refuted; ``found`` has two axes."""
        met, refuted = found.holds, found.refuted
        if self.scope == "all":
            met, refuted = met.all(keepdims=True), refuted.any(keepdims=True)
        elif self.scope == "sample":
            met, refuted = met.all(axis=0, keepdims=True), refuted.any(axis=0, keepdims=True)
        elif self.scope == "prefix":
            met, refuted = np.logical_and.accumulate(met, axis=0), np.logical_or.accumulate(refuted, axis=0)
        return np.broadcast_to(met, shape), np.broadcast_to(refuted, shape)


def hypothesis(function: Read | None = None, *, scope: str = "all") -> Any:
    """Decorator: a function of a setting that returns an inequality becomes a hypothesis.

    Raises:
        InputError: No docstring, or an unknown scope.
    """
    if scope not in _SCOPES:
        raise InputError(f"The scope {scope!r} is unknown", f"Choose one of {', '.join(_SCOPES)}")

    def wrap(read: Read) -> Hypothesis:
        return Hypothesis(read.__name__, _statement(read), read, cast(Scope, scope))

    return wrap if function is None else wrap(function)


@dataclass(frozen=True, repr=False)
class Claim:
    """Hypotheses imply a conclusion; with its source, its proof and the bound that anybody has without it.

    Attributes:
        id: ``source.name``.
        statement: LaTeX, from the docstring's first paragraph.
        source: BibTeX key.
        theorem: Number in the source, or "derived".
        hypotheses: What it assumes.
        conclude: The conclusion as a function of the setting.
        trivial: The bound that holds without the theorem; a claim that never improves on it is vacuous.
        proof: Path of the script in ``proofs_checks/`` that proves it, or None where it is cited only.
        conjecture: Whether it is stated without proof.
        bound: ``upper`` if the right side bounds what is measured, ``lower`` if the left side does.
        about: The docstring's remaining paragraphs.
    """

    id: str
    statement: str
    source: str
    theorem: str
    hypotheses: tuple[Hypothesis, ...]
    conclude: Read
    trivial: Callable[[Any], Any] | None = None
    proof: str | None = None
    conjecture: bool = False
    bound: Literal["upper", "lower"] = "upper"
    about: str = ""
    bibtex: str | None = field(default=None, repr=False)

    @property
    def proof_status(self) -> Literal["checked", "cited", "conjecture"]:
        """What is held as proof; samples never count as one, and a source that nobody can look up is none."""
        if self.conjecture:
            return "conjecture"
        if self.proof:
            return "checked"
        from unfold_theory.claim.sources import entry_of

        return "conjecture" if entry_of(self) is None else "cited"

    def __repr__(self) -> str:
        return f"Claim({self.id}, {self.theorem}, {len(self.hypotheses)} hypotheses, {self.proof_status})"

    # -- false variants, to test the verifier itself ---------------------------------------------------------------
    def scaled(self, factor: float | int) -> Claim:
        """The claim with its bound multiplied: below 1 it says more than was proved."""

        @wraps(self.conclude)
        def conclude(setting: AnySetting) -> Inequality:
            found = self.conclude(setting)
            if self.bound == "upper":
                return Inequality(found.lhs, found.rhs * factor, found.strict)
            return Inequality(found.lhs / factor, found.rhs, found.strict)

        return replace(self, id=f"{self.id}~scaled{factor:g}", conclude=conclude)

    def concluding(self, conclude: Read, label: str) -> Claim:
        """The claim with another conclusion (an exponent raised, a term dropped)."""
        return replace(self, id=f"{self.id}~{label}", conclude=conclude)

    def without(self, *names: str) -> Claim:
        """The claim with hypotheses dropped.

        Raises:
            InputError: It has no hypothesis of that name.
        """
        known = {h.name for h in self.hypotheses}
        if missing := set(names) - known:
            raise InputError(f"{self.id} has no hypothesis {sorted(missing)}", f"It has {sorted(known)}")
        kept = tuple(h for h in self.hypotheses if h.name not in names)
        return replace(self, id=f"{self.id}~without-{'-'.join(names)}", hypotheses=kept)


CLAIMS: dict[str, Claim] = {}


def claim(
    *,
    source: str,
    theorem: str,
    hypotheses: Sequence[Any] = (),
    trivial: Callable[[Any], Any] | None = None,
    proof: str | None = None,
    conjecture: bool = False,
    bound: Literal["upper", "lower"] = "upper",
    bibtex: str | None = None,
) -> Callable[[Read], Claim]:
    """Decorator: a function of a setting that returns an inequality becomes a registered claim.

    Args:
        source: BibTeX key; the id is ``source.function_name``.
        theorem: Number in the source, or "derived".
        hypotheses: Decorated hypotheses.
        trivial: The bound that holds anyway, as an enclosure that broadcasts against the conclusion.
        proof: Path of the script that proves it.
        conjecture: State it without proof.
        bound: Which side of the conclusion is the theorem's.
        bibtex: The entry itself, where the package's ``references.bib`` lacks it.

    Raises:
        InputError: No docstring, an undecorated hypothesis, or an id that is taken by another function.
    """
    for part in hypotheses:
        if not isinstance(part, Hypothesis):
            raise InputError(f"The hypothesis {part!r} is not decorated", "Put @hypothesis above it")

    def wrap(conclude: Read) -> Claim:
        paragraphs = (inspect.getdoc(conclude) or "").split("\n\n")
        made = Claim(
            id=f"{source}.{conclude.__name__}",
            statement=_statement(conclude),
            source=source,
            theorem=theorem,
            hypotheses=tuple(hypotheses),
            conclude=conclude,
            trivial=trivial,
            proof=proof,
            conjecture=conjecture,
            bound=bound,
            about="\n\n".join(paragraphs[1:]),
            bibtex=bibtex,
        )
        present = CLAIMS.get(made.id)
        if present is not None and inspect.getsourcefile(present.conclude) != inspect.getsourcefile(conclude):
            raise InputError(f"The claim {made.id} exists already", "Choose another function name or source key")
        CLAIMS[made.id] = made
        return made

    return wrap


def find_claims(patterns: Iterable[str] = ()) -> list[Claim]:
    """Registered claims by id or source key, all of them without a pattern, in order of their ids.

    Raises:
        InputError: A pattern matches nothing.
    """
    patterns = list(patterns)
    for pattern in patterns:
        if not any(pattern in (c.id, c.source) for c in CLAIMS.values()):
            raise InputError(f"No claim is called {pattern!r}", f"Known: {', '.join(sorted(CLAIMS))}")
    chosen = [c for c in CLAIMS.values() if not patterns or c.id in patterns or c.source in patterns]
    return sorted(chosen, key=lambda c: c.id)
