"""The layer certificate: sound on networks of every kind, tight where it can be, and not provable when weakened."""

import numpy as np
import pytest

from tests.claims.settings import HADAMARD, alista_setting, cp_setting
from unfold_theory.claim import Setting, Status, verify
from unfold_theory.claims import unfoldtheory2026 as ours
from unfold_theory.networks import NETWORKS, Lista
from unfold_theory.problems import BernoulliGaussian, KSparse, SparseRecovery

CERTIFICATES = [ours.class_certificate, ours.sample_certificate, ours.no_false_positives]


@pytest.mark.parametrize("claimed", CERTIFICATES, ids=lambda c: c.id)
@pytest.mark.parametrize(
    "setting",
    [
        cp_setting(3),
        cp_setting(3, noise=0.01),
        cp_setting(3, scale=1.3),
        cp_setting(3, selected=[1, 1, 2, 2, 3, 3, 3, 3]),
        alista_setting(2, gains=np.full(8, 1.05)),
    ],
    ids=["cp", "noise", "large-thresholds", "cpss", "alista"],
)
def test_holds_where_thresholds_reach(claimed, setting):
    assert verify(claimed, setting).status is Status.HOLDS


def test_signal_certificate_is_never_weaker():
    for setting in (cp_setting(3), cp_setting(3, noise=0.01), alista_setting(2)):
        each, uniform = setting.cached(ours.each).bound, setting.cached(ours.uniform).bound
        assert (each.hi <= uniform.hi[:, None] * (1 + 1e-9)).all()


@pytest.mark.parametrize(
    ("false_variant", "setting"),
    [
        (ours.class_certificate.scaled(0.9), cp_setting(1)),
        (ours.class_certificate.scaled(0.9), cp_setting(2)),
        (ours.sample_certificate.scaled(0.9), cp_setting(2)),
        (ours.no_false_positives.without("sample_thresholds_reach"), cp_setting(1, scale=0.9)),
    ],
    ids=["class-s1", "class-s2", "signal", "support"],
)
def test_false_variants_are_violated(false_variant, setting):
    verdict = verify(false_variant, setting)
    assert verdict.status is Status.VIOLATED
    assert verdict.witness.replay().refuted.all()


def test_ungated_selection_breaks_it():
    setting = cp_setting(2, selected=[4] * 8)
    setting.network.gated = False
    assert verify(ours.no_false_positives, setting).status is Status.NOT_APPLICABLE
    assert verify(ours.no_false_positives.without("selection_gated"), setting).status is Status.VIOLATED


def test_negative_threshold_is_not_applicable():
    verdict = verify(ours.sample_certificate, cp_setting(2, scale=-1.0))
    assert verdict.status is Status.NOT_APPLICABLE
    assert "thresholds_nonnegative: refuted" in verdict.reason


@pytest.mark.parametrize("name", [n for n in NETWORKS if n != "fista"])
def test_never_violated_on_random_problems(name):
    """An attack: random small dictionaries, laws and noise, networks at their initialisation with raised thresholds."""
    for seed in range(4):
        law = KSparse(2) if seed % 2 else BernoulliGaussian(0.1)
        where = SparseRecovery.gaussian(16, 24, law=law, snr_db=20.0 if seed >= 2 else None, seed=seed)
        network = NETWORKS[name].for_problem(where, 4)
        setting = Setting(network, where, where.sample(40, seed=seed))
        for claimed in CERTIFICATES:
            assert verify(claimed, setting).status is not Status.VIOLATED


def test_uncoupled_weights_enter_with_their_mismatch():
    """A LISTA network perturbed off the coupling: certified with D, violated if D is forgotten."""
    generator = np.random.default_rng(0)
    coupled = cp_setting(2)
    state = np.eye(128) - HADAMARD.T @ HADAMARD + 1e-3 * generator.standard_normal((128, 128))
    network = Lista(HADAMARD, 3, input_weights=HADAMARD.T, state_weights=state, thresholds=np.array([0.6, 0.5, 0.4]))
    setting = Setting(network, coupled.problem, coupled.batch)
    assert verify(ours.sample_certificate, setting).status is Status.HOLDS
    bound = setting.cached(ours.each)
    assert (bound.required.hi > 0.125 * np.abs(coupled.batch.x).sum(axis=1)[None]).any()


def test_momentum_is_not_applicable_with_a_reason():
    where = SparseRecovery.gaussian(16, 24, seed=0)
    setting = Setting(NETWORKS["fista"].for_problem(where, 3), where, where.sample(5, seed=0))
    verdict = verify(ours.class_certificate, setting)
    assert verdict.status is Status.NOT_APPLICABLE
    assert "FISTA cannot be used with" in verdict.reason
