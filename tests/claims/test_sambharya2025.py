"""Worst cases of learned parameters: certified, attained, and false variants refuted."""

import numpy as np
import pytest

from unfold_theory.claim import MethodSetting, Setting, Status, verify
from unfold_theory.claims import sambharya2025
from unfold_theory.claims.first_order import at_most
from unfold_theory.methods import AcceleratedProximalGradient, DouglasRachford, GradientDescent, ProximalGradient
from unfold_theory.networks import ListaCp, build
from unfold_theory.problems import KSparse, SparseRecovery
from unfold_theory.problems.functions import AbsoluteValue, Cosine, DiagonalLasso, Huber, LogCosh, Quadratic

LEARNED = np.array([0.5, 1.0, 0.75, 1.4])


def attained(steps=LEARNED):
    functions = [Huber(1.0, 1 / (2 * steps.sum() + 1)), Quadratic((0.2, 1.0)), LogCosh(1.0, 3.0)]
    return MethodSetting(GradientDescent(steps), functions, [np.ones(1), np.full(2, 0.7), np.ones(1)])


def composite():
    functions = [AbsoluteValue(0.15), DiagonalLasso((1.0, 0.3), (1.0, -2.0), 0.2)]
    method = AcceleratedProximalGradient(np.array([0.9, 1.2, 0.8]), np.array([0.2, 0.4, 0.0]))
    return MethodSetting(method, functions, [np.ones(1), np.zeros(2)], lipschitz=1.0)


@pytest.fixture(scope="module")
def network():
    problem = SparseRecovery.gaussian(12, 24, law=KSparse(2), seed=0)
    steps = np.array([0.9, 1.3, 1.1]) * float((1 / problem.lipschitz).lo)
    made = build("ista", problem, 3, steps=steps, lam=0.1)
    return Setting(made, problem, problem.sample(20, seed=1), lam=0.1)


def test_it_holds_and_is_attained():
    verdict = verify(sambharya2025.learned_rate, attained())
    assert verdict.status is Status.HOLDS
    assert verdict.tightness == pytest.approx(1.0, abs=1e-6)
    # After 3 steps nothing is certified: only 1, 2, 4.
    assert verdict.coverage == pytest.approx(3 / 4)
    assert verify(sambharya2025.learned_rate, composite()).status is Status.HOLDS


def test_networks_are_read_as_the_methods_they_are(network):
    assert verify(sambharya2025.learned_rate, network).status is Status.HOLDS
    alista = build("alista", network.problem, 3)
    verdict = verify(sambharya2025.learned_rate, Setting(alista, network.problem, network.batch, lam=0.1))
    assert verdict.status is Status.NOT_APPLICABLE
    assert "worst-case rates of first-order methods" in verdict.reason


def test_a_network_for_another_weight_of_the_lasso_is_named(network):
    """Its codes go to the minimiser of another objective: a gap that stays, against a rate that falls."""
    where, batch = network.problem, network.batch
    scale = float(where.lipschitz.hi)
    coupled = ListaCp(where.dictionary, 3, weights=where.dictionary / scale, thresholds=0.1 / scale)
    for made in (network.network, coupled):
        other = Setting(made, where, batch, lam=0.4)
        verdict = verify(sambharya2025.learned_rate, other)
        assert verdict.status is Status.NOT_APPLICABLE
        assert "0.4" in verdict.reason
        assert verify(sambharya2025.learned_rate, Setting(made, where, batch, lam=0.1)).status is Status.HOLDS


def test_false_variants_are_refuted():
    rate = sambharya2025.learned_rate
    halved = rate.concluding(
        lambda s: at_most(s.objective_gap, s.cached(sambharya2025.certified_rates) * s.initial_distance), "distance"
    )
    # From a distance of 3 the square matters.
    far = MethodSetting(GradientDescent(np.ones(2)), [Huber(1.0, 0.6)], [np.full(1, 3.0)])
    for variant, setting in ((rate.scaled(0.95), attained()), (halved, far)):
        verdict = verify(variant, setting)
        assert verdict.status is Status.VIOLATED
        assert verdict.witness.replay().refuted.all()
    # Without a certificate there is no rate, and none is made up.
    diverging = attained(np.full(2, 5.0))
    verdict = verify(rate, diverging)
    assert verdict.status is Status.NOT_APPLICABLE
    assert "worst_case_certified: refuted" in verdict.reason
    assert np.isinf(sambharya2025.certified_rates(diverging).hi).all()


def test_what_it_does_not_speak_of_is_named():
    nonconvex = MethodSetting(GradientDescent(LEARNED), [Cosine(1.0, 1.0)], [np.ones(1)])
    assert "a convex objective" in verify(sambharya2025.learned_rate, nonconvex).reason
    shared = MethodSetting(DouglasRachford(np.ones(3)), [AbsoluteValue(1.0)], [np.ones(1)], lipschitz=1.0)
    assert verify(sambharya2025.learned_rate, shared).status is Status.NOT_APPLICABLE
    with pytest.raises(ValueError, match="its own in each step"):
        sambharya2025.first_steps(DouglasRachford(np.ones(3)), 2)


def test_the_first_steps_are_the_method_cut_off():
    assert sambharya2025.shown_depths(1) == [1]
    assert sambharya2025.shown_depths(16) == [1, 2, 4, 8, 16]
    assert sambharya2025.shown_depths(11) == [1, 2, 4, 8, 11]
    cut = sambharya2025.first_steps(ProximalGradient(LEARNED), 2)
    assert cut.steps.tolist() == [0.5, 1.0]
