"""From a claim and a setting to a verdict."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from unfold_theory.claim.setting import Setting
from unfold_theory.claim.statement import Claim
from unfold_theory.claim.verdict import (
    HypothesisFinding,
    Status,
    Verdict,
    Witness,
    index_of,
    locate,
    number,
    sides,
    smallest_margin,
)
from unfold_theory.enclosure import Enclosure, Inequality
from unfold_theory.errors import InputError, MissingStructure


def verify(claim: Claim, setting: Setting) -> Verdict:
    """Read every hypothesis and the conclusion on a setting and say what follows.

    Raises:
        InputError: The setting cannot be evaluated (a network that is not finite, say); a network that merely lacks
            what the claim speaks of gives the verdict ``not applicable``.
    """
    try:
        findings = tuple(HypothesisFinding(h, _read(h.read, setting, h.name)) for h in claim.hypotheses)
        conclusion = _read(claim.conclude, setting, claim.id)
        trivial = None if claim.trivial is None else Enclosure.of(claim.trivial(setting))
    except MissingStructure as lacking:
        return Verdict(claim, setting.name, _name(setting), Status.NOT_APPLICABLE, lacking.cause)

    shape = conclusion.shape
    met, refuted = np.ones(shape, bool), np.zeros(shape, bool)
    for finding in findings:
        more_met, more_refuted = finding.hypothesis.masks(finding.inequality, shape)
        met, refuted = np.asarray(met & more_met), np.asarray(refuted | more_refuted)

    status, reason = _decide(claim, findings, conclusion, met, refuted, trivial)
    return Verdict(
        claim=claim,
        setting=setting.name,
        network=_name(setting),
        status=status,
        reason=reason,
        hypotheses=findings,
        conclusion=conclusion,
        applicable=met,
        trivial=trivial,
        witness=_witness(claim, setting, conclusion, met if met.any() else np.ones(shape, bool)),
    )


def verify_all(claims: Iterable[Claim], settings: Iterable[Setting]) -> list[Verdict]:
    """Every claim on every setting, settings outermost so that their measurements are shared."""
    claims = list(claims)
    return [verify(claim, setting) for setting in settings for claim in claims]


def _name(setting: Setting) -> str:
    return getattr(setting.network, "name", type(setting.network).__name__)


def _read(read, setting: Setting, what: str) -> Inequality:
    found = read(setting)
    if not isinstance(found, Inequality):
        raise InputError(
            f"{what} returned {type(found).__name__}, not an inequality",
            "Compare enclosures: wrap numbers and arrays in Enclosure.exact",
        )
    return found


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
    broken = _both(conclusion.refuted, met)
    if broken.any():
        return Status.VIOLATED, f"{_at(conclusion, broken)}{share}"
    if applicable == 0:
        seen = f"the conclusion was observed in {conclusion.holds.mean():.0%} of cells all the same"
        if refuted.all():
            failing = [f.sentence() for f in findings if f.status == "refuted"]
            return Status.NOT_APPLICABLE, f"{failing[0]}; {seen}" if failing else seen
        open_ones = [f.sentence() for f in findings if f.status != "met"]
        return Status.INCONCLUSIVE, f"{open_ones[0]}; {seen}"
    if not conclusion.holds[met].all():
        overlap = _both(conclusion.undecided, met)
        where = f"{int(overlap.sum())} of {applicable} cells, {_at(conclusion, overlap)}"
        return Status.INCONCLUSIVE, f"both sides overlap in {where}"
    if trivial is not None:
        informative = _both(_informative(claim, conclusion, trivial), met)
        if not informative.any():
            return Status.VACUOUS, f"the bound is nowhere better than the trivial one{share}"
        first = int(np.argmax(informative.reshape(len(informative), -1).any(axis=1))) + 1 if met.ndim else 1
        return Status.HOLDS, f"{_at(conclusion, met)}; better than trivial from depth {first}{share}"
    return Status.HOLDS, f"{_at(conclusion, met)}{share}"


def _both(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Conjunction of masks that stays an array for a conclusion of one cell."""
    return np.asarray(first & second)


def _informative(claim: Claim, conclusion: Inequality, trivial: Enclosure) -> np.ndarray:
    if claim.bound == "upper":
        return np.broadcast_to((conclusion.rhs < trivial).holds, conclusion.shape)
    return np.broadcast_to((conclusion.lhs > trivial).holds, conclusion.shape)


def _worst_cell(conclusion: Inequality, among: np.ndarray) -> tuple[int, ...]:
    lhs, rhs = (e.broadcast_to(conclusion.shape) for e in (conclusion.lhs, conclusion.rhs))
    shown = Inequality(Enclosure(np.where(among, lhs.lo, -np.inf), np.where(among, lhs.hi, -np.inf), lhs.basis), rhs)
    return smallest_margin(shown)


def _at(conclusion: Inequality, among: np.ndarray) -> str:
    index = _worst_cell(conclusion, among)
    lhs, rhs = sides(conclusion, index)
    return f"tightest: {number(lhs)} against {number(rhs)}{locate(index, 'cell', conclusion.shape)}"


def _witness(claim: Claim, setting: Setting, conclusion: Inequality, among: np.ndarray) -> Witness:
    where = _both(conclusion.refuted, among)
    index = _worst_cell(conclusion, where if where.any() else among)
    depth = index[0] + 1 if index else 1
    sample = index[1] if len(index) > 1 else 0
    lhs, rhs = sides(conclusion, index_of(conclusion.shape, depth, sample))
    return Witness(claim, setting, depth, sample, lhs, rhs)
