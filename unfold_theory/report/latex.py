"""The report as a LaTeX document: booktabs tables, figures and a bibliography."""

from __future__ import annotations

import re

from unfold_theory.claim import Claim
from unfold_theory.claim.presentation import escape_latex
from unfold_theory.report.content import STATUS_MEANINGS, Report
from unfold_theory.suite import VerdictRecord, versions

_FORMULA = re.compile(r"(\$[^$]+\$)")
NMSE = r"NMSE is $10\log_{10}(\sum\|e\|^2/\sum\|x^*\|^2)$ over the batch (ratio of means)."

PREAMBLE = r"""\documentclass{article}
\usepackage[utf8]{inputenc}
\usepackage[margin=1.4cm]{geometry}
\usepackage{amsmath,amssymb,booktabs,graphicx,longtable}
\title{Unfolded networks against their theorems}
\author{unfold\_theory}
\date{}
\begin{document}
\maketitle
"""


def document(report: Report) -> str:
    """``report.tex``; figures are looked for in ``figures/``, sources in ``references.bib``, both beside it."""
    parts = [PREAMBLE, _summary(report), _settings(report)]
    parts += [_claim(report, claim) for claim in report.claims]
    parts += [_figure(figure.name, figure.caption, figure.sources) for figure in report.figures]
    parts += [
        f"\\nocite{{{','.join(report.sources)}}}",
        r"\bibliographystyle{plain}",
        r"\bibliography{references}",
        r"\end{document}",
    ]
    return "\n".join(parts) + "\n"


def _summary(report: Report) -> str:
    rows = [
        f"{status.value} & {count} & {escape_latex(STATUS_MEANINGS[status])} \\\\"
        for status, count in report.counts.items()
    ]
    shown = ", ".join(f"{escape_latex(name)} {escape_latex(version)}" for name, version in versions().items())
    return "\n".join(
        [
            f"{len(report.claims)} claims on {len(report.subjects)} settings, scale {report.scale} ({shown}).",
            r"\begin{center}\begin{tabular}{lrp{0.66\textwidth}}\toprule",
            r"verdict & count & meaning \\ \midrule",
            *rows,
            r"\bottomrule\end{tabular}\end{center}",
        ]
    )


def _settings(report: Report) -> str:
    rows = []
    for subject in report.subjects:
        entry, nmse = subject.entry, report.nmse(subject)
        shown = "--" if nmse is None else f"${nmse:.1f}$"
        cells = (
            escape_latex(entry.name),
            str(entry.depth),
            entry.origin,
            shown,
            str(entry.signals),
            str(getattr(entry, "seed", "--")),
        )
        rows.append(" & ".join(cells) + r" \\")
    return "\n".join(
        [
            r"\section*{Settings}",
            NMSE,
            r"\begin{center}\begin{tabular}{lrlrrr}\toprule",
            r"setting & $K$ & network & NMSE (dB) & signals & seed \\ \midrule",
            *rows,
            r"\bottomrule\end{tabular}\end{center}",
        ]
    )


def _claim(report: Report, claim: Claim) -> str:
    rows = [_row(v) for v in report.verdicts if v.claim == claim.id and not v.lacking]
    lacking = len(report.lacking(claim))
    others = f"Not applicable to {lacking} settings that lack what it speaks of." if lacking else ""
    hypotheses = [f"\\item {statement(h.statement)}" for h in claim.hypotheses]
    return "\n".join(
        [
            f"\\section*{{{escape_latex(claim.id)}}}",
            f"{escape_latex(claim.theorem)}~\\cite{{{claim.source}}}; proof: {claim.proof_status}.",
            f"\\begin{{quote}}{statement(claim.statement)}\\end{{quote}}",
            *([r"\begin{itemize}", *hypotheses, r"\end{itemize}"] if hypotheses else []),
            r"\begin{center}\begin{tabular}{llrrr}\toprule",
            r"setting & verdict & applies & observed & tightness \\ \midrule",
            *rows,
            r"\bottomrule\end{tabular}\end{center}",
            others,
        ]
    )


def _row(v: VerdictRecord) -> str:
    tightness = "--" if v.tightness is None else f"{v.tightness:.3g}"
    cells = (escape_latex(v.setting), v.status.value, _share(v.coverage), _share(v.observed), tightness)
    return " & ".join(cells) + r" \\"


def _share(value: float | None) -> str:
    return "--" if value is None else f"{100 * value:.0f}\\%"


def _figure(name: str, caption: str, sources: tuple[str, ...]) -> str:
    return "\n".join(
        [
            r"\begin{figure}\centering",
            f"\\includegraphics{{figures/{name}.pdf}}",
            f"\\caption{{{statement(caption)} \\cite{{{','.join(sources)}}}}}",
            f"\\label{{fig:{name}}}",
            r"\end{figure}",
        ]
    )


def statement(text: str) -> str:
    """Prose escaped, formulas as they are."""
    parts = _FORMULA.split(text)
    return "".join(part if i % 2 else escape_latex(part).replace("`", "'") for i, part in enumerate(parts))
