"""``unfold-theory report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unfold_theory.claim import CLAIMS, Status
from unfold_theory.cli.console import messages, output
from unfold_theory.cli.progress import prepare_with_progress, registered_with_progress
from unfold_theory.cli.verification import Jobs, ScaleName
from unfold_theory.errors import InputError
from unfold_theory.report import require_replaceable, write_report
from unfold_theory.suite import literature, suite

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
    entries = suite(scale)
    require_replaceable(out)
    subjects = prepare_with_progress(entries, jobs=jobs)
    verdicts = registered_with_progress(entries, jobs=jobs)
    console = messages()
    page = write_report(
        [CLAIMS[name] for name in literature()],
        subjects,
        verdicts,
        out,
        scale=scale,
        format="html" if format == "html" else "latex",
        on_figure=lambda name: console.print(f"drawing {name}", markup=False),
    )
    violated = sum(verdict.status is Status.VIOLATED for verdict in verdicts)
    output().print(f"{page}: {len(verdicts)} verdicts, {violated} violated", markup=False, soft_wrap=True)
    return int(violated > 0)
