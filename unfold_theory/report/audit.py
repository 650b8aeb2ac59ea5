"""The audit of a folder of trained networks: one table, one figure, a page."""

from __future__ import annotations

import csv
import io
import json
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from statistics import median
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from unfold_theory.claim import CLAIMS, Status
from unfold_theory.claim.presentation import SYMBOL
from unfold_theory.claim.sources import bibliography, to_bibtex
from unfold_theory.plotting import STUDY_FIGURES
from unfold_theory.report.folder import MARK, replaced_folder
from unfold_theory.report.mathematics import statement_html
from unfold_theory.studies.behrens2021_audit import AUDITED, LOG_ONLY, UNREADABLE
from unfold_theory.suite import versions
from unfold_theory.suite.audit import REGIMES, TOLERANCE_DB

FIGURE = "behrens2021_audit"
PARTS = {"layer": "layers.csv", "verdict": "verdicts.csv", "hypothesis": "hypotheses.csv"}
IDENTITY = ("kind", "m", "n", "sparsity", "depth", "snr_db")
STATES = {
    AUDITED: "built, run on fresh signals and read against every claim",
    LOG_ONLY: "its weights are not in the folder: only its log is shown",
    UNREADABLE: "its entry or its files are damaged: the note says how",
}
OWN, SPARSE = REGIMES
# Title, column of the table, digits.
COLUMNS = (
    ("logged (dB)", "logged_db", 2),
    ("measured (dB)", "measured_db", 2),
    ("± (dB)", "standard_error_db", 2),
    ("μ", f"{OWN}: coherence", 3),
    ("least gain", f"{OWN}: gain_smallest", 2),
    ("largest", f"{OWN}: gain_largest", 2),
    ("limit", f"{OWN}: gain_limit", 3),
    (f"limit, {SPARSE}", f"{SPARSE}: gain_limit", 2),
    ("θ/law", f"{OWN}: law_ratio_smallest", 3),
    (f"θ/law, {SPARSE}", f"{SPARSE}: law_ratio_smallest", 2),
    ("false positives", f"{OWN}: false_positive_share", 2),
    (f"false positives, {SPARSE}", f"{SPARSE}: false_positive_share", 2),
    ("certified dB/layer", f"{OWN}: certified_db_per_layer", 2),
    ("measured dB/layer", f"{OWN}: measured_db_per_layer", 2),
    (f"certified, {SPARSE}", f"{SPARSE}: certified_db_per_layer", 2),
    (f"measured, {SPARSE}", f"{SPARSE}: measured_db_per_layer", 2),
)
Record = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Audit:
    """An audit's rows, see :func:`~unfold_theory.suite.audit.audit_network`.

    Attributes:
        folder: What was audited.
        rows: Without what is empty, in the order of kinds and sizes.
    """

    folder: str
    rows: Sequence[Record]

    @classmethod
    def of(cls, folder: str | Path, table: pd.DataFrame) -> Audit:
        """From the table of the study."""
        rows = [{k: v for k, v in row.items() if v is not None and v == v} for row in table.to_dict("records")]
        order = sorted(rows, key=lambda row: [row.get("kind", ""), *(row.get(k, 0) for k in ("n", "snr_db", "depth"))])
        return cls(str(folder), [{str(k): _integral(v) for k, v in row.items()} for row in order])

    def part(self, name: str) -> list[Record]:
        """Rows of one part: ``network``, ``layer``, ``verdict`` or ``hypothesis``."""
        return [row for row in self.rows if row["part"] == name]

    @cached_property
    def networks(self) -> list[Record]:
        """One row a network, with what became of every claim in either regime."""
        found: dict[Any, dict[str, Any]] = {}
        for row in self.part("verdict"):
            found.setdefault(row["entry"], {})[f"{row['regime']}: {row['claim']}"] = row["status"]
        return [{**row, **found.get(row["entry"], {})} for row in self.part("network")]

    @cached_property
    def states(self) -> dict[str, int]:
        """Number of networks in each state."""
        counts = Counter(row["state"] for row in self.networks)
        return {state: counts[state] for state in STATES}

    @cached_property
    def violated(self) -> int:
        """Number of claims that are violated, over networks and regimes."""
        return sum(row["status"] == Status.VIOLATED.value for row in self.part("verdict"))

    @cached_property
    def agreement(self) -> tuple[int, int]:
        """How many networks agree with their log, of those that were run and have one."""
        known = [bool(row["agrees"]) for row in self.networks if "agrees" in row]
        return sum(known), len(known)

    @cached_property
    def by_kind(self) -> list[dict[str, Any]]:
        """One row a kind: counts, and medians of the page's columns over its networks."""
        found = []
        for kind in sorted({row["kind"] for row in self.networks}):
            group = [row for row in self.networks if row["kind"] == kind]
            counts = {state: sum(row["state"] == state for row in group) for state in STATES}
            made = {"kind": kind, "networks": len(group), **counts, "agree": sum(bool(r.get("agrees")) for r in group)}
            for title, column, _ in COLUMNS:
                values = [row[column] for row in group if column in row]
                made[title] = median(values) if values else None
            found.append(made)
        return found

    @cached_property
    def columns(self) -> list[tuple[str, str]]:
        """Kinds and regimes of the claims' table."""
        return [(kind, regime) for kind in sorted({r["kind"] for r in self.part("verdict")}) for regime in REGIMES]

    @cached_property
    def claims(self) -> list[dict[str, Any]]:
        """One row a claim: how many networks of each kind and regime have which status, where it can be read."""
        read = [row for row in self.part("verdict") if row["read"]]
        counts = Counter((row["claim"], row["kind"], row["regime"], row["status"]) for row in read)
        found = []
        for claim in sorted({row["claim"] for row in read}):
            cells = [
                {s: counts[claim, kind, regime, s.value] for s in Status if counts[claim, kind, regime, s.value]}
                for kind, regime in self.columns
            ]
            found.append({"claim": claim, "proof": CLAIMS[claim].proof_status, "cells": cells})
        return found

    @cached_property
    def notes(self) -> Counter[str]:
        """What the table says of networks that disagree with their log, or that could not be built."""
        return Counter(row["note"] for row in self.networks if row.get("note"))


def _integral(value: Any) -> Any:
    # Columns that some rows lack come as floats.
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e9 else value


def write_audit(audit: Audit, table: pd.DataFrame, folder: str | Path, *, style: str = "neurips") -> Path:
    """Write ``index.html``, ``audit.csv`` (one row a network), the parts as CSV, ``verdicts.json`` and the figure.

    Args:
        audit: What is written.
        table: The study's table, which the figure is drawn from.
        folder: Where; an older audit there is replaced as a whole.
        style: Of the figure.

    Raises:
        InputError: The folder holds something else than a report, or cannot be written.
    """
    with replaced_folder(folder) as place:
        if audit.states[AUDITED]:
            STUDY_FIGURES[FIGURE].render(table, place / "figures", style=style)
        (place / "audit.csv").write_text(_csv(audit.networks), encoding="utf-8")
        for part, name in PARTS.items():
            (place / name).write_text(_csv(audit.part(part)), encoding="utf-8")
        (place / MARK).write_text(json.dumps(_record(audit), indent=1) + "\n", encoding="utf-8")
        (place / "references.bib").write_text(to_bibtex(_sources()), encoding="utf-8")
        (place / "index.html").write_text(_page(audit, place / "figures"), encoding="utf-8")
    return Path(folder) / "index.html"


_HIDDEN = ("part", "folder", "digest", "title")


def _csv(rows: Sequence[Record]) -> str:
    columns = list(dict.fromkeys(key for row in rows for key in row if key not in _HIDDEN))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _record(audit: Audit) -> dict[str, Any]:
    agree, logged = audit.agreement
    return {
        "folder": Path(audit.folder).name,
        "versions": versions(),
        "states": audit.states,
        "agree_with_log": agree,
        "logged": logged,
        "tolerance_db": TOLERANCE_DB,
        "violated": audit.violated,
        "networks": [{k: v for k, v in row.items() if k not in _HIDDEN} for row in audit.networks],
    }


def _sources() -> dict[str, Any]:
    entries = bibliography().entries
    keys = sorted({claim.source for claim in CLAIMS.values()} | {"behrens2021"})
    return {key: entries[key] for key in keys if key in entries}


def _page(audit: Audit, figures: Path) -> str:
    templates = resources.files("unfold_theory.report")
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: templates.joinpath(name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    picture = _picture(figures)
    return environment.get_template("audit.html.j2").render(
        audit=audit,
        css=Markup(templates.joinpath("page.css").read_text(encoding="utf-8")),
        versions=versions(),
        identity=IDENTITY,
        own=OWN,
        columns=COLUMNS,
        states=STATES,
        glyph=SYMBOL,
        tolerance=TOLERANCE_DB,
        picture=picture,
        caption=statement_html(picture["caption"]) if picture else "",
        slug=lambda status: str(status).replace(" ", "-"),
        number=number,
    )


def _picture(figures: Path) -> dict[str, Any] | None:
    path = figures / f"{FIGURE}.json"
    if not path.exists():
        return None
    width, height = struct.unpack(">II", (figures / f"{FIGURE}.png").read_bytes()[16:24])
    caption = json.loads(path.read_text(encoding="utf-8"))["caption"]
    return {"name": FIGURE, "caption": caption, "width": int(width / 1.35), "height": int(height / 1.35)}


def number(value: Any, digits: int) -> str:
    """A number with so many digits after the point, short where it is huge; a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:.{digits}f}" if abs(value) < 1e4 else f"{value:.1e}"
