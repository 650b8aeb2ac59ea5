"""From a claim and a setting to a verdict."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from unfold_theory.claim.any_setting import AnySetting, require_kind
from unfold_theory.claim.statement import Claim, Read
from unfold_theory.claim.verdict import (
    HypothesisFinding,
    Status,
    Verdict,
    Witness,
    locate,
    number,
    sides,
    smallest_margin,
)
from unfold_theory.enclosure import Enclosure, Inequality
from unfold_theory.errors import InputError, MissingStructure


def verify(claim: Claim, setting: AnySetting) -> Verdict:
    """Read every hypothesis and the conclusion on a setting and say what follows.

    Raises:
        InputError: The setting cannot be evaluated (a network that is not finite, say); a network that merely lacks
            what the claim speaks of gives the verdict ``not applicable``.
    """
    try:
        findings = tuple(HypothesisFinding(h, _read(h.read, setting, h.name, h.scope)) for h in claim.hypotheses)
        conclusion = _read(claim.conclude, setting, claim.id)
        trivial = None if claim.trivial is None else _trivial(claim, setting)
    except MissingStructure as lacking:
        return Verdict(claim, setting.name, setting.subject, Status.NOT_APPLICABLE, lacking.cause)

    shapes = [conclusion.shape, *(f.inequality.shape for f in findings if f.hypothesis.scope != "all")]
    shape = np.broadcast_shapes(*shapes)
    conclusion = Inequality(conclusion.lhs.broadcast_to(shape), conclusion.rhs.broadcast_to(shape), conclusion.strict)
    met, refuted = np.ones(shape, bool), np.zeros(shape, bool)
    for finding in findings:
        more_met, more_refuted = finding.hypothesis.masks(finding.inequality, shape)
        met, refuted = met & more_met, refuted | more_refuted

    status, reason = _decide(claim, findings, conclusion, met, refuted, trivial)
    return Verdict(
        claim=claim,
        setting=setting.name,
        network=setting.subject,
        status=status,
        reason=reason,
        hypotheses=findings,
        conclusion=conclusion,
        applicable=met,
        trivial=trivial,
        witness=_witness(claim, setting, conclusion, met if met.any() else np.ones(shape, bool)),
    )


def verify_all(claims: Iterable[Claim], settings: Iterable[AnySetting]) -> list[Verdict]:
    """Every claim on every setting, settings outermost so that their measurements are shared."""
    claims = list(claims)
    return [verify(claim, setting) for setting in settings for claim in claims]


def _read(read: Read, setting: AnySetting, what: str, scope: str = "all") -> Inequality:
    """An inequality with the two axes (depth, sample), each full or of length 1."""
    require_kind(read, setting, what)
    found = read(setting)
    if not isinstance(found, Inequality):
        raise InputError(
            f"{what} returned {type(found).__name__}, not an inequality",
            "Compare enclosures: wrap numbers and arrays in Enclosure.exact",
        )
    try:
        own = found.shape
    except ValueError:
        raise InputError(
            f"The sides of {what} have shapes {found.lhs.shape} and {found.rhs.shape}",
            "Give both the axes (depth, sample); [:, None] makes one number a layer broadcast",
        ) from None
    shape = _cells(own, setting.shape, what, by_sample=scope == "sample")
    lhs, rhs = (e.broadcast_to(own).reshape(*shape) for e in (found.lhs, found.rhs))
    return Inequality(lhs, rhs, found.strict)


def _trivial(claim: Claim, setting: AnySetting) -> Enclosure:
    """The trivial bound; with one axis it is one number for each sample."""
    assert claim.trivial is not None
    require_kind(claim.trivial, setting, claim.id)
    bound = Enclosure.of(claim.trivial(setting))
    return bound.reshape(*_cells(bound.shape, setting.shape, f"The trivial bound of {claim.id}", by_sample=True))


def _cells(shape: tuple[int, ...], full: tuple[int, int], what: str, *, by_sample: bool) -> tuple[int, int]:
    two = shape if len(shape) == 2 else (1, 1) if not shape else (1, *shape) if by_sample else (*shape, 1)
    if len(two) != 2 or any(size not in (1, whole) for size, whole in zip(two, full, strict=True)):
        one = f"({full[1]},)" if by_sample else f"({full[0]},)"
        raise InputError(
            f"{what} has shape {shape} on {full[0]} layers and {full[1]} samples",
            f"Give it shape (), {one}, ({full[0]}, 1), (1, {full[1]}) or {full}",
        )
    return two


def _decide(
    claim: Claim,
    findings: tuple[HypothesisFinding, ...],
    conclusion: Inequality,
    met: np.ndarray,
    refuted: np.ndarray,
    trivial: Enclosure | None,
) -> tuple[Status, str]:
    cells, applicable = met.size, int(met.sum())
    share = "" if applicable == cells else f" in the {applicable} of {cells} cells where the hypotheses are met"
    broken = conclusion.refuted & met
    if broken.any():
        return Status.VIOLATED, f"refuted in {int(broken.sum())} cells, {_at(conclusion, broken, 'worst')}{share}"
    if applicable == 0:
        seen = f"the conclusion was observed in {conclusion.holds.mean():.0%} of cells all the same"
        if refuted.all():
            failing = [f.sentence() for f in findings if f.status == "refuted"]
            return Status.NOT_APPLICABLE, f"{failing[0]}; {seen}" if failing else seen
        open_ones = [f.sentence() for f in findings if f.status != "met"]
        return Status.INCONCLUSIVE, f"{open_ones[0]}; {seen}"
    if not conclusion.holds[met].all():
        overlap = conclusion.undecided & met
        where = f"{int(overlap.sum())} of {applicable} cells, {_at(conclusion, overlap)}"
        return Status.INCONCLUSIVE, f"both sides overlap in {where}"
    if trivial is not None:
        informative = _informative(claim, conclusion, trivial) & met
        if not informative.any():
            return Status.VACUOUS, f"the bound is nowhere better than the trivial one{share}"
        first = int(np.argmax(informative.any(axis=1))) + 1
        return Status.HOLDS, f"{_at(conclusion, met)}; better than trivial from depth {first}{share}"
    return Status.HOLDS, f"{_at(conclusion, met)}{share}"


def _informative(claim: Claim, conclusion: Inequality, trivial: Enclosure) -> np.ndarray:
    if claim.bound == "upper":
        return np.broadcast_to((conclusion.rhs < trivial).holds, conclusion.shape)
    return np.broadcast_to((conclusion.lhs > trivial).holds, conclusion.shape)


def _at(conclusion: Inequality, among: np.ndarray, which: str = "tightest") -> str:
    index = smallest_margin(conclusion, among)
    lhs, rhs = sides(conclusion, index)
    return f"{which}: {number(lhs)} against {number(rhs)}{locate(index, conclusion.shape)}"


def _witness(claim: Claim, setting: AnySetting, conclusion: Inequality, among: np.ndarray) -> Witness:
    broken = conclusion.refuted & among
    index = smallest_margin(conclusion, broken if broken.any() else among)
    lhs, rhs = sides(conclusion, index)
    return Witness(claim, setting, index[0] + 1, index[1], lhs, rhs)
