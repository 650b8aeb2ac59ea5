"""Support selection: bypassing entries and error, layer by layer."""

from __future__ import annotations

import pandas as pd

from unfold_theory.plotting.drawing import Drawing, canvas, legend_above
from unfold_theory.plotting.primitives import curve, depth_axis, panel_label
from unfold_theory.plotting.registry import study_figure
from unfold_theory.plotting.styles import Style, look
from unfold_theory.studies.chen2021_selection import chen2021_selection as selection_study


@study_figure(study=selection_study)
def chen2021_selection(table: pd.DataFrame, style: Style) -> Drawing:
    """Support selection: how many entries bypass, and the error."""
    figure, axes = canvas(style, 2, aspect=0.78)
    for name, group in table.groupby("network", sort=False):
        depths = group["depth"].to_numpy(float)
        shown = look(str(name))
        curve(axes[0], depths, group["nmse_db"].to_numpy(float), shown)
        curve(axes[1], depths, group["bypassing"].to_numpy(float), shown)
        axes[1].plot(depths, group["false"].to_numpy(float), color=shown.colour, linewidth=0.8, linestyle="--")
    axes[1].axhline(float(table["support"].iloc[0]), color="#555555", linewidth=0.7)
    panel_label(axes[0], "a", "error")
    panel_label(axes[1], "b", "entries that bypass")
    for axis in axes:
        depth_axis(axis, int(table["depth"].to_numpy().max()))
    axes[0].set_ylabel("NMSE (dB)")
    axes[1].set_ylabel("entries per signal")
    legend_above(figure, list(axes), columns=3)
    first = table.iloc[0]
    caption = (
        rf"Gaussian dictionary, {first['m']} x {first['n']}, one entry in ten, no noise, {first['signals']} signals. "
        r"(a) Ratio of sums. (b) Entries above their threshold that bypass it, mean over signals: in the support "
        r"(markers) and outside (dashed); grey: size of the support. LISTA-CP selects none, LISTA-CPSS by a fixed "
        r"schedule, HyperLISTA by each signal's residual."
    )
    return Drawing(
        "chen2021_selection", figure, table, caption, ["chen2018", "chen2021"], {"study": selection_study.name}
    )
