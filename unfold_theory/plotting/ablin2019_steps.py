"""Learned steps of StepLISTA beside 1/L and the 1/L_S that its signals allow (Ablin et al. 2019)."""

from __future__ import annotations

import pandas as pd

from unfold_theory.plotting.drawing import Drawing, canvas, legend_above
from unfold_theory.plotting.primitives import curve, depth_axis, log_axis, panel_label
from unfold_theory.plotting.registry import study_figure
from unfold_theory.plotting.styles import Style, look
from unfold_theory.studies.ablin2019_steps import ablin2019_steps as steps_study

CAPTION = (
    r"(a, b) Steps of a StepLISTA network that was trained on the Lasso, times $L$, at two weights (relative to the "
    r"median of $\|A^Ty\|_\infty$; %(m)d x %(n)d Gaussian dictionary, dense normal codes); shaded, the 10 to 90 per "
    r"cent quantiles over test signals of $L/L_S$, S the support before and after the layer, which is what a safe "
    r"step allows; 1 is ISTA's step. (c) Median gap at the smaller weight."
)


@study_figure(study=steps_study)
def ablin2019_steps(table: pd.DataFrame, style: Style) -> Drawing:
    """Learned steps against 1/L and 1/L_S."""
    figure_, axes = canvas(style, 3, aspect=1.0)
    weights = sorted(float(lam) for lam in table["lam"].unique())
    small = weights[0]
    depth = int(table["layer"].to_numpy().max())
    for axis, letter, lam in zip(axes, "ab", weights, strict=False):
        rows = table.query("lam == @lam and network == 'slista'").sort_values("layer")
        x = rows["layer"].to_numpy(float)
        low, high = (rows[name].to_numpy(float) for name in ("allowed_10", "allowed_90"))
        axis.fill_between(x, low, high, color="#44aa99", alpha=0.35, linewidth=0, label="$L/L_S$ (10 to 90 %)")
        axis.axhline(1.0, color="#444444", linewidth=0.8, label="ISTA's step, $1/L$")
        curve(axis, x, rows["step_times_l"].to_numpy(float), look("slista"))
        axis.set_ylim(bottom=0.0)
        axis.set_ylabel("step $t_k L$")
        panel_label(axis, letter, rf"$\lambda={lam:g}$")
        depth_axis(axis, depth, first=1)
    for name in ("ista", "fista", "oista", "slista"):
        rows = table.query("lam == @small and network == @name").sort_values("layer")
        curve(axes[2], rows["layer"].to_numpy(float), rows["median_gap"].to_numpy(float), look(name))
    panel_label(axes[2], "c", rf"$\lambda={small:g}$")
    depth_axis(axes[2], depth, first=1)
    log_axis(axes[2], r"$F(x^k)-F^{{\star}}$")
    legend_above(figure_, list(axes), columns=3)
    caption = CAPTION % {"m": int(table["m"].iloc[0]), "n": int(table["n"].iloc[0])}
    settings = {"cells": pd.DataFrame(table[["m", "n", "lam", "seed", "signals"]]).drop_duplicates().to_dict("records")}
    return Drawing("ablin2019_steps", figure_, table, caption, ["ablin2019", "beck2009"], settings)
