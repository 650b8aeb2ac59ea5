"""Gradient descent with short steps: attained by Huber functions, and false variants refuted."""

import numpy as np
import pytest

from unfold_theory.claim import MethodSetting, Status, verify
from unfold_theory.claims import drori2014, nesterov2018
from unfold_theory.claims.first_order import normalised_steps
from unfold_theory.methods import GradientDescent, ProximalGradient
from unfold_theory.problems.functions import Cosine, Huber, LogCosh, Quadratic

STEPS = np.array([0.5, 1.0, 0.3, 0.9, 1.0])


def slowest(steps=STEPS, L=1.0):
    """The Huber function on which the rate is attained, from R = 1."""
    worst = Huber(L, 1 / (2 * L * float(np.sum(steps)) + 1))
    return MethodSetting(GradientDescent(steps), [worst], [np.ones(1)])


def many(steps, seed=0):
    rng = np.random.default_rng(seed)
    functions, starts = [], []
    for _ in range(15):
        functions += [
            LogCosh(1.0, float(rng.uniform(0.5, 5))),
            Huber(float(rng.uniform(0.1, 1)), float(rng.uniform(0.01, 1))),
            Quadratic(tuple(float(v) for v in rng.uniform(0, 1, size=3))),
        ]
        starts += [rng.standard_normal(f.dimension) * 2 for f in functions[-3:]]
    return MethodSetting(GradientDescent(steps), functions, starts, lipschitz=1.0, curvature=0.0)


@pytest.mark.parametrize("L", [1.0, 4.0])
def test_it_holds_and_is_attained(L):
    verdict = verify(drori2014.gradient_descent, slowest(STEPS / L, L))
    assert verdict.status is Status.HOLDS
    assert verdict.tightness == pytest.approx(1.0, abs=1e-9)
    assert verdict.proof == "checked"


def test_it_holds_on_many_functions():
    for seed in range(6):
        steps = np.random.default_rng(seed).uniform(0.02, 1.0, size=15)
        assert verify(drori2014.gradient_descent, many(steps, seed)).status is Status.HOLDS
        # The bound for long steps is weaker there.
        assert verify(nesterov2018.gradient_descent, many(steps, seed)).status is Status.HOLDS


@pytest.mark.parametrize(
    ("variant", "setting"),
    [
        (drori2014.gradient_descent.scaled(0.999), slowest()),
        (
            drori2014.gradient_descent.concluding(
                lambda s: s.objective_gap <= s.lipschitz * s.initial_distance**2 / (4.0 * s.depth + 2.0), "counts-steps"
            ),
            slowest(),
        ),
        (
            drori2014.gradient_descent.without("steps_at_most_inverse_lipschitz"),
            MethodSetting(GradientDescent([1.9]), [Quadratic((1.0,))], [np.ones(1)]),
        ),
        (
            drori2014.gradient_descent.without("convex"),
            MethodSetting(GradientDescent([1.0]), [Cosine(1.0, 1.0)], [np.array([3.1])]),
        ),
    ],
    ids=["constant", "steps-as-if-1/L", "long-step", "nonconvex"],
)
def test_false_variants_are_violated(variant, setting):
    verdict = verify(variant, setting)
    assert verdict.status is Status.VIOLATED, verdict.reason
    assert verdict.witness.replay().refuted.all()


def test_what_fails_is_named():
    long = MethodSetting(GradientDescent([1.0, 1.5]), [Quadratic((1.0,))], [np.ones(1)])
    assert verify(drori2014.gradient_descent, long).coverage == pytest.approx(0.5)
    only = MethodSetting(GradientDescent([1.5]), [Quadratic((1.0,))], [np.ones(1)])
    assert "steps_at_most_inverse_lipschitz: refuted" in verify(drori2014.gradient_descent, only).reason
    bent = MethodSetting(GradientDescent([1.0]), [Cosine(1.0, 1.0)], [np.ones(1)])
    assert "convex: refuted" in verify(drori2014.gradient_descent, bent).reason
    other = MethodSetting(ProximalGradient([1.0]), [Quadratic((1.0,))], [np.ones(1)])
    assert "plain gradient steps" in verify(drori2014.gradient_descent, other).reason
    assert normalised_steps(slowest(np.array([0.25]), 4.0)).hi == 1.0
