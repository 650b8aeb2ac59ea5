"""Occam bounds: exact tails, coverage of certificates, and what false variants of them do."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest

from unfold_theory.errors import InputError
from unfold_theory.generalization.binomial import binomial_lower
from unfold_theory.generalization.code_search import search_word
from unfold_theory.generalization.codes import NetworkCode
from unfold_theory.generalization.kl import kl_upper
from unfold_theory.generalization.losses import ClippedSquaredError, Failure
from unfold_theory.generalization.occam import losses_by_depth, occam_certificate, occam_upper
from unfold_theory.generalization.priors import Centre
from unfold_theory.generalization.train_on_bound import BoundTraining, train_and_certify, train_on_bound
from unfold_theory.problems import SparseRecovery
from unfold_theory.problems.signals import UnitNorm

PROBLEM = SparseRecovery.gaussian(25, 50, law=UnitNorm(3), snr_db=40.0)
START = {"theta": (0.1 * 0.8 ** np.arange(10)).tolist(), "percent": 0}


def losses_of(k, n):
    return np.concatenate([np.ones(k), np.zeros(n - k)])


def tail(k, n, p):
    return sum(comb(n, j) * p**j * (1 - p) ** (n - j) for j in range(k + 1))


@pytest.mark.parametrize(("k", "n"), [(0, 5), (1, 20), (7, 30), (29, 30)])
@pytest.mark.parametrize("mass", [Fraction(1, 2), Fraction(1, 10**4)])
def test_binary_bound_against_exact_tails(k, n, mass):
    nats = -np.log(float(mass)) * (1 + 1e-14)
    found = occam_upper(losses_of(k, n), nats, 0.0625, binary=True)
    level = mass / 16
    assert tail(k, n, Fraction(found)) <= level
    assert tail(k, n, Fraction(found) * (1 - Fraction(1, 10**7))) > level


def test_binary_bound_is_below_kl_and_deep_levels_do_not_underflow():
    for k, n, nats in [(0, 1000, 30.0), (17, 10_000, 60.0), (800, 100_000, 17_000.0), (50_000, 100_000, 900.0)]:
        losses = losses_of(k, n)
        by_kl = occam_upper(losses, nats, 0.01, binary=False)
        exact = occam_upper(losses, nats, 0.01, binary=True)
        assert k / n < exact <= by_kl
        assert by_kl == pytest.approx(float(kl_upper(k / n, (nats - np.log(0.01)) / n).item()), abs=1e-11)


def test_everything_fails_and_long_codes_say_nothing():
    assert occam_upper(np.ones(10), 1.0, 0.1, binary=True) == 1.0
    assert occam_upper(np.zeros(10), 1e6, 0.1, binary=True) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("losses", "nats", "delta", "cause"),
    [
        (np.array([]), 1.0, 0.1, "Losses of shape"),
        (np.array([0.0, 1.5]), 1.0, 0.1, "leave"),
        (np.array([0.0, np.nan]), 1.0, 0.1, "NaN"),
        (np.zeros(3), -1.0, 0.1, "code length"),
        (np.zeros(3), 1.0, 1.0, "delta"),
        (np.array([0.5]), 1.0, 0.1, "neither 0 nor 1"),
    ],
)
def test_bad_input(losses, nats, delta, cause):
    with pytest.raises(InputError, match=cause):
        occam_upper(losses, nats, delta, binary=True)


def _best_of_many(rng, resamples, count, n, risk):
    """The smallest empirical risk among ``count`` predictors of the same risk, for each resample."""
    return rng.binomial(n, risk, size=(resamples, count)).min(axis=1)


def test_coverage_over_resamples_and_dropped_complexity_is_caught():
    """500 resamples, delta = 0.1, the best of 256 predictors: the bound covers, the one without its code does not."""
    rng = np.random.default_rng(5)
    count, n, risk, delta = 256, 200, 0.2, 0.1
    seen = _best_of_many(rng, 500, count, n, risk)
    honest = sum(occam_upper(losses_of(k, n), np.log(count), delta, binary=True) < risk for k in seen)
    dropped = sum(occam_upper(losses_of(k, n), 0.0, delta, binary=True) < risk for k in seen)
    assert float(binomial_lower(honest, 500, 0.01).item()) <= delta
    assert float(binomial_lower(dropped, 500, 0.01).item()) > delta


@pytest.fixture(scope="module")
def certified():
    sample = PROBLEM.sample(4000, seed=1)
    code = NetworkCode(Centre.initial("alista", PROBLEM, 10, **START))
    made = train_and_certify(code, sample, BoundTraining(steps=700), all_depths=True)
    return code, sample, made


def test_certificate_from_training_data_alone(certified):
    """ALISTA, 10 layers, N = 4000: all depths at once, with the risk of the quantised network below every bound."""
    _, _, made = certified
    assert made.depths == tuple(range(1, 11))
    held_out = losses_by_depth(made.network, PROBLEM.sample(20_000, seed=2), Failure(0.05), made.depths)
    assert (binomial_lower(held_out.sum(axis=1).astype(int), 20_000, 1e-3) <= made.bound).all()
    assert made.bound[-1] < 0.05
    assert made.empirical[-1] < made.bound[-1]
    assert (np.diff(made.nats) >= 0).all()
    assert made.risk.delta == 0.01


def test_one_depth_costs_less_than_all(certified):
    code, sample, made = certified
    single = occam_certificate(code, made.word, sample, loss=Failure(0.05))
    assert single.bound[0] < made.bound[-1]
    assert made.nats[-1] - single.nats[0] == pytest.approx(np.log(10))


def test_losses_that_are_not_binary_use_kl(certified):
    code, sample, made = certified
    found = occam_certificate(code, made.word, sample, loss=ClippedSquaredError())
    assert found.empirical[0] < found.bound[0] < 0.1


def test_a_fitted_prior_certifies_the_other_half_only(certified):
    """Centred at the trained network: where it has seen the signals the zero word would cost nothing: refused."""
    _, sample, made = certified
    code = NetworkCode(Centre.fitted(made.network, sample))
    word = code.quantise(made.network, {g.name: 4 for g in code.coordinates.groups})
    with pytest.raises(InputError, match="has seen 4000 of the 4000"):
        occam_certificate(code, word, sample, loss=Failure(0.05))
    with pytest.raises(InputError, match="has seen"):
        train_on_bound(code, sample, BoundTraining(steps=1))
    with pytest.raises(InputError, match="has seen"):
        search_word(code, made.network, sample, loss=Failure(0.05))
    fresh = occam_certificate(code, word, PROBLEM.sample(4000, seed=3), loss=Failure(0.05))
    assert fresh.bound[0] < made.bound[-1]


def test_the_search_only_improves(certified):
    code, sample, made = certified
    steps = {g.name: 7 for g in code.coordinates.groups}
    plain = occam_certificate(code, code.quantise(made.network, steps), sample, loss=Failure(0.05))
    word = search_word(code, made.network, sample, loss=Failure(0.05), look=4000, sweeps=1)
    assert occam_certificate(code, word, sample, loss=Failure(0.05)).bound[0] < plain.bound[0]


def test_training_is_reproducible_and_refuses_bad_options():
    sample = PROBLEM.sample(200, seed=1)
    code = NetworkCode(Centre.initial("lista-cpss", PROBLEM, 2, init="frobenius", tied=False))
    a, b = (train_on_bound(code, sample, BoundTraining(steps=5)) for _ in range(2))
    assert a.history == b.history
    assert a.exponents == b.exponents
    with pytest.raises(InputError, match="temperature"):
        BoundTraining(temperature=0.0)
    with pytest.raises(InputError, match="warm"):
        BoundTraining(warm=1.5)
