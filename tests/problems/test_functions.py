"""Test functions: gradients, curvature and minimisers are what they say, and the worst cases are attained."""

from fractions import Fraction

import numpy as np
import pytest

from unfold_theory.errors import InputError
from unfold_theory.problems.functions import AbsoluteValue, Cosine, DiagonalLasso, Huber, LogCosh, Quadratic
from unfold_theory.problems.sawtooth import Sawtooth

FUNCTIONS = [
    Quadratic((0.1, 0.5, 2.0)),
    Huber(3.0, 0.2),
    LogCosh(2.0, 5.0, dimension=2),
    Cosine(2.0, 3.0, dimension=2),
    AbsoluteValue(0.7),
    DiagonalLasso((1.0, 0.3, 2.0), (1.0, -2.0, 0.1), 0.4),
    Sawtooth((0.5, 1.0, 0.25), slope=0.8, smoothness=2.0, nonconvexity=1.5),
    Sawtooth((1.0, 1.0), nonconvexity=0.0),
]
IDS = [f"{type(f).__name__}-{i}" for i, f in enumerate(FUNCTIONS)]


def smooth_value(function, x):
    return function.value(x) - (function.lam * np.abs(x).sum() if isinstance(function, DiagonalLasso) else 0.0)


@pytest.mark.parametrize("function", FUNCTIONS, ids=IDS)
def test_gradients_are_those_of_the_smooth_part(function):
    if isinstance(function, AbsoluteValue):
        assert function.gradient(np.ones(1)) == 0.0
        return
    for x in np.random.default_rng(0).uniform(-2, 2, size=(200, function.dimension)):
        step = 1e-6
        for i, unit in enumerate(np.eye(function.dimension)):
            slope = (smooth_value(function, x + step * unit) - smooth_value(function, x - step * unit)) / (2 * step)
            assert slope == pytest.approx(function.gradient(x)[i], abs=2e-5)


@pytest.mark.parametrize("function", FUNCTIONS, ids=IDS)
def test_curvature_lies_between_its_constants(function):
    pairs = np.random.default_rng(1).uniform(-2, 2, size=(2000, 2, function.dimension))
    for x, y in pairs:
        along = (function.gradient(x) - function.gradient(y)) @ (x - y)
        squared = (x - y) @ (x - y)
        assert function.curvature * squared - 1e-12 <= along <= function.lipschitz * squared + 1e-12


@pytest.mark.parametrize("function", FUNCTIONS, ids=IDS)
def test_nothing_is_below_the_minimum(function):
    points = np.random.default_rng(2).uniform(-4, 4, size=(2000, function.dimension))
    values = np.array([function.value(x) for x in points])
    assert (values >= function.minimum - 1e-12).all()
    near = function.minimizer + 1e-7 * np.random.default_rng(3).standard_normal((50, function.dimension))
    assert all(function.value(x) >= function.minimum - 1e-15 for x in near)
    # A fixed point of proximal gradient.
    moved = function.prox(function.minimizer - 0.3 * function.gradient(function.minimizer), 0.3)
    assert np.allclose(moved, function.minimizer, atol=1e-14)


def test_huber_attains_the_rate_of_gradient_descent():
    steps = [Fraction(1, 2), Fraction(1), Fraction(3, 4)]
    total = sum(steps)
    function, x = Huber(1.0, float(1 / (2 * total + 1))), np.ones(1)
    for h in steps:
        x = x - float(h) * function.gradient(x)
    assert function.value(x) == pytest.approx(float(1 / (4 * total + 2)), rel=1e-14)


def test_the_absolute_value_attains_the_rate_of_proximal_gradient():
    steps = [0.5, 1.0, 0.75]
    function, x = AbsoluteValue(1 / (2 * sum(steps))), np.ones(1)
    for h in steps:
        x = function.prox(x - h * function.gradient(x), h)
    assert function.value(x) == pytest.approx(1 / (4 * sum(steps)), rel=1e-14)


@pytest.mark.parametrize("rho", [0.0, 0.4, 1.0])
def test_the_sawtooth_shows_one_gradient_and_the_least_decrease(rho):
    steps = (0.5, 1.0, 0.3, 0.9)
    function, x = Sawtooth(steps, slope=2.0, nonconvexity=rho), np.zeros(1)
    for h in steps:
        assert function.gradient(x) == pytest.approx(2.0, rel=1e-13)
        before = function.value(x)
        x = x - h * function.gradient(x)
        assert before - function.value(x) == pytest.approx(4.0 * (h - rho / (2 * (1 + rho)) * h**2), rel=1e-12)
    gap = 0.0 - function.minimum
    if rho == 1.0:
        assert pytest.approx(4 * gap / (2 + sum(4 * h - h**2 for h in steps)), rel=1e-12) == 4.0


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Quadratic(()),
        lambda: Quadratic((-1.0,)),
        lambda: Huber(0.0, 1.0),
        lambda: Huber(1.0, float("nan")),
        lambda: LogCosh(1.0, -1.0),
        lambda: Cosine(1.0, 0.0),
        lambda: Cosine(0.0, 1.0),
        lambda: AbsoluteValue(0.0),
        lambda: DiagonalLasso((1.0,), (1.0, 2.0), 0.1),
        lambda: DiagonalLasso((0.0,), (1.0,), 0.1),
        lambda: Sawtooth((1.0, 0.0)),
        lambda: Sawtooth((1.0,), nonconvexity=2.0),
    ],
)
def test_bad_parameters_are_named(wrong):
    with pytest.raises(InputError):
        wrong()


def test_recipes_hold_every_parameter():
    assert Huber(3.0, 0.2).recipe() == {"kind": "Huber", "smoothness": 3.0, "radius": 0.2}
    assert Sawtooth((0.5,)).recipe()["steps"] == (0.5,)
