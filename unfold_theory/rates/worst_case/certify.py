r"""From a solver's multipliers to an exact certificate: rationals that prove a rate for parameters as floats.

1. The chain form is solved with a margin: multipliers at least $\delta$, blocks at least $\delta I$.
2. The multipliers become rationals. Function values are made to cancel exactly by the multipliers of $(*,k)$, each of
   which stands in one balance only.
3. The couplings and the rate are not the solver's: they follow from the multipliers. Backwards from the last step,
   $W_{k-1}$ is the Schur complement of block k on the state before it, over the rationals and rounded downwards (by a
   multiple of the identity), and the rate is what block 0 then needs, rounded upwards. Hence every other block is
   positive semidefinite by construction, whatever the solver's accuracy: only its multipliers cost tightness.
4. The checkers, which share nothing with this, decide. The first margin and scale that pass are taken.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from flint import fmpq

from unfold_theory.certificate import Certificate, Finding, WorstCaseRate, check
from unfold_theory.certificate.rationals import rational
from unfold_theory.certificate.worst_case import FunctionClass, Multipliers, Statement, exact
from unfold_theory.certificate.worst_case.statement import INFIMUM, OUTPUTS, PARAMETERS, STAR, STARTS
from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.methods import Method
from unfold_theory.rates.worst_case.chain import build_chain
from unfold_theory.rates.worst_case.chain_solver import solve_chain
from unfold_theory.rates.worst_case.closed_multipliers import closed_form
from unfold_theory.rates.worst_case.full import build_full, solve_full
from unfold_theory.rates.worst_case.measures import MEASURES, Measure
from unfold_theory.rates.worst_case.problem import Question
from unfold_theory.rates.worst_case.rate import ask, default_scale

MARGINS = (1e-12, 1e-11, 1e-10, 1e-9, 1e-8, 1e-7)
TOLERANCE = 1e-11
CLOSED_UP_TO = 20
BITS = 120
"""Couplings are multiples of 2^-BITS."""
_RATE_BITS = 80

Matrix = list[list[fmpq]]
Name = tuple[str, int | str, int | str]


@dataclass(frozen=True)
class CertifiedRate:
    """A certificate with what was measured on the way.

    Attributes:
        certificate: Can be saved, and checked by anybody.
        finding: What the checkers said.
        question: What was asked.
        margin, scale: Those that passed; a margin of 0 for multipliers in closed form.
        seconds: Time for solving and rounding, without the checkers' own.
        form: The inequalities it was made from: ``chain`` or ``full``.
    """

    certificate: Certificate
    finding: Finding
    question: Question
    margin: float
    scale: float
    seconds: float
    form: str = "chain"

    @property
    def rate(self) -> Enclosure:
        """The certified rate, basis ``exact``."""
        return self.finding.bound

    @cached_property
    def solver_value(self) -> float:
        """The solver's own value, without a margin and as accurate as it gets: numerical, and no bound."""
        return _solver(self.question, self.form, self.scale)(0.0).value

    @property
    def slack(self) -> float:
        """By how much the certified rate exceeds the solver's value, relative to it; the solver may err downwards."""
        return float(self.rate.hi) / self.solver_value - 1


def certify(
    method: Method,
    classes: Any,
    measure: Any = "gap",
    start: Any = "distance",
    *,
    closed: bool = True,
    form: str = "chain",
    margins: tuple[float, ...] = MARGINS,
    independently: bool = True,
) -> CertifiedRate:
    """An exact certificate of a worst-case rate for the method's parameters, taken as the dyadic numbers they are.

    Args:
        method: K steps.
        classes: See :func:`~unfold_theory.rates.worst_case.rate.ask`.
        measure: See there; ``gap``, ``distance``, ``residual`` or ``best residual``.
        start: See there; ``distance``, or ``gap`` for methods that evaluate their starting point.
        closed: Whether multipliers in closed form are tried first: no slack, for gradient descent and proximal
            gradient with short steps.
        form: ``chain``, or ``full``: inequalities of all pairs and one matrix, for long steps and some 20 of them.
        margins: Tried in this order.
        independently: Whether the second checker runs too, where the size allows.

    Raises:
        InputError: The form is unknown, no finite worst case exists, or no margin and scale led to a certificate.
        MissingStructure: Certificates do not speak of this method or measure.
    """
    if form not in ("chain", "full"):
        raise InputError(f"There are no certificates of form {form!r}", "Choose chain or full")
    question = ask(method, classes, measure, start)
    began = time.perf_counter()
    rounding = _Rounding(question, form)
    stated = rounding.statement(Fraction(1))
    if closed and method.depth <= CLOSED_UP_TO and (theorem := closed_form(stated)) is not None:
        seconds = time.perf_counter() - began
        finding = check(theorem.certificate(), independently=independently)
        if finding.accepted:
            return CertifiedRate(theorem.certificate(), finding, question, 0.0, default_scale(question), seconds)
    reasons: list[str] = []
    for scale in _scales(question) if form == "chain" else (1.0,):
        solve = _solver(question, form, scale)
        for margin in margins:
            solution = solve(margin)
            if "Infeasible" in solution.result.status:
                reasons.append(f"the {form} form has no solution")
                break
            theorem = rounding.round(solution.multipliers, solution.value)
            if theorem is None:
                continue
            seconds = time.perf_counter() - began
            finding = check(theorem.certificate(), independently=independently)
            if finding.accepted:
                return CertifiedRate(theorem.certificate(), finding, question, margin, scale, seconds, form)
            reasons.append(finding.reason)
    why = reasons[-1] if reasons else "rounding left every block indefinite"
    raise InputError(f"No certificate was found for {method.depth} steps of {method.title}: {why}", "Use shorter steps")


def _solver(question: Question, form: str, scale: float) -> Callable[[float], Any]:
    """The program of a form, as a function of the margin."""
    if form == "full":
        full = build_full(question)
        return lambda margin: solve_full(full, margin=margin, tolerance=TOLERANCE)
    blocks = build_chain(question, scale=scale)
    return lambda margin: solve_chain(blocks, margin=margin, tolerance=TOLERANCE)


def _scales(question: Question) -> Iterator[float]:
    first = next(iter(question.method.parameters.values()))
    total = max(float(np.sum(np.abs(first))) * question.curvature, 1.0)
    yield from dict.fromkeys((default_scale(question), 1.0, 1 / (2 * total)))


class _Rounding:
    """The statement of a question, and the rounding of multipliers for it."""

    def __init__(self, question: Question, form: str):
        self.form = "gram" if form == "full" else form
        method = question.method
        wanted = PARAMETERS.get(method.title)
        if wanted is None or getattr(method, "extrapolated", False) or not getattr(method, "shadow", True):
            raise _unknown(method, "statement of its kind")
        for name in set(method.parameters) - set(wanted):
            if np.any(method.parameters[name]):
                raise _unknown(method, f"{name} in its statement")
        self.method = method
        self.parameters = {name: tuple(Fraction(float(v)) for v in method.parameters[name]) for name in wanted}
        self.classes = {
            name: FunctionClass(Fraction(c.mu), None if math.isinf(c.L) else Fraction(c.L))
            for name, c in question.classes.items()
        }
        self.start, self.output = _named(question.start, STARTS, method), _named(question.output, OUTPUTS, method)
        # What the package refuses to read it does not write.
        Statement.read(self.statement(Fraction(1)).to_json())

    def statement(self, rate: Fraction) -> Statement:
        """The statement with a rate."""
        return Statement(self.method.title, self.parameters, self.classes, self.start, self.output, rate)

    def round(self, multipliers: dict[Name, float], value: float) -> WorstCaseRate | None:
        """The theorem that a solver's multipliers lead to, or None if they prove nothing."""
        if not math.isfinite(value) or not all(math.isfinite(v) for v in multipliers.values()):
            return None
        rate = rounded_up(Fraction(value) * (1 + Fraction(1, 10**12)))
        values = {name: Fraction(v) for name, v in multipliers.items()}
        statement = self.statement(rate)
        try:
            self._cancel(values, statement)
            blocks = exact.own_matrices(statement, Multipliers(self.form, values, ()))
        except (exact.Refused, KeyError):
            return None
        if self.start == "distance":
            found = couple(blocks)
            if found is None:
                return None
            couplings, need = found
            if need is not None:
                statement = self.statement(rounded_up(need))
        else:
            found = couple(blocks)
            if found is None or found[1] is not None:
                return None
            couplings = found[0]
        return WorstCaseRate(statement, Multipliers(self.form, values, couplings))

    def _cancel(self, values: dict[Name, Fraction], statement: Statement) -> None:
        """Make function values cancel by the multipliers of (*, k), or of (k, infimum)."""
        balance: dict[tuple[str, int], Fraction] = {}
        best = Fraction(0)
        for (component, i, j), value in values.items():
            if component == "best":
                best += value
            elif component != "error":
                if isinstance(j, int):
                    balance[component, j] = balance.get((component, j), Fraction(0)) + value
                if isinstance(i, int):
                    balance[component, i] = balance.get((component, i), Fraction(0)) - value
        if statement.start == "gap":
            balance["f", 0] += statement.rate
        if statement.output == "gap":
            for component in statement.classes:
                balance[component, max(k for name, k in balance if name == component)] -= 1
        for (component, k), amount in balance.items():
            star, infimum = (component, STAR, k), (component, k, INFIMUM)
            if star in values:
                values[star] -= amount
            else:
                values[infimum] += amount
        if statement.output == "best residual":
            largest = max((name for name in values if name[0] == "best"), key=lambda name: values[name])
            values[largest] += 1 - best


def couple(blocks: list[exact.Block]) -> tuple[tuple, Fraction | None] | None:
    """Couplings that make every block but the first positive semidefinite, and the rate that the first one needs.

    Args:
        blocks: From :func:`~unfold_theory.certificate.worst_case.exact.own_matrices`; changed in place.

    Returns:
        Lower triangles, and the rate, None where the first block needs no distance. None if a block is indefinite on
        the coordinates that are eliminated, so that no coupling helps.
    """
    couplings: list[tuple] = []
    for k in range(len(blocks) - 1, 0, -1):
        block = blocks[k]
        S = schur(block.S, list(range(block.left)))
        if S is None:
            return None
        W = [[_down(S[r][c]) for c in range(r + 1)] for r in range(block.left)]
        for r in range(block.left):
            # An entry moved by less than half a unit: all of them together by less than this on the diagonal.
            if any(S[r]):
                W[r][r] -= Fraction(block.left, 2**BITS)
        couplings.append(tuple(tuple(row) for row in W))
        before = blocks[k - 1]
        for r, row in enumerate(W):
            for c, entry in enumerate(row):
                if entry:
                    amount = rational(entry) if r == c else 2 * rational(entry)
                    before.add(amount, before.right[r], before.right[c])
    couplings.reverse()
    first = blocks[0]
    assert first.start is not None
    basis = sorted(first.start)
    S = schur(first.S, basis)
    if S is None:
        return None
    need = _least_multiple(S, [first.start[i] for i in basis])
    return None if need is None else (tuple(couplings), need if need > 0 else None)


def schur(S: Matrix, kept: list[int]) -> Matrix | None:
    """The Schur complement on some coordinates; None if the rest is not positive semidefinite."""
    rows = [row[:] for row in S]
    for p in (i for i in range(len(S) - 1, -1, -1) if i not in kept):
        pivot = rows[p][p]
        active = [i for i in range(len(S)) if i != p and rows[i][p] != 0]
        if pivot < 0 or (pivot == 0 and active):
            return None
        for i in active:
            factor = rows[i][p] / pivot
            for j in active:
                rows[i][j] -= factor * rows[p][j]
        for i in active:
            rows[i][p] = rows[p][i] = fmpq(0)
    return [[rows[i][j] for j in kept] for i in kept]


def _least_multiple(S: Matrix, start: list[fmpq]) -> Fraction | None:
    """The least rate with S + rate * start start^T positive semidefinite (0 where S is); None if there is none.

    One coordinate of the start becomes its whole, so that the matrix enters in one entry.
    """
    n = len(start)
    # Coordinates with the first one replaced by start . v: v_0 = (u - sum_{i>0} start_i v_i) / start_0.
    change = [[fmpq(int(i == j)) for j in range(n)] for i in range(n)]
    change[0] = [1 / start[0], *(-v / start[0] for v in start[1:])]
    moved = [
        [sum((change[a][i] * S[a][b] * change[b][j] for a in range(n) for b in range(n)), fmpq(0)) for j in range(n)]
        for i in range(n)
    ]
    rest = schur(moved, [0])
    if rest is None:
        return None
    return max(-Fraction(int(rest[0][0].p), int(rest[0][0].q)), Fraction(0))


def _down(number: fmpq) -> Fraction:
    return Fraction(round(Fraction(int(number.p), int(number.q)) * 2**BITS), 2**BITS)


def rounded_up(number: Fraction) -> Fraction:
    """The next number with 80 bits after its leading one."""
    if number <= 0:
        return Fraction(0)
    shift = _RATE_BITS - (number.numerator.bit_length() - number.denominator.bit_length())
    unit = Fraction(2) ** shift
    return Fraction(math.ceil(number * unit)) / unit


def _named(measure: Measure, known: Collection[str], method: Method) -> str:
    for name in known:
        if MEASURES[name] == measure:
            return name
    raise _unknown(method, f"measure {measure.label}")


def _unknown(method: Method, what: str) -> MissingStructure:
    return MissingStructure(method.title, "exact certificates", f"a {what}", "Use the numerical rate")
