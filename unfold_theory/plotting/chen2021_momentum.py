"""Momentum: three rules on the same spectra, and the slopes that theory predicts."""

from __future__ import annotations

import pandas as pd

from unfold_theory.plotting.drawing import Drawing, canvas
from unfold_theory.plotting.primitives import DB_FLOOR, curve, depth_axis
from unfold_theory.plotting.registry import study_figure
from unfold_theory.plotting.styles import DOTTED, Look, Style, look
from unfold_theory.studies.chen2021_momentum import chen2021_momentum as momentum_study

LOOKS: dict[str, Look] = {
    "none": look("lista-cp", "no momentum"),
    "heavy ball": look("lista-momentum", "heavy ball"),
    "conjugate gradients": look("hyperlista", "conjugate gradients"),
}


@study_figure(study=momentum_study)
def chen2021_momentum(table: pd.DataFrame, style: Style) -> Drawing:
    """Momentum on an identified support: errors and predicted slopes."""
    figure, axis = canvas(style, 1, aspect=0.8)
    for method, group in table.groupby("method", sort=False):
        shown = LOOKS[str(method)]
        depths, level = group["depth"].to_numpy(float), group["mean_db"].to_numpy(float)
        curve(axis, depths, level, shown)
        slope = float(group["predicted_db_per_layer"].iloc[0])
        # Anchored after the transient of the first layers.
        line = level[4] + slope * (depths - 4)
        axis.plot(depths[4:], line[4:], color=shown.colour, linestyle=DOTTED)
    depth_axis(axis, int(table["depth"].to_numpy().max()))
    axis.set_ylabel("relative error, mean (dB)")
    axis.set_ylim(max(DB_FLOOR, float(table["mean_db"].to_numpy().min()) - 5), 5)
    axis.plot([], [], color="#555555", linestyle=DOTTED, label="predicted slope")
    axis.legend(loc="lower left")
    first = table.iloc[0]
    caption = (
        rf"Gaussian dictionary, {first['m']} x {first['n']}, {first['signals']} signals with {first['s']} nonzero "
        r"entries, closed-form W; the support is given and no threshold is paid. Dotted: slopes of the mean rate, "
        r"$a=\max|1-\lambda|$, $1-\sqrt{1-a}$ and $(\sqrt\kappa-1)/(\sqrt\kappa+1)$, for each signal's spectrum of "
        r"$W_S^TA_S$, drawn through layer 4. Conjugate gradients are faster than their linear rate: superlinear."
    )
    return Drawing("chen2021_momentum", figure, table, caption, ["chen2021"], {"study": momentum_study.name})
