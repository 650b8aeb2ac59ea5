"""Theorems 1 to 3 of Chen et al. 2018: met where they should be, refuted where they are made too strong."""

import numpy as np
import pytest

from tests.claims.settings import alista_setting, cp_setting, scaled, tight_lista
from unfold_theory.claim import Status, verify
from unfold_theory.claims import chen2018
from unfold_theory.enclosure import Enclosure
from unfold_theory.networks import Lista
from unfold_theory.problems import BernoulliGaussian, KSparse, SparseRecovery


@pytest.mark.parametrize("sparsity", [1, 2, 3, 4])
@pytest.mark.parametrize("claimed", [chen2018.linear_rate, chen2018.no_false_positives])
def test_theorem_2_holds_on_its_own_network(sparsity, claimed):
    assert verify(claimed, cp_setting(sparsity)).status is Status.HOLDS


@pytest.mark.parametrize("noise", [1e-3, 1e-2])
def test_theorem_2_holds_under_bounded_noise(noise):
    setting = cp_setting(3, noise=noise)
    verdict = verify(chen2018.linear_rate, setting)
    assert verdict.status is Status.HOLDS
    # The floor is really used: without it the bound is violated in late layers.
    bare = chen2018.linear_rate.concluding(
        lambda s: s.error(2) <= (Enclosure.exact(0.625) ** np.arange(1, 9))[:, None] * 3.0, "without-noise-floor"
    )
    assert verify(bare, cp_setting(3, noise=0.3)).status is Status.VIOLATED


def test_sparsity_beyond_the_condition_is_not_applicable():
    verdict = verify(chen2018.linear_rate, cp_setting(5))
    assert verdict.status is Status.NOT_APPLICABLE
    assert "sparse_enough: refuted (5 < 4.5)" in verdict.reason
    assert verdict.observed is not None


@pytest.mark.parametrize(
    ("false_variant", "setting"),
    [
        (chen2018.linear_rate.scaled(0.9), cp_setting(1)),
        (chen2018.linear_rate.scaled(0.5), cp_setting(2)),
        (
            chen2018.linear_rate.concluding(
                lambda s: s.error(2) <= (Enclosure.exact(0.25) ** s.depth.lo.astype(int)) * 2.0, "rate-(2s-2)mu"
            ),
            cp_setting(2),
        ),
        (chen2018.no_false_positives.without("thresholds_large_enough"), cp_setting(1, scale=0.9)),
        (chen2018.linear_rate.without("thresholds_not_larger"), cp_setting(1, scale=2.0)),
        (chen2018.support_selection.scaled(0.5), cp_setting(2, selected=[1] * 8)),
    ],
    ids=["constant", "constant-halved", "exponent", "small-thresholds", "large-thresholds", "selection-constant"],
)
def test_false_variants_are_violated(false_variant, setting):
    verdict = verify(false_variant, setting)
    assert verdict.status is Status.VIOLATED
    assert verdict.witness.replay().refuted.all()


@pytest.mark.parametrize("scale", [0.9, 1.1])
def test_thresholds_off_the_law_are_named(scale):
    verdict = verify(chen2018.linear_rate, cp_setting(2, scale=scale))
    assert verdict.status is Status.NOT_APPLICABLE
    assert "thresholds_large_enough" in verdict.reason if scale < 1 else "thresholds_not_larger" in verdict.reason


def test_gains_and_standard_experiment_are_not_applicable():
    assert "no_gain: refuted" in verify(chen2018.linear_rate, alista_setting(gains=np.full(8, 0.9))).reason
    dense = cp_setting(13, law=BernoulliGaussian(0.1))
    assert verify(chen2018.linear_rate, dense).status is Status.NOT_APPLICABLE


def test_support_selection_is_sharper_than_theorem_2():
    setting = cp_setting(3, selected=[1, 1, 2, 2, 3, 3, 3, 3])
    verdict = verify(chen2018.support_selection, setting)
    assert verdict.status is Status.HOLDS
    plain = verify(chen2018.linear_rate, setting)
    assert plain.status is Status.HOLDS
    assert verdict.conclusion.rhs.hi[-1].max() < 0.5 * plain.conclusion.rhs.hi[-1].max()


def test_small_entries_take_the_gain_away():
    """q_k counts entries above twice the threshold: signals with a tiny entry keep paying for it."""
    law = KSparse(3, amplitude="uniform")
    setting = cp_setting(3, selected=[3] * 8, law=law)
    assert verify(chen2018.support_selection, setting).status is Status.HOLDS


def test_ungated_selection_is_refused():
    setting = cp_setting(2, selected=[4] * 8)
    setting.network.gated = False
    verdict = verify(chen2018.support_selection, setting)
    assert verdict.status is Status.NOT_APPLICABLE
    assert "selection_gated: refuted (4 <= 0" in verdict.reason
    dropped = verify(chen2018.no_false_positives.without("selection_gated"), setting)
    assert dropped.status is Status.VIOLATED


def test_theorem_1_is_attained_and_no_stronger_form_holds():
    setting = tight_lista()
    for claimed in (chen2018.weights_couple, chen2018.thresholds_vanish):
        verdict = verify(claimed, setting)
        # Attained: both sides agree up to rounding, so that only a stronger form is decided.
        assert verdict.tightness == pytest.approx(1.0, abs=1e-9)
        assert verify(claimed.scaled(1 + 1e-9), setting).status is Status.HOLDS
        for factor in (0.99, 0.5):
            assert verify(claimed.scaled(factor), setting).status is Status.VIOLATED


def test_theorem_1_on_an_uncoupled_network_with_noise_or_selection():
    where = SparseRecovery.gaussian(20, 40, law=KSparse(2), seed=3)
    setting_class = type(tight_lista())
    network = Lista.for_problem(where, 4)
    setting = setting_class(network, where, where.sample(50, seed=2))
    for claimed in (chen2018.weights_couple, chen2018.thresholds_vanish):
        assert verify(claimed, setting).status is not Status.VIOLATED
    coupled = verify(chen2018.weights_couple, cp_setting(2))
    assert coupled.status is Status.NOT_APPLICABLE
    assert "coupled already" in coupled.reason
    noisy = verify(chen2018.thresholds_vanish, cp_setting(2, noise=0.01))
    assert "noise_free: refuted" in noisy.reason


def test_thresholds_must_match_signs_to_be_bounded():
    """Dropping the sign hypothesis: a layer that kills everything has large thresholds and small residual rhs."""
    setting = tight_lista(theta=0.25)
    scaled(setting.network, 40.0)
    free = chen2018.thresholds_vanish.without("signs_match", "half_signs_match")
    assert verify(chen2018.thresholds_vanish, setting).status is Status.NOT_APPLICABLE
    assert verify(free, setting).status is Status.VIOLATED
