"""Figures by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from unfold_theory.errors import InputError
from unfold_theory.plotting.drawing import Drawing
from unfold_theory.plotting.styles import Style, styled
from unfold_theory.suite import Entry, Study, Subject

Draw = Callable[[Sequence[Subject], Style], Drawing]
DrawTable = Callable[[pd.DataFrame, Style], Drawing]


@dataclass(frozen=True)
class FigureSpec:
    """A figure that can be drawn from prepared entries.

    Attributes:
        name: BibTeX key of what it shows, then its subject.
        title: First line of the drawing function's docstring.
        wants: Which entries of a suite it is drawn from.
        draw: The drawing function.
    """

    name: str
    title: str
    wants: Callable[[Entry], bool]
    draw: Draw

    def entries(self, suite: Sequence[Entry]) -> list[Entry]:
        """The entries it is drawn from.

        Raises:
            InputError: The suite has none of them.
        """
        chosen = [entry for entry in suite if self.wants(entry)]
        if not chosen:
            raise InputError(f"The figure {self.name} finds none of its settings", "Draw it from a whole suite")
        return chosen

    def render(self, subjects: Sequence[Subject], folder: str | Path, *, style: str = "neurips") -> list[Path]:
        """Draw in a style and write PDF, PNG, CSV and JSON.

        Raises:
            InputError: There is no such style, no subject fits, or the folder cannot be written.
        """
        chosen = [subject for subject in subjects if self.wants(subject.entry)]
        if not chosen:
            raise InputError(f"The figure {self.name} finds none of its settings", "Draw it from a whole suite")
        with styled(style) as look:
            return self.draw(chosen, look).save(folder, style=style)


FIGURES: dict[str, FigureSpec] = {}


def figure(*, wants: Callable[[Entry], bool]) -> Callable[[Draw], FigureSpec]:
    """Decorator: a drawing function, named by a BibTeX key and a subject, becomes a registered figure."""

    def wrap(draw: Draw) -> FigureSpec:
        title = (inspect.getdoc(draw) or draw.__name__).split("\n")[0].rstrip(".")
        FIGURES[draw.__name__] = FigureSpec(draw.__name__, title, wants, draw)
        return FIGURES[draw.__name__]

    return wrap


@dataclass(frozen=True)
class StudyFigure:
    """A figure that is drawn from a study's table.

    Attributes:
        name: BibTeX key of what it shows, then its subject.
        title: First line of the drawing function's docstring.
        study: What it shows.
        draw: The drawing function.
    """

    name: str
    title: str
    study: Study
    draw: DrawTable

    def render(self, table: pd.DataFrame, folder: str | Path, *, style: str = "neurips") -> list[Path]:
        """Draw in a style and write PDF, PNG, CSV and JSON.

        Raises:
            InputError: There is no such style, the table is empty, or the folder cannot be written.
        """
        if table.empty:
            raise InputError(f"The figure {self.name} finds an empty table", "Run its study first")
        with styled(style) as look:
            return self.draw(table, look).save(folder, style=style)


STUDY_FIGURES: dict[str, StudyFigure] = {}


def study_figure(*, study: Study) -> Callable[[DrawTable], StudyFigure]:
    """Decorator: a function that draws a study's table, named by a BibTeX key and a subject, becomes a figure."""

    def wrap(draw: DrawTable) -> StudyFigure:
        title = (inspect.getdoc(draw) or draw.__name__).split("\n")[0].rstrip(".")
        STUDY_FIGURES[draw.__name__] = StudyFigure(draw.__name__, title, study, draw)
        return STUDY_FIGURES[draw.__name__]

    return wrap


def find_figure(name: str) -> FigureSpec | StudyFigure:
    """The figure of a name, drawn from a suite's subjects or from a study's table.

    Raises:
        InputError: There is none.
    """
    known: dict[str, FigureSpec | StudyFigure] = {**FIGURES, **STUDY_FIGURES}
    if name not in known:
        raise InputError(f"There is no figure {name!r}", f"Choose one of {', '.join(known)}")
    return known[name]
