"""Both sides of worst cases: instances replayed by running the method, and interpolants that stay in their class."""

import numpy as np
import pytest

from unfold_theory.enclosure import Basis
from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.methods import (
    AcceleratedGradient,
    AcceleratedProximalGradient,
    Admm,
    DouglasRachford,
    GradientDescent,
    HeavyBall,
    InexactGradientDescent,
    KrasnoselskiiMann,
    ProximalGradient,
    ProximalPoint,
)
from unfold_theory.rates.worst_case import (
    FunctionClass,
    averaged,
    convex,
    replay,
    sandwich,
    smooth_convex,
    smooth_nonconvex,
    strongly_convex,
    worst_case_instance,
    worst_case_rate,
)
from unfold_theory.rates.worst_case.interpolant import Interpolant, simplex_program

COMPOSITE = (smooth_convex(1.0), convex())
LONG = np.random.default_rng(1).uniform(0.1, 1.5, 6)
SHORT = np.random.default_rng(2).uniform(0.5, 1.0, 6)
BETA = np.random.default_rng(3).uniform(0.1, 0.9, 6)

CASES = [
    (GradientDescent(LONG), smooth_convex(1.0), "gap", "distance"),
    (GradientDescent(LONG), strongly_convex(0.1, 1.0), "gap", "distance"),
    (GradientDescent(LONG), strongly_convex(0.1, 1.0), "distance", "distance"),
    (GradientDescent(SHORT), smooth_convex(1.0), "residual", "gap"),
    (GradientDescent(SHORT), smooth_convex(1.0), "residual", "distance"),
    (InexactGradientDescent(SHORT, 0.3), smooth_convex(1.0), "gap", "distance"),
    (HeavyBall(SHORT, 0.3), smooth_convex(1.0), "gap", "distance"),
    (AcceleratedGradient(SHORT, BETA), smooth_convex(1.0), "gap", "distance"),
    (ProximalGradient(LONG), COMPOSITE, "gap", "distance"),
    (AcceleratedProximalGradient(SHORT, BETA), COMPOSITE, "gap", "distance"),
    (ProximalPoint(LONG, BETA), convex(), "gap", "distance"),
    (DouglasRachford(LONG), COMPOSITE, "gap", "distance"),
    (Admm(LONG, 1.2), COMPOSITE, "gap", "distance"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{type(case[0]).__name__}-{case[2]}-{case[3]}")
def test_instances_attain_the_rate_over_all_pairs(case):
    rate = worst_case_rate(*case, radius=2.0, form="full")
    both = sandwich(rate)
    assert float(both.lower.hi) <= rate.upper * (1 + 1e-9)
    assert both.gap < 1e-5
    assert both.lower.basis == Basis.NUMERICAL
    assert both.violation < 1e-7


@pytest.mark.parametrize("count", [1, 4, 12, 40])
def test_chain_is_tight_for_short_steps(count):
    """The instance is put together block by block and then really run."""
    h = np.random.default_rng(count).uniform(0.1, 1.0, count)
    for method, classes in ((GradientDescent(h), smooth_convex(1.0)), (ProximalGradient(h), COMPOSITE)):
        rate = worst_case_rate(method, classes, form="chain")
        replayed = replay(worst_case_instance(rate))
        assert 1 - float(replayed.lower.lo) / rate.upper < 1e-5
        assert sandwich(rate).tight


def test_a_chain_that_is_not_tight_is_found_out():
    """By how much: random momenta miss what pairs further apart say."""
    method = AcceleratedProximalGradient(SHORT[:4], BETA[:4])
    chain, full = (worst_case_rate(method, COMPOSITE, form=form) for form in ("chain", "full"))
    assert chain.upper > full.upper * (1 + 1e-4)
    both = sandwich(chain)
    assert not both.tight
    assert both.violation > 1e-4
    assert float(both.lower.hi) <= full.upper * (1 + 1e-9)


def test_closed_instances_are_run():
    """Huber and soft-threshold attain the closed forms; nothing is assumed about them."""
    closed = worst_case_rate(GradientDescent(SHORT / 3), smooth_convex(3.0), radius=2.0)
    both = sandwich(closed)
    assert both.source == "Huber"
    assert both.gap < 1e-12
    proximal = worst_case_rate(ProximalGradient(SHORT), COMPOSITE, form="chain")
    assert sandwich(proximal).lower.mid == pytest.approx(1 / (4 * SHORT.sum()), rel=1e-7)


@pytest.mark.parametrize("kind", [smooth_convex(1.0), convex()], ids=["smooth", "convex"])
def test_a_lower_value_never_exceeds_its_bound_for_proximal_point(kind):
    """A quadratic whose proximal map is taken for the identity would stand still, above every bound."""
    found = sandwich(worst_case_rate(ProximalPoint([1.0, 2.0]), kind, form="full"))
    assert found.lower.lo <= found.upper
    assert found.tight


def test_operators_have_instances_but_no_replay():
    rate = worst_case_rate(KrasnoselskiiMann([0.5, 0.7]), averaged(0.8), "residual", form="full")
    assert worst_case_instance(rate).violation < 1e-7
    with pytest.raises(MissingStructure, match="extension"):
        sandwich(rate)
    nonconvex = worst_case_rate(GradientDescent([1.0]), smooth_nonconvex(), "best residual", "gap", form="full")
    with pytest.raises(MissingStructure, match="infimum"):
        sandwich(nonconvex)
    with pytest.raises(InputError, match="closed form"):
        worst_case_instance(worst_case_rate(GradientDescent([1.0]), smooth_convex()))


@pytest.mark.parametrize("mu", [-0.5, 0.0, 0.3])
@pytest.mark.parametrize("L", [2.0, float("inf")])
def test_interpolants_stay_in_their_class(mu, L):
    """Whatever the data: the inequalities of the class hold between any two of 60 points (3540 pairs)."""
    rng = np.random.default_rng(5)
    X, G, f = rng.standard_normal((7, 3)), rng.standard_normal((7, 3)), rng.standard_normal(7)
    cls = FunctionClass(mu, L)
    function = Interpolant(cls, X, G, f, origin=False)
    points = 2 * rng.standard_normal((60, 3))
    answers = [function.at(x) for x in points]
    assert max(a.loss for a in answers) < 1e-9
    worst = -np.inf
    for i, a in enumerate(answers):
        for j, b in enumerate(answers):
            if i != j:
                terms = cls.terms(points[i] - points[j], a.gradient - b.gradient, b.gradient)
                worst = max(worst, b.value - a.value + sum(c * (u @ v) for c, u, v in terms))
    assert worst < 1e-7


@pytest.mark.parametrize("L", [2.0, float("inf")])
def test_interpolants_interpolate_and_have_proximal_maps(L):
    """Data of a function of the class come back; proximal points minimise."""
    rng = np.random.default_rng(6)
    X = rng.standard_normal((9, 2))
    if np.isfinite(L):
        G, f = np.clip(X, -0.7, 0.7) * L, np.sum(np.where(abs(X) < 0.7, X**2, 1.4 * abs(X) - 0.49), axis=1) * L / 2
    else:
        G, f = np.sign(X), np.abs(X).sum(axis=1)
    function = Interpolant(FunctionClass(0.0, L), X, G, f, origin=False)
    for x, g, value in zip(X, G, f, strict=True):
        answer = function.at(x)
        assert answer.value == pytest.approx(value, abs=1e-9)
        if np.isfinite(L):
            np.testing.assert_allclose(answer.gradient, g, atol=1e-6)
    for z in rng.standard_normal((5, 2)):
        s, _ = function.prox(z, 0.7)
        at = z - 0.7 * s

        def objective(x, z=z):
            return function.at(x).value + np.sum((x - z) ** 2) / 1.4

        best = objective(at)
        assert all(objective(at + 1e-2 * d) > best for d in rng.standard_normal((20, 2)))


def test_simplex_program_against_enumeration():
    rng = np.random.default_rng(0)
    for _ in range(20):
        Z, t, c = rng.standard_normal((6, 2)), rng.standard_normal(2), rng.standard_normal(6)
        alpha, loss = simplex_program(Z, t, 1.3, c)
        assert loss < 1e-10
        value = 0.65 * np.sum((t - alpha @ Z) ** 2) + alpha @ c
        trials = rng.dirichlet(np.full(6, 0.3), 2000)
        assert np.all(0.65 * np.sum((t - trials @ Z) ** 2, axis=1) + trials @ c >= value - 1e-12)
