"""Theorems 3.1 and 4.4 of Beck and Teboulle: met on random and slow problems, refuted when made too strong."""

import numpy as np
import pytest

from tests.claims.settings import slow_quadratic
from unfold_theory.claim import Setting, Status, verify
from unfold_theory.claims import beck2009
from unfold_theory.enclosure import Enclosure
from unfold_theory.networks import Fista, Ista
from unfold_theory.problems import BernoulliGaussian, SparseRecovery

PAIRS = [(Ista, beck2009.ista_rate), (Fista, beck2009.fista_rate)]


def random_setting(network, lam=0.1, depth=12, **options):
    where = SparseRecovery.gaussian(20, 40, law=BernoulliGaussian(0.1), snr_db=30.0, seed=4)
    return Setting(network.for_problem(where, depth, lam=lam, **options), where, where.sample(30, seed=1), lam=lam)


@pytest.mark.parametrize(("network", "claimed"), PAIRS, ids=["ista", "fista"])
def test_rate_holds(network, claimed):
    assert verify(claimed, random_setting(network, depth=30)).status is Status.HOLDS
    # The slowest quadratic starts so near its optimum that ISTA's bound says less than the gap at the start.
    assert verify(claimed, slow_quadratic(network)).status is (Status.VACUOUS if network is Ista else Status.HOLDS)


def test_zero_signals_are_decided():
    where = random_setting(Ista).problem
    batch = where.batch_from_codes(np.zeros((2, 40)))
    for network, claimed in PAIRS:
        setting = Setting(network.for_problem(where, 4, lam=0.1), where, batch, lam=0.1)
        assert verify(claimed, setting).status is Status.VACUOUS
        assert verify(claimed, setting).conclusion.holds.all()


def test_learned_steps_enter_with_their_sum():
    where = random_setting(Ista)
    top = (1 / where.lipschitz).lo.item()
    steps = top * np.array([1.0, 0.5, 0.25, 1.0] * 3)
    assert verify(beck2009.ista_rate, random_setting(Ista, steps=steps)).status is Status.HOLDS
    too_long = np.where(np.arange(12) < 6, top, 1.9 * top)
    verdict = verify(beck2009.ista_rate, random_setting(Ista, steps=too_long))
    assert verdict.coverage == pytest.approx(0.5)
    assert "50" not in verdict.status.value
    growing = np.linspace(0.2, 1.0, 12) * top
    assert verify(beck2009.fista_rate, random_setting(Fista, steps=growing)).coverage == pytest.approx(1 / 12)


@pytest.mark.parametrize(
    ("false_variant", "setting"),
    [
        (beck2009.ista_rate.scaled(0.1), slow_quadratic(Ista)),
        (
            beck2009.ista_rate.concluding(
                lambda s: s.objective_gap <= s.lipschitz * s.initial_distance**2 / (2.0 * s.depth**2), "1/k^2"
            ),
            slow_quadratic(Ista),
        ),
        (
            beck2009.fista_rate.concluding(
                lambda s: s.objective_gap <= 2.0 * s.lipschitz * s.initial_distance**2 / (s.depth + 1.0) ** 3, "1/k^3"
            ),
            random_setting(Fista, depth=40),
        ),
        (beck2009.fista_rate.scaled(0.05), slow_quadratic(Fista)),
        (
            beck2009.ista_rate.without("steps_at_most_inverse_lipschitz"),
            random_setting(Ista, steps=np.full(12, 1.0)),
        ),
    ],
    ids=["ista-constant", "ista-exponent", "fista-exponent", "fista-constant", "step-above-2/L"],
)
def test_false_variants_are_violated(false_variant, setting):
    verdict = verify(false_variant, setting)
    assert verdict.status is Status.VIOLATED
    assert verdict.witness.replay().refuted.all()


def test_wrong_objective_or_network_is_not_applicable():
    other = random_setting(Ista)
    mismatched = Setting(other.network, other.problem, other.batch, lam=0.2)
    verdict = verify(beck2009.ista_rate, mismatched)
    assert verdict.status is Status.NOT_APPLICABLE
    assert "0.2" in verdict.reason
    assert "momentum" in verify(beck2009.ista_rate, random_setting(Fista)).reason
    assert "momentum" in verify(beck2009.fista_rate, random_setting(Ista)).reason
    without_weight = Setting(other.network, other.problem, other.batch)
    assert "lacks lam" in verify(beck2009.ista_rate, without_weight).reason


def test_objective_gap_is_an_enclosure_of_a_high_precision_gap():
    setting = random_setting(Ista, depth=3)
    exact = Enclosure.exact(setting.iterates[1:])
    residual = exact @ Enclosure.exact(setting.problem.dictionary.T) - setting.batch.y
    value = (residual**2).sum(-1) / 2 + 0.1 * abs(exact).sum(-1)
    gap = value - setting.optimal_value
    assert (setting.objective_gap.lo <= gap.hi).all()
    assert (gap.lo <= setting.objective_gap.hi).all()
