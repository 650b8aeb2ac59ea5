"""Verdicts without their arrays: what tables and reports show, small enough to send between processes and to keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from unfold_theory.claim import Status, Verdict
from unfold_theory.claim.verdict import number


@dataclass(frozen=True)
class FindingRecord:
    """A hypothesis: its name, ``met``, ``refuted`` or ``undecided``, and the deciding numbers in words."""

    name: str
    status: str
    sentence: str


@dataclass(frozen=True)
class VerdictRecord:
    """A verdict in plain numbers and words.

    Attributes:
        claim: Its id.
        setting: Name of the setting.
        network: Registered name of the network.
        status: What became of the claim.
        proof: ``checked``, ``cited`` or ``conjecture``.
        basis: Weakest basis among the numbers.
        reason: The sentence with the deciding numbers.
        coverage: Share of cells in which every hypothesis is met; None where there is no conclusion.
        observed: Share of cells in which the conclusion is seen; None where there is none.
        tightness: Largest ratio of both sides at the last depth.
        findings: Hypotheses.
        witness: The worst cell in words; None where there is no conclusion.
        data: The full record, JSON-able, as ``verdicts.json`` has it.
    """

    claim: str
    setting: str
    network: str
    status: Status
    proof: str
    basis: str
    reason: str
    coverage: float | None
    observed: float | None
    tightness: float | None
    findings: tuple[FindingRecord, ...]
    witness: str | None
    data: Mapping[str, Any]

    @property
    def lacking(self) -> bool:
        """Whether nothing could be read: the network has no part that the claim speaks of."""
        return self.coverage is None and self.status is Status.NOT_APPLICABLE

    @classmethod
    def of(cls, verdict: Verdict) -> VerdictRecord:
        """What stays of a verdict."""
        return cls(
            claim=verdict.claim.id,
            setting=verdict.setting,
            network=verdict.network,
            status=verdict.status,
            proof=verdict.proof,
            basis=verdict.basis,
            reason=verdict.reason,
            coverage=None if verdict.conclusion is None else verdict.coverage,
            observed=verdict.observed,
            tightness=verdict.tightness,
            findings=tuple(FindingRecord(f.hypothesis.name, f.status, f.sentence()) for f in verdict.hypotheses),
            witness=_witness(verdict),
            data=verdict.to_dict(),
        )

    def to_json(self) -> dict[str, Any]:
        """JSON-able; :meth:`from_json` is its inverse."""
        return asdict(self) | {"status": self.status.value}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> VerdictRecord:
        """The record that ``to_json()`` came from.

        Raises:
            KeyError, TypeError, ValueError: It is none.
        """
        findings = tuple(FindingRecord(**finding) for finding in record["findings"])
        return cls(**{**record, "status": Status(record["status"]), "findings": findings})


def _witness(verdict: Verdict) -> str | None:
    w = verdict.witness
    if w is None:
        return None
    seed = w.recipe.get("batch", {}).get("seed")
    return f"depth {w.depth}, sample {w.sample} of seed {seed}: {number(w.lhs)} against {number(w.rhs)}"
