"""Depth against error: the picture of Chen et al. 2018, figure 1, and the same with bounds where they say something."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from unfold_theory.claim import verify
from unfold_theory.claims.chen2018 import linear_rate, support_selection
from unfold_theory.claims.liu2019 import linear_rate as alista_rate
from unfold_theory.plotting.drawing import Drawing, canvas, legend_above
from unfold_theory.plotting.primitives import by_regime, curve, decibel, depth_axis, panel_label, series, settings_of
from unfold_theory.plotting.registry import figure
from unfold_theory.plotting.styles import Style, look
from unfold_theory.suite import Entry, Subject

SHOWN = ("ista", "fista", "lista", "lista-cp", "lista-cpss", "tilista", "alista")
CAPTION = (
    r"NMSE is $10\log_{10}(\sum\|x^k-x^*\|^2/\sum\|x^*\|^2)$, a ratio of sums over the batch. (a) Standard "
    r"set-up: %(standard)s (learned: solid; classical: dashed). Coherence theorems say nothing there. (b) "
    r"Extreme points of the theorems' class, %(sparse)s: networks that the theorems construct, with their "
    r"bounds (dotted), which count for every signal of the class; with gain 1, ALISTA is LISTA-CP."
)


def _wants(entry: Entry) -> bool:
    standard = entry.regime == "standard" and entry.network in SHOWN
    return standard or (entry.regime == "sparse" and entry.origin == "theory")


@figure(wants=_wants)
def chen2018_depth(subjects: Sequence[Subject], style: Style) -> Drawing:
    """Depth against error: learned, classical and bound."""
    standard, sparse = by_regime("chen2018_depth", subjects, "standard", "sparse")
    figure_, axes = canvas(style, 2, aspect=0.78)
    data = [_measured(axes[0], subject) for subject in standard]
    panel_label(axes[0], "a", "standard")
    for subject in sparse:
        data += [_measured(axes[1], subject), _bound(axes[1], subject)]
    panel_label(axes[1], "b", "sparse, by theory")
    for axis, group in zip(axes, (standard, sparse), strict=True):
        depth_axis(axis, max(s.setting.network.depth for s in group))
        axis.set_ylabel("NMSE (dB)")
    # Further down there is nothing but the rounding of float64.
    axes[1].set_ylim(-160.0, 8.0)
    legend_above(figure_, list(axes), columns=4, bounds=True)
    caption = CAPTION % {"standard": standard[0].setting.problem, "sparse": sparse[0].setting.problem}
    sources = ["beck2009", "chen2018", "gregor2010", "liu2019"]
    return Drawing("chen2018_depth", figure_, pd.concat(data), caption, sources, settings_of(subjects))


def _measured(axis: Axes, subject: Subject) -> pd.DataFrame:
    nmse = np.maximum(subject.setting.nmse_db, -200.0)
    depths = np.arange(len(nmse), dtype=np.float64)
    curve(axis, depths, nmse, look(subject.entry.network))
    return series(subject.entry.name, "measured", depths, nmse_db=nmse)


def _bound(axis: Axes, subject: Subject) -> pd.DataFrame:
    claim = {"alista": alista_rate, "lista-cp": linear_rate}.get(subject.entry.network, support_selection)
    verdict = verify(claim, subject.setting)
    assert verdict.conclusion is not None
    bound = verdict.conclusion.rhs.broadcast_to(verdict.conclusion.shape).hi
    energy = (subject.setting.truth**2).sum(axis=1)
    squared = np.concatenate([np.ones(1), (bound**2).sum(axis=1) / energy.sum()])
    depths = np.arange(len(squared), dtype=np.float64)
    axis.plot(depths[1:], decibel(squared[1:]), **look(subject.entry.network).bound())
    return series(subject.entry.name, f"bound ({claim.id})", depths[1:], nmse_db=decibel(squared[1:]))
