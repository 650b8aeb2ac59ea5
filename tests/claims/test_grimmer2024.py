"""Long steps in patterns: small gaps shrink, Huber functions attain it, and false variants are refuted."""

import numpy as np
import pytest

from unfold_theory.claim import MethodSetting, Status, verify
from unfold_theory.claims import grimmer2024
from unfold_theory.errors import InputError
from unfold_theory.methods import GradientDescent, ProximalGradient
from unfold_theory.problems.functions import AbsoluteValue, Cosine, Huber, LogCosh, Quadratic
from unfold_theory.rates.worst_case.schedules import LONG_STEPS
from unfold_theory.rates.worst_case.straightforward import prove_straightforward

PATTERNS = list(LONG_STEPS)
FIRST = PATTERNS[0]


def flat(pattern, repeated=4, L=1.0):
    """Long slopes: the Huber functions where the decrease is smallest, and far starts on log cosh."""
    small = LONG_STEPS[pattern]
    functions = [Huber(L, small / 2), Huber(L, small / 4), LogCosh(L, 4 / small)]
    steps = np.tile(pattern, repeated) / L
    return MethodSetting(GradientDescent(steps), functions, [np.ones(1)] * 3)


def plain(steps, start=0.05):
    """A parabola beside a direction without slope, so that the gap is small for its distance."""
    return MethodSetting(GradientDescent(steps), [Quadratic((1.0, 0.0))], [np.array([start, 1.0])])


@pytest.mark.parametrize("pattern", PATTERNS, ids=len)
@pytest.mark.parametrize("L", [1.0, 4.0])
def test_both_hold_at_the_end_of_every_pattern(pattern, L):
    for claim in (grimmer2024.decrease, grimmer2024.rate):
        verdict = verify(claim, flat(pattern, L=L))
        assert verdict.status is Status.HOLDS, verdict
        assert verdict.coverage == pytest.approx(1 / len(pattern))
        assert verdict.tightness > 0.998
        assert verdict.proof == "checked"


@pytest.mark.parametrize("pattern", PATTERNS, ids=len)
def test_they_hold_on_many_functions(pattern):
    rng = np.random.default_rng(0)
    small = LONG_STEPS[pattern]
    functions, starts = [], []
    for _ in range(100):
        size = float(rng.uniform(0.05, 1.0))
        functions += [
            Huber(float(rng.uniform(0.1, 1)), small * size),
            LogCosh(1.0, float(rng.uniform(1, 20)) / small),
            Quadratic((1.0, float(rng.uniform(0, 1)), small * size, 0.0)),
        ]
        near = np.append(rng.standard_normal(2) * np.sqrt(small / 4) * rng.uniform(0, 1), np.ones(2))
        starts += [np.ones(1), np.ones(1) * float(rng.uniform(0.5, 2)), near]
    setting = MethodSetting(GradientDescent(np.tile(pattern, 6)), functions, starts, lipschitz=1.0, curvature=0.0)
    verdict = verify(grimmer2024.decrease, setting)
    assert verdict.status is Status.HOLDS
    assert verdict.coverage > 0.5 / len(pattern)
    assert verify(grimmer2024.rate, setting).status is Status.HOLDS


@pytest.mark.parametrize(
    ("variant", "setting"),
    [
        (grimmer2024.decrease.scaled(0.99), flat(FIRST)),
        (
            grimmer2024.decrease.concluding(
                lambda s: s.objective_gap <= grimmer2024.gaps_before(s) - 4.6 * grimmer2024.gaps_before(s) ** 2, "4.6"
            ),
            flat(FIRST, repeated=1),
        ),
        (grimmer2024.decrease.without("gap_small"), plain(FIRST, start=30.0)),
        (grimmer2024.decrease.without("end_of_a_pattern"), plain(FIRST)),
        (grimmer2024.decrease.without("steps_repeat_a_long_pattern"), plain((2.9, 2.9))),
        (grimmer2024.rate.scaled(0.99), flat(FIRST)),
        (grimmer2024.rate.without("end_of_a_pattern"), plain(FIRST)),
        (grimmer2024.rate.without("steps_repeat_a_long_pattern"), plain((2.9, 2.9))),
    ],
    ids=lambda value: getattr(value, "id", ""),
)
def test_false_variants_are_violated(variant, setting):
    verdict = verify(variant, setting)
    assert verdict.status is Status.VIOLATED
    assert verdict.witness.replay().refuted.all()


def test_what_fails_is_named():
    large = verify(grimmer2024.rate, plain(FIRST, start=30.0))
    assert large.status is Status.NOT_APPLICABLE
    assert "first_gap_small" in large.reason
    other = verify(grimmer2024.decrease, plain((2.0, 1.5)))
    assert "steps_repeat_a_long_pattern" in other.reason
    # A pattern that ends differently was one until then.
    assert verify(grimmer2024.decrease, plain((*FIRST, 2.9, 1.0))).coverage == pytest.approx(1 / 4)
    bent = MethodSetting(GradientDescent(FIRST), [Cosine(1.0, 1.0)], [np.ones(1)])
    assert "convex" in verify(grimmer2024.decrease, bent).reason
    composite = MethodSetting(ProximalGradient(FIRST), [AbsoluteValue(1.0)], [np.ones(1)], lipschitz=1.0)
    assert "plain gradient steps" in verify(grimmer2024.decrease, composite).reason


@pytest.mark.parametrize(
    ("steps", "delta", "message"),
    [
        ([3.1, 1.5], 1e-4, "No proof that the pattern"),
        ([2.9, 1.5], 0.1, "smaller delta"),
        ([2.9, -1.5], 1e-3, "positive numbers"),
        ([2.9, np.nan], 1e-3, "finite"),
        ([], 1e-3, "N = 0"),
        ([2.9, 1.5], 0.0, "delta of 0.0"),
        ([2.9, 1.5], float("nan"), "delta of nan"),
    ],
)
def test_what_is_not_straightforward_is_refused(steps, delta, message):
    with pytest.raises(InputError, match=message):
        prove_straightforward(steps, delta)
