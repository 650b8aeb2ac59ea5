"""PAC-Bayes-kl on trained posteriors, and false variants: no divergence, a prior that has seen the sample."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from unfold_theory.claim import RiskSetting, Status, verify
from unfold_theory.claims import maurer2004 as theirs
from unfold_theory.enclosure import Enclosure
from unfold_theory.generalization import (
    BoundTraining,
    Centre,
    ClippedSquaredError,
    Failure,
    GaussianPosterior,
    GaussianPrior,
    pac_bayes_certificate,
    pac_bayes_upper,
    train_posterior,
)
from unfold_theory.networks import build
from unfold_theory.problems import SparseRecovery, UnitNorm

PROBLEM = SparseRecovery.gaussian(25, 50, law=UnitNorm(3), snr_db=40.0)
OPTIONS = {"theta": (0.1 * 0.8 ** np.arange(8)).tolist(), "percent": 0}
LOSS = Failure(0.05)


@pytest.fixture(scope="module")
def certified():
    sample = PROBLEM.sample(1500, seed=1)
    prior = GaussianPrior(Centre.initial("alista", PROBLEM, 8, **OPTIONS))
    posterior = train_posterior(prior, sample, BoundTraining(steps=500, exponent=7))
    return sample, pac_bayes_certificate(posterior, sample, loss=LOSS, pairs=20_000)


@pytest.fixture(scope="module")
def held_out():
    return PROBLEM.sample(20_000, seed=2)


def setting_of(certified, held_out, **changed):
    sample, made = certified
    options = {"network": made.posterior.prior.centre.network, "sample": sample, "loss": LOSS} | changed
    network, own = options.pop("network"), options.pop("sample")
    return RiskSetting(network, PROBLEM, own, held_out, **{"certificates": [made]} | options)


def test_pac_bayes_kl_holds(certified, held_out):
    verdict = verify(theirs.pac_bayes_kl, setting_of(certified, held_out))
    assert verdict.status is Status.HOLDS
    assert certified[1].bound < 0.3


def test_it_holds_for_losses_in_an_interval(certified, held_out):
    sample, made = certified
    loss = ClippedSquaredError()
    other = pac_bayes_certificate(made.posterior, sample, loss=loss, pairs=20_000)
    assert verify(theirs.pac_bayes_kl, setting_of((sample, other), held_out, loss=loss)).status is Status.HOLDS


def overfitted(count=12):
    """A posterior that sits on weights fitted to a few signals, with next to no width: its divergence is enormous."""
    sample = PROBLEM.sample(count, seed=5)
    options = {"init": "frobenius", "tied": False}
    prior = GaussianPrior(Centre.initial("lista-cpss", PROBLEM, 2, **options))
    network = build("lista-cpss", PROBLEM, 2, **options)
    x, y = (torch.tensor(part) for part in (sample.x, sample.y))
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(300):
        optimiser.zero_grad()
        ((network(y) - x) ** 2).sum().backward()
        optimiser.step()
    means = {name: v.numpy() for name, v in prior.coordinates.encode(network).items()}
    widths = {name: np.full(len(u), 2.0**-14) for name, u in means.items()}
    posterior = GaussianPosterior(prior, means, widths, dict.fromkeys(means, 6))
    return sample, pac_bayes_certificate(posterior, sample, loss=LOSS, pairs=20_000)


def test_without_its_divergence_it_is_violated(held_out):
    fitted = overfitted()
    setting = setting_of(fitted, held_out)
    assert verify(theirs.pac_bayes_kl, setting).status is Status.VACUOUS
    made = fitted[1]

    def dropped(s):
        bound = pac_bayes_upper(made.empirical_upper, 0.0, made.count, 0.005)[0]
        return s.cached(theirs.gibbs_risk) <= Enclosure.exact(bound)

    variant = theirs.pac_bayes_kl.concluding(dropped, "no-divergence")
    assert verify(variant, setting).status is Status.VIOLATED


def test_the_empirical_risk_as_the_bound_is_violated(held_out):
    fitted = overfitted()
    variant = theirs.pac_bayes_kl.concluding(
        lambda s: s.cached(theirs.gibbs_risk) <= Enclosure.exact(fitted[1].empirical_upper), "no-complexity"
    )
    assert verify(variant, setting_of(fitted, held_out)).status is Status.VIOLATED


def test_scaled_bounds_are_violated(certified, held_out):
    made = certified[1]
    factor = 0.3 * made.empirical / made.bound
    assert verify(theirs.pac_bayes_kl.scaled(factor), setting_of(certified, held_out)).status is Status.VIOLATED


def test_a_prior_fitted_on_the_sample_is_named(certified, held_out):
    sample, made = certified
    seen = GaussianPrior(Centre.fitted(made.posterior.prior.centre.network, sample))
    own = made.posterior
    cheat = replace(made, posterior=GaussianPosterior(seen, own.means, own.deviations, own.exponents))
    verdict = verify(theirs.pac_bayes_kl, setting_of((sample, cheat), held_out))
    assert verdict.status is Status.NOT_APPLICABLE
    assert "prior_before_sample: refuted" in verdict.reason


def test_other_samples_and_networks_are_named(certified, held_out):
    other = verify(theirs.pac_bayes_kl, setting_of(certified, held_out, sample=PROBLEM.sample(1500, seed=9)))
    assert other.status is Status.NOT_APPLICABLE
    assert "sample_of_the_certificate: refuted" in other.reason
    deeper = verify(theirs.pac_bayes_kl, setting_of(certified, held_out, network=build("alista", PROBLEM, 9)))
    assert deeper.status is Status.NOT_APPLICABLE
    assert "8 layers of ALISTA" in deeper.reason
    none = verify(theirs.pac_bayes_kl, setting_of(certified, held_out, certificates=[]))
    assert none.status is Status.NOT_APPLICABLE
