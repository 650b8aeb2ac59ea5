"""The report as one HTML page."""

from __future__ import annotations

import re
from importlib import resources

import jinja2
from markupsafe import Markup

from unfold_theory.claim.presentation import SYMBOL
from unfold_theory.claim.sources import citation
from unfold_theory.report.content import NMSE_NOTE, PROOF_MEANINGS, STATUS_MEANINGS, Report
from unfold_theory.report.mathematics import statement_html
from unfold_theory.suite import MethodSubject, Subject, versions

MARKS = {"met": "✓", "refuted": "✗", "undecided": "?"}


def page(report: Report) -> str:
    """The page; figures are looked for in ``figures/`` beside it."""
    folder = resources.files("unfold_theory.report")
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: folder.joinpath(name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html.j2").render(
        report=report,
        css=Markup(folder.joinpath("page.css").read_text(encoding="utf-8")),
        versions=versions(),
        ids=identifiers(report),
        glyph=SYMBOL,
        mark=MARKS,
        meanings=STATUS_MEANINGS,
        proofs=PROOF_MEANINGS,
        nmse_note=NMSE_NOTE,
        references={key: Markup(text) for key, text in report.references().items()},
        slug=lambda status: str(status).replace(" ", "-"),
        short=short_name,
        share=lambda value: "–" if value is None else f"{value:.0%}",
        statement=statement_html,
        cite=citation,
    )


def identifiers(report: Report) -> dict[str, str]:
    """An anchor for each setting."""
    return {s.entry.name: re.sub(r"[^a-z0-9]+", "-", s.entry.name.lower()).strip("-") for s in report.subjects}


def short_name(subject: Subject | MethodSubject) -> str:
    """A setting's name without its regime, which stands above it."""
    return subject.entry.name.removesuffix(f", {subject.entry.regime}")
