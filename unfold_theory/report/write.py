"""From subjects and verdicts to a folder with the report."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from unfold_theory.claim import Claim
from unfold_theory.plotting import FIGURES, STUDY_FIGURES
from unfold_theory.report.content import Report, ReportFigure
from unfold_theory.report.folder import MARK, replaced_folder
from unfold_theory.report.html import page
from unfold_theory.report.latex import document
from unfold_theory.suite import MethodSubject, Subject, VerdictRecord

ReportFormat = Literal["html", "latex"]
STYLES: dict[str, str] = {"html": "neurips", "latex": "ieee"}


def write_report(
    claims: Sequence[Claim],
    subjects: Sequence[Subject | MethodSubject],
    verdicts: Sequence[VerdictRecord],
    folder: str | Path,
    *,
    scale: str,
    format: ReportFormat = "html",
    style: str | None = None,
    tables: Mapping[str, pd.DataFrame] | None = None,
    on_figure: Callable[[str], None] = lambda name: None,
) -> Path:
    """Draw every figure that the subjects allow and write the report; the folder is replaced as a whole.

    Args:
        claims: In the order of the table's rows.
        subjects: Prepared entries of a suite.
        verdicts: Of these claims on these subjects.
        folder: Where; an older report there is replaced.
        scale: Name of the scale, for the heading.
        format: ``html``: ``index.html``; ``latex``: ``report.tex``. Both come with ``verdicts.json``,
            ``references.bib`` and ``figures/``.
        style: Of the figures; by default what suits the format.
        tables: Of studies, by name; figures of other studies are left out.
        on_figure: Called with the name of each figure before it is drawn.

    Returns:
        The page or document.

    Raises:
        InputError: The folder holds something else than a report, or cannot be written.
    """
    with replaced_folder(folder) as place:
        figures, networks = [], [subject for subject in subjects if isinstance(subject, Subject)]
        for name, spec in FIGURES.items():
            if not any(spec.wants(subject.entry) for subject in networks):
                continue
            on_figure(name)
            spec.render(networks, place / "figures", style=style or STYLES[format])
            figures.append(_figure(name, spec.title, place / "figures"))
        for name, spec in STUDY_FIGURES.items():
            if spec.study.name in (tables or {}):
                on_figure(name)
                spec.render((tables or {})[spec.study.name], place / "figures", style=style or STYLES[format])
                figures.append(_figure(name, spec.title, place / "figures"))
        report = Report(scale, claims, subjects, verdicts, figures)
        name, text = ("index.html", page(report)) if format == "html" else ("report.tex", document(report))
        (place / name).write_text(text, encoding="utf-8")
        (place / "references.bib").write_text(report.bibtex(), encoding="utf-8")
        (place / MARK).write_text(json.dumps(report.record(), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return Path(folder) / name


def _figure(name: str, title: str, folder: Path) -> ReportFigure:
    record = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    # The size stands in the header of every PNG file.
    width, height = struct.unpack(">II", (folder / f"{name}.png").read_bytes()[16:24])
    return ReportFigure(name, title, record["caption"], tuple(record["sources"]), width, height)
