"""What figures are made of: axes over depth, curves with the range over samples, long tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from unfold_theory.errors import InputError
from unfold_theory.plotting.styles import Look
from unfold_theory.suite import Subject

DB_FLOOR = -200.0
"""Errors below this are zero in float64; a picture that went further would show rounding."""


def depth_axis(axis: Axes, depth: int, label: str = "layers $k$", *, first: int = 0) -> None:
    """Integer ticks from ``first`` to ``depth``, with room for the markers at both ends."""
    room = 0.02 * depth
    axis.set_xlim(first - room, depth + room)
    axis.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, steps=[1, 2, 4, 5, 10]))
    axis.set_xlabel(label)


def log_axis(axis: Axes, label: str) -> None:
    """A logarithmic vertical axis without a thicket of labels."""
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(base=10, numticks=7))
    axis.yaxis.set_minor_formatter(NullFormatter())
    axis.set_ylabel(label)


def panel_label(axis: Axes, letter: str, title: str) -> None:
    """``(a) title`` above a panel, at its left edge."""
    axis.set_title(f"({letter}) {title}", loc="left")


def curve(
    axis: Axes, x: Float64[np.ndarray, " points"], y: Float64[np.ndarray, " points"], look: Look, **options: Any
) -> None:
    """One network's line; networks mark different points, so that lines on top of each other are seen to be two."""
    every = max(len(x) // 5, 1)
    start = sum(line.get_marker() != "None" for line in axis.get_lines()) % every
    settings: dict[str, Any] = look.line() | {"markevery": (start, every)} | options
    axis.plot(x, y, **settings)


def spread(
    axis: Axes, x: Float64[np.ndarray, " points"], values: Float64[np.ndarray, "points sample"], look: Look
) -> None:
    """The range over samples, shaded in the network's colour."""
    shown = np.where(np.isfinite(values), values, np.nan)
    axis.fill_between(x, np.nanmin(shown, axis=1), np.nanmax(shown, axis=1), color=look.colour, alpha=0.16, linewidth=0)


def decibel(squared: np.ndarray) -> np.ndarray:
    """10 log10, not below ``DB_FLOOR``."""
    with np.errstate(divide="ignore"):
        return np.maximum(10 * np.log10(squared), DB_FLOOR)


def series(label: str, quantity: str, x: Sequence[float] | np.ndarray, **columns: Any) -> pd.DataFrame:
    """Rows of a long table: ``series``, ``quantity``, ``depth`` and the columns given."""
    frame = pd.DataFrame({"depth": np.asarray(x), **{name: np.asarray(values) for name, values in columns.items()}})
    frame.insert(0, "quantity", quantity)
    frame.insert(0, "series", label)
    return frame


def over_samples(values: Float64[np.ndarray, "points sample"]) -> dict[str, np.ndarray]:
    """Columns ``median``, ``smallest`` and ``largest`` over samples."""
    return {
        "median": np.median(values, axis=1),
        "smallest": np.min(values, axis=1),
        "largest": np.max(values, axis=1),
    }


def by_regime(name: str, subjects: Sequence[Subject], *regimes: str) -> list[list[Subject]]:
    """The subjects of each regime.

    Raises:
        InputError: A regime has none.
    """
    groups = [[subject for subject in subjects if subject.entry.regime == regime] for regime in regimes]
    missing = [regime for regime, group in zip(regimes, groups, strict=True) if not group]
    if missing:
        raise InputError(
            f"The figure {name} lacks settings of the regime {' and '.join(missing)}", "Draw it from a whole suite"
        )
    return groups


def settings_of(subjects: Sequence[Subject]) -> Mapping[str, Any]:
    """What was run, for the sidecar."""
    return {
        "entries": [subject.entry.recipe() for subject in subjects],
        "trained_metrics": {s.entry.name: s.manifest["metrics"] for s in subjects if s.manifest.get("metrics")},
    }
