"""``unfold-theory weights``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from unfold_theory.cli.console import output
from unfold_theory.problems import load_matrix
from unfold_theory.problems.coherence import WeightAudit, audit_weight, frobenius_weight

COLUMNS = (
    ("max |W_i'A_i - 1|", "normalisation_error"),
    ("||W'A||_F^2", "objective"),
    ("optimum", "optimum"),
    ("excess", "excess"),
    ("distance to optimum", "distance"),
    ("coherence", "coherence"),
    ("Welch bound", "welch"),
)


def audit(
    dictionary: Annotated[Path, typer.Argument(help="Dictionary A, .npy or .mat, shape (m, n).")],
    weights: Annotated[list[Path] | None, typer.Argument(help="Weights W of its shape, .npy or .mat.")] = None,
    key: Annotated[str | None, typer.Option("--key", help="Variable of the dictionary's .mat file.")] = None,
    weight_key: Annotated[str | None, typer.Option("--weight-key", help="Variable of the weights' .mat files.")] = None,
) -> int:
    """How far weights are from feasible (W_i'A_i = 1) and from ALISTA's optimum, with certified numbers.

    Excess is the objective of the normalised weight over the optimum, minus 1; the first row is the closed form.
    """
    matrix = load_matrix(dictionary, key)
    audits = [("closed form", audit_weight(matrix, frobenius_weight(matrix)))]
    for path in weights or []:
        audits.append((str(path), audit_weight(matrix, load_matrix(path, weight_key))))
    output().print(_table(audits))
    return 0


def _table(audits: list[tuple[str, WeightAudit]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("weight", overflow="fold")
    for title, _ in COLUMNS:
        table.add_column(title, justify="right", no_wrap=True)
    for name, found in audits:
        row = found.row()
        table.add_row(escape(name), *(f"{row[column]:.4g}" for _, column in COLUMNS))
    return table
