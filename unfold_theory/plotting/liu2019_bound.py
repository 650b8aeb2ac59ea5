"""The linear rates of LISTA-CP, LISTA-CPSS and ALISTA beside what is measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from unfold_theory.claim import Claim, verify
from unfold_theory.claims import chen2018, liu2019
from unfold_theory.plotting.drawing import Drawing, canvas, legend_above
from unfold_theory.plotting.primitives import (
    by_regime,
    curve,
    depth_axis,
    log_axis,
    over_samples,
    panel_label,
    series,
    settings_of,
)
from unfold_theory.plotting.registry import figure
from unfold_theory.plotting.styles import Style, look
from unfold_theory.suite import Subject

RATES: dict[str, Claim] = {
    "lista-cp": chen2018.linear_rate,
    "lista-cpss": chen2018.support_selection,
    "alista": liu2019.linear_rate,
}
CAPTION = (
    r"Largest $\|x^k-x^*\|_2$ over %(count)d signals (markers) of the networks that the theorems construct "
    r"from the minimax weight, and the theorems' bounds (dotted; where a bound depends on the signal, the "
    r"largest). (a) %(clean)s; (b) %(noisy)s, where the bound levels off at its noise term. Grey: the zero "
    r"code's error, beyond which a bound is vacuous. With gain 1, ALISTA is LISTA-CP."
)


@figure(wants=lambda entry: entry.regime.startswith("sparse") and entry.origin == "theory")
def liu2019_bound(subjects: Sequence[Subject], style: Style) -> Drawing:
    """Bounds of the coherence theory beside measured errors."""
    groups = by_regime("liu2019_bound", subjects, "sparse", "sparse, noisy")
    figure_, axes = canvas(style, 2, aspect=0.78, sharey=False)
    data = []
    for axis, letter, title, group in zip(axes, "ab", ("noise-free", "with noise"), groups, strict=True):
        for subject in group:
            data += _draw(axis, subject)
        signals = group[0].setting.signal_class
        trivial = float(signals.magnitude.hi) * signals.sparsity**0.5
        axis.axhline(trivial, color="#8c8c8c", linewidth=0.9, label="zero code")
        depth_axis(axis, group[0].setting.network.depth, first=1)
        log_axis(axis, r"$\max\ \|x^k-x^{{*}}\|_2$")
        panel_label(axis, letter, title)
    legend_above(figure_, list(axes), columns=5, bounds=True)
    clean, noisy = (group[0].setting.problem for group in groups)
    caption = CAPTION % {"count": len(subjects[0].setting.batch), "clean": clean, "noisy": noisy}
    return Drawing("liu2019_bound", figure_, pd.concat(data), caption, ["chen2018", "liu2019"], settings_of(subjects))


def _draw(axis, subject: Subject) -> list[pd.DataFrame]:
    claim = RATES[subject.entry.network]
    verdict = verify(claim, subject.setting)
    assert verdict.conclusion is not None
    shape = verdict.conclusion.shape
    error, bound = verdict.conclusion.lhs.broadcast_to(shape).mid, verdict.conclusion.rhs.broadcast_to(shape).hi
    shown, depths = look(subject.entry.network), np.arange(1, len(error) + 1, dtype=np.float64)
    curve(axis, depths, error.max(axis=1), shown)
    axis.plot(depths, bound.max(axis=1), **shown.bound())
    return [
        series(subject.entry.name, "||x^k - x*||_2", depths, **over_samples(error)),
        series(subject.entry.name, f"bound ({claim.id})", depths, **over_samples(bound)),
    ]
