"""What an exact certificate costs: its slack over the solver's value, and its time, against the number of steps."""

from __future__ import annotations

from typing import Any

import pandas as pd

from unfold_theory.plotting.drawing import Drawing, canvas, legend_above
from unfold_theory.plotting.primitives import log_axis, panel_label
from unfold_theory.plotting.registry import study_figure
from unfold_theory.plotting.styles import DOTTED, Style
from unfold_theory.studies.teboulle2023_slack import teboulle2023_slack as slack_study

LOOKS: dict[str, dict[str, Any]] = {
    "gradient descent": {"color": "#0072b2", "marker": "o"},
    "proximal gradient": {"color": "#d55e00", "marker": "s"},
    "FISTA": {"color": "#000000", "marker": "^"},
}
FLOOR = 1e-12
CAPTION = (
    r"Exact certificates for random steps as float64 numbers, multipliers from the solver. (a) By how much the "
    r"certified rational rate exceeds the solver's value, relative to it, in absolute value (the solver errs to both "
    r"sides; below %(floor)s drawn there); largest %(largest).1e. (b) Seconds to find (solid) and to check (dotted) "
    r"a certificate on one thread, for %(least)d to %(most)d steps."
)


@study_figure(study=slack_study)
def teboulle2023_slack(table: pd.DataFrame, style: Style) -> Drawing:
    """Slack and time of exact certificates against the number of steps."""
    cells: Any = table
    figure, axes = canvas(style, 2, aspect=1.0)
    for name, looks in LOOKS.items():
        rows = cells[cells["method"] == name].sort_values("count")
        axes[0].plot(rows["count"], rows["slack"].abs().clip(lower=FLOOR), label=name, **looks)
        axes[1].plot(rows["count"], rows["seconds"], **looks)
        axes[1].plot(rows["count"], rows["checking"], **(looks | {"linestyle": DOTTED, "markerfacecolor": "white"}))
    for axis, panel, title, label in (
        (axes[0], "a", "slack", "relative slack"),
        (axes[1], "b", "time", "seconds"),
    ):
        log_axis(axis, label)
        axis.set_xscale("log")
        axis.set_xlabel("steps N")
        panel_label(axis, panel, title)
    legend_above(figure, list(axes), columns=3)
    numbers = {
        "floor": r"$10^{-12}$",
        "largest": float(cells["slack"].abs().max()),
        "least": int(cells["count"].min()),
        "most": int(cells["count"].max()),
    }
    return Drawing(
        "teboulle2023_slack", figure, table, CAPTION % numbers, ["teboulle2023", "drori2014"], {"cells": len(table)}
    )
