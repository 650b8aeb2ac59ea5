"""Gradient descent as a reasoning layer: stable, ever less as it converges, and by exactly how much."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from unfold_theory.plotting.drawing import Drawing, canvas, legend_above
from unfold_theory.plotting.primitives import panel_label
from unfold_theory.plotting.registry import study_figure
from unfold_theory.plotting.styles import DOTTED, Style
from unfold_theory.studies.chen2020_stability import KINDS
from unfold_theory.studies.chen2020_stability import chen2020_stability as stability_study

COLOURS = ("#0072b2", "#009e73", "#e69f00", "#d55e00", "#cc79a7")
CAPTION = (
    r"k steps of gradient descent on $\frac{1}{2}x^TQx-b^Tx$ as a layer, $\mu I\preceq Q\preceq I$, unit steps. "
    r"(a) How far the output moves per $\|b\|\,\|Q-Q'\|$: the bound $(1-k\rho^{k-1}+(k-1)\rho^k)/\mu^2$ (dotted) and "
    r"the largest over pairs (markers): circles at $Q=\mu I$, crosses for random spectra. It saturates at $1/\mu^2$. "
    r"(b) Measured over bound: 1 at $Q=\mu I$, so that the constant cannot be improved."
)


@study_figure(study=stability_study)
def chen2020_stability(table: pd.DataFrame, style: Style) -> Drawing:
    """Stability of gradient descent against its number of steps, beside its bound."""
    cells: Any = table
    figure, axes = canvas(style, 2, aspect=0.78)
    for (mu, rows), colour in zip(cells.groupby("curvature", sort=False), COLOURS, strict=False):
        bound = rows.groupby("steps")["stability"].max()
        bound = bound[bound > 0]  # one step from 0 does not see Q
        axes[0].plot(bound.index, bound, color=colour, linestyle=DOTTED)
        for kind, mark in zip(KINDS, ("o", "x"), strict=True):
            seen = rows[rows["kind"] == kind].groupby("steps")["measured"].max()
            seen = seen[seen > 0]
            label = rf"$\mu={mu:g}$" if kind == KINDS[0] else None
            look: dict[str, Any] = {"color": colour, "marker": mark, "linestyle": "none", "markerfacecolor": "white"}
            axes[0].plot(seen.index, seen, label=label, markevery=3, **look)
            axes[1].plot(seen.index, seen / bound[seen.index], markevery=2, **look)
    axes[0].set_yscale("log")
    axes[0].set_ylabel(r"moved per $\|b\|\|Q-Q'\|$")
    axes[1].set_ylabel("measured / bound")
    axes[1].set_ylim(0, 1.08)
    axes[1].axhline(1.0, color="#000000", linewidth=0.6)
    for axis, letter, title in zip(axes, "ab", ("stability", "how sharp"), strict=True):
        axis.set_xscale("log")
        axis.set_xlabel("steps $k$")
        panel_label(axis, letter, title)
    legend_above(figure, [axes[0]], columns=4)
    settings = {"cells": len(cells.groupby(["curvature", "kind", "seed"])), "depth": int(np.max(cells["depth"]))}
    return Drawing("chen2020_stability", figure, table, CAPTION, ["chen2020"], settings)
