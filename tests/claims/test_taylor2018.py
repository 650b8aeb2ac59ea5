"""Contraction on strongly convex functions: attained by quadratics, and false variants refuted."""

import numpy as np
import pytest

from unfold_theory.claim import MethodSetting, Status, verify
from unfold_theory.claims import taylor2018
from unfold_theory.enclosure import Enclosure
from unfold_theory.methods import GradientDescent, HeavyBall, ProximalGradient
from unfold_theory.problems.functions import Cosine, DiagonalLasso, Quadratic

SHORT, LONG = np.array([0.5, 1.0, 0.3, 1.5]), np.array([1.9, 1.85, 1.95])


def quadratic(steps, method=GradientDescent):
    return MethodSetting(
        method(steps),
        [Quadratic((0.1, 1.0)), Quadratic((0.1,)), Quadratic((1.0,))],
        [np.array([1.0, 1.0]), np.ones(1), np.ones(1)],
    )


@pytest.mark.parametrize("steps", [SHORT, LONG])
@pytest.mark.parametrize("method", [GradientDescent, ProximalGradient])
def test_it_holds_and_is_attained_on_one_side(steps, method):
    verdict = verify(taylor2018.contraction, quadratic(steps, method))
    assert verdict.status is Status.HOLDS
    assert verdict.tightness == pytest.approx(1.0, abs=1e-9)


def test_steps_on_both_sides_are_loose():
    verdict = verify(taylor2018.contraction, quadratic(np.array([0.5, 2.5, 0.5, 2.5])))
    assert verdict.conclusion.holds.all()
    assert (verdict.conclusion.lhs.hi[-1] < 0.6 * verdict.conclusion.rhs.lo[-1]).all()


def test_it_holds_on_composites():
    rng = np.random.default_rng(0)
    for _ in range(6):
        steps = rng.uniform(0.05, 1.99, size=10)
        functions = [
            DiagonalLasso(
                tuple(float(v) for v in rng.uniform(0.1, 1, size=3)),
                tuple(float(v) for v in rng.standard_normal(3)),
                float(rng.uniform(0.01, 0.5)),
            )
            for _ in range(60)
        ]
        starts = [rng.standard_normal(3) * 2 for _ in functions]
        setting = MethodSetting(ProximalGradient(steps), functions, starts, lipschitz=1.0, curvature=0.1)
        assert verify(taylor2018.contraction, setting).status is Status.HOLDS


@pytest.mark.parametrize(
    ("variant", "setting"),
    [
        (taylor2018.contraction.scaled(0.999), quadratic(SHORT)),
        (
            taylor2018.contraction.concluding(
                lambda s: (
                    s.distance <= (abs(1.0 - taylor2018.forward_steps(s) * s.lipschitz)).cumprod() * s.initial_distance
                ),
                "largest-curvature-only",
            ),
            quadratic(SHORT),
        ),
        (
            taylor2018.contraction.concluding(
                lambda s: (
                    s.distance
                    <= (abs(1.0 - taylor2018.forward_steps(s) * Enclosure.exact(0.1))).cumprod() * s.initial_distance
                ),
                "smallest-curvature-only",
            ),
            quadratic(LONG),
        ),
    ],
    ids=["constant", "only-L", "only-mu"],
)
def test_false_variants_are_violated(variant, setting):
    verdict = verify(variant, setting)
    assert verdict.status is Status.VIOLATED, verdict.reason
    assert verdict.witness.replay().refuted.all()


def test_what_fails_is_named():
    bent = MethodSetting(GradientDescent([1.0]), [Cosine(1.0, 1.0)], [np.ones(1)])
    assert "convex: refuted" in verify(taylor2018.contraction, bent).reason
    other = MethodSetting(HeavyBall([0.5], 0.1), [Quadratic((1.0,))], [np.ones(1)])
    assert "gradient steps" in verify(taylor2018.contraction, other).reason
    flat = MethodSetting(GradientDescent(SHORT), [Quadratic((0.0, 1.0))], [np.ones(2)])
    assert verify(taylor2018.contraction, flat).status is Status.VACUOUS
