"""Distance to the Lasso solution with the local rates that its support predicts (Liang, Fadili, Peyre 2014)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from unfold_theory.plotting.drawing import Drawing, canvas, legend_above
from unfold_theory.plotting.primitives import curve, depth_axis, log_axis
from unfold_theory.plotting.registry import study_figure
from unfold_theory.plotting.styles import Style, look
from unfold_theory.studies.liang2014_local import liang2014_local as local_study

FLOOR = 1e-13
"""Below this, distances show the rounding of float64."""
CAPTION = (
    r"Distance $\|x^k-x^\star\|_2$ to the Lasso solution of one signal ($\lambda=%(lam)g$, %(m)d x %(n)d Gaussian "
    r"dictionary, 10 per cent nonzeros, 40 dB), whose uniqueness is certified. Ticks: from there on codes have "
    r"their support in that of $x^\star$. Dotted: the predicted rates, started there: ISTA "
    r"$1-\sigma_{\min}^2(A_S)/L$, FISTA its square root, OISTA with $L_S$ for $L$, ADMM the spectral radius of its "
    r"linearised layer, which its code may beat. The factors of ISTA and OISTA are checked claims; FISTA's and ADMM's "
    r"are shown for comparison only."
)


@study_figure(study=local_study)
def liang2014_local(table: pd.DataFrame, style: Style) -> Drawing:
    """Distance to the Lasso solution and predicted local rates."""
    figure_, axis = canvas(style, 1, aspect=0.72)
    depth = int(table["layer"].to_numpy().max())
    for name in table["network"].unique():
        rows = table.query("network == @name").sort_values("layer")
        x, distance = rows["layer"].to_numpy(float), rows["distance"].to_numpy(float)
        shown = look(name)
        curve(axis, x, np.maximum(distance, FLOOR), shown)
        start = rows["identified_from"].iloc[0]
        if start is None or not np.isfinite(start):
            continue
        begin = int(start)
        predicted = distance[begin] * rows["predicted_rate"].iloc[0] ** (x[begin:] - begin)
        visible = predicted > FLOOR
        axis.plot(x[begin:][visible], predicted[visible], **shown.bound())
        axis.plot([begin], [distance[begin]], "|", color=shown.colour, markersize=9, markeredgewidth=1.5)
    depth_axis(axis, depth)
    log_axis(axis, r"$\|x^k-x^{{\star}}\|_2$")
    axis.set_ylim(bottom=FLOOR)
    legend_above(figure_, axis, columns=2)
    first = table.iloc[0]
    caption = CAPTION % {"lam": first["lam"], "m": first["m"], "n": first["n"]}
    columns = ["m", "n", "depth", "lam", "seed", "network"]
    settings = {"cells": pd.DataFrame(table[columns]).drop_duplicates().to_dict("records")}
    return Drawing("liang2014_local", figure_, table, caption, ["liang2014", "ablin2019", "beck2009"], settings)
