import json
import sys
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from unfold_theory.claim import RiskSetting, Status, claim, verify
from unfold_theory.claim.statement import CLAIMS
from unfold_theory.enclosure import Basis
from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.generalization import ClippedSquaredError, Failure, HalfDistance, clopper_pearson
from unfold_theory.networks import build
from unfold_theory.problems import FiniteSample, SparseRecovery, UnitNorm

PROBLEM = SparseRecovery.gaussian(12, 24, law=UnitNorm(2), snr_db=40.0)
SAMPLE, HELD_OUT = PROBLEM.sample(40, seed=1), PROBLEM.sample(300, seed=2)
NETWORK = build("alista", PROBLEM, 4)


def setting(**options):
    chosen = {"loss": Failure(0.2), "delta": 0.1} | options
    return RiskSetting(NETWORK, PROBLEM, SAMPLE, HELD_OUT, **chosen)


def test_shapes_and_what_they_contain():
    s = setting()
    assert s.shape == (4, 1)
    assert s.depth.mid.tolist() == [[1], [2], [3], [4]]
    assert s.training_size == 40
    assert s.training_losses.shape == (4, 40)
    np.testing.assert_allclose(s.empirical_risk.mid[:, 0], s.training_losses.mean(axis=1))
    assert s.risk.shape == s.gap.shape == (4, 1)
    assert (s.risk.basis, s.risk.delta) == (Basis.CONFIDENCE, 0.1)
    assert (s.gap.lo <= s.risk.lo - s.empirical_risk.lo).all()
    json.dumps(s.recipe())
    assert "40 signals" in s.place


def test_delta_is_split_over_depths():
    s = setting()
    one = clopper_pearson(s.held_out_losses.sum(axis=1).astype(int), 300, 0.1)
    assert 0.1 * (1 - 1e-15) < 4 * s.delta_each <= 0.1
    assert ((s.risk.lo[:, 0] < one.lo) | (one.lo == 0)).all()
    assert ((s.risk.hi[:, 0] > one.hi) | (one.hi == 1)).all()


@pytest.mark.parametrize("loss", [Failure(0.2), ClippedSquaredError(), HalfDistance()])
def test_risks_lie_within_their_limits(loss):
    s = setting(loss=loss, delta=1e-4)
    truth = loss(_codes(20_000), PROBLEM.sample(20_000, seed=9).x)
    assert s.risk.contains(truth.mean(axis=1)[:, None]).all()
    assert (s.risk.width < 1).any()


def _codes(count):
    with torch.no_grad():
        return NETWORK.iterates(torch.tensor(PROBLEM.sample(count, seed=9).y)).numpy()[1:]


def test_chunks_change_nothing(monkeypatch):
    whole = setting(loss=ClippedSquaredError()).held_out_losses
    # The package also exports a function of the name claim.
    monkeypatch.setattr(sys.modules["unfold_theory.claim.risk_setting"], "_CHUNK", 7)
    np.testing.assert_allclose(setting(loss=ClippedSquaredError()).held_out_losses, whole, rtol=1e-12)


def test_signals_seen_and_laws_changed():
    assert setting().signals_seen.hi == 0
    assert setting().law_changed.hi == 0
    mixed = RiskSetting(NETWORK, PROBLEM, SAMPLE, PROBLEM.sample(50, seed=1), loss=Failure())
    assert mixed.signals_seen.lo == 40
    other = SparseRecovery.gaussian(12, 24, law=UnitNorm(3), snr_db=40.0)
    moved = RiskSetting(NETWORK, PROBLEM, SAMPLE, other.sample(10, seed=2), loss=Failure())
    assert moved.law_changed.lo == 1
    given = PROBLEM.batch_from_codes(SAMPLE.x, seed=5)
    unknown = RiskSetting(NETWORK, PROBLEM, given, HELD_OUT, loss=Failure()).law_changed
    assert (unknown.lo, unknown.hi) == (0, 1)


@dataclass(frozen=True)
class Note:
    risk: float


def test_certificates_are_found_by_type():
    s = setting(certificates=[Note(0.5)])
    assert s.certificate(Note).risk == 0.5
    with pytest.raises(MissingStructure, match="certificate of type int"):
        s.certificate(int)


def test_the_verifier_reads_it():
    try:

        @claim(source="nobody2026", theorem="derived", trivial=lambda s: 1.0, conjecture=True)
        def noted(s: RiskSetting):
            r"""$R\\le$ what was noted."""
            return s.risk <= s.certificate(Note).risk

        kind = CLAIMS["nobody2026.noted"]
        assert verify(kind, setting(certificates=[Note(0.999)])).status in (Status.HOLDS, Status.INCONCLUSIVE)
        wrong = verify(kind, setting(certificates=[Note(1e-3)], loss=Failure(1e-6)))
        assert wrong.status is Status.VIOLATED
        assert wrong.witness is not None
        assert wrong.witness.replay().refuted.all()
        assert verify(kind, setting()).status is Status.NOT_APPLICABLE
    finally:
        CLAIMS.pop("nobody2026.noted", None)


def test_a_network_that_diverges_is_not_applicable():
    broken = build("ista", PROBLEM, 3, lam=0.1)
    for step in broken.parameters():
        step.data.fill_(1e200)
    with pytest.raises(MissingStructure, match="finite values"):
        _ = RiskSetting(broken, PROBLEM, SAMPLE, HELD_OUT, loss=Failure()).risk


def test_training_on_a_finite_sample_goes_through_the_cache(tmp_path):
    from unfold_theory.store import Store
    from unfold_theory.training import TrainingConfig

    sample = FiniteSample(PROBLEM, 40, seed=1)
    config = TrainingConfig(steps=10, decays=(), patience=None, validation_size=40, batch_size=20)
    found = Store(tmp_path).trained("alista", sample, 3, config)
    again = Store(tmp_path).trained("alista", sample, 3, config)
    np.testing.assert_array_equal(sample.batch.y, SAMPLE.y)
    for a, b in zip(found.network.parameters(), again.network.parameters(), strict=True):
        np.testing.assert_array_equal(a.detach(), b.detach())
    assert RiskSetting(found.network, PROBLEM, sample.batch, HELD_OUT, loss=Failure()).risk.shape == (3, 1)


@pytest.mark.parametrize(
    "make",
    [
        lambda: setting(delta=0.0),
        lambda: setting(delta=1.0),
        lambda: setting(delta=float("nan")),
        lambda: RiskSetting(NETWORK, PROBLEM, SAMPLE, HELD_OUT.subset(slice(0, 0)), loss=Failure()),
        lambda: RiskSetting(NETWORK, PROBLEM, SparseRecovery.gaussian(8, 24).sample(3, seed=0), SAMPLE, loss=Failure()),
        lambda: setting().subset([1]),
    ],
)
def test_bad_input_is_named(make):
    with pytest.raises(InputError):
        make()
