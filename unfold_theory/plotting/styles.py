"""How figures look: one preset for each place of publication, one colour and marker for each network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
from tueplots import axes as tue_axes
from tueplots import figsizes, fontsizes

from unfold_theory.errors import InputError
from unfold_theory.networks import NETWORKS


@dataclass(frozen=True)
class Style:
    """A place where figures are shown.

    Attributes:
        name: Name in ``STYLES``.
        column: Width of a single panel, in inches.
        full: Width of a figure with panels side by side, in inches.
        rc: Settings of matplotlib.
    """

    name: str
    column: float
    full: float
    rc: dict[str, Any] = field(repr=False)


def _rc(sizes: dict[str, Any], *, serif: bool, line: float) -> dict[str, Any]:
    family = "STIXGeneral" if serif else "DejaVu Sans"
    return (
        sizes
        | tue_axes.lines(base_width=0.5 * line, line_base_ratio=2.2, tick_major_base_ratio=1.0)
        | tue_axes.spines(left=True, right=False, top=False, bottom=True)
        | {
            "text.usetex": False,
            "font.family": family,
            "mathtext.fontset": "stix" if serif else "dejavusans",
            "figure.constrained_layout.use": True,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": "#d9d9d9",
            "grid.linewidth": 0.4 * line,
            "lines.markersize": 3.2 * line,
            "lines.markeredgewidth": 0.7 * line,
            "legend.frameon": False,
            "legend.handlelength": 2.2,
            "savefig.bbox": "tight",
            "savefig.pad_inches": 0.02,
            "figure.dpi": 150,
            # Text stays text: editors and readers can search and copy it.
            "pdf.fonttype": 42,
        }
    )


_IEEE_SIZES = {
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "legend.fontsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
}
# A slide is read from across the room: a figure of its width has letters twice as large as in a paper.
_SLIDE_SIZES = {key: 1.35 * value for key, value in fontsizes.beamer().items()}

STYLES: dict[str, Style] = {
    style.name: style
    for style in (
        Style("ieee", 3.5, 7.16, _rc(_IEEE_SIZES, serif=True, line=1.0)),
        Style(
            "neurips",
            0.72 * figsizes.neurips2024()["figure.figsize"][0],
            figsizes.neurips2024()["figure.figsize"][0],
            _rc(fontsizes.neurips2024(), serif=True, line=1.0),
        ),
        Style("slides", 5.6, 7.6, _rc(_SLIDE_SIZES, serif=False, line=1.5)),
    )
}


def find_style(name: str) -> Style:
    """The style of a name.

    Raises:
        InputError: There is none.
    """
    if name not in STYLES:
        raise InputError(f"There is no figure style {name!r}", f"Choose one of {', '.join(STYLES)}")
    return STYLES[name]


@contextmanager
def styled(name: str) -> Iterator[Style]:
    """Matplotlib set up for a style, without a screen, and as it was afterwards.

    Raises:
        InputError: There is no such style.
    """
    style = find_style(name)
    # The rc file of a user must not leak into a figure that is meant to be the same everywhere.
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        plt.switch_backend("agg")
        settings: Any = style.rc
        matplotlib.rcParams.update(settings)
        yield style


DOTTED = (0, (1, 1.2))


@dataclass(frozen=True)
class Look:
    """Colour, marker and line of a network, the same in every figure."""

    colour: str
    marker: str
    label: str
    dashes: str = "-"

    def line(self) -> dict[str, Any]:
        """Keyword arguments of ``Axes.plot``: open markers, so that lines on top of each other stay visible."""
        return {
            "color": self.colour,
            "marker": self.marker,
            "linestyle": self.dashes,
            "markerfacecolor": "white",
            "label": self.label,
        }

    def bound(self) -> dict[str, Any]:
        """The same colour for what theory says: a dotted line without markers, named once for all in the legend."""
        return {"color": self.colour, "linestyle": DOTTED}


# After Okabe and Ito: told apart by people with any of the common colour blindnesses; markers tell them apart in grey.
_LOOKS = {
    "ista": ("#009e73", "x", "--"),
    "fista": ("#000000", "+", "--"),
    "slista": ("#7f3c00", "3", "-"),
    "oista": ("#44aa99", "2", "--"),
    "admm": ("#999933", "h", "-"),
    "lista": ("#cc79a7", "o", "-"),
    "lista-tied": ("#882255", "D", "-"),
    "lista-cp": ("#e69f00", "s", "-"),
    "lista-cpss": ("#d55e00", "^", "-"),
    "tilista": ("#56b4e9", "v", "-"),
    "alista": ("#0072b2", "P", "-"),
    "alista-at": ("#6699cc", "d", "-"),
    "lista-momentum": ("#117733", "X", "-"),
    "hyperlista": ("#aa4499", "p", "-"),
    "aglista": ("#661100", "H", "-"),
    "iht": ("#555555", "4", "-"),
    "na-alista": ("#bb5566", "1", "-"),
    "glista": ("#004488", "8", "-"),
    "ada-lista": ("#1b7f8c", "<", "-"),
    "ada-lista-single": ("#9e4b9e", ">", "-"),
    "orthogonal-dictionary": ("#b8860b", "*", "-"),
}
_OTHERS = (("#6a3d9a", "*"), ("#8c6d31", "h"), ("#332288", "<"), ("#999933", ">"))

STATUS_COLOURS = {
    "holds": "#00795b",
    "violated": "#b3261e",
    "vacuous": "#8a6100",
    "not applicable": "#5f6b7a",
    "inconclusive": "#7b3fa0",
}
"""Colours of the five verdicts; a glyph always stands beside them."""


def look(network: str, label: str | None = None) -> Look:
    """The look of a network by its registered name; one of four spare ones, by its letters, for a user's own."""
    title = label or (NETWORKS[network].title if network in NETWORKS else network)
    if network in _LOOKS:
        colour, marker, dashes = _LOOKS[network]
        return Look(colour, marker, title, dashes)
    colour, marker = _OTHERS[sum(network.encode()) % len(_OTHERS)]
    return Look(colour, marker, title)
