"""Verdicts as tables: complete, escaped, and readable by other programs."""

import json
import pickle
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from pybtex.database import parse_string

import unfold_theory.claims  # noqa: F401
from tests.claim.test_verify import Known, make, rising
from unfold_theory.claim import CLAIMS, verify
from unfold_theory.claim.presentation import escape_latex, to_bibtex, to_frame, to_html, to_latex
from unfold_theory.claim.sources import bibtex, citation
from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError, MissingStructure


@pytest.fixture(autouse=True)
def _clean_registry():
    before = dict(CLAIMS)
    yield
    CLAIMS.clear()
    CLAIMS.update(before)


@pytest.fixture
def verdict():
    return verify(make(rising(), proof="proofs_checks/x.py"), Known(name="a_b <50 %>"))


def test_frame_has_one_row_a_verdict(verdict):
    frame = to_frame([verdict, verdict])
    assert list(frame["status"]) == ["holds", "holds"]
    assert frame["claim"][0] == "toy.rate"


def test_html_is_escaped_and_closed(verdict):
    class Balance(HTMLParser):
        depth = 0

        def handle_starttag(self, tag, attrs):
            self.depth += 1

        def handle_endtag(self, tag):
            self.depth -= 1

    text = verdict._repr_html_()
    parser = Balance()
    parser.feed(text)
    assert parser.depth == 0
    assert "a_b &lt;50 %&gt;" in text
    assert "<50 %>" not in text


def test_latex_is_escaped(verdict):
    text = to_latex([verdict])
    assert r"a\_b <50 \%>" in text
    assert r"\cite{toy}" in text
    assert text.count(r"\\") == 2
    assert escape_latex("a_b^2 & 5%") == r"a\_b\textasciicircum{}2 \& 5\%"


def test_json_record_survives_infinities(verdict):
    unbounded = make(Enclosure.exact(float("inf")))
    record = verify(unbounded, Known()).to_dict()
    assert json.loads(json.dumps(record, allow_nan=False))["witness"]["rhs"] == ["inf", "inf"]


def test_bibtex_lists_each_source_once():
    chosen = [c for c in CLAIMS.values() if c.source in ("chen2018", "beck2009")]
    assert len(chosen) > 2
    decided = [replace(c, hypotheses=(), trivial=None, conclude=lambda s: rising() <= rising()) for c in chosen]
    entries = parse_string(to_bibtex([verify(c, Known()) for c in decided]), "bibtex").entries
    assert set(entries) == {"chen2018", "beck2009"}


def test_names_and_escapes_survive():
    ours = CLAIMS["unfoldtheory2026.class_certificate"]
    assert citation(ours) == "The unfold_theory developers 2026"
    assert r"The unfold\_theory developers" in bibtex([ours])
    assert r"\\_" not in bibtex([ours])


@pytest.mark.parametrize("error", [InputError("A", "B"), MissingStructure("X", "Y", "Z", "W")])
def test_errors_travel_between_processes(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (str(again), again.cause, again.remedy) == (str(error), error.cause, error.remedy)


def test_explain_names_statement_source_and_witness(verdict):
    text = verdict.explain()
    for part in ("toy.rate on a_b", "HOLDS", "proof: checked", r"$m_k\le b_k$", "witness", "seed 0"):
        assert part in text
    assert "toy.rate" in repr(verdict)
    assert to_html([]).count("<tr>") == 1
