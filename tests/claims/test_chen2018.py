"""Theorems 1 to 3 of Chen et al. 2018: met where they should be, refuted where they are made too strong."""

from itertools import product

import numpy as np
import pytest

from tests.claims.settings import alista_setting, cp_setting, given, tight_lista
from unfold_theory.claim import Setting, Status, verify
from unfold_theory.claims import chen2018
from unfold_theory.enclosure import Enclosure
from unfold_theory.networks import Lista, ListaCp
from unfold_theory.problems import BernoulliGaussian, KSparse, SparseRecovery, WorstCase
from unfold_theory.rates.theory_networks import lista_cp_of_theory


def literal_selection(s):
    """e_{k+1} = ((s-1) + n_k) mu e_k: the signal's own bound in the place of the class's inside the threshold."""
    sizes = [2.0]
    for p in (layer.selected for layer in s.network.affine_layers()):
        passing = min(p, 2) if 2 * 0.125 * sizes[-1] < 1 else 0
        sizes.append((1 + 2 - passing) * 0.125 * sizes[-1])
    return s.error(2) <= s.up_to_rounding(Enclosure.exact(np.array(sizes[1:])), 2)


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
    assert "sparse_enough: refuted (1.125 < 1)" in verdict.reason
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
        (
            chen2018.support_selection.concluding(literal_selection, "own-bound-in-threshold"),
            cp_setting(2, selected=[1] * 6, depth=6),
        ),
    ],
    ids=[
        "constant",
        "constant-halved",
        "exponent",
        "small-thresholds",
        "large-thresholds",
        "selection-constant",
        "selection-recursion",
    ],
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
    """q_k counts entries that surely pass: a signal with tiny entries keeps paying for them, one without does not."""
    signals = np.zeros((2, 128))
    signals[0, :3], signals[1, :3] = [1.0, -1.0, 1.0], [1.0, 1e-6, -1e-6]
    where = cp_setting(3).problem
    network = lista_cp_of_theory(where, where.dictionary, depth=6, magnitude=1.0, sparsity=3, selected=[3] * 6)
    setting = Setting(network, where, given(signals))
    verdict = verify(chen2018.support_selection, setting)
    assert verdict.status is Status.HOLDS
    large, small = verdict.conclusion.rhs.hi[-1]
    assert large < 0.2 * small


def test_a_gate_that_float64_cannot_decide_is_not_applied():
    """Deep layers with tiny thresholds: a false entry at the threshold rounds above it and passes at full size."""
    unsafe = []
    for magnitude, depth in product((0.3, 0.7, 1.0), (10, 11, 12, 13)):
        where = SparseRecovery(cp_setting(1).problem.dictionary, WorstCase(1, magnitude))
        selected = [0] * (depth - 1) + [3]
        network = lista_cp_of_theory(
            where, where.dictionary, depth=depth, magnitude=magnitude, sparsity=1, selected=selected
        )
        setting = Setting(network, where, where.sample(64, seed=0))
        verdict = verify(chen2018.no_false_positives, setting)
        assert verdict.status is Status.HOLDS
        assert verdict.coverage < 1
        unsafe.append(verify(chen2018.no_false_positives.without("selection_decided"), setting).status)
    assert Status.VIOLATED in unsafe


def test_thresholds_at_the_papers_own_law_are_not_refuted():
    """Exactly mu E_k, without any room: at most undecided by rounding."""
    where = cp_setting(2).problem
    law = 0.125 * 2.0 * 0.375 ** np.arange(6)
    network = ListaCp(where.dictionary, 6, weights=where.dictionary, thresholds=law)
    verdict = verify(chen2018.linear_rate, Setting(network, where, where.sample(30, seed=0)))
    assert verdict.status in (Status.HOLDS, Status.INCONCLUSIVE)


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
    setting = Setting(Lista.for_problem(where, 4), where, where.sample(50, seed=2))
    for claimed in (chen2018.weights_couple, chen2018.thresholds_vanish):
        assert verify(claimed, setting).status is not Status.VIOLATED
    coupled = verify(chen2018.weights_couple, cp_setting(2))
    assert coupled.status is Status.NOT_APPLICABLE
    assert "coupled already" in coupled.reason
    noisy = verify(chen2018.thresholds_vanish, cp_setting(2, noise=0.01))
    assert "noise_free: refuted" in noisy.reason


def test_thresholds_must_match_signs_to_be_bounded():
    """Dropping the sign hypothesis: a layer that kills everything has a threshold above its residual."""
    setting = tight_lista(theta=10.0)
    free = chen2018.thresholds_vanish.without("signs_match", "half_signs_match")
    assert verify(chen2018.thresholds_vanish, setting).coverage < 1
    assert verify(free, tight_lista(excess=0.0, theta=100.0)).status is Status.VIOLATED


def test_starts_and_layers_are_checked():
    setting = cp_setting(2)

    class Shifted(ListaCp):
        def init(self, y):
            return super().init(y) + 0.5

    class Heavy(ListaCp):
        def step(self, k, state, y):
            return 1.1 * super().step(k, state, y)

    first = setting.network
    for kind, named in ((Shifted, "starts_at_zero: refuted"), (Heavy, "layers_as_declared: refuted")):
        network = kind.from_config(first.config(), first.state_dict())
        other = Setting(network, setting.problem, setting.batch)
        assert named in verify(chen2018.linear_rate, other).reason
