"""Occam certificates at every depth, on ALISTA trained on 1500 signals, and their false variants."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from unfold_theory.claim import RiskSetting, Status, verify
from unfold_theory.claims import unfoldtheory2026_occam as ours
from unfold_theory.enclosure import Enclosure
from unfold_theory.generalization import (
    BoundTraining,
    Centre,
    ClippedSquaredError,
    Failure,
    NetworkCode,
    binomial_lower,
    occam_certificate,
    occam_upper,
    train_and_certify,
)
from unfold_theory.networks import build
from unfold_theory.problems import SparseRecovery, UnitNorm

PROBLEM = SparseRecovery.gaussian(25, 50, law=UnitNorm(3), snr_db=40.0)
OPTIONS = {"theta": (0.1 * 0.8 ** np.arange(8)).tolist(), "percent": 0}
LOSS = Failure(0.05)


@pytest.fixture(scope="module")
def held_out():
    return PROBLEM.sample(20_000, seed=2)


@pytest.fixture(scope="module")
def certified():
    sample = PROBLEM.sample(1500, seed=1)
    code = NetworkCode(Centre.initial("alista", PROBLEM, 8, **OPTIONS))
    return sample, train_and_certify(code, sample, BoundTraining(steps=400), all_depths=True)


def setting_of(certified, held_out, **changed):
    sample, made = certified
    options = {"network": made.network, "sample": sample, "loss": LOSS, "certificates": [made]} | changed
    network, own = options.pop("network"), options.pop("sample")
    return RiskSetting(network, PROBLEM, own, held_out, **options)


def test_occam_all_depths_holds(certified, held_out):
    setting = setting_of(certified, held_out)
    verdict = verify(ours.occam_all_depths, setting)
    assert verdict.status is Status.HOLDS
    bound = setting.cached(ours.occam_bound)
    np.testing.assert_allclose(bound.hi[:, 0], certified[1].bound, rtol=1e-6)
    assert bound.hi[-1, 0] < 0.2
    assert bound.delta == 0.01


def test_it_holds_for_losses_in_an_interval(certified, held_out):
    sample, made = certified
    loss = ClippedSquaredError()
    other = occam_certificate(made.code, made.word, sample, loss=loss, all_depths=True)
    setting = setting_of(certified, held_out, loss=loss, certificates=[other])
    assert verify(ours.occam_all_depths, setting).status is Status.HOLDS


def test_training_risk_as_the_bound_is_violated(held_out):
    """The complexity is dropped altogether: a network chosen among many for its training risk on 30 signals."""
    sample = PROBLEM.sample(30, seed=5)
    code = NetworkCode(Centre.initial("lista-cpss", PROBLEM, 2, init="frobenius", tied=False))
    trained = build("lista-cpss", PROBLEM, 2, init="frobenius", tied=False)
    x, y = (torch.tensor(part) for part in (sample.x, sample.y))
    optimiser = torch.optim.Adam(trained.parameters(), lr=1e-2)
    for _ in range(300):
        optimiser.zero_grad()
        ((trained(y) - x) ** 2).sum().backward()
        optimiser.step()
    word = code.quantise(trained, {g.name: 8 for g in code.coordinates.groups})
    made = occam_certificate(code, word, sample, loss=LOSS, all_depths=True)
    setting = setting_of((sample, made), held_out)
    assert verify(ours.occam_all_depths, setting).status is Status.VACUOUS

    def without_complexity(s):
        return s.risk <= ours.bound_of(s, np.zeros(2), made.delta)

    dropped = ours.occam_all_depths.concluding(without_complexity, "no-complexity")
    assert verify(dropped, setting).status is Status.VIOLATED
    empirical = ours.occam_all_depths.concluding(lambda s: s.risk <= s.empirical_risk, "training-risk")
    assert verify(empirical, setting).status is Status.VIOLATED


def test_scaled_bounds_are_violated(certified, held_out):
    assert verify(ours.occam_all_depths.scaled(0.5), setting_of(certified, held_out)).status is Status.VIOLATED


def test_a_prior_fitted_on_the_sample_is_named(certified, held_out):
    sample, made = certified
    seen = NetworkCode(Centre.fitted(made.network, sample))
    word = seen.quantise(made.network, {g.name: 4 for g in seen.coordinates.groups})
    cheat = replace(made, code=seen, word=word)
    verdict = verify(ours.occam_all_depths, setting_of(certified, held_out, certificates=[cheat]))
    assert verdict.status is Status.NOT_APPLICABLE
    assert "prior_before_sample: refuted" in verdict.reason


def test_another_network_sample_or_law_is_named(certified, held_out):
    sample, made = certified
    start = build("alista", PROBLEM, 8, **OPTIONS)
    for changed, cause in [
        ({"network": start}, "network_of_the_word: refuted"),
        ({"sample": PROBLEM.sample(1500, seed=7)}, "sample_of_the_certificate: refuted"),
        ({"certificates": []}, "OccamCertificate"),
        ({"certificates": [occam_certificate(made.code, made.word, sample, loss=LOSS)]}, "all_depths"),
    ]:
        verdict = verify(ours.occam_all_depths, setting_of(certified, held_out, **changed))
        assert verdict.status is Status.NOT_APPLICABLE
        assert cause in verdict.reason
    noisy = SparseRecovery.gaussian(25, 50, law=UnitNorm(3), snr_db=20.0).sample(4000, seed=2)
    shifted = verify(ours.occam_all_depths, setting_of(certified, noisy))
    assert shifted.status is Status.NOT_APPLICABLE
    assert "one_law: refuted" in shifted.reason
    again = verify(ours.occam_all_depths, setting_of(certified, sample))
    assert "held_out_is_fresh: refuted" in again.reason


def test_without_the_hypothesis_on_the_law_shift_violates(certified):
    noisy = SparseRecovery.gaussian(25, 50, law=UnitNorm(6), snr_db=10.0).sample(4000, seed=2)
    shifted = setting_of(certified, noisy)
    assert verify(ours.occam_all_depths.without("one_law"), shifted).status is Status.VIOLATED


def test_no_union_over_depths_is_caught_by_coverage():
    """60 predictors ("depths") of risk 0.1 with independent losses, 300 resamples, delta = 0.1 without the split."""
    rng = np.random.default_rng(3)
    failed = {1: 0, 60: 0}
    fewest = rng.binomial(100, 0.1, size=(300, 60)).min(axis=1).tolist()
    for depths in failed:
        limit = {k: occam_upper(_losses(k), np.log(depths), 0.1, binary=True) for k in set(fewest)}
        failed[depths] = sum(limit[k] < 0.1 for k in fewest)
    assert float(binomial_lower(failed[60], 300, 0.01)) <= 0.1 < float(binomial_lower(failed[1], 300, 0.01))


def _losses(k):
    return np.concatenate([np.ones(k), np.zeros(100 - k)])


def test_reads_are_enclosures(certified, held_out):
    found = ours.occam_all_depths.conclude(setting_of(certified, held_out))
    assert isinstance(found.rhs, Enclosure)
    assert found.shape == (8, 1)
