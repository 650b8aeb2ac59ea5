"""Smooth functions that need not be convex: attained for short steps, and false variants refuted."""

import numpy as np
import pytest

from tests.claims.test_rotaru2024 import teeth
from unfold_theory.claim import MethodSetting, Status, verify
from unfold_theory.claims import abbaszadehpeivasti2022 as smooth
from unfold_theory.enclosure import Inequality
from unfold_theory.methods import GradientDescent
from unfold_theory.problems.functions import Cosine, LogCosh, Quadratic


def test_it_holds_and_is_attained_by_short_steps():
    verdict = verify(smooth.gradient_norm, teeth(1.0))
    assert verdict.status is Status.HOLDS
    assert verdict.tightness == pytest.approx(1.0, abs=1e-9)
    # The value of the note: h = 1, N = 5.
    setting = teeth(1.0, np.ones(5))
    bound = verify(smooth.gradient_norm, setting).conclusion.rhs.mid[-1, 0] / setting.initial_gap.mid[0]
    assert bound == pytest.approx(4 / 17, rel=1e-9)


def test_it_holds_for_steps_up_to_root_three():
    rng = np.random.default_rng(1)
    functions, starts = [], []
    for _ in range(60):
        functions += [
            Cosine(1.0, float(rng.uniform(0.5, 3)), dimension=3),
            LogCosh(1.0, float(rng.uniform(0.5, 5))),
            Quadratic(tuple(float(v) for v in rng.uniform(0, 1, size=3))),
        ]
        starts += [rng.standard_normal(f.dimension) * 2 for f in functions[-3:]]
    for seed in range(6):
        steps = np.random.default_rng(seed).uniform(0.05, 1.732, size=12)
        setting = MethodSetting(GradientDescent(steps), functions, starts, lipschitz=1.0, curvature=-1.0)
        assert verify(smooth.gradient_norm, setting).status is Status.HOLDS


def test_false_variants_are_violated():
    last = smooth.gradient_norm.concluding(
        lambda s: Inequality(s.gradient_norms[1:] ** 2, smooth.gradient_norm.conclude(s).rhs), "last-gradient"
    )
    convex = smooth.gradient_norm.concluding(
        lambda s: (
            smooth.least_gradient(s)
            <= 4.0 * s.lipschitz * s.initial_gap / (2.0 + (4.0 * smooth.normalised_steps(s)).cumsum())
        ),
        "convex-rate",
    )
    top = MethodSetting(GradientDescent(np.ones(5)), [Cosine(1.0, 1.0)], [np.array([3.0])])
    for variant, setting in [
        (smooth.gradient_norm.scaled(0.99), teeth(1.0)),
        (last, top),
        (convex, teeth(1.0)),
    ]:
        verdict = verify(variant, setting)
        assert verdict.status is Status.VIOLATED, variant.id
        assert verdict.witness.replay().refuted.all()


def test_what_fails_is_named():
    steps = np.array([1.0, 1.8, 1.0])
    setting = MethodSetting(GradientDescent(steps), [Cosine(1.0, 1.0)], [np.ones(1)])
    verdict = verify(smooth.gradient_norm, setting)
    assert verdict.coverage == pytest.approx(1 / 3)
    only = MethodSetting(GradientDescent([1.8]), [Cosine(1.0, 1.0)], [np.ones(1)])
    assert "steps_below_root_three: refuted (1.8 <= 1.732" in verify(smooth.gradient_norm, only).reason
    below = MethodSetting(GradientDescent([1.0]), [Cosine(1.0, 1.0)], [np.ones(1)], curvature=-2.0)
    assert "curvature_at_least_minus_lipschitz: refuted" in verify(smooth.gradient_norm, below).reason
    backwards = MethodSetting(GradientDescent([-0.1]), [Cosine(1.0, 1.0)], [np.ones(1)])
    assert "steps_positive: refuted" in verify(smooth.gradient_norm, backwards).reason
