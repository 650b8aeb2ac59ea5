r"""Rates in closed form for given steps, with what is known of each: proved for all K, or only the lower side.

With $h_k=Lt_k$ and $T=\sum_kh_k$; every number is computed with outward rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from unfold_theory.enclosure import Enclosure
from unfold_theory.methods import GradientDescent, InexactGradientDescent, ProximalGradient, ProximalPoint
from unfold_theory.rates.worst_case.measures import Measure
from unfold_theory.rates.worst_case.problem import Question

GAP, DISTANCE, RESIDUAL = Measure(gap=1.0), Measure(distance=1.0), Measure(residual=1.0)
BEST = Measure(residual=1.0, best=True)


@dataclass(frozen=True)
class ClosedForm:
    """A bound in closed form whose hypotheses hold.

    Attributes:
        name: What it is called in reports.
        source: Key of its source, or empty where it is elementary.
        upper: An enclosure of the bound from above, or None.
        lower: An enclosure of a value that some instance attains, or None.
    """

    name: str
    source: str
    upper: Enclosure | None = None
    lower: Enclosure | None = None

    @property
    def exact(self) -> bool:
        """Whether both sides are proved and agree."""
        if self.upper is None or self.lower is None:
            return False
        return float(self.upper.hi) <= float(self.lower.hi) * (1 + 1e-12)


def closed_forms(question: Question) -> list[ClosedForm]:
    """All closed forms that speak of a question."""
    return [found for rule in _RULES for found in rule(question)]


def _product(factors: Enclosure) -> Enclosure:
    """Of all entries, halving their number until one is left."""
    while len(factors) > 1:
        half = len(factors) // 2
        pairs = factors[:half] * factors[half : 2 * half]
        if len(factors) % 2:
            last = factors[-1:]
            pairs = Enclosure(np.append(pairs.lo, last.lo), np.append(pairs.hi, last.hi), min(pairs.basis, last.basis))
        factors = pairs
    return factors[0]


def _products_at_most(steps: np.ndarray, L: float, limit: int) -> bool:
    """Whether all t_k L <= limit, in exact arithmetic: 1/L in floats may be on either side."""
    return all(Fraction(float(t)) * Fraction(L) <= limit for t in steps)


def _normalised(question: Question) -> tuple[np.ndarray, Enclosure, Enclosure]:
    """Steps, h and L."""
    steps = question.method.parameters["steps"]
    L = Enclosure.exact(question.classes["f"].L)
    return steps, Enclosure.exact(steps) * L, L


def _is(question: Question, kinds: type | tuple[type, ...], output: Measure, start: Measure) -> bool:
    method = question.method
    if isinstance(method, InexactGradientDescent) or not isinstance(method, kinds):
        return False
    return question.output == output and question.start == start


def _others_are_convex(question: Question) -> bool:
    return all(c.mu == 0 and math.isinf(c.L) for name, c in question.classes.items() if name != "f")


def _is_smooth_convex(question: Question) -> bool:
    f = question.classes["f"]
    return f.mu == 0 and math.isfinite(f.L) and _others_are_convex(question)


def _gradient_gap(question: Question) -> Iterator[ClosedForm]:
    if not (_is(question, GradientDescent, GAP, DISTANCE) and _is_smooth_convex(question)):
        return
    steps, h, L = _normalised(question)
    T = h.sum()
    quadratic = _product((1 - h) ** 2) * L / 2
    yield ClosedForm("quadratic instance", "", lower=quadratic)
    if (steps > 0).all():
        huber = L / (4 * T + 2)
        short = _products_at_most(steps, question.classes["f"].L, 1)
        yield ClosedForm("LR^2/(4T+2)", "drori2014", upper=huber if short else None, lower=huber)
        if (h.hi < 2).all():
            yield ClosedForm("variable-step Nesterov", "nesterov2018", upper=2 * L / (4 + (h * (2 - h)).sum()))


def _proximal_gap(question: Question) -> Iterator[ClosedForm]:
    if not (_is(question, ProximalGradient, GAP, DISTANCE) and _is_smooth_convex(question)):
        return
    steps, h, L = _normalised(question)
    bound = L / (4 * h.sum())
    # Steps are positive; the upper side is a sum of squares for all K (proofs_checks/check_teboulle2023.py).
    short = _products_at_most(steps, question.classes["f"].L, 1)
    yield ClosedForm("LR^2/(4T)", "teboulle2023", upper=bound if short else None, lower=bound)
    yield ClosedForm("quadratic instance", "", lower=_product((1 - h) ** 2) * L / 2)


def _proximal_point(question: Question) -> Iterator[ClosedForm]:
    f = question.classes.get("f")
    if not _is(question, ProximalPoint, GAP, DISTANCE) or f is None or f.mu != 0 or math.isfinite(f.L):
        return
    if not question.method._plain:  # type: ignore[attr-defined]
        return
    bound = 1 / (4 * Enclosure.exact(question.method.parameters["steps"]).sum())
    yield ClosedForm("R^2/(4T)", "taylor2017", upper=bound, lower=bound)


def _contraction(question: Question) -> Iterator[ClosedForm]:
    r"""$\prod\max(|1-t\mu|,|1-tL|)^2$; attained by a quadratic where one of the two is the larger in all steps."""
    if not _is(question, (GradientDescent, ProximalGradient), DISTANCE, DISTANCE):
        return
    f = question.classes["f"]
    if f.mu < 0 or math.isinf(f.L) or not _others_are_convex(question):
        return
    t = Enclosure.exact(question.method.parameters["steps"])
    if (t.lo <= 0).any():
        return
    slow, fast = (1 - t * f.mu) ** 2, (1 - t * f.L) ** 2
    lows = [_product(slow), _product(fast)]
    larger = Enclosure.certified(np.maximum(slow.lo, fast.lo), np.maximum(slow.hi, fast.hi))
    low = max(lows, key=lambda e: float(e.lo))
    yield ClosedForm("contraction product", "taylor2018", upper=_product(larger), lower=low)


def _gradient_residual(question: Question) -> Iterator[ClosedForm]:
    if not (_is(question, GradientDescent, RESIDUAL, DISTANCE) and _is_smooth_convex(question)):
        return
    steps, h, L = _normalised(question)
    yield ClosedForm("quadratic instance", "", lower=_product((1 - h) ** 2) * L**2)
    if (steps > 0).all():
        yield ClosedForm("Huber instance (LR/(T+1))^2", "", lower=(L / (h.sum() + 1)) ** 2)


def _nonconvex(question: Question) -> Iterator[ClosedForm]:
    r"""$4L(f_0-f_*)/(2+\sum\min(4h-h^2,4h-h^3))$ for $h\in(0,\sqrt3]$; not exact for mixed steps."""
    f = question.classes.get("f")
    if not _is(question, GradientDescent, BEST, GAP) or f is None or math.isinf(f.L) or f.mu != -f.L:
        return
    steps, h, L = _normalised(question)
    if (steps <= 0).any() or (h.hi**2 > 3).any():
        return
    a, b = 4 * h - h**2, 4 * h - h**3
    least = Enclosure.certified(np.minimum(a.lo, b.lo), np.minimum(a.hi, b.hi))
    yield ClosedForm("smooth nonconvex", "abbaszadehpeivasti2022", upper=4 * L / (2 + least.sum()))


_RULES: list[Callable[[Question], Iterator[ClosedForm]]] = [
    _gradient_gap,
    _proximal_gap,
    _proximal_point,
    _contraction,
    _gradient_residual,
    _nonconvex,
]
