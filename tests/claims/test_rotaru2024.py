"""Short steps between convex and nonconvex functions: attained, and false variants refuted."""

import numpy as np
import pytest

from unfold_theory.claim import MethodSetting, Status, verify
from unfold_theory.claims import rotaru2024
from unfold_theory.methods import GradientDescent, ProximalGradient
from unfold_theory.problems.functions import AbsoluteValue, Cosine, Huber, LogCosh, Quadratic
from unfold_theory.problems.sawtooth import Sawtooth

STEPS = np.array([0.5, 1.0, 0.3, 0.9, 1.0])


def teeth(rho, steps=STEPS):
    """The function on which the rate is attained."""
    worst = Sawtooth(tuple(float(h) for h in steps), nonconvexity=rho)
    return MethodSetting(GradientDescent(steps), [worst], [np.zeros(1)], lipschitz=1.0, curvature=-rho)


@pytest.mark.parametrize("rho", [0.0, 0.3, 1.0])
def test_it_holds_and_is_attained(rho):
    verdict = verify(rotaru2024.gradient_norm, teeth(rho))
    assert verdict.status is Status.HOLDS
    assert verdict.tightness == pytest.approx(1.0, abs=1e-9)


def test_the_values_of_the_note_are_found():
    for rho, value in ((0.0, 0.1818), (0.3, 0.2031), (1.0, 0.2353)):
        setting = teeth(rho, np.ones(5))
        bound = verify(rotaru2024.gradient_norm, setting).conclusion.rhs.mid[-1, 0] / setting.initial_gap.mid[0]
        assert bound == pytest.approx(value, abs=5e-5)


def test_it_holds_on_many_functions():
    rng = np.random.default_rng(0)
    functions, starts = [], []
    for _ in range(60):
        functions += [
            Cosine(1.0, float(rng.uniform(0.5, 3)), dimension=2),
            LogCosh(1.0, float(rng.uniform(0.5, 5))),
            Huber(float(rng.uniform(0.1, 1)), float(rng.uniform(0.01, 1))),
            Quadratic(tuple(float(v) for v in rng.uniform(0, 1, size=3))),
        ]
        starts += [rng.standard_normal(f.dimension) * 2 for f in functions[-4:]]
    for seed in range(5):
        steps = np.random.default_rng(seed).uniform(0.05, 1.0, size=12)
        setting = MethodSetting(GradientDescent(steps), functions, starts, lipschitz=1.0, curvature=-1.0)
        assert verify(rotaru2024.gradient_norm, setting).status is Status.HOLDS


def test_false_variants_are_violated():
    convex_rate = rotaru2024.gradient_norm.concluding(
        lambda s: (
            rotaru2024.least_gradient(s)
            <= 2.0 * s.lipschitz * s.initial_gap / (1.0 + (2.0 * rotaru2024.normalised_steps(s)).cumsum())
        ),
        "convex-rate",
    )
    last = rotaru2024.gradient_norm.concluding(
        lambda s: s.gradient_norms[1:] ** 2 <= rotaru2024.gradient_norm.conclude(s).rhs, "last-gradient"
    )
    # Near a flat top the gradient grows from step to step.
    top = MethodSetting(GradientDescent(STEPS), [Cosine(1.0, 1.0)], [np.array([3.0])])
    # Steps just below 2 on a parabola keep the gradient where it is.
    hopping = MethodSetting(GradientDescent(np.full(4, 1.99)), [Quadratic((1.0,))], [np.ones(1)], curvature=-1.0)
    cases = [
        (rotaru2024.gradient_norm.scaled(0.99), teeth(0.3)),
        (convex_rate, teeth(1.0)),
        (last, top),
        (rotaru2024.gradient_norm.without("steps_at_most_inverse_lipschitz"), hopping),
    ]
    for variant, setting in cases:
        verdict = verify(variant, setting)
        assert verdict.status is Status.VIOLATED, variant.id
        assert verdict.witness.replay().refuted.all()


def test_what_fails_is_named():
    long = teeth(1.0, np.array([0.5, 1.5, 0.5]))
    verdict = verify(rotaru2024.gradient_norm, long)
    assert verdict.coverage == pytest.approx(1 / 3)
    assert verify(rotaru2024.gradient_norm, teeth(1.0, np.array([1.5]))).status is Status.NOT_APPLICABLE
    composite = MethodSetting(ProximalGradient(STEPS), [AbsoluteValue(1.0)], [np.ones(1)], lipschitz=1.0)
    assert "plain gradient steps" in verify(rotaru2024.gradient_norm, composite).reason
    smooth = MethodSetting(GradientDescent(STEPS), [AbsoluteValue(1.0)], [np.ones(1)], lipschitz=1.0)
    assert "smooth objective" in verify(rotaru2024.gradient_norm, smooth).reason
