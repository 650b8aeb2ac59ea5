"""The thresholds that networks take for each signal, beside the law of the theorem."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.ticker import LogLocator, NullFormatter

from unfold_theory.claims.behrens2021 import law
from unfold_theory.claims.instances import acted
from unfold_theory.plotting.drawing import Drawing, canvas
from unfold_theory.plotting.primitives import panel_label, series, settings_of
from unfold_theory.plotting.registry import figure
from unfold_theory.plotting.styles import Style
from unfold_theory.suite import Entry, Subject

PANELS = {
    ("standard", "na-alista", "trained"): "NA-ALISTA",
    ("standard", "alista", "trained"): "ALISTA",
    ("sparse", "alista", "theory"): "ALISTA of theory",
}
CAPTION = (
    r"Threshold $\theta^k$ that a layer takes for a signal, against the law $\gamma^k\mu\|x^k-x^*\|_1$ of that signal "
    r"(line), $\mu=\max_{i\neq j}|W_i^TA_j|$ of the network's own W; one point a signal and layer, %(signals)d "
    r"signals. Points on or above the line are promised no false positive. Median of threshold over law: %(ratios)s. "
    r"(a), (b) Trained, standard set-up: %(standard)s. (c) Thresholds for the whole class, %(sparse)s. Thresholds that "
    r"are not positive cannot be drawn: %(hidden)d of %(total)d."
)
SHOWN = 48
FLOOR = 1e-9
"""Errors below this are rounding."""


def _key(entry: Entry) -> tuple[str, str, str]:
    return entry.regime, entry.network, entry.origin


@figure(wants=lambda entry: _key(entry) in PANELS)
def behrens2021_thresholds(subjects: Sequence[Subject], style: Style) -> Drawing:
    """Thresholds of each signal against their law."""
    ordered = sorted(subjects, key=lambda s: list(PANELS).index(_key(s.entry)))
    figure_, axes = canvas(style, 3, aspect=0.95)
    data, ratios, hidden, total = [], [], 0, 0
    for axis, letter, subject in zip(axes, "abc", ordered, strict=False):
        frame, ratio, dropped = _panel(axis, subject)
        panel_label(axis, letter, PANELS[_key(subject.entry)])
        data.append(frame)
        ratios.append(f"{ratio:.2g} ({letter})")
        hidden, total = hidden + dropped, total + len(frame)
    axes[0].legend(loc="lower right")
    axes[0].set_ylabel(r"threshold $\theta^k$")
    depth = max(s.setting.network.depth for s in ordered)
    colours = ScalarMappable(Normalize(1, depth), "viridis")
    figure_.colorbar(colours, ax=list(axes), label="layer", fraction=0.04, pad=0.02)
    caption = CAPTION % {
        "signals": SHOWN,
        "ratios": ", ".join(ratios),
        "standard": ordered[0].setting.problem,
        "sparse": ordered[-1].setting.problem,
        "hidden": hidden,
        "total": total,
    }
    sources = ["behrens2021", "liu2019"]
    return Drawing("behrens2021_thresholds", figure_, pd.concat(data), caption, sources, settings_of(subjects))


def _panel(axis: Axes, subject: Subject) -> tuple[pd.DataFrame, float, int]:
    setting = subject.setting
    theta = np.stack([layer.threshold.mean(axis=1) for layer in setting.cached(acted).layers])[:, :SHOWN]
    lawful = setting.cached(law).mid[:, :SHOWN]
    layers = np.broadcast_to(np.arange(1, len(theta) + 1)[:, None], theta.shape)
    counts = lawful > FLOOR
    drawn = counts & (theta > 0)
    axis.scatter(lawful[drawn], theta[drawn], c=layers[drawn], s=2.5, linewidths=0, cmap="viridis", rasterized=True)
    reach = np.array([min(lawful[drawn].min(), theta[drawn].min()), max(lawful[drawn].max(), theta[drawn].max())])
    axis.plot(reach, reach, color="black", linewidth=0.8, label="law")
    for scale, ticks in ((axis.set_xscale, axis.xaxis), (axis.set_yscale, axis.yaxis)):
        scale("log")
        ticks.set_major_locator(LogLocator(base=10, numticks=5))
        ticks.set_minor_formatter(NullFormatter())
    axis.set_xlabel(r"law $\gamma^k\mu\|x^k-x^{{*}}\|_1$")
    rows = {"law": lawful[counts], "threshold": theta[counts]}
    frame = series(subject.entry.name, "threshold of a signal", layers[counts].astype(float), **rows)
    return frame, float(np.median(theta[counts] / lawful[counts])), int((counts & ~drawn).sum())
