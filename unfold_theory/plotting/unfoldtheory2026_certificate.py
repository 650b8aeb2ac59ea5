"""The per-layer certificate of trained and constructed networks beside what is measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from unfold_theory.claim import Verdict, verify
from unfold_theory.claims.unfoldtheory2026 import class_certificate, sample_certificate
from unfold_theory.plotting.drawing import Drawing, canvas, legend_above
from unfold_theory.plotting.primitives import depth_axis, log_axis, over_samples, panel_label, series, settings_of
from unfold_theory.plotting.registry import figure
from unfold_theory.plotting.styles import Style, look
from unfold_theory.suite import Entry, Subject

PANELS = {
    ("sparse", "alista", "theory"): "ALISTA of theory, sparse",
    ("sparse", "alista", "trained"): "ALISTA trained, sparse",
    ("standard", "alista", "trained"): "ALISTA trained, standard",
}
CAPTION = (
    "Certified bounds on ||x^k - x*||_1 from the weights as they are, for each signal (dash-dotted: median) and for "
    "the whole class (dotted), beside what is measured (solid: median; shaded: range over {count} signals). Where a "
    "hypothesis fails, thresholds being too small to rule false positives out, nothing is promised: those layers are "
    "shaded grey for the class (light) and for more than half of the signals (dark), and the bound is drawn thin."
)


def _key(entry: Entry) -> tuple[str, str, str]:
    return entry.regime, entry.network, entry.origin


@figure(wants=lambda entry: _key(entry) in PANELS)
def unfoldtheory2026_certificate(subjects: Sequence[Subject], style: Style) -> Drawing:
    """Per-layer certificates beside measured errors."""
    figure_, axes = canvas(style, 3, aspect=1.0)
    ordered = sorted(subjects, key=lambda s: list(PANELS).index(_key(s.entry)))
    data = []
    for axis, letter, subject in zip(axes, "abc", ordered, strict=False):
        data += _panel(axis, subject)
        panel_label(axis, letter, PANELS[_key(subject.entry)])
    axes[0].set_ylabel(r"$\|x^k-x^*\|_1$")
    legend_above(figure_, list(axes), columns=5)
    caption = CAPTION.format(count=len(ordered[0].setting.batch))
    sources = ["unfoldtheory2026", "liu2019"]
    return Drawing("unfoldtheory2026_certificate", figure_, pd.concat(data), caption, sources, settings_of(subjects))


def _panel(axis: Axes, subject: Subject) -> list[pd.DataFrame]:
    shown, name = look(subject.entry.network), subject.entry.name
    signal, whole = (verify(claim, subject.setting) for claim in (sample_certificate, class_certificate))
    assert signal.conclusion is not None
    error = signal.conclusion.lhs.broadcast_to(signal.conclusion.shape).mid
    depths = np.arange(1, len(error) + 1, dtype=np.float64)
    axis.fill_between(depths, error.min(axis=1), error.max(axis=1), color=shown.colour, alpha=0.2, linewidth=0)
    axis.plot(depths, np.median(error, axis=1), color=shown.colour, label="measured")
    data = [series(name, "||x^k - x*||_1", depths, **over_samples(error))]
    drawn = ((signal, "certified, signal", "-.", "#7a7a7a"), (whole, "certified, class", ":", "#c4c4c4"))
    for verdict, label, dashes, shade in drawn:
        bound, met = _bound(verdict)
        median, promised = np.median(bound, axis=1), met.mean(axis=1) >= 0.5
        axis.plot(depths, median, color="black", linestyle=dashes, linewidth=0.6)
        axis.plot(depths, np.where(promised, median, np.nan), color="black", linestyle=dashes, label=label)
        _shade(axis, ~promised, shade)
        rows = over_samples(bound) | {"share_promised": met.mean(axis=1)}
        data.append(series(name, f"bound ({verdict.claim.id})", depths, **rows))
    depth_axis(axis, len(error))
    axis.set_xlim(left=1)
    log_axis(axis, "")
    return data


def _bound(verdict: Verdict) -> tuple[np.ndarray, np.ndarray]:
    assert verdict.conclusion is not None
    assert verdict.applicable is not None
    return verdict.conclusion.rhs.broadcast_to(verdict.conclusion.shape).hi, verdict.applicable


def _shade(axis: Axes, layers: np.ndarray, colour: str) -> None:
    for layer in np.flatnonzero(layers) + 1:
        axis.axvspan(layer - 0.5, layer + 0.5, color=colour, alpha=0.35, linewidth=0, zorder=0)
