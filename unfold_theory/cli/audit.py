"""``unfold-theory audit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

import unfold_theory.claims  # noqa: F401  registers the literature's
from unfold_theory.cli.console import output
from unfold_theory.cli.progress import studies_with_progress
from unfold_theory.cli.verification import Jobs
from unfold_theory.report import require_replaceable
from unfold_theory.report.audit import COLUMNS, STATES, Audit, number, write_audit
from unfold_theory.studies.behrens2021_audit import audit_of


def audit_networks(
    folder: Annotated[Path, typer.Argument(help="Folder with networks.json and its matrices phi_MxN, W_frob_MxN.")],
    out: Annotated[Path, typer.Option("--out", help="Folder; an older audit there is replaced.")] = Path("audit"),
    jobs: Jobs = 2,
) -> int:
    """Every trained network of a folder against its log and every claim; exit code 1 if one is violated.

    Finished networks are kept, so that a run that was killed takes up from there.
    """
    study = audit_of(folder)
    require_replaceable(out)
    table = studies_with_progress([study], "quick", jobs=jobs)[study.name]
    audit = Audit.of(folder, table)
    page = write_audit(audit, table, out)
    console = output()
    console.print(_table(audit))
    for note, count in audit.notes.most_common():
        console.print(f"{count} x {note}" if count > 1 else note, markup=False, soft_wrap=True)
    agree, logged = audit.agreement
    states = ", ".join(f"{count} {state}" for state, count in audit.states.items())
    console.print(
        f"{page}: {states}; {agree} of {logged} agree with their log; {audit.violated} verdicts violated",
        markup=False,
        soft_wrap=True,
    )
    return int(audit.violated > 0)


def _table(audit: Audit) -> Table:
    """One line a kind: counts, and medians of what was measured."""
    table = Table(box=None, pad_edge=False, header_style="bold", title="medians over networks", title_justify="left")
    titles = ["kind", "networks", *STATES, "agree", *(title for title, _, _ in COLUMNS[3:])]
    for i, title in enumerate(titles):
        table.add_column(title, justify="left" if i == 0 else "right")
    for row in audit.by_kind:
        counts = [str(row[key]) for key in ("networks", *STATES, "agree")]
        medians = [number(row[title], digits) for title, _, digits in COLUMNS[3:]]
        table.add_row(escape(row["kind"]), *counts, *medians)
    return table
