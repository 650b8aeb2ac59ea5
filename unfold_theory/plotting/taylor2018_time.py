"""Time of worst-case rates against the number of steps, beside PEPit."""

from __future__ import annotations

from typing import Any

import pandas as pd

from unfold_theory.plotting.drawing import Drawing, canvas, legend_above
from unfold_theory.plotting.primitives import log_axis
from unfold_theory.plotting.registry import study_figure
from unfold_theory.plotting.styles import Style
from unfold_theory.studies.taylor2018_time import taylor2018_time as time_study

LOOKS: dict[str, tuple[str, dict[str, Any]]] = {
    "chain": ("chain form", {"color": "#0072b2", "marker": "o"}),
    "full": ("all pairs", {"color": "#d55e00", "marker": "s", "markerfacecolor": "white"}),
    "PEPit": ("PEPit", {"color": "#000000", "marker": "x", "linestyle": "--"}),
}
CAPTION = (
    r"Processor seconds on one thread from steps to the worst-case rate of proximal gradient, random steps in "
    r"$(0.1,1)/L$, both axes logarithmic. The chain form is linear in the number of steps. Largest relative distance "
    r"from the exact rate $LR^2/(4T)$: %(errors)s.%(missing)s"
)


@study_figure(study=time_study)
def taylor2018_time(table: pd.DataFrame, style: Style) -> Drawing:
    """Time of the chain form, of all pairs and of PEPit against the number of steps."""
    cells: Any = table
    figure, axis = canvas(style)
    errors = []
    for tool, (label, looks) in LOOKS.items():
        rows = cells[cells["tool"] == tool].sort_values("count")
        if not len(rows):
            continue
        axis.plot(rows["count"], rows["seconds"], label=label, **looks)
        errors.append(f"{label} {float((rows['value'] / rows['exact'] - 1).abs().max()):.0e}")
    axis.set_xscale("log")
    axis.set_xlabel("steps $K$")
    log_axis(axis, "processor time in s")
    legend_above(figure, axis, columns=3)
    missing = "" if "PEPit" in set(cells["tool"]) else " PEPit was not installed."
    caption = CAPTION % {"errors": ", ".join(errors), "missing": missing}
    return Drawing("taylor2018_time", figure, table, caption, ["taylor2018", "teboulle2023"], {"cells": len(table)})
