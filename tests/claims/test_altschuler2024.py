"""Silver steps: the cited rate, the certified one that is attained, and false variants refuted."""

import numpy as np
import pytest
import sympy as sp

from unfold_theory.claim import MethodSetting, Status, verify
from unfold_theory.claims import altschuler2024
from unfold_theory.errors import InputError
from unfold_theory.methods import GradientDescent, HeavyBall
from unfold_theory.problems.functions import Cosine, Huber, LogCosh, Quadratic
from unfold_theory.rates.worst_case.schedules import silver_enclosure, silver_steps

LENGTHS = [2**j - 1 for j in range(1, 6)]


def slowest(count, L=1.0):
    """For each length of a silver schedule the Huber function on which it is slowest."""
    steps = silver_steps(count)
    functions = [Huber(L, 1 / (2 * float(steps[:n].sum()) + 1)) for n in LENGTHS if n <= count]
    return MethodSetting(GradientDescent(steps / L), functions, [np.ones(1)] * len(functions))


@pytest.mark.parametrize("L", [1.0, 0.25, 8.0])
def test_the_certified_rate_is_attained_at_its_lengths(L):
    verdict = verify(altschuler2024.silver_certified, slowest(31, L))
    assert verdict.status is Status.HOLDS
    assert verdict.coverage == pytest.approx(5 / 31)
    assert verdict.tightness == pytest.approx(1.0, abs=1e-8)
    assert verdict.proof == "checked"


def test_the_cited_rate_is_shown_as_cited():
    verdict = verify(altschuler2024.silver, slowest(31, 3.0))
    assert verdict.status is Status.HOLDS
    assert verdict.coverage == pytest.approx(5 / 31)
    assert 0.5 < verdict.tightness < 0.72
    assert verdict.proof == "cited"


def test_it_holds_on_many_functions():
    rng = np.random.default_rng(0)
    functions, starts = [], []
    for _ in range(100):
        functions += [
            LogCosh(1.0, float(rng.uniform(0.3, 8))),
            Huber(float(rng.uniform(0.1, 1)), float(10.0 ** rng.uniform(-3, 0))),
            Quadratic(tuple(float(v) for v in rng.uniform(0, 1, size=4))),
        ]
        starts += [rng.standard_normal(f.dimension) for f in functions[-3:]]
    setting = MethodSetting(GradientDescent(silver_steps(31)), functions, starts, lipschitz=1.0, curvature=0.0)
    assert verify(altschuler2024.silver, setting).status is Status.HOLDS
    assert verify(altschuler2024.silver_certified, setting).status is Status.HOLDS


def parabola(steps):
    return MethodSetting(GradientDescent(steps), [Quadratic((1.0,))], [np.ones(1)])


@pytest.mark.parametrize(
    ("variant", "setting"),
    [
        (altschuler2024.silver.scaled(0.5), slowest(15)),
        (altschuler2024.silver.without("length_of_a_silver_schedule"), parabola(silver_steps(4))),
        (altschuler2024.silver.without("steps_silver"), parabola([3.0])),
        (altschuler2024.silver_certified.scaled(0.999), slowest(7)),
        (altschuler2024.silver_certified.without("length_with_a_certificate"), parabola(silver_steps(4))),
        (altschuler2024.silver_certified.without("steps_silver_in_floats"), parabola(silver_steps(7) + 0.3)),
    ],
    ids=lambda value: getattr(value, "id", ""),
)
def test_false_variants_are_violated(variant, setting):
    verdict = verify(variant, setting)
    assert verdict.status is Status.VIOLATED
    assert verdict.witness.replay().refuted.all()


def test_what_fails_is_named():
    short = verify(altschuler2024.silver, parabola(np.ones(7)))
    assert short.status is Status.NOT_APPLICABLE
    assert "steps_silver" in short.reason
    # A schedule that goes wrong later keeps its beginning.
    steps = silver_steps(7)
    steps[4] = 1.0
    assert verify(altschuler2024.silver, parabola(steps)).coverage == pytest.approx(2 / 7)
    bent = MethodSetting(GradientDescent(silver_steps(7)), [Cosine(1.0, 1.0)], [np.ones(1)])
    assert "convex" in verify(altschuler2024.silver, bent).reason
    heavy = MethodSetting(HeavyBall(silver_steps(3), np.full(3, 0.1)), [Quadratic((1.0,))], [np.ones(1)])
    assert "plain gradient steps" in verify(altschuler2024.silver, heavy).reason
    # 1/3 is no float: the certificates do not speak of the rounded products.
    assert verify(altschuler2024.silver_certified, slowest(7, 3.0)).status is not Status.HOLDS


@pytest.mark.parametrize("count", [0, -1, True])
def test_a_schedule_needs_a_length(count):
    with pytest.raises(InputError, match="silver schedule"):
        silver_steps(count)


def test_floats_are_the_schedule():
    rho = 1 + sp.sqrt(2)
    for i, step in enumerate(silver_steps(64), start=1):
        exact = 1 + rho ** (sp.multiplicity(2, i) - 1)
        assert float(step) == float(sp.N(exact, 40))
    exact = silver_enclosure(64)
    assert ((exact.lo < silver_steps(64)) & (silver_steps(64) < exact.hi)).all()
