"""Figures: styles, primitives, and the gallery, one file a figure, named by BibTeX key and subject."""

from unfold_theory.plotting.beck2009_gap import beck2009_gap
from unfold_theory.plotting.chen2018_coupling import chen2018_coupling
from unfold_theory.plotting.chen2018_depth import chen2018_depth
from unfold_theory.plotting.drawing import Drawing, canvas, legend_above
from unfold_theory.plotting.liu2019_bound import liu2019_bound
from unfold_theory.plotting.registry import FIGURES, FigureSpec, figure, find_figure
from unfold_theory.plotting.styles import STATUS_COLOURS, STYLES, Look, Style, find_style, look, styled
from unfold_theory.plotting.unfoldtheory2026_certificate import unfoldtheory2026_certificate

__all__ = [
    "FIGURES",
    "STATUS_COLOURS",
    "STYLES",
    "Drawing",
    "FigureSpec",
    "Look",
    "Style",
    "beck2009_gap",
    "canvas",
    "chen2018_coupling",
    "chen2018_depth",
    "figure",
    "find_figure",
    "find_style",
    "legend_above",
    "liu2019_bound",
    "look",
    "styled",
    "unfoldtheory2026_certificate",
]
