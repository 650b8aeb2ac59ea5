"""The numbers that prove a worst-case rate, as they stand in a file."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from unfold_theory.certificate.document import fields
from unfold_theory.certificate.rationals import fraction, text
from unfold_theory.certificate.worst_case.statement import INFIMUM, STAR
from unfold_theory.errors import InputError

FORMS = ("chain", "gram")
Name = tuple[str, int | str, int | str]
"""Component, i and j of $f_j-f_i+\\langle g_j,x_i-x_j\\rangle+q\\le0$; see :mod:`.exact` for the other rows."""


@dataclass(frozen=True)
class Multipliers:
    r"""$\lambda$ of every inequality that is used, and the couplings $W_k$ of the chain form.

    Attributes:
        form: ``chain``: a small matrix a step is positive semidefinite; ``gram``: one matrix for all steps.
        values: By name.
        couplings: Lower triangles, row by row, of one symmetric matrix for each state between two steps.
    """

    form: str
    values: dict[Name, Fraction]
    couplings: tuple[tuple[tuple[Fraction, ...], ...], ...]

    @classmethod
    def read(cls, record: Any) -> Multipliers:
        """From JSON, strictly.

        Raises:
            InputError: Something is missing, unknown or malformed.
        """
        form, rows, couplings = fields(record, ("form", "multipliers", "couplings"), "The proof")
        if form not in FORMS:
            raise InputError(f"A proof of form {str(form)[:40]!r}", f"Known: {', '.join(FORMS)}")
        if not isinstance(rows, list) or not isinstance(couplings, list):
            raise InputError("The multipliers or couplings are no lists", "Give lists")
        values: dict[Name, Fraction] = {}
        for row in rows:
            name, value = _row(row)
            if name in values:
                raise InputError(f"The multiplier of {name} occurs twice", "Give each once")
            values[name] = value
        if form == "gram" and couplings:
            raise InputError("Couplings in a proof without blocks", "Leave the list empty")
        return cls(form, values, tuple(_triangle(c, k) for k, c in enumerate(couplings)))

    def to_json(self) -> dict[str, Any]:
        """As :meth:`read` reads it."""
        return {
            "form": self.form,
            "multipliers": [[*name, text(value)] for name, value in self.values.items()],
            "couplings": [[[text(v) for v in row] for row in c] for c in self.couplings],
        }


def _row(row: Any) -> tuple[Name, Fraction]:
    if not isinstance(row, list) or len(row) != 4 or not isinstance(row[0], str):
        raise InputError(f"The multiplier {str(row)[:60]}", "Give [component, i, j, number]")
    for end in row[1:3]:
        index = isinstance(end, int) and not isinstance(end, bool) and end >= 0
        if not (index or end in (STAR, INFIMUM)):
            raise InputError(f"The multiplier of {str(row[:3])[:60]}", f"Number evaluations from 0, or write {STAR!r}")
    return (row[0], row[1], row[2]), fraction(row[3], f"The multiplier of {row[:3]}")


def _triangle(rows: Any, k: int) -> tuple[tuple[Fraction, ...], ...]:
    if not isinstance(rows, list) or any(not isinstance(r, list) or len(r) != i + 1 for i, r in enumerate(rows)):
        raise InputError(f"The coupling {k} is no lower triangle", "Give rows of 1, 2, 3, ... numbers")
    return tuple(tuple(fraction(v, f"The coupling {k}") for v in row) for row in rows)
