"""Methods as settings: what is run is what the method says, and claims on other things are not applicable."""

from dataclasses import replace

import numpy as np
import pytest

from unfold_theory.claim import MethodSetting, Setting, Status, claim, hypothesis, verify
from unfold_theory.claim.statement import CLAIMS
from unfold_theory.claims import chen2018
from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError
from unfold_theory.methods import (
    AcceleratedProximalGradient,
    DouglasRachford,
    GradientDescent,
    InexactGradientDescent,
    ProximalGradient,
)
from unfold_theory.networks import build
from unfold_theory.problems import SparseRecovery, WorstCase
from unfold_theory.problems.functions import AbsoluteValue, DiagonalLasso, Huber, LogCosh, Quadratic

STEPS = np.array([0.5, 1.0, 0.75])
SLOWEST = Huber(1.0, 1 / (2 * STEPS.sum() + 1))


@pytest.fixture(scope="module")
def rate():
    @claim(source="example2000", theorem="an example", conjecture=True)
    def short_steps(s):
        r"""$f(x_N)-f^\star\le L\|x_0-x^\star\|^2/(4L\sum t_k+2)$."""
        length = Enclosure.exact(s.method.steps).cumsum()[:, None]
        bound = s.lipschitz * s.initial_distance**2 / (4.0 * s.lipschitz * length + 2.0)
        return s.objective_gap <= bound + s.gap_allowance

    yield short_steps
    del CLAIMS[short_steps.id]


def slow():
    functions = [SLOWEST, Quadratic((0.2, 1.0)), LogCosh(1.0, 3.0)]
    return MethodSetting(GradientDescent(STEPS), functions, [np.ones(1), np.full(2, 0.7), np.ones(1)])


def test_iterates_are_those_of_the_method():
    setting = slow()
    x = np.ones(1)
    for k, h in enumerate(STEPS):
        x = x - h * SLOWEST.gradient(x)
        assert setting.objective_gap[k, 0].contains(SLOWEST.value(x))
        assert setting.distance[k, 0].contains(abs(x[0]))
        assert setting.gradient_norms[k + 1, 0].contains(abs(SLOWEST.gradient(x)[0]))
    assert setting.initial_distance[0].contains(1.0)
    assert setting.shape == (3, 3)


def test_a_minimiser_that_is_not_the_origin():
    function = DiagonalLasso((1.0, 0.4), (2.0, -1.0), 0.3)
    setting = MethodSetting(ProximalGradient(np.full(4, 0.9)), [function], [np.array([1.0, 1.0])])
    x = np.array([1.0, 1.0])
    for k in range(4):
        x = function.prox(x - 0.9 * function.gradient(x), 0.9)
        assert setting.objective_gap[k, 0].contains(function.value(x) - function.minimum)
    with pytest.raises(InputError, match="smooth objective"):
        _ = setting.gradient_norms


def test_momentum_and_errors_are_run():
    x, previous, y = np.ones(1), np.ones(1), np.ones(1)
    function = AbsoluteValue(0.1)
    setting = MethodSetting(
        AcceleratedProximalGradient(np.ones(4), np.array([0.1, 0.3, 0.5, 0.0])), [function], [x], lipschitz=1.0
    )
    for k, beta in enumerate((0.1, 0.3, 0.5, 0.0)):
        x = function.prox(y, 1.0)
        y, previous = x + beta * (x - previous), x
        assert setting.objective_gap[k, 0].contains(function.value(x))
    inexact = MethodSetting(InexactGradientDescent([1.0], errors=0.5), [Quadratic((1.0,))], [np.ones(1)])
    assert inexact.distance[0, 0].contains(0.5)


def test_an_attained_rate_holds_and_no_better_one(rate):
    assert verify(rate, slow()).status is Status.HOLDS
    verdict = verify(rate.scaled(0.99), slow())
    assert verdict.status is Status.VIOLATED
    assert verdict.witness.sample == 0
    assert verdict.witness.depth == 3
    assert verdict.witness.replay().refuted.all()
    assert "sample 0" in verdict.explain()
    assert verdict.to_dict()["network"] == "gradient descent"


def test_claims_on_networks_are_not_applicable_to_methods_and_the_reverse(rate):
    for claimed in CLAIMS.values():
        if claimed.id != rate.id and claimed.source in ("chen2018", "liu2019", "unfoldtheory2026"):
            verdict = verify(claimed, slow())
            assert verdict.status is Status.NOT_APPLICABLE
            kinds = ("Setting", "RiskSetting", "TrainingSetting")
            assert any(f"it lacks what a {kind} has" in verdict.reason for kind in kinds), verdict.reason
    assert "gradient descent (MethodSetting) cannot" in verify(chen2018.linear_rate, slow()).reason
    on_methods = replace(rate, conclude=lambda s: s.objective_gap <= 1.0, hypotheses=(only_methods,))
    network = Setting(*alista())
    assert "it lacks what a MethodSetting has" in verify(on_methods, network).reason


@hypothesis
def only_methods(s: MethodSetting):
    """Steps are at most 2."""
    return Enclosure.exact(s.method.steps) <= 2.0


def alista():
    problem = SparseRecovery.gaussian(10, 20, law=WorstCase(1), seed=0)
    return build("alista", problem, 2), problem, problem.sample(4, seed=0)


def test_a_slip_of_the_pen_is_an_error_not_a_verdict():
    with pytest.raises(AttributeError, match="objective_gapp"):
        _ = slow().objective_gapp


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (lambda m: MethodSetting(m, [], []), "0 functions"),
        (lambda m: MethodSetting(m, [SLOWEST], [np.ones(2)]), "shape"),
        (lambda m: MethodSetting(m, [SLOWEST], [np.array([np.nan])]), "finite"),
        (lambda m: MethodSetting(m, [SLOWEST], [np.ones(1)], lipschitz=0.5), "not all in the class"),
        (lambda m: MethodSetting(m, [SLOWEST], [np.ones(1)], curvature=0.5), "not all in the class"),
    ],
)
def test_bad_settings_are_named(wrong, named):
    with pytest.raises(InputError, match=named):
        wrong(GradientDescent(STEPS))


def test_a_method_that_asks_for_more_than_a_function_has_is_named():
    setting = MethodSetting(DouglasRachford(np.ones(3)), [SLOWEST], [np.ones(1)])
    with pytest.raises(InputError, match="starting point x"):
        _ = setting.objective_gap
