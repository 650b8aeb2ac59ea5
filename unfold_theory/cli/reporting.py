"""``unfold-theory report``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from unfold_theory.claim import CLAIMS, Status
from unfold_theory.cli.console import messages, output
from unfold_theory.cli.progress import prepare_with_progress, registered_with_progress, studies_with_progress
from unfold_theory.cli.verification import Jobs, ScaleName
from unfold_theory.errors import InputError
from unfold_theory.report import KeptReport, require_replaceable, write_report
from unfold_theory.report import write as writing
from unfold_theory.report.folder import MARK
from unfold_theory.report.write import ReportFormat
from unfold_theory.store import Store
from unfold_theory.suite import Entry, MethodEntry, MethodSubject, Subject, literature, method_entries, suite

FORMATS = ("html", "latex")


def write(
    format: Annotated[str, typer.Option("--format", help=f"{' or '.join(FORMATS)}.")] = "html",
    out: Annotated[Path, typer.Option("--out", help="Folder; an older report there is replaced.")] = Path("report"),
    scale: ScaleName = "quick",
    jobs: Jobs = 2,
) -> int:
    """Train what is not in the cache, verify every claim on every setting, and write the report."""
    if format not in FORMATS:
        raise InputError(f"There is no report format {format!r}", f"Choose {' or '.join(FORMATS)}")
    entries = [*suite(scale), *method_entries()]
    require_replaceable(out)
    made = "html" if format == "html" else "latex"
    kept, console = KeptReport(entries, Store(), scale=scale, format=made), messages()
    page = kept.restore(out)
    if page is None:
        page = _write(entries, out, scale, made, jobs)
        kept.keep(out)
    else:
        console.print("nothing has changed since the last report: taken from the cache", markup=False)
    counts = json.loads((page.parent / MARK).read_text(encoding="utf-8"))["counts"]
    violated = counts[Status.VIOLATED.value]
    output().print(f"{page}: {sum(counts.values())} verdicts, {violated} violated", markup=False, soft_wrap=True)
    return int(violated > 0)


def _write(entries: Sequence[Entry | MethodEntry], out: Path, scale: str, format: ReportFormat, jobs: int) -> Path:
    subjects: list[Subject | MethodSubject] = []
    subjects += prepare_with_progress([e for e in entries if isinstance(e, Entry)], jobs=jobs)
    subjects += [MethodSubject(e, e.setting()) for e in entries if isinstance(e, MethodEntry)]
    verdicts = registered_with_progress(entries, jobs=jobs)
    studies = {figure.study.name: figure.study for figure in writing.STUDY_FIGURES.values()}
    tables = studies_with_progress(list(studies.values()), scale, jobs=jobs)
    return write_report(
        [CLAIMS[name] for name in literature()],
        subjects,
        verdicts,
        out,
        scale=scale,
        format=format,
        tables=tables,
        on_figure=lambda name: messages().print(f"drawing {name}", markup=False),
    )
