"""Theorem 1 of Liu et al. 2019 and the Frobenius weight: met, not applicable, and false variants refuted."""

import numpy as np
import pytest

from tests.claims.settings import alista_setting, cp_setting
from unfold_theory.claim import Setting, Status, verify, verify_all
from unfold_theory.claims import liu2019
from unfold_theory.enclosure import Enclosure
from unfold_theory.networks import Alista
from unfold_theory.problems import SparseRecovery, WorstCase

GAINS = np.array([1.0, 0.9, 1.1, 1.0, 1.2, 0.8, 1.0, 1.0])


@pytest.mark.parametrize("gains", [None, GAINS], ids=["unit", "varied"])
@pytest.mark.parametrize("sparsity", [2, 3, 4])
def test_theorem_1_holds_on_its_own_network(gains, sparsity):
    # At s = 4 the range of gains ends at 2 / (1 + 7/8) = 1.067, below 1.1.
    beyond = sparsity == 4 and gains is not None
    setting = alista_setting(sparsity, gains=gains)
    for claimed in (liu2019.linear_rate, liu2019.no_false_positives):
        verdict = verify(claimed, setting)
        assert verdict.status is (Status.NOT_APPLICABLE if beyond else Status.HOLDS)
        assert ("gains_in_range: refuted" in verdict.reason) == beyond


@pytest.mark.parametrize(
    ("false_variant", "setting"),
    [
        (liu2019.linear_rate.scaled(0.5), alista_setting(2)),
        (
            liu2019.linear_rate.concluding(
                lambda s: s.error(2) <= 2.0 * Enclosure.exact(0.375) ** (s.depth.lo.astype(int) + 1), "exponent"
            ),
            alista_setting(2),
        ),
        (liu2019.no_false_positives.without("thresholds_large_enough"), alista_setting(2, scale=0.6)),
        (liu2019.linear_rate.without("thresholds_not_larger"), alista_setting(2, scale=3.0)),
    ],
    ids=["constant-halved", "exponent-raised", "small-thresholds", "large-thresholds"],
)
def test_false_variants_are_violated(false_variant, setting):
    assert verify(false_variant, setting).status is Status.VIOLATED


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        (alista_setting(2, gains=np.full(8, 1.5)), "gains_in_range: refuted"),
        (alista_setting(2, scale=0.9), "thresholds_large_enough: refuted"),
        (alista_setting(5), "sparse_enough: refuted (1.125 < 1)"),
        (cp_setting(1), "at_least_two_nonzeros: refuted"),
        (cp_setting(2, noise=0.01), "noise_free: refuted"),
    ],
    ids=["gains", "thresholds", "sparsity", "one-sparse", "noise"],
)
def test_what_fails_is_named(setting, named):
    verdict = verify(liu2019.linear_rate, setting)
    assert verdict.status is Status.NOT_APPLICABLE
    assert named in verdict.reason


def test_rank_deficient_dictionaries_have_no_frobenius_weight():
    tall = SparseRecovery(np.random.default_rng(0).standard_normal((8, 5)), WorstCase(2))
    network = Alista(tall.dictionary, 2, weights=tall.dictionary, gains=1.0, thresholds=0.1)
    verdict = verify(liu2019.frobenius_lower_bound, Setting(network, tall, tall.sample(3, seed=0)))
    assert verdict.status is Status.NOT_APPLICABLE
    assert "invertible" in verdict.reason


def test_a_network_that_diverges_does_not_stop_the_others():
    setting = alista_setting(2)
    for gain in setting.network.gains:
        gain.data.fill_(1e200)
    assert "finite values" in verify(liu2019.linear_rate, setting).reason
    assert verify_all([liu2019.linear_rate], [setting, alista_setting(2)])[1].status is Status.HOLDS


def test_frobenius_bound_is_attained_by_the_closed_form_only():
    where = SparseRecovery.gaussian(20, 40, law=WorstCase(2), seed=5)
    for weight, close in (("frobenius", True), (where.dictionary, False)):
        setting = Setting(Alista.for_problem(where, 2, weight=weight), where, where.sample(4, seed=0))
        verdict = verify(liu2019.frobenius_lower_bound, setting)
        assert verdict.status is Status.HOLDS
        assert (verdict.tightness > 1 - 1e-8) == close
        assert verify(liu2019.frobenius_lower_bound.scaled(1 - 1e-8), setting).status is (
            Status.VIOLATED if close else Status.HOLDS
        )
