r"""Audit of one trained network: what it computes, what its log says, and what every claim says of it.

Each network is read in two regimes on its own dictionary: *own*, the signals and the noise it was trained for, and
*2-sparse*, noise-free signals with two entries $\pm1$, the sparsest that the coherence theory speaks of; what fails
there fails for another reason than density or noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from unfold_theory.claim import CLAIMS, Setting, Status, Verdict, verify
from unfold_theory.errors import MissingStructure
from unfold_theory.networks import UnfoldedNetwork
from unfold_theory.networks.released import CLASSICAL_LAM, Released
from unfold_theory.problems import BernoulliGaussian, SparseRecovery, WorstCase
from unfold_theory.rates.gram import gram
from unfold_theory.suite.verdicts import literature

TOLERANCE_DB = 0.7
"""By how much a measured NMSE may differ from its log."""
BLOCK = 500
MOST_SIGNALS = 4_000
"""Fresh signals are drawn by the block until the tolerance is decided; half as many for n above 1000."""
DENSER = 1.2
"""Every other block has so many times more nonzero entries: see :func:`measure`."""
CLAIM_SIGNALS = 32
"""Signals that claims are read on, for n up to 1000."""
SPARSE = 2
SEED = 2026
MASK = 1e-10
"""False positives are not counted where the error is smaller: rounding fakes them."""
REGIMES = ("own", f"{SPARSE}-sparse")
_SPOKEN = ("liu2019.linear_rate", "unfoldtheory2026.sample_certificate", "unfoldtheory2026.instance_certificate")
"""Claims whose hypotheses the first failing layer is looked for in; the others ask for another architecture."""
_CERTIFICATE = "unfoldtheory2026.unconditional_certificate"
"""Whose bound is shown as certified: it speaks of every selection and every threshold."""

Row = dict[str, Any]
Rebuild = Callable[[str], UnfoldedNetwork]


def audit_network(released: Released, *, rebuild: Rebuild | None = None) -> list[Row]:
    """Rows of one network: ``part`` is ``network`` (one row), ``layer``, ``verdict`` or ``hypothesis``.

    Args:
        released: Network, problem and log.
        rebuild: The network with another rule of support selection (``paper``), to explain a figure that differs.

    Raises:
        InputError: The network cannot be evaluated.
    """
    rows: list[Row] = []
    whole = _against_log(released, rebuild)
    for regime in REGIMES:
        setting = _setting(released, regime)
        verdicts = [verify(CLAIMS[name], setting) for name in literature()]
        layers, summary = _layers(setting, verdicts)
        hypotheses = list(_hypotheses(verdicts))
        spoken = _hypotheses([v for v in verdicts if v.claim.id in _SPOKEN])
        failing = [h for h in spoken if h["status"] == "refuted" and h["layer"]]
        first = min(failing, key=lambda h: h["layer"], default=None)
        summary |= {
            "first_failing_layer": first and first["layer"],
            "first_failing_hypothesis": first and first["hypothesis"],
        } | {status.value.replace(" ", "_"): count for status, count in _counts(verdicts).items()}
        whole |= {f"{regime}: {key}": value for key, value in summary.items()}
        rows += [{"part": "layer", "regime": regime} | row for row in layers]
        rows += [{"part": "verdict", "regime": regime} | _verdict(v) for v in verdicts]
        rows += [{"part": "hypothesis", "regime": regime} | row for row in hypotheses]
    return [{"part": "network"} | whole, *rows]


def _setting(released: Released, regime: str) -> Setting:
    problem = released.problem
    if regime != REGIMES[0]:
        recipe = problem.recipe | {"law": WorstCase(SPARSE).recipe(), "snr_db": None}
        problem = SparseRecovery.from_recipe(recipe, problem.dictionary)
    batch = problem.sample(CLAIM_SIGNALS if problem.n <= 1000 else CLAIM_SIGNALS // 2, seed=SEED)
    lam = float(getattr(released.network, "lam", CLASSICAL_LAM))
    return Setting(released.network, problem, batch, lam=lam, name=f"{released.log}, {regime}")


# -- the log -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Measured:
    """NMSE in dB on fresh signals, a ratio of sums, with the standard error of that estimate.

    Attributes:
        nmse_db: The estimate.
        error_db: Its standard error.
        signals: How many were drawn.
        worst_share: What part of the error the worst signal has.
    """

    nmse_db: float
    error_db: float
    signals: int
    worst_share: float


def measure(network: UnfoldedNetwork, problem: SparseRecovery, logged_db: float | None = None) -> Measured:
    r"""NMSE of the output in float64, on as many fresh signals as it takes to tell whether it agrees with the log.

    At high signal-to-noise ratios the error of a good network is that of the few signals with the largest supports. So
    half of the signals are drawn with $p'=1.35p$, and all of them weighted by $f_p/(f_p/2+f_{p'}/2)\le2$, f the law
    of the support: the estimate is that of the problem's own law, with a standard error two to three times smaller.
    """
    laws = [problem]
    if isinstance(problem.law, BernoulliGaussian) and problem.law.p * DENSER < 1:
        law = replace(problem.law, p=problem.law.p * DENSER)
        recipe = problem.recipe | {"law": law.recipe()}
        laws.append(SparseRecovery.from_recipe(recipe, problem.dictionary))
    errors, energies = np.zeros(0), np.zeros(0)
    most = MOST_SIGNALS if problem.n <= 1000 else MOST_SIGNALS // 2
    for block in range(most // BLOCK):
        batch = laws[block % len(laws)].sample(BLOCK, seed=SEED + 1 + block)
        assert batch.x is not None
        with torch.no_grad():
            codes = network(torch.tensor(batch.y)).numpy()
        weights = _weights(batch.x, laws)
        errors = np.concatenate([errors, weights * ((codes - batch.x) ** 2).sum(axis=1)])
        energies = np.concatenate([energies, weights * (batch.x**2).sum(axis=1)])
        if block % len(laws) + 1 < len(laws):
            continue
        ratio = errors.sum() / energies.sum()
        spread = (errors - ratio * energies).std() / (np.sqrt(len(errors)) * energies.mean())
        found = Measured(
            nmse_db=float(10 * np.log10(ratio)),
            error_db=float(10 / np.log(10) * spread / ratio),
            signals=len(errors),
            worst_share=float(errors.max() / errors.sum()),
        )
        room = TOLERANCE_DB - (0.0 if logged_db is None else abs(found.nmse_db - logged_db))
        if abs(room) > 3 * found.error_db:
            break
    return found


def _weights(codes: np.ndarray, laws: Sequence[SparseRecovery]) -> np.ndarray:
    if len(laws) == 1:
        return np.ones(len(codes))
    p, denser = (made.law.expected_support(made.n) / made.n for made in laws)
    size, n = np.count_nonzero(codes, axis=1), codes.shape[1]
    ratio = size * np.log(denser / p) + (n - size) * np.log1p(-denser) - (n - size) * np.log1p(-p)
    return 2 / (1 + np.exp(ratio))


def _against_log(released: Released, rebuild: Rebuild | None) -> Row:
    log, network = released.log, released.network
    found = measure(network, released.problem, log.nmse_db_best)
    row: Row = {
        "logged_db": log.nmse_db_best,
        "measured_db": found.nmse_db,
        "standard_error_db": found.error_db,
        "signals": found.signals,
        "difference_db": None,
        "agrees": None,
        "note": "no log in the release",
    }
    if log.nmse_db_best is None:
        return row
    difference = found.nmse_db - log.nmse_db_best
    agrees = abs(difference) <= TOLERANCE_DB
    note = "" if agrees else _why(released, found, rebuild)
    return row | {"difference_db": difference, "agrees": agrees, "note": note}


def _why(released: Released, found: Measured, rebuild: Rebuild | None) -> str:
    """Why a measured figure is not the logged one: the first explanation that the numbers bear out."""
    log = released.log
    assert log.nmse_db_best is not None
    off = f"measured {found.nmse_db:.2f} dB against {log.nmse_db_best:.2f} dB"
    if found.worst_share > 0.3:
        return (
            f"{off}: one of {found.signals} signals has {found.worst_share:.0%} of the error, so that means say little"
        )
    if abs(found.nmse_db - log.nmse_db_best) <= TOLERANCE_DB + 2 * found.error_db:
        return f"{off}: within two standard errors ({found.error_db:.2f} dB) of the tolerance"
    if log.nmse_db_last is not None and abs(found.nmse_db - log.nmse_db_last) <= TOLERANCE_DB:
        return f"{off}: agrees with the log of the last epoch, {log.nmse_db_last:.2f} dB, not of the best"
    if rebuild is not None:
        other = measure(rebuild("paper"), released.problem, log.nmse_db_best).nmse_db
        if abs(other - log.nmse_db_best) <= TOLERANCE_DB:
            return f"{off}: agrees with the paper's support selection, {other:.2f} dB"
        off += f" ({other:.2f} dB with the paper's support selection)"
    return f"{off}: the released scalars are not those of the logged run"


# -- layers --------------------------------------------------------------------------------------------------------
def _layers(setting: Setting, verdicts: Sequence[Verdict]) -> tuple[list[Row], Row]:
    """One row a layer, and what they come to."""
    depth = setting.shape[0]
    sizes = np.concatenate([setting.initial_error(1).mid[None], setting.error(1).mid])
    truth = np.abs(setting.truth).sum(axis=1)
    false = ((setting.off_support.mid > 0) & (setting.error(2).hi > MASK)).mean(axis=1)
    columns: dict[str, np.ndarray] = {
        "error_largest": sizes[1:].max(axis=1),
        "error_mean": sizes[1:].mean(axis=1),
        "nmse_db": np.maximum(setting.nmse_db[1:], -300.0),
        "false_positive_share": false,
    }
    summary: Row = {
        "false_positive_share": false.mean(),
        "false_positive_share_last": false[-1],
        "first_false_positive_layer": int(np.argmax(false > 0)) + 1 if false.any() else None,
        "measured_db_per_layer": _decay(sizes[-1], truth, depth),
    }
    scalars = _scalars(setting, sizes[:-1].max(axis=1))
    if scalars is not None:
        columns |= scalars[0]
        summary |= scalars[1]
    bound = next((v for v in verdicts if v.claim.id == _CERTIFICATE and v.conclusion is not None), None)
    if bound is not None:
        assert bound.conclusion is not None
        assert bound.applicable is not None
        certified = bound.conclusion.rhs.broadcast_to(bound.conclusion.shape).hi
        columns |= {"certified_mean": certified.mean(axis=1), "certified_share": bound.applicable.mean(axis=1)}
        summary["certified_db_per_layer"] = _decay(certified[-1], truth, depth)
        summary["certified_share"] = bound.applicable.mean()
    rows = [{"layer": k + 1} | {name: _plain(values[k]) for name, values in columns.items()} for k in range(depth)]
    return rows, {key: _plain(value) for key, value in summary.items()}


def _decay(errors: np.ndarray, truth: np.ndarray, depth: int) -> float:
    """Change of the mean error in dB a layer; negative is decay."""
    return float(20 * np.log10(max(errors.mean() / truth.mean(), 1e-15)) / depth)


def _scalars(setting: Setting, sup: np.ndarray) -> tuple[dict[str, np.ndarray], Row] | None:
    r"""Gains against the theorem's range, thresholds against $\gamma^k\mu\sup\|x^k-x^*\|_1$ (sup over the batch)."""
    try:
        layers: Sequence[Any] = setting.network.affine_layers()
    except MissingStructure:
        try:
            layers = setting.network.instance_layers(torch.tensor(setting.batch.y))
        except MissingStructure:
            return None
    products = [gram(np.asarray(layer.weight), setting.problem.dictionary) for layer in layers]
    mu = np.array([p.row_largest.max().hi.item() for p in products])
    gains = np.array([np.max(layer.gain) for layer in layers])
    least = np.array([np.min(layer.gain) for layer in layers])
    thresholds = np.array([np.min(layer.threshold) for layer in layers])
    limit = 2 / (mu * (2 * setting.signal_class.sparsity - 1) + 1)
    law = np.abs(gains) * mu * sup
    ratio = np.divide(thresholds, law, out=np.full(len(law), np.inf), where=law > 0)
    columns = {"gain": gains, "gain_limit": limit, "threshold": thresholds, "coherence": mu, "law_ratio": ratio}
    outside = (gains >= limit) | (least <= 0)
    return columns, {
        "coherence": mu.max(),
        "normalisation_error": max(abs(p.diagonal - 1.0).max().hi.item() for p in products[:1]),
        "gain_smallest": least.min(),
        "gain_largest": gains.max(),
        "gain_limit": limit.min(),
        "gains_out_of_range": int(outside.sum()),
        "law_ratio_smallest": ratio.min(),
        "law_ratio_largest": ratio.max(),
    }


# -- claims --------------------------------------------------------------------------------------------------------
def _counts(verdicts: Sequence[Verdict]) -> Mapping[Any, int]:
    # What lacks a part that the claim speaks of is no finding about the network.
    read = [v for v in verdicts if v.conclusion is not None]
    return {status: sum(v.status is status for v in read) for status in Status}


def _verdict(v: Verdict) -> Row:
    return {
        "claim": v.claim.id,
        "status": v.status.value,
        "read": v.conclusion is not None,
        "proof": v.proof,
        "coverage": None if v.conclusion is None else v.coverage,
        "observed": v.observed,
        "tightness": _plain(v.tightness),
        "reason": v.reason,
    }


def _hypotheses(verdicts: Sequence[Verdict]) -> Iterator[Row]:
    """Every hypothesis once, however many claims share it."""
    seen: set[str] = set()
    for verdict in verdicts:
        for finding in verdict.hypotheses:
            module = finding.hypothesis.read.__module__.rsplit(".", 1)[-1]
            source = verdict.claim.source if module == verdict.claim.source else ""
            name = f"{source}.{finding.hypothesis.name}".lstrip(".")
            if name not in seen:
                seen.add(name)
                layer = finding.first_refuted_layer
                yield {"hypothesis": name, "status": finding.status, "layer": layer, "reason": finding.sentence()}


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
