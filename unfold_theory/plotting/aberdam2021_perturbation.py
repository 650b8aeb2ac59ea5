"""Perturbed dictionaries: error against the size of the perturbation, and where it is certified."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from unfold_theory.plotting.drawing import Drawing, canvas, legend_above
from unfold_theory.plotting.primitives import panel_label
from unfold_theory.plotting.registry import study_figure
from unfold_theory.plotting.styles import Style, look
from unfold_theory.studies.aberdam2021_perturbation import aberdam2021_perturbation as perturbation_study

CAPTION = (
    r"Columns of the dictionary are perturbed by random vectors $E_j$ of one norm (unit columns; left end: none). "
    r"(a) Networks of %(depth)d layers that were trained on the unperturbed %(m)d x %(n)d dictionary (4 normal "
    r"nonzeros, no noise), run with the perturbed one in their layers (solid) or without being told (dashed); "
    r"median over %(seeds)d dictionaries. Lines that leave the picture diverge: Ada-LISTA has the perturbation on "
    r"both sides of its product, ALISTA on one. (b) Networks of the theory, thresholds from $\mu_W+\delta$, on "
    r"identity and Hadamard matrix (%(order)d x %(columns)d, two nonzeros of size 1): worst error of 128 signals after "
    r"%(layers)d layers, 0 dB is the zero code; dotted, the bound where it is certified and below 0 dB."
)


@study_figure(study=perturbation_study)
def aberdam2021_perturbation(table: pd.DataFrame, style: Style) -> Drawing:
    """Ada-LISTA and ALISTA on perturbed dictionaries, with certified bounds."""
    cells: Any = table
    trained, theory = cells[cells["kind"] == "trained"], cells[cells["kind"] == "theory"]
    figure, axes = canvas(style, 2, aspect=0.78)
    for network, group in trained.groupby("network"):
        for told, dashes in ((True, "-"), (False, (0, (4, 2)))):
            errors = group[group["told"] == told].groupby("size")["error_db"].median()
            line = look(str(network)).line() | {"linestyle": dashes}
            if not told:
                line |= {"label": None, "marker": None}
            axes[0].plot(_places(errors.index), errors, **line)
    panel_label(axes[0], "a", "trained")
    axes[0].set_ylabel("NMSE (dB)")
    # What leaves the picture diverges: tens of decibels in each layer.
    axes[0].set_ylim(top=20.0)
    for network, group in theory.groupby("network"):
        axes[1].plot(_places(group["size"]), group["error_db"], **look(str(network)).line())
        axes[1].plot(_places(group["size"]), group["bound_db"], **look(str(network)).bound())
    panel_label(axes[1], "b", "by theory")
    axes[1].set_ylabel("largest error (dB)")
    for axis in axes:
        _size_axis(axis)
    legend_above(figure, list(axes), columns=2, bounds=True)
    numbers = {
        "m": int(trained["m"].iloc[0]),
        "n": int(trained["n"].iloc[0]),
        "depth": int(trained["depth"].iloc[0]),
        "seeds": trained["seed"].nunique(),
        "order": int(theory["m"].iloc[0]),
        "columns": int(theory["n"].iloc[0]),
        "layers": int(theory["depth"].iloc[0]),
    }
    sources = ["aberdam2021", "liu2019"]
    return Drawing("aberdam2021_perturbation", figure, table, CAPTION % numbers, sources, {"cells": len(table)})


def _places(sizes: Any) -> list[float]:
    """No perturbation stands at the left end of the logarithmic axis."""
    return [max(float(size), 5e-4) for size in sizes]


def _size_axis(axis: Axes) -> None:
    axis.set_xscale("log")
    axis.set_xlabel(r"perturbation $\|E_j\|_2$")
