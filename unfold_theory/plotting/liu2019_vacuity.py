"""The vacuity map: what sparsities the coherence theory covers, and what experiments use."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator, ScalarFormatter

from unfold_theory.plotting.drawing import Drawing, canvas, legend_above
from unfold_theory.plotting.primitives import panel_label
from unfold_theory.plotting.registry import study_figure
from unfold_theory.plotting.styles import Style
from unfold_theory.studies.liu2019_vacuity import liu2019_vacuity as vacuity_study
from unfold_theory.studies.published_experiments import EXPERIMENTS

LINES = {
    "welch": ("#000000", "--", "Welch: any dictionary, any $W$"),
    "minimax": ("#0072b2", "o", "minimax $W$"),
    "frobenius": ("#e69f00", "s", "Frobenius $W$"),
    "dictionary": ("#cc79a7", "^", "$W=A$"),
}
CONTOURS = (3, 5, 8, 11, 20, 50)
USED: dict[str, Any] = {"color": "#b3261e", "markersize": 6, "markeredgecolor": "white", "markeredgewidth": 0.4}
CAPTION = (
    r"(a) Largest sparsity with $(2s-1)\mu<1$ for Gaussian dictionaries with %(m)d rows (unit columns; the range over "
    r"%(seeds)d dictionaries is shaded): weights of certified coherence, refined by column sums where that gains "
    r"anything, and Welch's bound, which no dictionary of the size exceeds. Thin dotted: a bound that after %(depth)d "
    r"layers lies %(decibels)d dB below that of the zero code. (b) The largest sparsity of any dictionary and any "
    r"weight (Welch; contours), and where experiments are. (c) The sparsity that they use beside that limit. For any "
    r"250 x 500 dictionary $\mu>0.0447$, so that the theorems cover at most 11 nonzeros; the experiments have 50."
)


@study_figure(study=vacuity_study)
def liu2019_vacuity(table: pd.DataFrame, style: Style) -> Drawing:
    """Sparsities that the coherence theory covers, and those of published experiments."""
    cells: Any = table
    drawn, known = cells[cells["kind"] == "gaussian"], cells[cells["kind"] == "experiment"]
    m = int(drawn["m"].max())
    figure, axes = canvas(style, 2, aspect=0.66, rows=2)
    below = axes[1, 0].get_gridspec()[1, :]
    for axis in axes[1]:
        axis.remove()
    wide = figure.add_subplot(below)
    lines = _lines(axes[0, 0], drawn[drawn["m"] == m])
    panel_label(axes[0, 0], "a", f"Gaussian dictionaries, $m={m}$")
    _map(axes[0, 1], cells[cells["kind"] == "size"], known)
    panel_label(axes[0, 1], "b", "any dictionary: limit of $s$")
    _experiments(wide, known)
    panel_label(wide, "c", "published experiments")
    legend_above(figure, [axes[0, 0], wide], columns=3)
    numbers = {
        "m": m,
        "seeds": drawn["seed"].nunique(),
        "depth": int(cells["depth"].iloc[0]),
        "decibels": int(cells["decibels"].iloc[0]),
    }
    sources = sorted({"welch1974", "liu2019", *(key for e in EXPERIMENTS for key in e.sources)})
    settings = {"cells": len(table), "rows": lines}
    return Drawing("liu2019_vacuity", figure, table, CAPTION % numbers, sources, settings)


def _lines(axis: Axes, table: Any) -> int:
    best = table.groupby(["weight", "n", "seed"], as_index=False)[["largest", "useful"]].max()
    m = table["m"].iloc[0]
    for weight, (colour, mark, label) in LINES.items():
        spans = best[best["weight"] == weight].groupby("n")[["largest", "useful"]].agg(["min", "median", "max"])
        ratios = spans.index.to_numpy() / m
        marks: dict[str, Any] = (
            {"linestyle": mark} if weight == "welch" else {"marker": mark, "markerfacecolor": "white"}
        )
        axis.plot(ratios, spans["largest", "median"], color=colour, label=label, **marks)
        axis.fill_between(
            ratios, spans["largest", "min"], spans["largest", "max"], color=colour, alpha=0.16, linewidth=0
        )
        if weight in ("welch", "minimax"):
            axis.plot(ratios, spans["useful", "median"], color=colour, linestyle=(0, (1, 1.2)), linewidth=0.8)
    axis.set_yscale("log")
    top = int(best["largest"].max())
    _plain(axis, "y", [s for s in (1, 2, 3, 5, 7, 10, 15, 20, 30, 50) if s <= 1.2 * top])
    axis.set_xlabel("$n/m$")
    axis.set_ylabel("largest sparsity $s$")
    return len(best)


def _map(axis: Axes, table: Any, known: Any) -> None:
    ratio = (table["n"] / table["m"]).round(2)
    grid = table.assign(ratio=ratio).pivot_table(index="m", columns="ratio", values="largest", aggfunc="max")
    # Ratios are rounded to whole columns: neighbours within a hundredth are one.
    grid = grid.dropna(axis=1, thresh=len(grid) // 2).interpolate(axis=1, limit_direction="both")
    values = np.log10(grid.to_numpy(dtype=float))
    axis.contourf(grid.columns, grid.index, values, levels=24, cmap="Blues", alpha=0.75)
    lines = axis.contour(grid.columns, grid.index, grid.to_numpy(dtype=float), levels=CONTOURS, colors="#444444")
    for line in axis.clabel(lines, fmt="%d", inline=True, fontsize="x-small"):
        line.set_color("#222222")
    axis.plot(known["n"] / known["m"], known["m"], "X", **USED, clip_on=False)
    axis.set_xscale("log")
    axis.set_yscale("log")
    _plain(axis, "x", [1.1, 1.5, 2, 3, 4, 6, 8])
    _plain(axis, "y", [25, 50, 100, 250, 500, 1000])
    axis.set_xlabel("$n/m$")
    axis.set_ylabel("rows $m$")
    axis.grid(visible=False)


def _experiments(axis: Axes, table: Any) -> None:
    rows = np.arange(len(table))[::-1]
    axis.hlines(rows, table["largest"], table["s"], color="#bbbbbb", zorder=1)
    axis.plot(table["largest"], rows, "|", color="#000000", markersize=9, markeredgewidth=1.6, label="limit (Welch)")
    axis.plot(table["s"], rows, "X", **USED, label="sparsity used")
    axis.set_yticks(rows, [f"{e['title']}, {e['m']} x {e['n']}" for e in table.to_dict("records")])
    axis.set_ylim(-0.6, len(table) - 0.4)
    axis.set_xscale("log")
    _plain(axis, "x", [3, 5, 7, 10, 15, 20, 30, 50, 70, 100])
    axis.set_xlabel("sparsity $s$")


def _plain(axis: Axes, which: str, ticks: list[float] | list[int]) -> None:
    chosen = axis.xaxis if which == "x" else axis.yaxis
    chosen.set_major_locator(FixedLocator(ticks))
    chosen.set_minor_locator(NullLocator())
    chosen.set_major_formatter(ScalarFormatter())
    chosen.set_minor_formatter(NullFormatter())
