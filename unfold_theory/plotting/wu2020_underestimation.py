"""How many support entries come out too small, layer by layer, with gates and without."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float64
from matplotlib.axes import Axes

from unfold_theory.claim import Setting
from unfold_theory.plotting.drawing import Drawing, canvas, legend_above
from unfold_theory.plotting.primitives import by_regime, curve, depth_axis, panel_label, series, settings_of
from unfold_theory.plotting.registry import figure
from unfold_theory.plotting.styles import Style, look
from unfold_theory.suite import Entry, Subject

STANDARD = ("lista-cp", "lista-cpss", "alista", "glista", "aglista")
CAPTION = (
    r"Share of the support entries with $0\leq\mathrm{sgn}(x_i^*)x_i^k<|x_i^*|$, over all signals of a batch. (a) "
    r"Standard set-up, trained: %(standard)s. The theorem says nothing there; entries are too small as often as too "
    r"large (50 %%) once thresholds no longer matter. Gated networks are drawn dashed. (b) Thresholds that a theorem "
    r"prescribes, %(sparse)s: all entries are too small, until they are exact to float64 (then they count as not too "
    r"small) or bypass the threshold (LISTA-CPSS)."
)


def underestimated(s: Setting) -> Float64[np.ndarray, " depth"]:
    """Share of support entries of the right sign, or zero, that are too small, at depth 1..K."""
    signed, size = np.sign(s.truth) * s.iterates[1:], np.abs(s.truth)
    small = (signed >= 0) & (signed < size - s.rounding[..., None]) & (size > 0)
    return small.sum(axis=(1, 2)) / max(np.count_nonzero(s.truth), 1)


def _wants(entry: Entry) -> bool:
    standard = entry.regime == "standard" and entry.network in STANDARD
    return standard or (entry.regime == "sparse" and entry.origin == "theory")


@figure(wants=_wants)
def wu2020_underestimation(subjects: Sequence[Subject], style: Style) -> Drawing:
    """Share of underestimated entries, layer by layer."""
    standard, sparse = by_regime("wu2020_underestimation", subjects, "standard", "sparse")
    figure_, axes = canvas(style, 2, aspect=0.78, sharey=True)
    data = []
    for axis, letter, title, group in zip(axes, "ab", ("trained", "by theory"), (standard, sparse), strict=True):
        data += [_drawn(axis, subject) for subject in group]
        axis.axhline(50.0, color="#999999", linewidth=0.6, zorder=0)
        panel_label(axis, letter, title)
        depth_axis(axis, max(s.setting.network.depth for s in group), first=1)
    axes[0].set_ylabel("entries too small (%)")
    axes[0].set_ylim(-3.0, 103.0)
    legend_above(figure_, list(axes), columns=3)
    caption = CAPTION % {"standard": standard[0].setting.problem, "sparse": sparse[0].setting.problem}
    sources = ["behrens2021", "chen2018", "liu2019", "wu2020"]
    return Drawing("wu2020_underestimation", figure_, pd.concat(data), caption, sources, settings_of(subjects))


def _drawn(axis: Axes, subject: Subject) -> pd.DataFrame:
    share = 100.0 * underestimated(subject.setting)
    depths = np.arange(1, len(share) + 1, dtype=np.float64)
    dashes = "--" if "glista" in subject.entry.network else "-"
    curve(axis, depths, share, look(subject.entry.network), linestyle=dashes)
    return series(subject.entry.name, "entries too small", depths, percent=share)
