"""``unfold-theory figure``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unfold_theory.cli.console import output
from unfold_theory.cli.progress import prepare_with_progress, studies_with_progress
from unfold_theory.cli.verification import Jobs, ScaleName
from unfold_theory.errors import InputError
from unfold_theory.plotting import STYLES, StudyFigure, find_figure, find_style
from unfold_theory.suite import suite


def draw_figure(
    name: Annotated[str, typer.Argument(help="Name of the figure, see `unfold-theory list figures`.")],
    style: Annotated[str, typer.Option("--style", help=f"Where it is shown: {', '.join(STYLES)}.")] = "neurips",
    out: Annotated[Path, typer.Option("--out", help="Folder.")] = Path("figures/output"),
    scale: ScaleName = "quick",
    jobs: Jobs = 2,
) -> int:
    """Draw a figure as PDF and PNG, with its data (CSV) and its settings, versions and sources (JSON) beside it."""
    spec = find_figure(name)
    find_style(style)
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file", "Choose a folder with --out")
    if isinstance(spec, StudyFigure):
        paths = spec.render(studies_with_progress([spec.study], scale, jobs=jobs)[spec.study.name], out, style=style)
    else:
        paths = spec.render(prepare_with_progress(spec.entries(suite(scale)), jobs=jobs), out, style=style)
    for path in paths:
        output().print(str(path), markup=False, soft_wrap=True)
    return 0
