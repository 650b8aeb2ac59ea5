import xml.etree.ElementTree as ElementTree

import pytest

import unfold_theory.claims  # noqa: F401
from unfold_theory.claim import CLAIMS
from unfold_theory.report.latex import statement
from unfold_theory.report.mathematics import formula_html, statement_html

STATEMENTS = [
    text
    for claim in CLAIMS.values()
    for text in (claim.statement, claim.about, *(h.statement for h in claim.hypotheses))
]


@pytest.mark.parametrize("text", sorted(set(STATEMENTS)))
def test_every_statement_of_the_package_can_be_set(text):
    made = statement_html(text)
    # Code in the prose is marked with double backquotes; any other is a formula that could not be set.
    assert made.count("<code>") == text.count("``") // 2
    assert made.count("<svg") == text.count("$") // 2
    ElementTree.fromstring(f"<p>{made}</p>")


def test_formulas_are_labelled_with_their_source():
    svg = ElementTree.fromstring(formula_html(r"\|x\|_2<1"))
    assert svg.attrib["aria-label"] == r"\|x\|_2<1"
    assert svg.attrib["role"] == "img"
    assert len(svg[0].attrib["d"]) > 100


def test_the_box_encloses_the_outline():
    svg = ElementTree.fromstring(formula_html(r"\sum_{j<k}t_j^2"))
    left, top, width, height = (float(v) for v in svg.attrib["viewBox"].split())
    numbers = [float(v) for v in svg[0].attrib["d"].translate(str.maketrans("MLQCZ", "     ")).split()]
    xs, ys = numbers[::2], numbers[1::2]
    assert left - 0.5 <= min(xs)
    assert max(xs) <= left + width + 0.5
    assert top - 0.5 <= min(ys)
    assert max(ys) <= top + height + 0.5


def test_what_cannot_be_set_appears_as_it_was_written():
    assert statement_html(r"with $\begin{cases}$ & <b>") == (r"with <code>\begin{cases}</code> &amp; &lt;b&gt;")


def test_latex_escapes_prose_and_keeps_formulas():
    assert statement(r"50% of x_i, $x_i\le 1$ & so on") == r"50\% of x\_i, $x_i\le 1$ \& so on"
