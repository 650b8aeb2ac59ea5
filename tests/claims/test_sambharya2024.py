"""Optimisers fixed before the sample: ISTA and an untrained ALISTA; a trained one is named as not fixed."""

import numpy as np
import pytest
import torch

from unfold_theory.claim import RiskSetting, Status, verify
from unfold_theory.claims import sambharya2024 as theirs
from unfold_theory.enclosure import Enclosure
from unfold_theory.generalization import Centre, ClippedSquaredError, Failure, binomial_lower, kl_upper
from unfold_theory.networks import build
from unfold_theory.problems import SparseRecovery, UnitNorm

PROBLEM = SparseRecovery.gaussian(25, 50, law=UnitNorm(3), snr_db=40.0)
OPTIONS = {"theta": (0.1 * 0.8 ** np.arange(8)).tolist(), "percent": 0}
LOSS = Failure(0.05)


def setting_of(centre, *, network=None, count=300, seed=1, loss=LOSS, held_out=20_000, **options):
    sample, fresh = PROBLEM.sample(count, seed=seed), PROBLEM.sample(held_out, seed=2)
    made = {"certificates": [centre], "delta": 0.05} | options
    return RiskSetting(network or centre.network, PROBLEM, sample, fresh, loss=loss, **made)


@pytest.mark.parametrize("loss", [LOSS, ClippedSquaredError()], ids=["failure", "clipped"])
@pytest.mark.parametrize("network", ["ista", "alista"])
def test_sample_convergence_holds(network, loss):
    options = OPTIONS if network == "alista" else {"lam": 0.05}
    setting = setting_of(Centre.initial(network, PROBLEM, 8, **options), loss=loss)
    verdict = verify(theirs.sample_convergence, setting)
    assert verdict.status in (Status.HOLDS, Status.VACUOUS)
    assert verdict.conclusion.holds.all()


def test_over_many_samples_it_fails_no_more_than_delta():
    """200 samples of 100 signals, delta = 0.05, all 8 depths at once; the halved level fails in more than delta."""
    centre = Centre.initial("alista", PROBLEM, 8, **OPTIONS)
    losses = setting_of(centre, count=20_000, seed=4).training_losses
    truth = losses.mean(axis=1)
    failed = {1.0: 0, 0.1: 0}
    for i in range(200):
        seen = losses[:, 100 * i : 100 * (i + 1)].mean(axis=1)
        for factor in failed:
            limit = np.asarray(kl_upper(seen, factor * np.log(2 * 8 / 0.05) / 100))
            failed[factor] += bool((limit < truth).any())
    assert float(binomial_lower(failed[1.0], 200, 0.01)) <= 0.05 < float(binomial_lower(failed[0.1], 200, 0.01))


def test_scaled_bounds_and_training_risk_are_violated():
    setting = setting_of(Centre.initial("alista", PROBLEM, 8, **OPTIONS), count=4000)
    assert verify(theirs.sample_convergence, setting).status is Status.HOLDS
    assert verify(theirs.sample_convergence.scaled(0.7), setting).status is Status.VIOLATED


def overfitted():
    network = build("lista-cpss", PROBLEM, 2, init="frobenius", tied=False)
    sample = PROBLEM.sample(30, seed=1)
    x, y = (torch.tensor(part) for part in (sample.x, sample.y))
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(300):
        optimiser.zero_grad()
        ((network(y) - x) ** 2).sum().backward()
        optimiser.step()
    return network, sample


def test_a_trained_network_is_not_fixed_and_would_violate():
    network, sample = overfitted()
    start = Centre.initial("lista-cpss", PROBLEM, 2, init="frobenius", tied=False)
    for centre in (start, Centre.fitted(network, sample)):
        setting = setting_of(centre, network=network, count=30)
        verdict = verify(theirs.sample_convergence, setting)
        assert verdict.status is Status.NOT_APPLICABLE
        assert "fixed_before_sample: refuted" in verdict.reason
        dropped = theirs.sample_convergence.without("fixed_before_sample")
        assert verify(dropped, setting).status is Status.VIOLATED


def test_fitted_on_other_signals_is_fixed():
    network, sample = overfitted()
    setting = setting_of(Centre.fitted(network, sample), network=network, count=300, seed=8)
    assert verify(theirs.sample_convergence, setting).status in (Status.HOLDS, Status.VACUOUS)


def test_another_architecture_is_named():
    centre = Centre.initial("alista", PROBLEM, 8, **OPTIONS)
    verdict = verify(theirs.sample_convergence, setting_of(centre, network=build("ista", PROBLEM, 8)))
    assert verdict.status is Status.NOT_APPLICABLE
    assert "ALISTA" in verdict.reason
    assert isinstance(theirs.bound(setting_of(centre)), Enclosure)
