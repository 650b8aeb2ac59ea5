"""Learned steps, sorted, beside Chebyshev steps; and what both make of the spectrum."""

from __future__ import annotations

from typing import Any

import pandas as pd

from unfold_theory.plotting.drawing import Drawing, canvas, legend_above
from unfold_theory.plotting.primitives import log_axis, panel_label
from unfold_theory.plotting.registry import study_figure
from unfold_theory.plotting.styles import DOTTED, Style
from unfold_theory.studies.takabe2022_steps import takabe2022_steps as steps_study

LOOKS: dict[str, dict[str, Any]] = {
    "learned": {"color": "#d55e00", "marker": "o", "markerfacecolor": "white"},
    "Chebyshev": {"color": "#000000", "marker": "x", "linestyle": "--"},
    "constant": {"color": "#0072b2", "marker": "None", "linestyle": "-."},
}
CAPTION = (
    r"(a) Steps of gradient descent with %(depth)d layers on least squares (%(m)d x %(n)d Gaussian dictionary, dense "
    r"normal codes), trained end to end, in ascending order, beside the Chebyshev steps of the certified spectrum "
    r"$[a,b]=[%(low).3f,%(high).3f]$ and the best constant step. (b) $|p(\lambda)|=\prod_j|1-\gamma_j\lambda|$ over "
    r"the spectrum; dotted, $1/T_{%(depth)d}$, below which no steps can keep the maximum. Certified maxima: learned "
    r"%(learned).3g, Chebyshev %(chebyshev).3g, constant %(constant).3g. Training minimises a mean and not the "
    r"maximum. (c) Trained gains of ALISTA (%(layers)d layers, %(wide)d x %(columns)d, 10 percent nonzeros), beside "
    r"the Chebyshev steps of the random-matrix spectrum of $W_S^TA_S$: a comparison without a theorem."
)


@study_figure(study=steps_study)
def takabe2022_steps(table: pd.DataFrame, style: Style) -> Drawing:
    """Learned gradient steps beside Chebyshev steps, and their polynomials."""
    cells: Any = table
    descent, alista = cells[cells["kind"] == "descent"], cells[cells["kind"] == "alista"]
    descent = descent[descent["depth"] == descent["depth"].min()]
    figure, axes = canvas(style, 3, aspect=1.0)
    for axis, group, panel in ((axes[0], descent, "a"), (axes[2], alista, "c")):
        for name, looks in LOOKS.items():
            rows = group[(group["series"] == name) & (group["what"] == "step")]
            if len(rows):
                axis.plot(rows["x"], rows["value"], label=name, **looks)
        panel_label(axis, panel, "gradient descent" if panel == "a" else "ALISTA")
        axis.set_xlabel("rank of the step")
    axes[0].set_ylabel(r"step $\gamma$")
    axes[2].set_ylabel(r"gain $\gamma$")
    largest = descent[descent["what"] == "largest"].set_index("series")
    for name, looks in LOOKS.items():
        rows = descent[(descent["series"] == name) & (descent["what"] == "polynomial")]
        axes[1].plot(rows["x"], rows["value"].clip(lower=1e-6), **(looks | {"marker": "None"}))
    axes[1].axhline(largest.loc["least", "value"], color="#444444", linestyle=DOTTED, label="least maximum")
    log_axis(axes[1], r"$|p(\lambda)|$")
    axes[1].set_ylim(largest.loc["least", "value"] * 1e-2, 1.5)
    axes[1].set_xlabel(r"eigenvalue $\lambda$")
    panel_label(axes[1], "b", "polynomial")
    legend_above(figure, list(axes), columns=4)
    numbers = {
        "depth": int(descent["depth"].iloc[0]),
        "m": int(descent["m"].iloc[0]),
        "n": int(descent["n"].iloc[0]),
        "low": float(largest.loc["least", "x"]),
        "high": float(largest.loc["learned", "x"]),
        "learned": float(largest.loc["learned", "value"]),
        "chebyshev": float(largest.loc["Chebyshev", "value"]),
        "constant": float(largest.loc["constant", "value"]),
        "layers": int(alista["depth"].iloc[0]),
        "wide": int(alista["m"].iloc[0]),
        "columns": int(alista["n"].iloc[0]),
    }
    settings = {"cells": len(table)}
    return Drawing("takabe2022_steps", figure, table, CAPTION % numbers, ["takabe2022", "liu2019"], settings)
