"""The local law beside what is measured: iterations on known supports, and trained networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from unfold_theory.plotting.drawing import Drawing, canvas, legend_above
from unfold_theory.plotting.primitives import panel_label
from unfold_theory.plotting.registry import study_figure
from unfold_theory.plotting.styles import Style, look
from unfold_theory.studies.local_law_networks import DEPTHS
from unfold_theory.studies.unfoldtheory2026_local_law import unfoldtheory2026_local_law as local_law_study

ITERATIONS = {
    "fixed step": ("#009e73", "x"),
    "heavy ball": ("#882255", "D"),
    "chebyshev": ("#6a3d9a", "*"),
    "conjugate gradient": ("#8c6d31", "h"),
}
NAMES = {"chebyshev": "Chebyshev"}
BAND = 0.1
CAPTION = (
    r"Decibels that one more layer gains (slope of the NMSE from depth %(first)d to %(last)d), predicted and measured, "
    r"on %(cells)d sizes (m, n, s); bars: range over %(seeds)d dictionaries. Shaded: within 10 per cent. "
    r"(a) Iterations on the known support against the finite-depth law, $\int p_k^2d\nu$ with the limiting spectrum "
    r"of random dictionaries. (b) Networks, each trained (HyperLISTA: tuned) to its depth, without noise, against the "
    r"rate h/c of the best fixed step. Trained thresholds act on the support, which the law leaves out: ALISTA and "
    r"LISTA-CP gain less than it says, HyperLISTA, with momentum and thresholds that follow the error, more. Points "
    r"near 0: a few signals on which the deeper network fails decide the sum."
)


@study_figure(study=local_law_study)
def unfoldtheory2026_local_law(table: pd.DataFrame, style: Style) -> Drawing:
    """Predicted and measured gain of a layer."""
    cells: Any = table
    figure, axes = canvas(style, 2, aspect=0.9)
    shown = []
    for method, (colour, marker) in ITERATIONS.items():
        shown += _points(axes[0], cells[cells["method"] == method], "finite", colour, marker, NAMES.get(method, method))
    for network in [name for name in cells["method"].unique() if name in set(cells["subject"])]:
        seen = look(network)
        shown += _points(axes[1], cells[cells["method"] == network], "asymptotic", seen.colour, seen.marker, seen.label)
    for axis, letter, title in zip(axes, "ab", ("known support", "networks"), strict=True):
        _band(axis)
        panel_label(axis, letter, title)
        axis.set_xlabel("predicted (dB/layer)")
        axis.set_ylabel("measured (dB/layer)")
    legend_above(figure, list(axes), columns=4)
    numbers = {
        "first": DEPTHS[0],
        "last": DEPTHS[1],
        "cells": len(cells[["m", "n", "s"]].drop_duplicates()),
        "seeds": cells["seed"].nunique(),
    }
    sources = ["behrens2021", "chen2018", "chen2021", "liu2019", "unfoldtheory2026"]
    return Drawing("unfoldtheory2026_local_law", figure, table, CAPTION % numbers, sources, {"points": len(shown)})


def _points(axis: Axes, table: Any, predicted: str, colour: str, marker: str, label: str) -> list[float]:
    spans = table.dropna(subset=["measured"]).groupby(["m", "n", "s"])
    if not len(spans):
        return []
    x = spans[predicted].first().to_numpy()
    low, middle, high = (getattr(spans["measured"], name)().to_numpy() for name in ("min", "median", "max"))
    axis.errorbar(
        x,
        middle,
        yerr=np.stack([middle - low, high - middle]),
        color=colour,
        marker=marker,
        markerfacecolor="white",
        linestyle="none",
        elinewidth=0.6,
        label=label,
    )
    return middle.tolist()


def _band(axis: Axes) -> None:
    low = min(axis.get_xlim()[0], axis.get_ylim()[0])
    ends = np.array([low, 0.0])
    axis.plot(ends, ends, color="#444444", linewidth=0.7, zorder=0)
    axis.fill_between(ends, (1 + BAND) * ends, (1 - BAND) * ends, color="#bbbbbb", alpha=0.4, linewidth=0, zorder=0)
    axis.set_xlim(low, 0.0)
    axis.set_ylim(low, max(0.0, axis.get_ylim()[1]))
