"""Two steps: the worst case over the known lower bounds, as a map."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from unfold_theory.plotting.drawing import Drawing, canvas
from unfold_theory.plotting.primitives import panel_label
from unfold_theory.plotting.registry import study_figure
from unfold_theory.plotting.styles import Style
from unfold_theory.studies.taylor2018_two import taylor2018_two as two_study

TITLES = {"gradient": "gradient descent", "proximal": "proximal gradient"}
EXACT = 1 + 1e-4
MOST = 3.0
CAPTION = (
    r"Worst case of $F(x_2)-F^\star$ after two steps $h_1/L$, $h_2/L$ (all pairs) over the larger of two known lower "
    r"bounds: the parabola and the long slope (Huber for gradient descent, soft thresholding for proximal gradient). "
    r"White: they agree (to %(exact).0e), %(gradient_share).0f and %(proximal_share).0f per cent of the maps; colours "
    r"end at %(most)g. Largest ratio %(gradient).3g in (a) and %(proximal).3g in (b). Dashed: where both bounds are "
    r"equal. Cross: (1.95, 0.629), ratios %(gradient_cross).3g and %(proximal_cross).3g. One long step beside a short "
    r"one, in either order, is worse than both bounds say."
)


@study_figure(study=two_study)
def taylor2018_two(table: pd.DataFrame, style: Style) -> Drawing:
    """Where the known lower bounds for two steps are not the worst case."""
    cells: Any = table.assign(ratio=table["value"] / np.maximum(table["slope"], table["parabola"]))
    figure, axes = canvas(style, 2, aspect=0.9)
    numbers: dict[str, float] = {"exact": EXACT - 1, "most": MOST}
    image: Any = None
    for axis, method, panel in zip(axes, TITLES, "ab", strict=True):
        cross = cells[(cells["method"] == method) & (cells["kind"] == "point")].iloc[0]
        numbers[f"{method}_cross"] = float(cross["ratio"])
        rows = cells[(cells["method"] == method) & (cells["kind"] == "grid")]
        grid = rows.pivot(index="h2", columns="h1", values="ratio")
        balance = rows.assign(b=np.log(rows["slope"] / np.maximum(rows["parabola"], 1e-300)))
        balance = balance.pivot(index="h2", columns="h1", values="b")
        shown = np.where(grid.to_numpy() <= EXACT, np.nan, grid.to_numpy())
        image = axis.pcolormesh(
            grid.columns, grid.index, shown, cmap="viridis_r", vmin=1.0, vmax=MOST, shading="nearest", rasterized=True
        )
        axis.contour(grid.columns, grid.index, balance, levels=[0.0], colors="#444444", linestyles="--", linewidths=0.7)
        axis.plot([cross["h1"]], [cross["h2"]], marker="x", color="#b3261e", linestyle="None")
        axis.set_aspect("equal")
        axis.set_xlabel("first step $h_1$")
        axis.set_ylabel("second step $h_2$")
        panel_label(axis, panel, TITLES[method])
        numbers[method] = float(grid.to_numpy().max())
        numbers[f"{method}_share"] = 100 * float(np.mean(grid.to_numpy() <= EXACT))
    figure.colorbar(image, ax=list(axes), label="worst case / known lower bound", extend="max", shrink=0.85)
    settings = {"cells": len(table)}
    return Drawing("taylor2018_two", figure, cells, CAPTION % numbers, ["taylor2018", "teboulle2023"], settings)
