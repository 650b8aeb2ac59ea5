"""Verdicts as text, records, frames, HTML and LaTeX."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from unfold_theory.claim.sources import bibtex, citation
from unfold_theory.claim.verdict import Status, Verdict, number

SYMBOL = {
    Status.HOLDS: "✓",
    Status.VIOLATED: "✗",
    Status.VACUOUS: "∅",
    Status.NOT_APPLICABLE: "–",
    Status.INCONCLUSIVE: "?",
}


def explain(verdict: Verdict) -> str:
    """Statement, hypotheses, conclusion and witness in plain text."""
    claim = verdict.claim
    lines = [
        f"{claim.id} on {verdict.setting}: {verdict.status.value.upper()}",
        f"  {citation(claim)}, {claim.theorem} (proof: {verdict.proof}; numbers: {verdict.basis})",
        f"  states    {claim.statement}",
    ]
    for finding in verdict.hypotheses:
        lines.append(f"  assumes   {finding.hypothesis.statement}")
        lines.append(f"            {finding.sentence()}")
    lines.append(f"  found     {verdict.reason}")
    if verdict.conclusion is not None:
        lines.append(
            f"  applies   to {verdict.coverage:.0%} of the cells (depth, sample); "
            f"conclusion observed in {verdict.observed:.0%} of all"
        )
    if verdict.witness is not None:
        w = verdict.witness
        lines.append(
            f"  witness   depth {w.depth}, sample {w.sample}, seed {w.recipe.get('batch', {}).get('seed')}: "
            f"{number(w.lhs)} against {number(w.rhs)} (replay with verdict.witness.replay())"
        )
    return "\n".join(lines)


def to_dict(verdict: Verdict) -> dict[str, Any]:
    """JSON-able record; infinities become strings so that every JSON reader accepts it."""
    record = {
        "claim": verdict.claim.id,
        "setting": verdict.setting,
        "network": verdict.network,
        "status": verdict.status.value,
        "proof": verdict.proof,
        "basis": verdict.basis,
        "reason": verdict.reason,
        "coverage": verdict.coverage,
        "observed": verdict.observed,
        "tightness": verdict.tightness,
        "hypotheses": [
            {
                "name": f.hypothesis.name,
                "status": f.status,
                "worst": list(f.worst),
                "lhs": _ends(f.inequality.lhs.broadcast_to(f.inequality.shape)[f.worst]),
                "rhs": _ends(f.inequality.rhs.broadcast_to(f.inequality.shape)[f.worst]),
                "first_refuted_layer": f.first_refuted_layer,
            }
            for f in verdict.hypotheses
        ],
        "witness": verdict.witness.to_dict() if verdict.witness else None,
    }
    return _jsonable(record)


def _ends(e: Any) -> list[float]:
    return [e.lo.item(), e.hi.item()]


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _jsonable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value


COLUMNS = ("claim", "source", "setting", "network", "status", "proof", "basis", "coverage", "observed", "tightness")


def to_frame(verdicts: Sequence[Verdict]) -> pd.DataFrame:
    """One row a verdict."""
    rows = [
        (
            v.claim.id,
            f"{citation(v.claim)}, {v.claim.theorem}",
            v.setting,
            v.network,
            v.status.value,
            v.proof,
            v.basis,
            v.coverage,
            v.observed,
            v.tightness,
            v.reason,
        )
        for v in verdicts
    ]
    return pd.DataFrame(rows, columns=pd.Index([*COLUMNS, "reason"]))


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def to_html(verdicts: Sequence[Verdict]) -> str:
    """A plain table, as notebooks show it."""
    head = "".join(f"<th>{c}</th>" for c in ("claim", "setting", "verdict", "proof", "applies", "observed", "why"))
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td>{html.escape(str(cell))}</td>"
            for cell in (
                v.claim.id,
                v.setting,
                f"{SYMBOL[v.status]} {v.status.value}",
                v.proof,
                _share(v.coverage if v.conclusion is not None else None),
                _share(v.observed),
                v.reason,
            )
        )
        + "</tr>"
        for v in verdicts
    )
    return f'<table class="verdicts"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "_": r"\_",
        "%": r"\%",
        "&": r"\&",
        "#": r"\#",
        "$": r"\$",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "{": r"\{",
        "}": r"\}",
    }
)


def escape_latex(text: str) -> str:
    """Text that LaTeX sets as it stands."""
    return text.translate(_LATEX).replace("–", "--")


def to_latex(verdicts: Sequence[Verdict]) -> str:
    """A booktabs table; numbers with their citation."""
    rows = [
        " & ".join(
            [
                f"{escape_latex(v.claim.id)} \\cite{{{v.claim.source}}}",
                escape_latex(v.setting),
                v.status.value,
                v.proof,
                escape_latex(_share(v.coverage if v.conclusion is not None else None)),
                escape_latex(_share(v.observed)),
            ]
        )
        + r" \\"
        for v in verdicts
    ]
    return "\n".join(
        [
            r"\begin{tabular}{llllrr}",
            r"\toprule",
            r"claim & setting & verdict & proof & applies & observed \\",
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


def to_bibtex(verdicts: Sequence[Verdict]) -> str:
    """The sources' entries, each once."""
    return bibtex([v.claim for v in verdicts])
