"""Proximal gradient with short steps: attained by soft thresholding, and false variants refuted."""

import numpy as np
import pytest

from tests.claims.settings import slow_quadratic
from tests.claims.test_beck2009 import random_setting
from unfold_theory.claim import MethodSetting, Status, verify
from unfold_theory.claims import teboulle2023
from unfold_theory.methods import GradientDescent, ProximalGradient
from unfold_theory.networks import Fista, Ista
from unfold_theory.problems.functions import AbsoluteValue, DiagonalLasso, Quadratic

STEPS = np.array([0.5, 1.0, 0.3, 0.9, 1.0])


def soft_threshold(steps=STEPS):
    """f = 0, g = |x| / (2T) from R = 1: every step subtracts t / (2T)."""
    slope = 1 / (2 * float(np.sum(steps)))
    return MethodSetting(ProximalGradient(steps), [AbsoluteValue(slope)], [np.ones(1)], lipschitz=1.0)


def test_it_holds_and_is_attained():
    verdict = verify(teboulle2023.proximal_gradient, soft_threshold())
    assert verdict.status is Status.HOLDS
    assert verdict.tightness == pytest.approx(1.0, abs=1e-9)
    assert verdict.proof == "checked"


def test_it_holds_on_many_functions():
    rng = np.random.default_rng(0)
    for _ in range(6):
        steps = rng.uniform(0.02, 1.0, size=12)
        functions = [
            DiagonalLasso(
                tuple(float(v) for v in rng.uniform(0, 1, size=3)),
                tuple(float(v) for v in rng.standard_normal(3)),
                float(rng.uniform(0.01, 0.5)),
            )
            for _ in range(60)
        ]
        starts = [rng.standard_normal(3) * 2 for _ in functions]
        setting = MethodSetting(ProximalGradient(steps), functions, starts, lipschitz=1.0)
        assert verify(teboulle2023.proximal_gradient, setting).status is Status.HOLDS


def test_ista_obeys_half_of_the_classical_rate():
    assert verify(teboulle2023.proximal_gradient, random_setting(Ista, depth=30)).status is Status.HOLDS
    verdict = verify(teboulle2023.proximal_gradient, slow_quadratic(Ista))
    # The slowest quadratic comes within e^{-1}: the bound is not far off there.
    assert verdict.status in (Status.HOLDS, Status.VACUOUS)
    assert verdict.tightness > 0.2
    top = (1 / random_setting(Ista).problem.lipschitz).lo.item()
    learned = random_setting(Ista, steps=top * np.array([1.0, 0.5, 0.25, 1.0] * 3))
    assert verify(teboulle2023.proximal_gradient, learned).status is Status.HOLDS


@pytest.mark.parametrize(
    ("variant", "setting"),
    [
        (teboulle2023.proximal_gradient.scaled(0.999), soft_threshold()),
        (
            teboulle2023.proximal_gradient.concluding(
                lambda s: (
                    s.objective_gap
                    <= s.lipschitz * s.initial_distance**2 / (4.0 * s.lipschitz * s.method.steps.sum() + 2.0)
                ),
                "gradient-descent's",
            ),
            soft_threshold(),
        ),
        (
            teboulle2023.proximal_gradient.without("proximal_steps_at_most_inverse_lipschitz"),
            MethodSetting(ProximalGradient([2.5]), [Quadratic((1.0,))], [np.ones(1)]),
        ),
    ],
    ids=["constant", "rate-of-gradient-descent", "long-step"],
)
def test_false_variants_are_violated(variant, setting):
    verdict = verify(variant, setting)
    assert verdict.status is Status.VIOLATED, verdict.reason
    assert verdict.witness.replay().refuted.all()


def test_what_fails_is_named():
    long = MethodSetting(ProximalGradient([1.5]), [Quadratic((1.0,))], [np.ones(1)])
    assert "at_most_inverse_lipschitz: refuted" in verify(teboulle2023.proximal_gradient, long).reason
    plain = MethodSetting(GradientDescent([1.0]), [Quadratic((1.0,))], [np.ones(1)])
    assert "proximal gradient steps" in verify(teboulle2023.proximal_gradient, plain).reason
    assert "momentum" in verify(teboulle2023.proximal_gradient, random_setting(Fista)).reason
