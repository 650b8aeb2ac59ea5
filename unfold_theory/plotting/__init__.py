"""Figures: styles, primitives, and the gallery, one file a figure, named by BibTeX key and subject.

Importing this package registers every figure of the gallery in ``FIGURES``.
"""

import re
from importlib import import_module
from pkgutil import iter_modules

from unfold_theory.plotting.drawing import Drawing, canvas, legend_above
from unfold_theory.plotting.registry import (
    FIGURES,
    STUDY_FIGURES,
    FigureSpec,
    StudyFigure,
    figure,
    find_figure,
    study_figure,
)
from unfold_theory.plotting.styles import STATUS_COLOURS, STYLES, Look, Style, find_style, look, styled

__all__ = [
    "FIGURES",
    "STATUS_COLOURS",
    "STUDY_FIGURES",
    "STYLES",
    "Drawing",
    "FigureSpec",
    "Look",
    "StudyFigure",
    "Style",
    "canvas",
    "figure",
    "find_figure",
    "find_style",
    "legend_above",
    "look",
    "study_figure",
    "styled",
]

for _module in iter_modules(__path__):
    if re.match(r"[a-z]+\d{4}_", _module.name):
        import_module(f"{__name__}.{_module.name}")
