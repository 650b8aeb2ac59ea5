"""Audit of trained networks: measured against logged errors, and which hypotheses fail where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from unfold_theory.plotting.drawing import Drawing, canvas, legend_above
from unfold_theory.plotting.primitives import panel_label
from unfold_theory.plotting.registry import study_figure
from unfold_theory.plotting.styles import Style
from unfold_theory.studies.behrens2021_audit import AUDITED
from unfold_theory.studies.behrens2021_audit import behrens2021_audit as audit
from unfold_theory.suite.audit import REGIMES, TOLERANCE_DB

KINDS = {
    "ALISTA": ("#0072b2", "o"),
    "ALISTA_AT": ("#d55e00", "^"),
    "AGLISTA": ("#009e73", "s"),
    "ISTA": ("#8c8c8c", "v"),
    "FISTA": ("#555555", "D"),
}
OTHERS = (("#cc79a7", "P"), ("#e69f00", "X"), ("#56b4e9", "<"))
SHOWN = {
    "sparse_enough": r"$(2s-1)\mu<1$",
    "noise_free": r"$\varepsilon=0$",
    "liu2019.gains_in_range": r"gains in range",
    "liu2019.thresholds_large_enough": r"$\theta^k$ reaches its law",
    "liu2019.thresholds_not_larger": r"$\theta^k$ not above its law",
    "selection_gated": "selection gated",
    "unfoldtheory2026.class_thresholds_reach": "class certificate",
    "unfoldtheory2026.sample_thresholds_reach": "signal certificate",
    "instance_thresholds_reach": "instance certificate",
    "instance_selection_safe": "selection safe",
}
"""Hypotheses of the coherence theory and of the certificates, as far as they are refuted somewhere."""
CAPTION = (
    r"%(audited)d networks, each on its own dictionary%(others)s. (a) NMSE on fresh signals, "
    r"$10\log_{10}(\sum\|x^K-x^*\|^2/\sum\|x^*\|^2)$, against the log; grey: $\pm%(tolerance)g$ dB, in which "
    r"%(agree)d of %(logged)d lie. (b) Share of the networks in which a hypothesis is refuted, for the signals and the "
    r"noise of their training (own) and for noise-free signals with two entries $\pm1$ (sparse); numbers: the "
    r"median of the first layer in which it is refuted. Empty: no claim with this hypothesis speaks of the network."
)


@study_figure(study=audit)
def behrens2021_audit(table: pd.DataFrame, style: Style) -> Drawing:
    """Measured against logged error, and which hypotheses fail where."""
    rows = [{k: v for k, v in row.items() if v is not None and v == v} for row in table.to_dict("records")]
    networks = [row for row in rows if row["part"] == "network"]
    run = [row for row in networks if row["state"] == AUDITED]
    logged = [row for row in run if "logged_db" in row]
    figure, axes = canvas(style, 2, aspect=0.95, gridspec_kw={"width_ratios": [1.0, 1.25]})
    data = [_against_logs(axes[0], logged), _failing(axes[1], [row for row in rows if row["part"] == "hypothesis"])]
    panel_label(axes[0], "a", "does it do what its log says?")
    panel_label(axes[1], "b", "which hypotheses fail?")
    axes[1].set_title(axes[1].get_title(loc="left"), loc="left", pad=16)
    legend_above(figure, [axes[0]], columns=5)
    rest = Counter(row["state"] for row in networks if row["state"] != AUDITED)
    numbers = {
        "audited": len(run),
        "others": "".join(f", {count} {state}" for state, count in rest.items()),
        "tolerance": TOLERANCE_DB,
        "agree": sum(bool(row["agrees"]) for row in logged),
        "logged": len(logged),
    }
    sources = ["behrens2021", "liu2019", "unfoldtheory2026"]
    return Drawing("behrens2021_audit", figure, pd.concat(data), CAPTION % numbers, sources)


def looks(kinds: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Colour and marker of each kind."""
    spare = cycle(OTHERS)
    return {kind: KINDS.get(kind) or next(spare) for kind in kinds}


def _against_logs(axis: Axes, logged: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    for kind, (colour, marker) in looks(_ordered(logged)).items():
        own = [row for row in logged if row["kind"] == kind]
        axis.scatter(
            [row["logged_db"] for row in own],
            [row["measured_db"] for row in own],
            s=11,
            marker=marker,
            facecolors="none",
            edgecolors=colour,
            linewidths=0.8,
            label=kind.replace("_", "-"),
            zorder=3,
        )
    lowest = min([row[key] for row in logged for key in ("logged_db", "measured_db")], default=-1.0)
    line = np.array([lowest - 2.0, 1.0])
    axis.fill_between(line, line - TOLERANCE_DB, line + TOLERANCE_DB, color="#bbbbbb", alpha=0.5, linewidth=0)
    axis.set_xlim(line[0], line[1])
    axis.set_ylim(line[0], line[1])
    axis.set_xlabel("logged NMSE (dB)")
    axis.set_ylabel("measured NMSE (dB)")
    shown = ("kind", "m", "n", "depth", "snr_db", "logged_db", "measured_db", "standard_error_db")
    return pd.DataFrame([{"series": "NMSE"} | {key: row.get(key) for key in shown} for row in logged])


def _ordered(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Kinds, the known ones first."""
    return sorted({row["kind"] for row in rows}, key=lambda kind: (*KINDS, kind).index(kind))


def _failing(axis: Axes, findings: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    found: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for row in findings:
        if row["hypothesis"] in SHOWN:
            found.setdefault((row["hypothesis"], row["kind"], row["regime"]), []).append(row)
    somewhere = {key[0] for key, own in found.items() if any(row["status"] == "refuted" for row in own)}
    names = [name for name in SHOWN if name in somewhere] or list(SHOWN)[:1]
    kinds = _ordered([{"kind": key[1]} for key in found])
    columns = [(kind, regime) for kind in kinds for regime in REGIMES]
    shares, data = np.full((len(names), max(len(columns), 1)), np.nan), []
    for i, name in enumerate(names):
        for j, (kind, regime) in enumerate(columns):
            own = found.get((name, kind, regime))
            if own is None:
                continue
            broken = [row for row in own if row["status"] == "refuted"]
            layers = [row["layer"] for row in broken if "layer" in row]
            shares[i, j] = len(broken) / len(own)
            layer = float(np.median(layers)) if layers else None
            data.append({"kind": kind, "regime": regime, "hypothesis": name, "share": shares[i, j], "layer": layer})
            if layer is not None:
                shade = "white" if shares[i, j] > 0.6 else "black"
                axis.text(j, i, f"{layer:g}", ha="center", va="center", color=shade, fontsize="x-small")
    axis.imshow(np.ma.masked_invalid(shares), cmap="Reds", vmin=0, vmax=1.1, aspect="auto")
    axis.set_yticks(range(len(names)), [SHOWN[name] for name in names], fontsize="small")
    shown = ["own" if regime == REGIMES[0] else "sparse" for _, regime in columns]
    axis.set_xticks(range(len(columns)), shown, fontsize="x-small", rotation=90)
    for j, kind in enumerate(kinds):
        axis.text(2 * j + 0.5, -0.6, kind.replace("_", "-"), ha="center", va="bottom", fontsize="x-small")
        axis.axvline(2 * j + 1.5, color="white", linewidth=2.0)
    axis.grid(False)
    axis.tick_params(length=0)
    return pd.DataFrame(data).assign(series="refuted")
