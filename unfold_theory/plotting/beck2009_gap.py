"""The objective along ISTA and FISTA, beside the rates of Beck and Teboulle 2009."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from unfold_theory.claim import verify
from unfold_theory.claims.beck2009 import fista_rate, ista_rate
from unfold_theory.plotting.drawing import Drawing, canvas, legend_above
from unfold_theory.plotting.primitives import curve, log_axis, over_samples, series, settings_of, spread
from unfold_theory.plotting.registry import figure
from unfold_theory.plotting.styles import Style, look
from unfold_theory.suite import Subject

CAPTION = (
    r"Gap $F(x_k)-F^\star$ of the Lasso with weight %(lam)g on %(problem)s: median over %(count)d signals, "
    r"with their range shaded; dotted, the median of the bounds (theorem 3.1 for ISTA, 4.4 for FISTA), which "
    r"are checked signal by signal. $F^\star$ is enclosed by primal and dual values."
)


@figure(wants=lambda entry: entry.regime == "long" and entry.network in ("ista", "fista"))
def beck2009_gap(subjects: Sequence[Subject], style: Style) -> Drawing:
    """Objective gap of ISTA and FISTA beside their rates."""
    figure_, axis = canvas(style, 1, aspect=0.72)
    data = []
    for subject in subjects:
        claim = ista_rate if subject.entry.network == "ista" else fista_rate
        verdict = verify(claim, subject.setting)
        assert verdict.conclusion is not None
        gap, bound = (
            side.broadcast_to(verdict.conclusion.shape).hi for side in (verdict.conclusion.lhs, verdict.conclusion.rhs)
        )
        shown, depths = look(subject.entry.network), np.arange(1, len(gap) + 1, dtype=np.float64)
        spread(axis, depths, gap, shown)
        curve(axis, depths, np.median(gap, axis=1), shown)
        axis.plot(depths, np.median(bound, axis=1), **shown.bound())
        data.append(series(subject.entry.name, "F(x_k) - F*", depths, **over_samples(gap)))
        data.append(series(subject.entry.name, f"bound ({claim.id})", depths, **over_samples(bound)))
    axis.set_xscale("log")
    axis.set_xlim(1, max(s.setting.network.depth for s in subjects))
    axis.set_xlabel("iterations $k$")
    log_axis(axis, r"$F(x_k)-F^{{\star}}$")
    legend_above(figure_, axis, columns=3, bounds=True)
    setting = subjects[0].setting
    caption = CAPTION % {"lam": setting.lam, "problem": setting.problem, "count": len(setting.batch)}
    return Drawing("beck2009_gap", figure_, pd.concat(data), caption, ["beck2009"], settings_of(subjects))
