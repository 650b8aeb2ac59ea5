"""What a report says, independent of its format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

from pybtex.database import Entry
from pybtex.plugin import find_plugin

from unfold_theory.claim import Claim, Status
from unfold_theory.claim.sources import bibliography, entry_of, to_bibtex
from unfold_theory.suite import MethodSubject, Subject, VerdictRecord, versions

FORMAT = 1
NMSE_NOTE = "NMSE is 10 log10(sum||e||²/sum||x*||²) over the batch (ratio of means), e = x^K − x*."
STATUS_MEANINGS = {
    Status.HOLDS: "Every hypothesis is met, and the conclusion is seen in every cell (depth, sample) it speaks of.",
    Status.VIOLATED: "Every hypothesis is met, and the conclusion fails somewhere; the witness can be replayed.",
    Status.VACUOUS: "It holds, but its bound is no better than what anybody has without it.",
    Status.NOT_APPLICABLE: "A hypothesis is refuted, or the network lacks what the theorem speaks of.",
    Status.INCONCLUSIVE: "Enclosures overlap, or a hypothesis cannot be decided.",
}
PROOF_MEANINGS = {
    "checked": "A machine-checked proof stands in the project.",
    "cited": "The source's proof is trusted.",
    "conjecture": "Nobody has proved it. Samples never count as a proof.",
}


@dataclass(frozen=True)
class ReportFigure:
    """A figure of a report.

    Attributes:
        name: File name without suffix, in the report's folder ``figures``.
        title: A line.
        caption: What is seen.
        sources: BibTeX keys.
        width, height: Of the PNG in pixels.
    """

    name: str
    title: str
    caption: str
    sources: tuple[str, ...]
    width: int
    height: int


@dataclass(frozen=True, eq=False)
class Report:
    """Verdicts of claims on subjects, with figures.

    Attributes:
        scale: Name of the suite's scale.
        claims: In the order of the table's rows.
        subjects: In the order of the table's columns.
        verdicts: One for each claim and subject.
        figures: Already drawn.
    """

    scale: str
    claims: Sequence[Claim]
    subjects: Sequence[Subject | MethodSubject]
    verdicts: Sequence[VerdictRecord]
    figures: Sequence[ReportFigure]

    @cached_property
    def counts(self) -> dict[Status, int]:
        """Number of verdicts of each status."""
        found = Counter(v.status for v in self.verdicts)
        return {status: found[status] for status in Status}

    @cached_property
    def cells(self) -> dict[tuple[str, str], VerdictRecord]:
        """Verdicts by claim id and setting."""
        return {(v.claim, v.setting): v for v in self.verdicts}

    def lacking(self, claim: Claim) -> list[VerdictRecord]:
        """Verdicts on settings whose network has no part that the claim speaks of."""
        return [v for v in self.verdicts if v.claim == claim.id and v.lacking]

    @property
    def regimes(self) -> list[tuple[str, list[Subject | MethodSubject]]]:
        """Subjects grouped by regime, in order."""
        return [(regime, list(group)) for regime, group in groupby(self.subjects, key=lambda s: s.entry.regime)]

    @cached_property
    def sources(self) -> dict[str, Entry]:
        """Bibliography entries of claims, networks and figures, by key."""
        found = {claim.source: entry_of(claim) for claim in self.claims}
        keys = [s.setting.network.source for s in self.subjects if isinstance(s, Subject)]
        keys += [key for figure in self.figures for key in figure.sources]
        for key in keys:
            found.setdefault(key, bibliography().entries.get(key))
        return {key: entry for key, entry in sorted(found.items()) if entry is not None}

    def references(self) -> dict[str, str]:
        """Formatted references as HTML, by key."""
        style, backend = find_plugin("pybtex.style.formatting", "plain")(), find_plugin("pybtex.backends", "html")()
        return {
            key: style.format_entry(str(i), entry).text.render(backend)
            for i, (key, entry) in enumerate(self.sources.items(), start=1)
        }

    def bibtex(self) -> str:
        """The same as a BibTeX file."""
        return to_bibtex(self.sources)

    def nmse(self, subject: Subject | MethodSubject) -> float | None:
        """NMSE of the output in dB; None where there are no planted codes."""
        if isinstance(subject, MethodSubject) or subject.setting.batch.x is None:
            return None
        return float(subject.setting.nmse_db[-1])

    def record(self) -> dict[str, Any]:
        """JSON-able: everything that the report says."""
        settings = []
        for subject in self.subjects:
            nmse = self.nmse(subject)
            finite = nmse is not None and nmse > float("-inf")
            settings.append(subject.entry.recipe() | {"nmse_db": nmse if finite else None})
        return {
            "format": FORMAT,
            "scale": self.scale,
            "versions": versions(),
            "counts": {status.value: count for status, count in self.counts.items()},
            "nmse": NMSE_NOTE,
            "settings": settings,
            "verdicts": [dict(verdict.data) for verdict in self.verdicts],
            "figures": [figure.name for figure in self.figures],
        }
