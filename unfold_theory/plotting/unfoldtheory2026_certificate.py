"""The per-layer certificate of trained and constructed networks beside what is measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullFormatter

from unfold_theory.claim import Verdict, verify
from unfold_theory.claims.unfoldtheory2026 import class_certificate, sample_certificate
from unfold_theory.plotting.drawing import Drawing, canvas, legend_above
from unfold_theory.plotting.primitives import depth_axis, log_axis, over_samples, panel_label, series, settings_of
from unfold_theory.plotting.registry import figure
from unfold_theory.plotting.styles import DOTTED, Style, look
from unfold_theory.suite import Entry, Subject

PANELS = {
    ("sparse", "alista", "theory"): "by theory, sparse",
    ("sparse", "alista", "trained"): "trained, sparse",
    ("standard", "alista", "trained"): "trained, standard",
}
CAPTION = (
    r"ALISTA: certified bounds on $\|x^k-x^*\|_1$ from the weights as they are, for each signal (dash-dotted) "
    r"and for the whole class (dotted), beside what is measured (solid). Lines are medians, thick over the "
    r"signals for which all hypotheses are met, thin over the others, to which nothing is promised; shaded: "
    r"range over all %(count)d signals. The strips show the share of signals with all hypotheses met, from "
    r"white (none: thresholds are too small to rule false positives out) to green (all)."
)
FLOOR = 1e-9
"""Errors are drawn down to here; networks that solve a signal exactly go on to zero."""
CERTIFICATES = ((sample_certificate, "signal", "-."), (class_certificate, "class", DOTTED))


def _key(entry: Entry) -> tuple[str, str, str]:
    return entry.regime, entry.network, entry.origin


@figure(wants=lambda entry: _key(entry) in PANELS)
def unfoldtheory2026_certificate(subjects: Sequence[Subject], style: Style) -> Drawing:
    """Per-layer certificates beside measured errors."""
    ordered = sorted(subjects, key=lambda s: list(PANELS).index(_key(s.entry)))
    figure_, axes = canvas(
        style, 3, rows=2, aspect=0.55, squeeze=False, sharex="col", gridspec_kw={"height_ratios": [5.0, 1.3]}
    )
    data = []
    for (upper, strip), letter, subject in zip(axes.T, "abc", ordered, strict=False):
        data += _panel(upper, strip, subject)
        panel_label(upper, letter, PANELS[_key(subject.entry)])
    axes[0, 0].set_ylabel(r"$\|x^k-x^{{*}}\|_1$")
    for strip in axes[1, 1:]:
        strip.set_yticklabels([])
    legend_above(figure_, list(axes[0]), columns=3)
    caption = CAPTION % {"count": len(ordered[0].setting.batch)}
    sources = ["unfoldtheory2026", "liu2019"]
    return Drawing("unfoldtheory2026_certificate", figure_, pd.concat(data), caption, sources, settings_of(subjects))


def _panel(upper: Axes, strip: Axes, subject: Subject) -> list[pd.DataFrame]:
    shown, name = look(subject.entry.network), subject.entry.name
    verdicts = [verify(claim, subject.setting) for claim, _, _ in CERTIFICATES]
    error = _sides(verdicts[0])[0]
    depths = np.arange(1, len(error) + 1, dtype=np.float64)
    drawn = np.maximum(error, FLOOR / 100)
    upper.fill_between(depths, drawn.min(axis=1), drawn.max(axis=1), color=shown.colour, alpha=0.2, linewidth=0)
    _medians(upper, depths, drawn, _covered(verdicts[0]), "-", shown.colour, "measured")
    data = [series(name, "||x^k - x*||_1", depths, **over_samples(error))]
    shares = []
    for verdict, (_, label, dashes) in zip(verdicts, CERTIFICATES, strict=True):
        bound, covered = _sides(verdict)[1], _covered(verdict)
        _medians(upper, depths, bound, covered, dashes, "black", f"certified, {label}")
        shares.append(covered.mean(axis=1))
        rows = over_samples(bound) | {"share_covered": shares[-1]}
        data.append(series(name, f"bound ({verdict.claim.id})", depths, **rows))
    log_axis(upper, "")
    upper.set_ylim(bottom=max(upper.get_ylim()[0], FLOOR))
    extent = (0.5, len(error) + 0.5, 1.5, -0.5)
    strip.imshow(np.stack(shares), cmap="Greens", vmin=0, vmax=1.15, aspect="auto", extent=extent)
    strip.set_yticks([0, 1], [label for _, label, _ in CERTIFICATES], fontsize="small")
    strip.grid(False)
    strip.spines[["top", "right"]].set_visible(True)
    strip.axhline(0.5, color="#bbbbbb", linewidth=0.5)
    depth_axis(strip, len(error), first=1)
    strip.set_xlim(0.5, len(error) + 0.5)
    strip.xaxis.set_minor_locator(FixedLocator([]))
    strip.xaxis.set_minor_formatter(NullFormatter())
    return data


def _medians(
    axis: Axes, depths: np.ndarray, values: np.ndarray, covered: np.ndarray, dashes: Any, colour: str, label: str
) -> None:
    """The median over the signals that a certificate counts for, and thin, over the others."""
    for mask, width, name in ((covered, 1.3, label), (~covered, 0.5, "")):
        # A median needs three signals to be one.
        kept = [np.median(row[m]) if m.sum() > 2 else np.nan for row, m in zip(values, mask, strict=True)]
        axis.plot(depths, kept, color=colour, linestyle=dashes, linewidth=width, label=name or None)


def _covered(verdict: Verdict) -> np.ndarray:
    assert verdict.applicable is not None
    return verdict.applicable


def _sides(verdict: Verdict) -> tuple[np.ndarray, np.ndarray]:
    assert verdict.conclusion is not None
    shape = verdict.conclusion.shape
    return verdict.conclusion.lhs.broadcast_to(shape).mid, verdict.conclusion.rhs.broadcast_to(shape).hi
