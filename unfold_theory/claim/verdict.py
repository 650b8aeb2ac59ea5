"""Verdicts: what became of a claim on a setting, cell by cell, with the numbers that decided it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from unfold_theory.enclosure import Enclosure, Inequality

if TYPE_CHECKING:
    import pandas as pd

    from unfold_theory.claim.any_setting import AnySetting
    from unfold_theory.claim.statement import Claim, Hypothesis


class Status(enum.StrEnum):
    """What a verdict says."""

    HOLDS = "holds"
    VIOLATED = "violated"
    VACUOUS = "vacuous"
    NOT_APPLICABLE = "not applicable"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class HypothesisFinding:
    """A hypothesis on a setting: where it stands, and its tightest entry.

    Attributes:
        hypothesis: What was read.
        inequality: Both sides, kept.
        worst: Index of the entry with the smallest margin (layer, or layer and sample).
    """

    hypothesis: Hypothesis
    inequality: Inequality

    @property
    def status(self) -> str:
        """``met`` everywhere, ``refuted`` somewhere, else ``undecided``."""
        if self.inequality.holds.all():
            return "met"
        return "refuted" if self.inequality.refuted.any() else "undecided"

    @property
    def worst(self) -> tuple[int, ...]:
        """Index of the smallest margin."""
        return smallest_margin(self.inequality)

    @property
    def first_refuted_layer(self) -> int | None:
        """The earliest layer (from 1) with a refuted entry, None without layers or refutation."""
        refuted = self.inequality.refuted
        if len(refuted) == 1 or not refuted.any():
            return None
        return int(np.argmax(refuted.any(axis=1))) + 1

    def sentence(self) -> str:
        """The deciding numbers in words."""
        lhs, rhs = sides(self.inequality, self.worst)
        sign = "<" if self.inequality.strict else "<="
        where = locate(self.worst, self.inequality.shape)
        first = self.first_refuted_layer
        since = f"; first refuted in layer {first}" if first else ""
        return f"{self.hypothesis.name}: {self.status} ({number(lhs)} {sign} {number(rhs)}{where}{since})"


def smallest_margin(inequality: Inequality, among: np.ndarray | None = None) -> tuple[int, ...]:
    """Index of the smallest margin relative to the size of both sides, among some cells only if a mask is given."""
    lhs, rhs = (e.broadcast_to(inequality.shape) for e in (inequality.lhs, inequality.rhs))
    with np.errstate(invalid="ignore", over="ignore"):
        margin = rhs.lo - lhs.hi
        # Infinite on both sides: nothing is known there, which is the tightest of all.
        margin = np.where(np.isnan(margin), -np.inf, margin)
        scale = np.maximum(np.abs(lhs.mid), np.abs(rhs.mid))
        relative = np.where(np.isfinite(margin) & (scale > 0), margin / np.where(scale > 0, scale, 1.0), margin)
    if among is not None:
        relative = np.where(among, relative, np.inf)
    return tuple(int(i) for i in np.unravel_index(int(np.argmin(relative)), inequality.shape))


def sides(inequality: Inequality, index: tuple[int, ...]) -> tuple[Enclosure, Enclosure]:
    """Both sides at an index."""
    part = inequality[index]
    return part.lhs, part.rhs


def number(e: Enclosure) -> str:
    """An enclosure as short text: one number where both ends print alike."""
    lo, hi = f"{e.lo.item():.4g}", f"{e.hi.item():.4g}"
    return lo if lo == hi else f"[{lo}, {hi}]"


def locate(index: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """A cell in words, layers counted from 1; an axis of length 1 says nothing."""
    layer = f" in layer {index[0] + 1}" if shape[0] > 1 else ""
    sample = f"sample {index[1]}" if shape[1] > 1 else ""
    return f"{layer}, {sample}" if layer and sample else layer + (f" for {sample}" if sample else "")


@dataclass(frozen=True, repr=False)
class Witness:
    """The worst cell of a conclusion, with what it takes to see it again.

    Attributes:
        depth: Layer from 1.
        sample: Position in the batch.
        lhs, rhs: Both sides there.
        recipe: Problem, batch and seed.
    """

    claim: Claim
    setting: AnySetting
    depth: int
    sample: int
    lhs: Enclosure
    rhs: Enclosure

    def __repr__(self) -> str:
        place = f"depth {self.depth}, sample {self.sample}"
        return (
            f"Witness({self.claim.id} on {self.setting.name}, {place}: {number(self.lhs)} against {number(self.rhs)})"
        )

    @property
    def recipe(self) -> dict[str, Any]:
        """JSON-able: how to draw the batch again."""
        return self.setting.recipe()

    def replay(self) -> Inequality:
        """Run this one sample again, alone, and return the conclusion at the witness's depth."""
        alone = self.setting.subset([self.sample])
        found = self.claim.conclude(alone)
        return found[index_of(found.shape, self.depth)]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able record."""
        ends = {side: [getattr(self, side).lo.item(), getattr(self, side).hi.item()] for side in ("lhs", "rhs")}
        return {"depth": self.depth, "sample": self.sample, **ends, "recipe": self.recipe}


def index_of(shape: tuple[int, ...], depth: int) -> tuple[int, ...]:
    """Index of a depth in a conclusion on one sample."""
    return tuple(0 if size == 1 else i for size, i in zip(shape, (depth - 1, 0), strict=False))


@dataclass(frozen=True, repr=False)
class Verdict:
    """What became of a claim on a setting.

    Attributes:
        claim: The claim.
        setting: The setting's name.
        network: The network's registry name.
        status: See :class:`Status`.
        reason: One sentence with the deciding numbers.
        hypotheses: One finding each.
        conclusion: Both sides, (depth, sample); None where they could not be read.
        applicable: Cells where every hypothesis is met.
        trivial: What is known without the theorem.
        witness: The worst cell; None where there is no conclusion.
    """

    claim: Claim
    setting: str
    network: str
    status: Status
    reason: str
    hypotheses: tuple[HypothesisFinding, ...] = ()
    conclusion: Inequality | None = None
    applicable: np.ndarray | None = None
    trivial: Enclosure | None = None
    witness: Witness | None = None

    @property
    def proof(self) -> str:
        """``checked``, ``cited`` or ``conjecture``; what samples show is never a proof."""
        return self.claim.proof_status

    @property
    def basis(self) -> str:
        """The weakest basis among the conclusion and the hypotheses."""
        parts = [f.inequality for f in self.hypotheses] + ([self.conclusion] if self.conclusion is not None else [])
        return min(p.basis for p in parts).label if parts else "none"

    @property
    def coverage(self) -> float:
        """Share of cells in which every hypothesis is met."""
        return float(self.applicable.mean()) if self.applicable is not None and self.applicable.size else 0.0

    @property
    def observed(self) -> float | None:
        """Share of all cells in which the conclusion is seen to hold, whether or not it was promised."""
        return None if self.conclusion is None else float(self.conclusion.holds.mean())

    @property
    def tightness(self) -> float | None:
        """Largest ratio of the smaller to the larger side at the last depth where the claim applies (1: attained)."""
        if self.conclusion is None:
            return None
        lhs, rhs = (e.broadcast_to(self.conclusion.shape).mid for e in (self.conclusion.lhs, self.conclusion.rhs))
        among = np.ones(lhs.shape, bool) if self.applicable is None or not self.applicable.any() else self.applicable
        last = int(np.flatnonzero(among.any(axis=1))[-1])
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = np.where((rhs[last] > 0) & among[last], lhs[last] / rhs[last], np.nan)
        return float(np.nanmax(ratio)) if np.isfinite(ratio).any() else None

    def explain(self) -> str:
        """Statement, hypotheses, conclusion and witness in plain text."""
        from unfold_theory.claim.presentation import explain

        return explain(self)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able record."""
        from unfold_theory.claim.presentation import to_dict

        return to_dict(self)

    def to_frame(self) -> pd.DataFrame:
        """One row."""
        from unfold_theory.claim.presentation import to_frame

        return to_frame([self])

    def to_latex(self) -> str:
        """One row of a booktabs table."""
        from unfold_theory.claim.presentation import to_latex

        return to_latex([self])

    def to_bibtex(self) -> str:
        """The source's entry."""
        from unfold_theory.claim.presentation import to_bibtex

        return to_bibtex([self])

    def __repr__(self) -> str:
        return f"Verdict({self.claim.id} on {self.setting}: {self.status.value}; {self.reason})"

    def _repr_html_(self) -> str:
        from unfold_theory.claim.presentation import to_html

        return to_html([self])
