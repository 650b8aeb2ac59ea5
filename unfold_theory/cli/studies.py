"""``unfold-theory study``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

import unfold_theory.studies  # noqa: F401  registers the package's own
from unfold_theory.cli.console import output
from unfold_theory.cli.progress import studies_with_progress
from unfold_theory.cli.verification import Jobs
from unfold_theory.errors import InputError
from unfold_theory.suite import find_study
from unfold_theory.suite.study import GRIDS
from unfold_theory.training import write_atomically


def run_study(
    name: Annotated[str, typer.Argument(help="A study, see `unfold-theory list studies`, or FILE.py with your own.")],
    scale: Annotated[str, typer.Option("--scale", help=f"Size of the grid: {', '.join(GRIDS)}.")] = "quick",
    shard: Annotated[str, typer.Option("--shard", help="i/n: only every n-th cell, from the i-th on.")] = "1/1",
    out: Annotated[Path | None, typer.Option("--out", help="File for the table, CSV; NAME.csv by default.")] = None,
    jobs: Jobs = 2,
) -> int:
    """Measure every cell of a grid into a table; finished cells are kept, so that a killed run resumes."""
    made = find_study(name)
    parts = re.fullmatch(r"(\d+)/(\d+)", shard)
    if parts is None:
        raise InputError(f"--shard {shard}", "Write it as i/n, 3/16 say")
    place = out or Path(f"{made.name}.csv")
    if place.is_dir():
        raise InputError(f"{place} is a folder", "Name a file with --out")
    table = studies_with_progress([made], scale, jobs=jobs, shard=(int(parts[1]), int(parts[2])))[made.name]
    write_atomically(place, table.to_csv(index=False).encode())
    output().print(f"{place}: {len(table)} rows", markup=False, soft_wrap=True)
    return 0
