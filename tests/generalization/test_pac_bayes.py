"""PAC-Bayes: exact divergences, safe limits from pairs, coverage, and what false variants of the bound do."""

import math

import mpmath
import numpy as np
import pytest
import torch

from unfold_theory.errors import InputError
from unfold_theory.generalization import Centre, ClippedSquaredError, Failure, binomial_lower, kl_upper
from unfold_theory.generalization.gibbs import gibbs_certificate
from unfold_theory.generalization.pac_bayes import (
    GaussianPosterior,
    GaussianPrior,
    draw_losses,
    pac_bayes_certificate,
    pac_bayes_upper,
)
from unfold_theory.generalization.train_on_bound import BoundTraining
from unfold_theory.generalization.train_posterior import train_posterior
from unfold_theory.problems import SparseRecovery
from unfold_theory.problems.signals import UnitNorm

PROBLEM = SparseRecovery.gaussian(25, 50, law=UnitNorm(3), snr_db=40.0)
START = {"theta": (0.1 * 0.8 ** np.arange(10)).tolist(), "percent": 0}


def prior_of(depth=10):
    return GaussianPrior(Centre.initial("alista", PROBLEM, depth, **{**START, "theta": START["theta"][:depth]}))


def posterior_of(prior, seed=0, exponent=8):
    rng = np.random.default_rng(seed)
    sizes = {g.name: g.size for g in prior.coordinates.groups}
    return GaussianPosterior(
        prior,
        {name: 0.1 * rng.standard_normal(n) for name, n in sizes.items()},
        {name: np.exp(rng.standard_normal(n) - 3) for name, n in sizes.items()},
        dict.fromkeys(sizes, exponent),
    )


@pytest.mark.parametrize("exponent", [0, 7, 12])
def test_divergence_encloses_the_exact_one(exponent):
    posterior = posterior_of(prior_of(), exponent=exponent)
    with mpmath.workdps(40):
        variance = mpmath.mpf(2) ** -exponent
        exact = sum(
            ((mpmath.mpf(u) ** 2 + mpmath.mpf(s) ** 2) / variance - 1 + mpmath.log(variance / mpmath.mpf(s) ** 2)) / 2
            for name in posterior.means
            for u, s in zip(posterior.means[name], posterior.deviations[name], strict=True)
        )
        found = posterior.divergence
        assert mpmath.mpf(float(found.lo)) <= exact <= mpmath.mpf(float(found.hi))
    assert found.width < 1e-9


def test_the_prior_itself_has_no_divergence():
    prior = prior_of(2)
    sizes = {g.name: g.size for g in prior.coordinates.groups}
    own = GaussianPosterior(
        prior,
        {k: np.zeros(n) for k, n in sizes.items()},
        {k: np.full(n, 2.0**-3) for k, n in sizes.items()},
        dict.fromkeys(sizes, 6),
    )
    assert 0 <= own.divergence.hi < 1e-12


def test_upper_limit_is_the_inverse_of_its_complexity():
    bound, complexity = pac_bayes_upper(0.03, 20.0, 5000, 0.01, log_choices=math.log(33))
    assert complexity == pytest.approx((20 + math.log(33) + math.log(2 * math.sqrt(5000) / 0.01)) / 5000, rel=1e-13)
    assert bound == float(kl_upper(0.03, complexity))


def test_coverage_over_resamples_and_dropped_terms_are_caught():
    """1000 resamples of N = 100 losses of 512 predictors of risk 0.2; the posterior sits on the best one, KL = ln 512.

    The bound covers at delta = 0.1; without its KL it fails in nearly all resamples.
    """
    rng = np.random.default_rng(1)
    n, risk, size, delta = 100, 0.2, 512, 0.1
    best = rng.binomial(n, risk, size=(1000, size)).min(axis=1) / n
    honest = sum(pac_bayes_upper(q, math.log(size), n, delta)[0] < risk for q in best)
    dropped = sum(pac_bayes_upper(q, 0.0, n, delta)[0] < risk for q in best)
    assert float(binomial_lower(honest, 1000, 0.01)) <= delta < float(binomial_lower(dropped, 1000, 0.01))


def test_gibbs_covers_and_without_the_prior_it_does_not():
    """The same predictors under a Gibbs posterior, whose free energy holds the KL."""
    rng = np.random.default_rng(2)
    n, risk, size, delta = 100, 0.2, 512, 0.1
    failed = {"honest": 0, "seen": 0}
    for _ in range(100):
        risks = rng.binomial(n, risk, size=size) / n
        failed["honest"] += gibbs_certificate(risks, n, delta).bound < risk
        # A prior that has seen the sample: the networks with the smallest risk alone.
        failed["seen"] += gibbs_certificate(np.sort(risks)[:1], n, delta).bound < risk
    assert float(binomial_lower(failed["honest"], 100, 0.01)) <= delta
    assert float(binomial_lower(failed["seen"], 100, 0.01)) > delta


def test_gibbs_against_the_formula():
    risks, n, delta = np.array([0.1, 0.3, 0.2]), 50, 0.05
    found = gibbs_certificate(risks, n, delta, temperatures=(20.0,))
    energy = -math.log(np.mean(np.exp(-20 * risks)))
    divergence = float(found.weights @ np.log(3 * found.weights))
    assert energy == pytest.approx(20 * found.empirical + divergence)
    expected = (1 - math.exp(-(energy + math.log(1 / delta)) / n)) / (1 - math.exp(-20 / n))
    assert found.bound == pytest.approx(expected, rel=1e-12)
    assert found.bound >= expected * (1 - 1e-15)


@pytest.fixture(scope="module")
def trained():
    sample = PROBLEM.sample(4000, seed=1)
    prior = prior_of()
    return sample, train_posterior(prior, sample, BoundTraining(steps=800))


def test_certificate_of_a_trained_posterior(trained):
    sample, posterior = trained
    made = pac_bayes_certificate(posterior, sample, loss=Failure(0.05), pairs=10_000)
    assert made.empirical < made.empirical_upper < made.bound < 0.08
    assert made.delta == pytest.approx(0.01)
    held_out = draw_losses(posterior, PROBLEM.sample(20_000, seed=2), Failure(0.05), pairs=10_000, seed=9)
    assert float(binomial_lower(int(held_out.sum()), 10_000, 1e-3)) <= made.bound
    assert made.risk.delta == made.delta


def test_losses_in_an_interval_use_kl_for_the_pairs(trained):
    sample, posterior = trained
    made = pac_bayes_certificate(posterior, sample, loss=ClippedSquaredError(), pairs=5000)
    level = math.log(1 / 0.005) / 5000
    assert made.empirical_upper == pytest.approx(float(kl_upper(made.empirical, level)), abs=1e-10)


def test_pairs_average_to_the_gibbs_risk(trained):
    """Pairs against whole networks drawn one by one: within four standard errors."""
    sample, posterior = trained
    pairs = draw_losses(posterior, sample, ClippedSquaredError(), pairs=20_000, seed=1)
    rng = np.random.default_rng(4)
    whole = []
    for _ in range(60):
        drawn = {
            k: torch.tensor(u + posterior.deviations[k] * rng.standard_normal(len(u)))
            for k, u in posterior.means.items()
        }
        network = posterior.prior.coordinates.network(drawn)
        with torch.no_grad():
            codes = network(torch.tensor(sample.y[:500])).numpy()
        whole.append(ClippedSquaredError()(codes, sample.x[:500]).mean())
    spread = math.hypot(pairs.std() / math.sqrt(20_000), np.std(whole) / math.sqrt(60))
    assert abs(pairs.mean() - np.mean(whole)) < 4 * spread + 2 * pairs.std() / math.sqrt(500)


def test_bad_input(trained):
    sample, posterior = trained
    fitted = GaussianPrior(Centre.fitted(posterior.prior.centre.network, sample))
    own = GaussianPosterior(fitted, posterior.means, posterior.deviations, posterior.exponents)
    with pytest.raises(InputError, match="has seen 4000"):
        pac_bayes_certificate(own, sample, loss=Failure(0.05))
    with pytest.raises(InputError, match="has seen"):
        train_posterior(fitted, sample, BoundTraining(steps=1))
    with pytest.raises(InputError, match="off the grid"):
        GaussianPosterior(posterior.prior, posterior.means, posterior.deviations, dict.fromkeys(posterior.means, 99))
    broken = {k: 0 * s for k, s in posterior.deviations.items()}
    with pytest.raises(InputError, match="above 0"):
        GaussianPosterior(posterior.prior, posterior.means, broken, posterior.exponents)
    with pytest.raises(InputError, match="KL"):
        pac_bayes_upper(0.1, -1.0, 10, 0.1)
    with pytest.raises(InputError, match="sample size"):
        pac_bayes_upper(0.1, 1.0, 0, 0.1)
    with pytest.raises(InputError, match="grid"):
        GaussianPrior(posterior.prior.centre, exponents=())
    with pytest.raises(InputError, match="Risks"):
        gibbs_certificate([0.1, 1.2], 10, 0.1)
    with pytest.raises(InputError, match="Temperatures"):
        gibbs_certificate([0.1], 10, 0.1, temperatures=())
