"""Gradient descent with steps below 2/L."""

import numpy as np
import pytest

from tests.claims.test_drori2014 import many, slowest
from unfold_theory.claim import MethodSetting, Status, verify
from unfold_theory.claims import nesterov2018
from unfold_theory.claims.first_order import normalised_steps
from unfold_theory.methods import GradientDescent
from unfold_theory.problems.functions import Quadratic


def test_it_holds_for_steps_up_to_two():
    for seed in range(6):
        steps = np.random.default_rng(seed).uniform(0.05, 1.99, size=12)
        assert verify(nesterov2018.gradient_descent, many(steps, seed)).status is Status.HOLDS


def test_the_bound_is_the_formula_of_the_book():
    """L = 2, R = 3, h = 1/2 and 3/2: 2 L R^2 / (4 + 3/4 j) = 36 / (4 + 3/4 j); no function attains it."""
    setting = MethodSetting(GradientDescent(np.array([0.25, 0.75])), [Quadratic((2.0,))], [np.full(1, 3.0)])
    bound = verify(nesterov2018.gradient_descent, setting).conclusion.rhs
    assert bound.mid[:, 0] == pytest.approx([36 / 4.75, 36 / 5.5], rel=1e-9)


def test_it_is_loose_on_the_slowest_function():
    verdict = verify(nesterov2018.gradient_descent, slowest(np.ones(30)))
    # Its gap at the start is so small that the bound never improves on it.
    assert verdict.status is Status.VACUOUS
    assert 1 / 8 < verdict.tightness < 0.3


@pytest.mark.parametrize(
    ("variant", "setting"),
    [
        (nesterov2018.gradient_descent.scaled(1 / 8.5), slowest(np.ones(60))),
        (
            nesterov2018.gradient_descent.concluding(
                lambda s: (
                    s.objective_gap
                    <= 2.0 * s.lipschitz * s.initial_distance**2 / (4.0 + (9.0 * normalised_steps(s)).cumsum())
                ),
                "nine-times-the-steps",
            ),
            slowest(np.full(5, 0.9)),
        ),
        (
            nesterov2018.gradient_descent.without("steps_below_two"),
            MethodSetting(GradientDescent([2.1] * 8), [Quadratic((1.0,))], [np.ones(1)]),
        ),
    ],
    ids=["constant", "budget", "long-steps"],
)
def test_false_variants_are_violated(variant, setting):
    verdict = verify(variant, setting)
    assert verdict.status is Status.VIOLATED, verdict.reason


def test_what_fails_is_named():
    setting = MethodSetting(GradientDescent([2.0]), [Quadratic((1.0,))], [np.ones(1)])
    assert "steps_below_two: refuted" in verify(nesterov2018.gradient_descent, setting).reason
