"""Worst-case bounds on the gap: which classes they say anything about, and from how many signals on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from unfold_theory.plotting.drawing import Drawing, canvas
from unfold_theory.plotting.primitives import panel_label
from unfold_theory.plotting.registry import study_figure
from unfold_theory.plotting.styles import Style
from unfold_theory.studies.unfoldtheory2026_capacity import DELTA
from unfold_theory.studies.unfoldtheory2026_capacity import unfoldtheory2026_capacity as capacity_study

LINES: dict[str, dict[str, Any]] = {
    "scalars": {"color": "#0072b2", "marker": "P"},
    "dictionary": {"color": "#b8860b", "marker": "*"},
    "dictionary-dudley": {"color": "#b8860b", "marker": "|", "linestyle": "--"},
    "coupled": {"color": "#e69f00", "marker": "D"},
    "free": {"color": "#cc79a7", "marker": "o"},
    "spectral": {"color": "#009e73", "marker": "s"},
    "spectral-quoted": {"color": "#009e73", "marker": "x", "linestyle": ":"},
    "spectral-unclipped": {"color": "#7f3c00", "marker": "+", "linestyle": ":"},
    "rows": {"color": "#000000", "marker": "^"},
}
SAMPLES = 1e4
CAPTION = (
    r"Bounds on the generalization gap that see the class and not the data, %(m)d x %(n)d, loss "
    r"$\frac{1}{2}\|h-x\|\in[0,1]$, $\delta=%(delta)g$. (a) Against training signals at %(depth)d layers, (b) against "
    r"depth at $N=10^4$; in the shaded region a bound says nothing. (c) The number of signals from which on a bound is "
    r"below 1. Only scalars are bounded at the sample sizes of experiments; a learned orthogonal dictionary needs more "
    r"but hardly notices depth. Dotted lines are formulas as they are often quoted, without the ceilings of the "
    r"covering lemma and, brown, without clipped states: no bounds, shown for shape."
)


@study_figure(study=capacity_study)
def unfoldtheory2026_capacity(table: pd.DataFrame, style: Style) -> Drawing:
    """Worst-case bounds against samples and depth, and where they become less than 1."""
    cells: Any = table
    m = int(cells["m"].min())
    cells = cells[cells["m"] == m]
    depths = sorted(cells["depth"].unique())
    depth = 10 if 10 in depths else int(depths[-1])
    figure, axes = canvas(style, 2, aspect=0.72, rows=2)
    row = np.ravel(axes)
    _lines(row[0], cells[cells["depth"] == depth], "samples", "value", every=4)
    size = min(cells["samples"].unique(), key=lambda v: abs(np.log(v / SAMPLES)))
    _lines(row[1], cells[cells["samples"] == size], "depth", "value")
    _lines(row[2], cells[cells["samples"] == size], "depth", "smallest")
    for axis, letter, title in zip(row[:3], "abc", (f"$L={depth}$", "$N=10^4$", "signals needed"), strict=True):
        panel_label(axis, letter, title)
    row[0].set_xscale("log")
    row[0].set_xlabel("training signals $N$")
    for axis in row[:2]:
        axis.set_ylim(1e-2, 1e5)
        axis.axhspan(1.0, 1e5, color="#000000", alpha=0.06, linewidth=0)
        axis.set_ylabel(r"bound on $R-\hat{R}$")
    row[0].annotate("vacuous", (0.97, 0.97), xycoords="axes fraction", ha="right", va="top", fontsize="small")
    row[2].set_ylabel("$N$ for a bound below 1")
    for axis in row[1:3]:
        axis.set_xscale("log", base=2)
        axis.set_xlabel("layers $L$")
        axis.xaxis.set_major_formatter("{x:g}")
    row[3].set_axis_off()
    row[3].legend(*row[0].get_legend_handles_labels(), loc="center", fontsize="small")
    numbers = {"m": m, "n": int(cells["n"].iloc[0]), "delta": DELTA, "depth": int(depth)}
    sources = ["unfoldtheory2026", "behboodi2022", "liu2019"]
    return Drawing(
        "unfoldtheory2026_capacity", figure, table, CAPTION % numbers, sources, {"cells": len(depths), "depth": depth}
    )


def _lines(axis: Axes, table: Any, across: str, height: str, every: int = 1) -> None:
    for name, line in LINES.items():
        chosen = table[table["bound"] == name].sort_values(across)
        finite = np.isfinite(chosen[height].to_numpy(float))
        axis.plot(
            chosen[across].to_numpy(float)[finite],
            chosen[height].to_numpy(float)[finite],
            label=chosen["title"].iloc[0],
            markevery=every,
            markerfacecolor="white",
            **line,
        )
    axis.set_yscale("log")
