"""Worst cases that no theorem of a paper speaks of: what the reduced set loses, and which bounds are not exact."""

import numpy as np
import pytest

from unfold_theory.methods import AcceleratedProximalGradient, DouglasRachford, GradientDescent, ProximalGradient
from unfold_theory.problems.functions import Huber, Quadratic
from unfold_theory.rates.worst_case import (
    ask,
    build_full,
    convex,
    sandwich,
    smooth_convex,
    smooth_nonconvex,
    solve_full,
    strongly_convex,
    worst_case_instance,
    worst_case_rate,
)
from unfold_theory.rates.worst_case.certify import certify

COMPOSITE = {"f": smooth_convex(), "g": convex()}


def reduced(method, classes):
    """The Gram problem of all steps with the chain's inequalities only: an independent program for the same value."""
    full = build_full(ask(method, classes))
    for family in full.families:
        i, j = family.names.T
        keep = ((np.abs(i - j) == 1) & (i >= 0) & (j >= 0)) | (i == -1)
        family.names, family.plus, family.minus = family.names[keep], family.plus[keep], family.minus[keep]
        family.terms = [(c[keep] if np.ndim(c) else c, u[keep], v[keep]) for c, u, v in family.terms]
    return solve_full(full).value


@pytest.mark.parametrize(
    ("method", "classes"),
    [
        (GradientDescent([0.3, 1.2, 0.9, 1.6]), {"f": smooth_convex()}),
        (GradientDescent([1.95, 0.629]), {"f": smooth_convex()}),
        (ProximalGradient([0.7, 1.4, 0.2]), COMPOSITE),
        (AcceleratedProximalGradient([1.0, 0.8, 0.6], [0.3, 0.4, 0.0]), COMPOSITE),
    ],
    ids=["gd", "gd-long", "pgm", "fista"],
)
def test_the_chain_is_the_reduced_problem(method, classes):
    """R2: small blocks with couplings lose nothing against one matrix with the same inequalities."""
    assert worst_case_rate(method, classes, form="chain").upper == pytest.approx(reduced(method, classes), rel=1e-6)


def known_lower(h, offset):
    h = np.array(h)
    return max(1 / (4 * h.sum() + offset), float(np.prod((1 - h) ** 2)) / 2)


@pytest.mark.parametrize(
    ("h", "method", "classes", "offset", "ratio"),
    [
        ((1.95, 0.629), GradientDescent, {"f": smooth_convex()}, 2.0, 2.46),
        ((1.95, 0.629), ProximalGradient, COMPOSITE, 0.0, 2.06),
        ((1.8, 0.6), GradientDescent, {"f": smooth_convex()}, 2.0, 1.687),
        ((1.8, 0.6), ProximalGradient, COMPOSITE, 0.0, 1.404),
    ],
)
def test_huber_and_the_parabola_are_not_the_worst_case(h, method, classes, offset, ratio):
    """R12, with the values of the note and errata: refuted from both sides, by an instance and by a certificate."""
    rate = worst_case_rate(method(h), classes, form="full")
    assert rate.upper / known_lower(h, offset) == pytest.approx(ratio, abs=6e-3)
    reached = float(sandwich(rate).lower.lo)
    assert reached > (ratio - 0.01) * known_lower(h, offset)
    proved = certify(method(h), classes, form="full")
    assert reached <= float(proved.rate.hi) <= reached * (1 + 1e-5)


def test_each_known_function_stays_below_the_known_bound():
    """The two candidates really reach no more than their bound at (1.95, 0.629), so that a third kind is needed."""
    bound = known_lower((1.95, 0.629), 2.0)
    functions = [Huber(1.0, r) for r in np.geomspace(1e-3, 1, 200)] + [
        Quadratic((float(v),)) for v in np.linspace(0.01, 1, 200)
    ]
    for f in functions:
        x = np.ones(1)
        for t in (1.95, 0.629):
            x = x - t * f.gradient(x)
        assert f.value(x) <= bound * (1 + 1e-4)


def test_the_contraction_product_is_loose_where_steps_straddle():
    """R9: steps on both sides of 2/(L + mu), where no eigenvalue is the worst in all of them."""
    classes, mu = {"f": strongly_convex(0.1, 1.0)}, 0.1
    h = np.random.default_rng(0).uniform(0.5, 3.0, 5)
    assert h.min() < 2 / 1.1 < h.max()
    product = float(np.prod(np.maximum(np.abs(1 - h * mu), np.abs(1 - h))) ** 2)
    rate = worst_case_rate(GradientDescent(h), classes, "distance", form="full")
    grid = np.linspace(mu, 1.0, 2001)
    polynomial = float(np.max(np.prod(1 - np.multiply.outer(grid, h), axis=1) ** 2))
    assert polynomial <= rate.upper * (1 + 1e-6)
    assert rate.upper < 0.5 * product
    # On one side of 2/(L + mu) the product is the worst case.
    short = np.array([0.4, 1.1, 1.7])
    same = worst_case_rate(GradientDescent(short), classes, "distance", form="full").upper
    assert same == pytest.approx(float(np.prod(np.maximum(np.abs(1 - short * mu), np.abs(1 - short))) ** 2), rel=1e-6)


def test_the_chain_of_douglas_rachford_is_nearly_all_pairs():
    """R14: relaxation 1, ten steps."""
    method = DouglasRachford(np.ones(10), 1.0)
    chain = worst_case_rate(method, COMPOSITE, form="chain").upper
    full = worst_case_rate(method, COMPOSITE, form="full").upper
    assert chain / full - 1 == pytest.approx(1.4e-4, abs=2e-5)


def nonconvex_formula(h):
    h = np.array(h)
    return 4 / (2 + float(np.sum(np.minimum(4 * h - h**2, 4 * h - h**3))))


@pytest.mark.parametrize(
    ("h", "full", "formula"),
    [
        ([1.73, 0.2, 1.6], 0.585458, 0.587692),
        ([0.3, 1.7, 0.3, 1.7], 0.497962, 0.500375),
        ([1.9] * 4, 0.886882, 0.805802),
    ],
)
def test_the_nonconvex_formula_is_not_exact(h, full, formula):
    """R10: for mixed steps certificates undercut the formula; beyond the root of 3 it is no bound at all."""
    question = (GradientDescent(h), smooth_nonconvex(), "best residual", "gap")
    proved = certify(*question, form="full")
    assert float(proved.rate.hi) == pytest.approx(full, abs=1e-6)
    assert nonconvex_formula(h) == pytest.approx(formula, abs=1e-6)
    rate = worst_case_rate(*question, form="full")
    if max(h) ** 2 <= 3:
        assert float(proved.rate.hi) < nonconvex_formula(h)
    else:
        # The data of the primal solution are interpolated by a function of the class, up to the solver's accuracy.
        assert worst_case_instance(rate).violation < 1e-5
        assert rate.full.lower > 1.09 * nonconvex_formula(h)
