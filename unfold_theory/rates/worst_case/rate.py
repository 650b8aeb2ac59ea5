"""The worst-case rate of a K-step method: closed form, else chain form, else all pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError
from unfold_theory.methods import Method
from unfold_theory.rates.worst_case.chain import build_chain
from unfold_theory.rates.worst_case.chain_solver import ChainSolution, solve_chain
from unfold_theory.rates.worst_case.classes import components
from unfold_theory.rates.worst_case.closed_forms import ClosedForm, closed_forms
from unfold_theory.rates.worst_case.full import FullSolution, build_full, solve_full
from unfold_theory.rates.worst_case.measures import output_measure, start_measure
from unfold_theory.rates.worst_case.problem import Question

FORMS = ("auto", "closed", "chain", "full")
CHAIN_TOLERANCE, FULL_TOLERANCE = 1e-11, 1e-9
TIGHT = 1e-5
GOOD = 1e-6
"""Relative residual above which another scale is tried."""


@dataclass(frozen=True)
class WorstCaseRate:
    """What the worst case of a question is, and how that is known.

    Attributes:
        question: What was asked, for a start of size 1.
        value: An enclosure of the worst case, times the square of the radius. Its upper end is a bound; the lower one
            is a value that an instance attains (zero if none is known).
        form: Which form gave the upper end: ``closed``, ``chain`` or ``full``.
        tight: Whether the upper end is known to be attained, up to 1e-5 relative: None if that is not known.
        reason: Why it is, in words.
        closed: The closed forms that speak of the question.
        chain, full: The solutions of the programs that were solved.
        radius: Square root of the size of the start.
    """

    question: Question
    value: Enclosure
    form: str
    tight: bool | None
    reason: str
    closed: tuple[ClosedForm, ...] = ()
    chain: ChainSolution | None = field(default=None, repr=False)
    full: FullSolution | None = field(default=None, repr=False)
    radius: float = 1.0

    @property
    def upper(self) -> float:
        """Upper end of the value."""
        return float(self.value.hi)

    @property
    def lower(self) -> float:
        """Lower end of the value."""
        return float(self.value.lo)

    @property
    def solution(self) -> Any:
        """The solution of the program that gave the upper end; None where a closed form did."""
        return self.full if self.form == "full" else self.chain

    @property
    def multipliers(self) -> dict[tuple[str, Any, Any], float]:
        """Multipliers of the named inequalities, for a radius of 1; empty where no program was solved."""
        return self.solution.multipliers if self.solution is not None else {}

    @property
    def couplings(self) -> list[np.ndarray]:
        """The matrices W_k between the steps of the chain form; empty for other forms."""
        return self.chain.couplings if self.chain is not None else []


def ask(method: Method, classes: Any, measure: Any = "gap", start: Any = "distance") -> Question:
    """The question whose answer is a rate.

    Args:
        method: K steps.
        classes: A class for its only component, one for each in order, or a mapping from their names.
        measure: How the output is measured: ``gap``, ``distance``, ``residual``, ``best residual``, or a
            :class:`~.measures.Measure`.
        start: How the start is: ``distance``, ``gap``, ``residual``, ``decrease``, or a measure.

    Raises:
        InputError: The parts do not fit together, or no finite worst case exists.
    """
    question = Question(method, components(method, classes), output_measure(measure), start_measure(start))
    question.check()
    return question


def default_scale(question: Question) -> float:
    """Size of gradients relative to the curvature that keeps the blocks well scaled: one over the root of T."""
    if question.method.operators:
        return 1.0
    first = next(iter(question.method.parameters.values()))
    total = float(np.sum(np.abs(first))) * question.curvature
    return 1 / math.sqrt(max(total, 1.0))


def worst_case_rate(
    method: Method,
    classes: Any,
    measure: Any = "gap",
    start: Any = "distance",
    *,
    radius: float = 1.0,
    form: str = "auto",
    all_pairs_up_to: int = 12,
    tolerance: float | None = None,
) -> WorstCaseRate:
    r"""The worst case of a K-step method over all functions of its classes and all dimensions.

    $\sup\{\text{measure}(x^K):\ \text{start}(x^0)\le R^2\}$, from a closed form where one is exact, else from the chain
    form (exact for consecutive inequalities and those with the solution, hence an upper bound), else, where that is
    not known to be tight and there are few steps, over all pairs (exact).

    Args:
        method: K steps.
        classes: A class for its only component, one for each in order, or a mapping from their names.
        measure: See :func:`ask`.
        start: See :func:`ask`.
        radius: R.
        form: ``auto`` for the order above, or one of ``closed``, ``chain``, ``full``.
        all_pairs_up_to: With ``auto``, most steps for which all pairs are tried.
        tolerance: Of the solver; by default 1e-11 for the chain form and 1e-9 over all pairs.

    Returns:
        The rate: ``numerical`` with the solver's residual inside the enclosure, or ``certified`` from a closed form.

    Raises:
        InputError: The parts do not fit together, an option is unknown, or no finite worst case exists.
        MissingStructure: The method is not measured like that.
    """
    if form not in FORMS:
        raise InputError(f"There is no form named {form!r}", f"Choose one of {', '.join(FORMS)}")
    if isinstance(radius, bool) or not isinstance(radius, int | float) or not (0 < radius < math.inf):
        raise InputError(f"A radius of {radius!r}", "Choose a positive number")
    question = ask(method, classes, measure, start)
    known = tuple(closed_forms(question))
    exact = [c for c in known if c.exact]
    if form == "closed" and not any(c.upper is not None for c in known):
        raise InputError(f"No closed form of an upper bound applies to {method.title} here", "Choose the form chain")
    if form == "closed" or (form == "auto" and exact):
        return _from_closed(question, known, radius)
    lower = max((float(c.lower.lo) for c in known if c.lower is not None), default=0.0)
    chain = full = None
    if form != "full":
        chain = _solved_chain(question, CHAIN_TOLERANCE if tolerance is None else tolerance)
    if form == "full" or (form == "auto" and method.depth <= all_pairs_up_to and not _attained(chain, lower)):
        full = solve_full(build_full(question), tolerance=FULL_TOLERANCE if tolerance is None else tolerance)
    return _numerical(question, known, chain, full, lower, radius, form)


def _solved_chain(question: Question, tolerance: float) -> ChainSolution:
    """The chain form at the default scale, or unscaled where that ends badly; the one with the lower certain bound."""
    solution = solve_chain(build_chain(question, scale=default_scale(question)), tolerance=tolerance)
    if "Infeasible" in solution.result.status or solution.residual <= GOOD * abs(solution.value):
        return solution
    other = solve_chain(build_chain(question), tolerance=tolerance)
    return min((solution, other), key=lambda s: (not s.solved, s.value + s.residual))


def _attained(solution: Any, lower: float) -> bool:
    return solution is not None and solution.solved and solution.value + solution.residual <= lower * (1 + TIGHT)


def _scaled(value: Any, radius: float) -> Enclosure:
    return Enclosure.of(value) * (Enclosure.exact(radius) ** 2)


def _from_closed(question: Question, known: tuple[ClosedForm, ...], radius: float) -> WorstCaseRate:
    best = min((c for c in known if c.upper is not None), key=lambda c: float(c.upper.hi))  # type: ignore[union-attr]
    lows = [float(c.lower.lo) for c in known if c.lower is not None]
    value = _scaled(Enclosure.certified(max(lows, default=0.0), float(best.upper.hi)), radius)  # type: ignore[union-attr]
    tight = True if best.exact else None
    return WorstCaseRate(question, value, "closed", tight, f"{best.name}", known, radius=radius)


def _numerical(
    question: Question,
    known: tuple[ClosedForm, ...],
    chain: ChainSolution | None,
    full: FullSolution | None,
    lower: float,
    radius: float,
    form: str,
) -> WorstCaseRate:
    solution: Any = full if full is not None and full.solved else chain
    if solution is None or not solution.solved:
        raise _no_rate(question, full if full is not None else chain, full is not None)
    upper = solution.value + solution.residual
    if solution is full:
        name, tight, reason = "full", True, "interpolation inequalities of all pairs are sufficient"
        lower = max(lower, solution.value - solution.residual)
        if any(c.mu < 0 for c in question.classes.values() if not question.method.operators):
            tight, reason = None, "sufficiency with an infimum below the curvature is not used"
            lower = min(lower, upper)
    elif _attained(chain, lower):
        name, tight, reason = "chain", True, "an instance in closed form attains it"
    else:
        name, tight = "chain", None
        reason = "exact for the reduced inequalities, whether those suffice is not known: reconstruct the instance"
        if question.method.depth == 1 and not question.method.operators:
            reason = "one step: the reduced set lacks few pairs; ask for the form full"
    lower = min(lower, upper)
    value = _scaled(Enclosure(np.asarray(lower), np.asarray(upper)), radius)
    return WorstCaseRate(question, value, name, tight, reason, known, chain, full, radius)


def _no_rate(question: Question, solution: Any, all_pairs: bool) -> InputError:
    """Why there is no number, in words."""
    status = solution.result.status
    reason = None if question.method.operators else question.method.finite(question.classes, question.curvature)
    if "Infeasible" in status:
        over = "" if all_pairs else " over the reduced set of inequalities"
        why = f": {reason}" if reason else ""
        remedy = "Choose shorter steps" if all_pairs else "Choose shorter steps, or ask for form='full'"
        return InputError(f"No finite worst case{over}{why}", remedy)
    if not all_pairs:
        return InputError(
            f"The reduced set of inequalities yields no usable bound for this {question.method.title} ({status})",
            "Ask for form='full', or choose shorter steps",
        )
    return InputError(f"The solver ended with {status} and no usable bound", "Choose shorter steps or fewer of them")
