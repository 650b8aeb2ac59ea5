"""A figure with everything that belongs beside it: data, settings, seeds, versions, sources."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from unfold_theory.errors import InputError
from unfold_theory.plotting.styles import DOTTED, Style
from unfold_theory.suite.versions import versions
from unfold_theory.training import write_atomically

PNG_RESOLUTION = 220
SUFFIXES = (".pdf", ".png", ".csv", ".json")


@dataclass(frozen=True, eq=False)
class Drawing:
    """A drawn figure.

    Attributes:
        name: File name without suffix: BibTeX key and subject.
        figure: Matplotlib's figure.
        data: Every number in the picture, one row a point; columns carry their unit in the name (``nmse_db``).
        caption: What is seen, in full sentences with formulas in LaTeX.
        sources: BibTeX keys.
        settings: JSON-able: what was run, with seeds.
    """

    name: str
    figure: Figure
    data: pd.DataFrame
    caption: str
    sources: Sequence[str]
    settings: Mapping[str, Any] = field(default_factory=dict)

    def save(self, folder: str | Path, *, style: str) -> list[Path]:
        """Write PDF, PNG, CSV and JSON into a folder, each file atomically, and close the figure.

        Raises:
            InputError: The folder cannot be written.
        """
        folder = Path(folder)
        if folder.exists() and not folder.is_dir():
            raise InputError(f"{folder} is a file", "Choose a folder for the figures")
        contents = [self._image("pdf"), self._image("png"), self._csv(), self._record(style)]
        plt.close(self.figure)
        paths = [folder / f"{self.name}{suffix}" for suffix in SUFFIXES]
        for path, content in zip(paths, contents, strict=True):
            write_atomically(path, content)
        return paths

    def _image(self, kind: str) -> bytes:
        buffer = io.BytesIO()
        # Without dates the same numbers give the same file.
        metadata = (
            {"Title": self.name, "Software": None} if kind == "png" else {"Title": self.name, "CreationDate": None}
        )
        self.figure.savefig(buffer, format=kind, dpi=PNG_RESOLUTION, metadata=metadata)
        return buffer.getvalue()

    def _csv(self) -> bytes:
        return self.data.to_csv(index=False, float_format="%.10g").encode()

    def _record(self, style: str) -> bytes:
        record = {
            "name": self.name,
            "caption": self.caption,
            "style": style,
            "sources": list(self.sources),
            "columns": list(self.data.columns),
            "settings": self.settings,
            "versions": versions() | {"matplotlib": matplotlib.__version__},
        }
        return (json.dumps(record, indent=2, sort_keys=True, allow_nan=False) + "\n").encode()


def canvas(
    style: Style, columns: int = 1, *, aspect: float = 0.68, rows: int = 1, **options: Any
) -> tuple[Figure, Any]:
    """A figure as wide as the style wants it, and its axes.

    Args:
        style: Decides the width.
        columns: Panels side by side; two or more take the full width.
        aspect: Height of a panel over its width.
        rows: Panels above each other.
        **options: Of ``pyplot.subplots``.
    """
    width = style.column if columns == 1 else style.full
    height = width / columns * aspect * rows
    return plt.subplots(rows, columns, figsize=(width, height), **options)


def legend_above(figure: Figure, axes: Any, *, columns: int, bounds: bool = False) -> None:
    """One legend above all panels, where it hides nothing; entries of several axes once each.

    Args:
        figure: The figure.
        axes: Its panels.
        columns: Of the legend.
        bounds: Whether dotted lines are bounds, which the legend then says once.
    """
    entries: dict[str, Any] = {}
    for axis in axes if isinstance(axes, Sequence) else [axes]:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    if bounds:
        entries["bound, in the colour of its network"] = Line2D([], [], color="#444444", linestyle=DOTTED)
    figure.legend(
        entries.values(),
        entries.keys(),
        loc="outside upper center",
        ncols=columns,
        columnspacing=1.2,
        borderaxespad=0.2,
    )
