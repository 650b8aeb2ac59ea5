"""Mean performance against the certified worst case: what learning gains, and what it costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from unfold_theory.plotting.drawing import Drawing, canvas, legend_above
from unfold_theory.plotting.primitives import log_axis, panel_label
from unfold_theory.plotting.registry import study_figure
from unfold_theory.plotting.styles import Style, look
from unfold_theory.studies.sambharya2025_pareto import FREE, sambharya2025_pareto

MARKERS = {"ista": "o", "fista": "s"}
CAPTION = (
    r"Steps (ISTA) and steps and momenta (FISTA) of K = %(depth)d layers, learned on the Lasso with $\lambda=0.1$: "
    r"mean of $F(x^K)-F^\star$ over 500 fresh signals against the worst case $\tau$ in "
    r"$F(x^K)-F^\star\le\tau L\|x^0-x^\star\|^2$, which is certified in exact arithmetic for the parameters as floats. "
    r"Open: textbook parameters (steps $1/L$). Filled: learned with the worst case held at 1, 2, 4, ... times the "
    r"textbook's. At the right edge: learned freely, where no finite worst case is certified."
)


@study_figure(study=sambharya2025_pareto)
def sambharya2025_front(table: pd.DataFrame, style: Style) -> Drawing:
    """Learned parameters: mean gap against certified worst case."""
    sizes = list(dict.fromkeys(zip(table["m"], table["n"], strict=True)))
    figure_, axes = canvas(style, len(sizes), aspect=0.8, squeeze=False)
    for axis, letter, (m, n) in zip(axes[0], "abcd", sizes, strict=False):
        part = table.query(f"m == {m} and n == {n}")
        finite = np.array([rate for rate in part["certified_rate"] if np.isfinite(rate)])
        edge = 2 * finite.max() * (finite.max() / finite.min()) ** 0.3
        for kind in ("ista", "fista"):
            _front(axis, part.query(f"kind == '{kind}'"), kind, edge)
        axis.set_xscale("log")
        axis.xaxis.set_minor_formatter(NullFormatter())
        log_axis(axis, r"mean of $F(x^K)-F^{{*}}$" if axis is axes[0, 0] else "")
        axis.set_xlabel(r"certified worst case $\tau$")
        axis.axvline(edge / 1.4, color="#bbbbbb", linewidth=0.6)
        axis.text(edge, 1.02, "none", transform=axis.get_xaxis_transform(), ha="center", va="bottom", fontsize="small")
        panel_label(axis, letter, f"{m} x {n}")
    legend_above(figure_, list(axes[0]), columns=2)
    names = ["m", "n", "depth", "kind", "target", "seed", "iterations"]
    settings = {"cells": table.filter(items=names).drop_duplicates().to_dict("records")}
    data = table.replace([np.inf], np.nan)
    caption = CAPTION % {"depth": int(np.max(table["depth"].to_numpy()))}
    return Drawing("sambharya2025_front", figure_, data, caption, ["sambharya2025", "beck2009"], settings)


def _front(axis: Axes, part: pd.DataFrame, kind: str, edge: float) -> None:
    learned = part.query(f"parameters == 'learned' and target != {FREE}").sort_values(by="certified_rate")
    free = part.query(f"parameters == 'learned' and target == {FREE}")
    plain = part.query("parameters == 'textbook'").head(1)
    line: dict[str, Any] = {"color": look(kind).colour, "marker": MARKERS[kind]}
    name = kind.upper()
    axis.plot(learned["certified_rate"], learned["mean_gap"], label=f"{name}, learned", linestyle="-", **line)
    unlearned: dict[str, Any] = line | {"linestyle": "", "markerfacecolor": "white"}
    axis.plot(plain["certified_rate"], plain["mean_gap"], label=f"{name}, textbook", **unlearned)
    at = np.where(np.isfinite(free["certified_rate"]), np.minimum(free["certified_rate"], edge), edge)
    axis.plot(at, free["mean_gap"], linestyle="", **line)
