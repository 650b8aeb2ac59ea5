"""The rate of gradient descent against weak convexity."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.lines import Line2D

from unfold_theory.plotting.drawing import Drawing, canvas
from unfold_theory.plotting.registry import study_figure
from unfold_theory.plotting.styles import DOTTED, Style
from unfold_theory.studies.rotaru2024_weak import rotaru2024_weak as weak_study

COLOURS = {"h = 1/2": "#0072b2", "h = 1": "#009e73", "h = 3/2": "#d55e00", "h = 1/2, 3/2 in turn": "#000000"}
LOOKS: dict[str, dict[str, Any]] = {
    "closed form": {"marker": "None", "linewidth": 2.6, "alpha": 0.3},
    "full": {"marker": "x", "markersize": 4},
    "chain": {"marker": "None", "linestyle": DOTTED},
}
CAPTION = (
    r"Worst case of $\min_{k\leq%(depth)d}\|\nabla f(x_k)\|^2$ over $L(f(x_0)-f_\star)$, gradient descent with steps "
    r"$h/L$ on functions with curvature in $[-\rho,L]$, from convex ($\rho=0$) to all smooth ones ($\rho=L$). Wide, "
    r"pale: the closed form, proved for steps up to 1/L; crosses: all pairs (sufficient inequalities up to the "
    r"infimum); dotted: chain form, at most %(loose).2g per cent above."
)


@study_figure(study=weak_study)
def rotaru2024_weak(table: pd.DataFrame, style: Style) -> Drawing:
    """Rate of gradient descent against weak convexity, for short and long steps."""
    cells: Any = table
    figure, axis = canvas(style, aspect=0.8)
    for name, colour in COLOURS.items():
        for series, looks in LOOKS.items():
            rows = cells[(cells["steps"] == name) & (cells["series"] == series)].sort_values("rho")
            if len(rows):
                axis.plot(rows["rho"], rows["value"], color=colour, **looks)
    axis.set_xlabel(r"weak convexity $\rho/L$")
    axis.set_ylabel(r"$\min_k\|\nabla f(x_k)\|^2/(L(f(x_0)-f_\star))$")
    axis.set_ylim(0)
    handles: dict[str, Any] = {f"${name.replace(' in turn', '')}$": colour for name, colour in COLOURS.items()}
    lines = [Line2D([], [], color=colour) for colour in handles.values()]
    lines += [Line2D([], [], color="#444444", **looks) for looks in LOOKS.values()]
    labels = [*handles, "closed form", "all pairs", "chain form"]
    figure.legend(lines, labels, loc="outside upper center", ncols=3, columnspacing=1.2, borderaxespad=0.2)
    wide = cells.pivot_table(index=["steps", "rho"], columns="series", values="value")
    loose = float((wide["chain"] / wide["full"]).max()) - 1
    numbers = {"depth": int(cells["depth"].iloc[0]), "loose": 100 * max(loose, 0.0)}
    settings = {"cells": len(table)}
    sources = ["rotaru2024", "abbaszadehpeivasti2022"]
    return Drawing("rotaru2024_weak", figure, table, CAPTION % numbers, sources, settings)
