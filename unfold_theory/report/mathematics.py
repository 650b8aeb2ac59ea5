r"""Statements with LaTeX formulas as HTML that needs neither a network nor a script.

Formulas become inline SVG outlines by matplotlib's own typesetter, in the colour of the text around them and with their
LaTeX as the label that screen readers speak.
"""

from __future__ import annotations

import html
import re
from functools import cache

from markupsafe import Markup
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import MathTextParser
from matplotlib.path import Path
from matplotlib.textpath import TextPath

SIZE = 10.0
_FORMULA = re.compile(r"\$([^$]+)\$")
_CODE = re.compile(r"``([^`]+)``")
_ARGUMENT = r"\{[^{}]*\}|\\[a-zA-Z]+|\w"


def _braced(argument: str) -> str:
    return argument if argument.startswith("{") else f"{{{argument}}}"


# What papers write and matplotlib's typesetter spells otherwise.
_SPELLING = (
    (re.compile(r"\\tfrac(?![a-zA-Z])"), r"\\frac"),
    (re.compile(rf"\\frac\s*({_ARGUMENT})\s*({_ARGUMENT})"), lambda m: "\\frac" + _braced(m[1]) + _braced(m[2])),
    (re.compile(r"\\sqrt\s*(\\[a-zA-Z]+|\d)"), r"\\sqrt{\1}"),
    (re.compile(r"\\[bB]igg?[lrm]?(?![a-zA-Z])"), ""),
    (re.compile(r"\\(sqrt|mathcal|mathbb|mathrm|mathbf)\s+(\w)"), r"\\\1{\2}"),
    (re.compile(r"\\operatorname(?=\{)"), r"\\mathrm"),
    (re.compile(r"\\(le|ge)(?![a-zA-Z])"), r"\\\1q "),
    (re.compile(r"\\colon(?![a-zA-Z])"), ":"),
    # A star in an exponent is no operator with room around it.
    (re.compile(r"\^\*|\^\{\*\}|\^\\star(?![a-zA-Z])"), r"^{{*}}"),
)


def statement_html(text: str) -> Markup:
    """Prose with ``$formulas$`` and ``code`` as HTML; a formula that cannot be set appears as its source."""
    parts, end = [], 0
    for match in _FORMULA.finditer(text):
        parts += [_prose(text[end : match.start()]), formula_html(match[1])]
        end = match.end()
    return Markup("".join([*parts, _prose(text[end:])]))


def _prose(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", html.escape(text))


@cache
def formula_html(latex: str) -> str:
    """One formula as an inline SVG whose baseline is that of the text around it."""
    spelled = latex
    for pattern, replacement in _SPELLING:
        spelled = pattern.sub(replacement, spelled)
    label = html.escape(latex, quote=True)
    font = FontProperties(family="DejaVu Sans", math_fontfamily="stix")
    try:
        width, height, depth, *_ = MathTextParser("path").parse(f"${spelled}$", dpi=72, prop=font.copy())
        outline = TextPath((0, 0), f"${spelled}$", size=SIZE, prop=font)
    except (ValueError, RuntimeError):
        return f"<code>{label}</code>"
    # The parser sets at the font's own size, the outline at SIZE.
    scale = SIZE / font.get_size_in_points()
    width, height, depth = (scale * side for side in (width, height, depth))
    # What stands below a sum may begin left of it.
    left = min(float(outline.get_extents().xmin), 0.0)
    width -= left
    box = f"{left:.2f} {depth - height:.2f} {width:.2f} {height:.2f}"
    return (
        f'<svg class="math" role="img" aria-label="{label}" viewBox="{box}" '
        f'style="width:{width / SIZE:.3f}em;height:{height / SIZE:.3f}em;vertical-align:{-depth / SIZE:.3f}em">'
        f'<path d="{_outline(outline)}"/></svg>'
    )


def _outline(path: Path) -> str:
    letters = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C", Path.CLOSEPOLY: "Z"}
    pieces = []
    for points, code in path.iter_segments(curves=True, simplify=False):
        if code == Path.CLOSEPOLY:
            pieces.append("Z")
            continue
        # SVG counts downward.
        signed = [coordinate if i % 2 == 0 else -coordinate for i, coordinate in enumerate(points)]
        pieces.append(letters[code] + " ".join(f"{value:.2f}".rstrip("0").rstrip(".") for value in signed))
    return "".join(pieces)
