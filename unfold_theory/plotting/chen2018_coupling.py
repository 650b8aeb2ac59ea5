"""What training makes of LISTA's weights and thresholds, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from unfold_theory.plotting.drawing import Drawing, canvas, legend_above
from unfold_theory.plotting.primitives import curve, depth_axis, panel_label, series, settings_of
from unfold_theory.plotting.registry import figure
from unfold_theory.plotting.styles import Style, look
from unfold_theory.rates.layer_maps import layer_maps
from unfold_theory.suite import Subject

CAPTION = (
    r"Theorem 1 of Chen et al. 2018: where the errors of LISTA vanish with depth, (a) its weights couple, "
    r"$W_2^k-(I-W_1^kA)\to 0$ (spectral norm here), and (b) its thresholds vanish (mean over coordinates, with "
    r"their range shaded). Trained on %(problem)s. Layers that are coupled by construction have no point in "
    r"(a); nor has the first, where $W_2$ multiplies the code 0."
)


@figure(wants=lambda entry: entry.regime == "standard" and entry.network in ("lista", "lista-tied", "lista-cp"))
def chen2018_coupling(subjects: Sequence[Subject], style: Style) -> Drawing:
    """Weight coupling and thresholds of trained LISTA, layer by layer."""
    figure_, axes = canvas(style, 2, aspect=0.72)
    data = []
    for subject in subjects:
        shown = look(subject.entry.network)
        maps = list(layer_maps(subject.setting.network, subject.setting.problem.dictionary))
        layers = np.arange(1, len(maps) + 1, dtype=np.float64)
        mismatch = {k: np.linalg.norm(m.mismatch.mid, 2) for k, m in enumerate(maps, 1) if m.mismatch is not None}
        if mismatch:
            where, sizes = np.array(list(mismatch), dtype=np.float64), np.array(list(mismatch.values()))
            curve(axes[0], where, sizes, shown, markevery=1)
            data.append(series(subject.entry.name, "||W2 - (I - W1 A)||_2", where, value=sizes))
        thresholds = np.stack([m.threshold for m in maps])
        mean = thresholds.mean(axis=1)
        curve(axes[1], layers, mean, shown, markevery=1)
        axes[1].fill_between(
            layers, thresholds.min(axis=1), thresholds.max(axis=1), color=shown.colour, alpha=0.16, linewidth=0
        )
        ends = {"smallest": thresholds.min(axis=1), "largest": thresholds.max(axis=1)}
        data.append(series(subject.entry.name, "threshold", layers, value=mean, **ends))
    for axis in axes:
        depth_axis(axis, subjects[0].setting.network.depth, "layer $k$", first=1)
        axis.axhline(0.0, color="#555555", linewidth=0.5)
    axes[0].set_ylim(bottom=0.0)
    axes[0].set_ylabel(r"$\|W_2^k-(I-W_1^kA)\|_2$")
    axes[1].set_ylabel(r"threshold $\theta^k$")
    panel_label(axes[0], "a", "weights couple?")
    panel_label(axes[1], "b", "thresholds vanish?")
    legend_above(figure_, list(axes), columns=3)
    caption = CAPTION % {"problem": subjects[0].setting.problem}
    return Drawing(
        "chen2018_coupling", figure_, pd.concat(data), caption, ["chen2018", "gregor2010"], settings_of(subjects)
    )
