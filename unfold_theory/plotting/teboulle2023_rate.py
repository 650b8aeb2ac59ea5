"""The worst case of proximal gradient from five sides, against the number of steps."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

from unfold_theory.plotting.drawing import Drawing, canvas, legend_above
from unfold_theory.plotting.primitives import log_axis, panel_label
from unfold_theory.plotting.registry import study_figure
from unfold_theory.plotting.styles import DOTTED, Style
from unfold_theory.rates.worst_case.schedules import silver_steps
from unfold_theory.studies.teboulle2023_rate import teboulle2023_rate as rate_study

LOOKS: dict[str, tuple[str, dict[str, Any]]] = {
    "closed form": ("closed form $1/(4T)$, proved", {"color": "#000000", "marker": "None"}),
    "chain": ("chain form", {"color": "#0072b2", "marker": "o", "linestyle": "None", "markerfacecolor": "none"}),
    "full": ("all pairs", {"color": "#d55e00", "marker": "x", "linestyle": "None"}),
    "instance": ("worst instance, run", {"color": "#009e73", "marker": "+", "linestyle": "None", "markersize": 6}),
    "instance in closed form": ("soft threshold, run", {"color": "#444444", "marker": "None", "linestyle": DOTTED}),
    "data, largest": ("Lasso, largest", {"color": "#cc79a7", "marker": "None"}),
    "data, median": ("Lasso, median", {"color": "#cc79a7", "marker": "None", "linestyle": "--"}),
}
TITLES = {"short": r"random steps in $(0.1,1)/L$", "silver": "silver steps"}
FLOOR = 1e-8
CAPTION = (
    r"Proximal gradient with one schedule a panel: $F(x_K)-F^\star$ over $L\|x_0-x^\star\|^2$ against the number "
    r"of steps. (a) With short steps all sides agree: the closed form with $T=\sum_kLt_k$, which is proved for all K, "
    r"both programs, and the instances on which the method was run. (b) Silver steps "
    r"(up to %(longest).3g/L) need all pairs: the chain form exceeds them by up to a factor of %(loose).3g, or bounds "
    r"nothing and is left out; soft thresholding is the worst case at K = 1, 3, 7 only. Lasso problems (%(m)d x %(n)d, "
    r"%(signals)d signals) stay below: at the last step the largest is %(data).2g of it in (a)."
)


@study_figure(study=rate_study)
def teboulle2023_rate(table: pd.DataFrame, style: Style) -> Drawing:
    """Closed form, chain, all pairs, worst instance and measured gaps of proximal gradient against K."""
    cells: Any = table
    figure, axes = canvas(style, 2, aspect=0.95)
    for axis, kind, panel in zip(axes, TITLES, "ab", strict=True):
        for series, (label, looks) in LOOKS.items():
            rows = cells[(cells["steps"] == kind) & (cells["series"] == series)].sort_values("k")
            if len(rows):
                axis.plot(rows["k"], rows["value"].clip(lower=FLOOR), label=label, **looks)
        axis.set_xscale("log")
        last = int(cells["k"].max())
        axis.xaxis.set_major_locator(FixedLocator([k for k in (1, 2, 5, 10, 20, 50, 100) if k <= last]))
        axis.xaxis.set_major_formatter(ScalarFormatter())
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set_xlabel("steps $K$")
        log_axis(axis, r"$(F(x_K)-F^\star)/(L\|x_0-x^\star\|^2)$" if kind == "short" else "")
        panel_label(axis, panel, TITLES[kind])
    legend_above(figure, list(axes), columns=4)
    wide = cells.pivot_table(index=["steps", "k"], columns="series", values="value")
    data = cells[cells["kind"] == "data"].iloc[0]
    short = wide.loc["short"].iloc[-1]
    numbers = {
        "longest": float(silver_steps(int(cells["k"].max())).max()),
        "loose": float((wide["chain"] / wide["full"]).max()),
        "data": float(short["data, largest"] / short["chain"]),
        "m": int(data["m"]),
        "n": int(data["n"]),
        "signals": int(data["signals"]),
    }
    sources = ["teboulle2023", "taylor2018", "altschuler2024"]
    return Drawing("teboulle2023_rate", figure, table, CAPTION % numbers, sources, {"cells": len(table)})
