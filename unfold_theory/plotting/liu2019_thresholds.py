r"""The threshold law of Liu et al. 2019: does training make $\theta^k$ proportional to $\sup\|x^k-x^*\|_1$?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from unfold_theory.plotting.drawing import Drawing, canvas, legend_above
from unfold_theory.plotting.primitives import log_axis, panel_label
from unfold_theory.plotting.registry import study_figure
from unfold_theory.plotting.styles import DOTTED, Style
from unfold_theory.studies.behrens2021_audit import behrens2021_audit as audit
from unfold_theory.suite.audit import REGIMES

CAPTION = (
    r"Thresholds over gains of trained ALISTA, $\theta^k/\gamma^k$, against the largest error at the layer's input, "
    r"$\max\|x^k-x^*\|_1$ over the signals; one point a layer, output layers hollow. Dotted: the law of theorem 1 of "
    r"Liu et al. 2019, $\theta^k/\gamma^k=\mu\sup\|x^k-x^*\|_1$. Grey: the same slope 1 through the middle of the "
    r"points. (a) The signals and the noise of the training: slope %(own)s in the logarithms, a factor of %(below)s "
    r"below the law. (b) Noise-free signals with two entries $\pm1$: slope %(sparse)s."
)
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")


@study_figure(study=audit)
def liu2019_thresholds(table: pd.DataFrame, style: Style) -> Drawing:
    """Thresholds against errors, layer by layer, beside the law."""
    rows = [row for row in table.to_dict("records") if row["part"] == "layer" and row["kind"] == "ALISTA"]
    figure, axes = canvas(style, 2, aspect=0.8, sharey=False)
    data, slopes, below = [], {}, float("nan")
    for axis, letter, regime in zip(axes, "ab", REGIMES, strict=True):
        points = _points([row for row in rows if row["regime"] == regime])
        groups = sorted({(p["n"], p["snr_db"]) for p in points})
        for colour, (n, snr) in zip(COLOURS, groups, strict=False):
            own = [p for p in points if (p["n"], p["snr_db"]) == (n, snr)]
            for last in (False, True):
                some = [p for p in own if p["last"] == last]
                axis.scatter(
                    [p["error"] for p in some],
                    [p["threshold_over_gain"] for p in some],
                    s=9,
                    facecolors="none" if last else colour,
                    edgecolors=colour,
                    linewidths=0.7,
                    label=None if last else f"n = {n:g}, {snr:g} dB",
                    zorder=3,
                )
        if points:
            slopes[regime], shift = _slope([p for p in points if not p["last"]] or points)
            ends = np.array([min(p["error"] for p in points), max(p["error"] for p in points)])
            mu = float(np.median([p["coherence"] for p in points]))
            axis.plot(ends, mu * ends, color="black", linestyle=DOTTED, label="law, slope $\\mu$")
            axis.plot(ends, shift * ends, color="#8c8c8c", linewidth=0.8, label="proportional")
            if regime == REGIMES[0]:
                below = mu / shift
        axis.set_xscale("log")
        log_axis(axis, r"$\theta^k/\gamma^k$")
        axis.set_xlabel(r"$\max\ \|x^k-x^{{*}}\|_1$")
        panel_label(axis, letter, "own signals" if regime == REGIMES[0] else "two entries, noise-free")
        data.append(pd.DataFrame(points).assign(series=regime))
    legend_above(figure, list(axes), columns=4)
    numbers = {
        "own": f"{slopes.get(REGIMES[0], float('nan')):.2f}",
        "sparse": f"{slopes.get(REGIMES[1], float('nan')):.2f}",
        "below": f"{below:.0f}",
    }
    return Drawing("liu2019_thresholds", figure, pd.concat(data), CAPTION % numbers, ["liu2019", "behrens2021"])


def _points(rows: Sequence[Mapping[Any, Any]]) -> list[dict[str, Any]]:
    """One point a layer with a positive threshold and gain."""
    found = []
    for row in rows:
        gain, threshold, ratio = (float(row[key]) for key in ("gain", "threshold", "law_ratio"))
        if not (gain > 0 and threshold > 0 and np.isfinite(ratio)):
            continue
        found.append(
            {
                "n": row["n"],
                "snr_db": row["snr_db"],
                "depth": int(row["depth"]),
                "layer": int(row["layer"]),
                "last": int(row["layer"]) == int(row["depth"]),
                "coherence": float(row["coherence"]),
                # The ratio is theta / (gamma mu sup), so that the supremum follows from it.
                "error": threshold / (gain * float(row["coherence"]) * ratio),
                "threshold_over_gain": threshold / gain,
            }
        )
    return found


def _slope(points: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Slope of the logarithms by least squares, and the median factor of the proportional law."""
    x, y = (np.log([p[key] for p in points]) for key in ("error", "threshold_over_gain"))
    slope = float(np.polyfit(x, y, 1)[0]) if len(points) > 1 and np.ptp(x) > 0 else float("nan")
    return slope, float(np.exp(np.median(y - x)))
