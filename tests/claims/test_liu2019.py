"""Theorems 1 to 3 of Liu et al. 2019 and the Frobenius weight: met, not applicable, and false variants refuted."""

import numpy as np
import pytest

from tests.claims.settings import HADAMARD, alista_setting, cp_setting
from unfold_theory.claim import Setting, Status, verify, verify_all
from unfold_theory.claims import liu2019
from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError
from unfold_theory.networks import Alista, Lista
from unfold_theory.problems import BernoulliGaussian, KSparse, SparseRecovery, WorstCase
from unfold_theory.problems.convolution import circulant, convolutional_optimum, convolutional_weight

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


# -- theorem 2 -----------------------------------------------------------------------------------------------------
EYE = np.eye(6)


def coupled_setting(gains, thresholds=0.0, *, weight=EYE, dictionary=EYE, law=None, selected=0):
    where = SparseRecovery(dictionary, law or KSparse(2))
    network = Alista(
        dictionary, len(gains), weights=weight, gains=gains, thresholds=thresholds, selected=selected, gated=False
    )
    return Setting(network, where, where.sample(256, seed=3))


@pytest.mark.parametrize("law", [KSparse(2), KSparse(2, "uniform"), BernoulliGaussian(0.4)], ids=str)
@pytest.mark.parametrize(("thresholds", "selected"), [(0.0, 0), (0.2, 0), (0.5, 2), (-0.1, 0)])
def test_no_coupled_network_beats_the_lower_bound(law, thresholds, selected):
    setting = coupled_setting([0.5, 0.7, 1.4], thresholds, law=law, selected=selected)
    verdict = verify(liu2019.error_lower_bound, setting)
    # Ungated selection and jumps at 0 bring in no false entries here: the columns are orthogonal.
    assert verdict.status is Status.HOLDS, verdict.reason
    assert verdict.coverage == 1.0


def test_the_lower_bound_is_vacuous_after_a_few_layers_of_unit_gain():
    where = SparseRecovery(HADAMARD, KSparse(3))
    network = Alista(HADAMARD, 8, weights=HADAMARD, gains=1.0, thresholds=10.0)
    setting = Setting(network, where, where.sample(256, seed=0))
    verdict = verify(liu2019.error_lower_bound, setting)
    assert verdict.status is Status.VACUOUS
    # I - W_S^T A_S has a zero eigenvalue where three columns of the identity or the Hadamard half meet.
    assert (liu2019._lower_bounds(setting).hi[-1] < 1e-12).all()


def _with_the_norm(s):
    """The bound with the largest singular value in the place of the smallest."""
    gram = s.problem.dictionary.T @ s.network.affine_layers()[0].weight
    rows = []
    for layer in s.network.affine_layers():
        states = [np.eye(m.sum()) - layer.gain * gram.T[np.ix_(m, m)] for m in s.truth != 0]
        rows.append([np.linalg.norm(state, 2) * 3.0 ** -len(state) for state in states])
    bound = liu2019.FAILURE / (3 * s.problem.law.amplitude_density) * np.cumprod(rows, axis=0)
    share = (s.error(2).hi >= bound).mean(axis=1)[:, None]
    return Enclosure.exact(share) >= 1 - liu2019.FAILURE


def _with_any_bound(s):
    """As if some density were known: any positive bound."""
    share = (s.error(2).hi >= 1e-9).mean(axis=1)[:, None]
    return Enclosure.exact(share) >= 1 - liu2019.FAILURE


def test_a_lower_bound_by_the_norm_is_violated():
    weight = np.array([[1.0, 0.9], [1e-3, 1.0]])
    setting = coupled_setting([1.0] * 6, weight=weight, dictionary=np.eye(2))
    # I - W^T A has entries 0.9 and 0.001 off the diagonal: two layers contract by 0.0009, its norm is 0.9.
    assert verify(liu2019.error_lower_bound, setting).status in (Status.HOLDS, Status.VACUOUS)
    assert verify(liu2019.error_lower_bound.concluding(_with_the_norm, "norm"), setting).status is Status.VIOLATED


def uncoupled_setting():
    where, halves = SparseRecovery(EYE, KSparse(2)), np.stack([EYE / 2, EYE / 2])
    network = Lista(EYE, 2, input_weights=halves, state_weights=np.stack([0 * EYE, EYE]), thresholds=[0.0, 0.0])
    return Setting(network, where, where.sample(256, seed=1))


@pytest.mark.parametrize(
    ("dropped", "setting"),
    [
        # Atoms: a threshold of -1/2 maps 1/2 to 1, so that every signal is recovered in one layer.
        ("entries_have_a_density", coupled_setting([0.5], -0.5, law=WorstCase(2))),
        # Uncoupled: x/2, then x/2 + x/2.
        ("weights_coupled", uncoupled_setting()),
    ],
    ids=["atoms", "uncoupled"],
)
def test_the_lower_bound_needs_its_hypotheses(dropped, setting):
    verdict = verify(liu2019.error_lower_bound, setting)
    assert verdict.status is Status.NOT_APPLICABLE
    assert f"{dropped}: refuted" in verdict.reason
    claim = liu2019.error_lower_bound.without(dropped)
    if dropped == "entries_have_a_density":
        claim = claim.concluding(
            lambda s: Enclosure.exact((s.error(2).hi >= 1e-9).mean(axis=1)[:, None]) >= 1 - liu2019.FAILURE,
            "any density",
        )
    assert verify(claim, setting).status is Status.VIOLATED


def test_signals_of_another_origin_are_no_evidence_on_the_law():
    """Codes of size 1e-9 have small errors, whatever the network does; so has a choice of the smallest."""
    drawn = coupled_setting([0.5, 0.7], law=KSparse(1))
    where, network = drawn.problem, drawn.network
    tiny = Setting(network, where, where.batch_from_codes(1e-9 * drawn.truth))
    many = where.sample(8192, seed=5)
    chosen = Setting(network, where, many.subset(np.argsort(np.abs(many.x).sum(axis=1))[:64]))
    other = Setting(network, where, SparseRecovery(EYE, KSparse(1, scale=1e-9)).sample(256, seed=0))
    without = liu2019.error_lower_bound.without("drawn_from_the_law")
    for setting in (tiny, chosen, other):
        verdict = verify(liu2019.error_lower_bound, setting)
        assert verdict.status is Status.NOT_APPLICABLE
        assert "drawn_from_the_law: refuted" in verdict.reason
        assert verify(without, setting).status is Status.VIOLATED
    assert verify(liu2019.error_lower_bound, drawn.subset(range(64, 192))).coverage == 1


def test_a_share_that_fails_too_often_is_violated_with_confidence():
    setting = coupled_setting([0.5, 0.5])
    bound = liu2019._lower_bounds(setting)
    setting._memory[liu2019._lower_bounds] = bound * 1e4
    assert verify(liu2019.error_lower_bound, setting).status is Status.VIOLATED


# -- theorem 3 -----------------------------------------------------------------------------------------------------
FILTERS = np.random.default_rng(4).standard_normal((3, 4))


def convolutional_setting(filters, weights, size):
    dictionary = circulant(filters, size)
    where = SparseRecovery(dictionary, WorstCase(2))
    network = Alista(dictionary, 1, weights=circulant(weights, size), gains=1.0, thresholds=0.1)
    return Setting(network, where, where.sample(4, seed=0))


@pytest.mark.parametrize("size", [7, 8, 13, 30])
def test_one_set_of_filters_is_optimal_for_every_length(size):
    best = verify(
        liu2019.convolutional_lower_bound, convolutional_setting(FILTERS, convolutional_weight(FILTERS), size)
    )
    assert best.status is Status.HOLDS
    assert best.tightness > 1 - 1e-8
    normalised = FILTERS / (FILTERS**2).sum(axis=1, keepdims=True)
    own = verify(liu2019.convolutional_lower_bound, convolutional_setting(FILTERS, normalised, size))
    assert own.status is Status.HOLDS
    assert own.tightness < 0.99


def test_longer_filters_do_better_and_are_bounded_too():
    longer = convolutional_weight(np.pad(FILTERS, [(0, 0), (0, 3)]))
    verdict = verify(liu2019.convolutional_lower_bound, convolutional_setting(FILTERS, longer, 20))
    assert verdict.status is Status.HOLDS
    assert verdict.tightness > 1 - 1e-8
    short = convolutional_optimum(FILTERS, 4)
    assert convolutional_optimum(FILTERS, 7).hi < short.lo


def test_false_variants_of_the_convolutional_bound():
    setting = convolutional_setting(FILTERS, convolutional_weight(FILTERS), 9)
    assert verify(liu2019.convolutional_lower_bound.scaled(1 - 1e-8), setting).status is Status.VIOLATED
    # At N = D correlations wrap around; here those of the first filter cancel.
    filters, weights = np.array([[1.0, 1.0], [2.0, -2.0]]), np.array([[0.5, 0.5], [0.25, -0.25]])
    wrapped = convolutional_setting(filters, weights, 2)
    verdict = verify(liu2019.convolutional_lower_bound, wrapped)
    assert verdict.status is Status.NOT_APPLICABLE
    assert "filters_do_not_wrap: refuted (3 <= 2" in verdict.reason
    without = liu2019.convolutional_lower_bound.without("filters_do_not_wrap")
    assert verify(without, wrapped).status is Status.VIOLATED
    assert verify(without, convolutional_setting(filters, weights, 3)).status is Status.HOLDS


def test_dense_dictionaries_have_no_convolutional_weight():
    verdict = verify(liu2019.convolutional_lower_bound, coupled_setting([1.0], dictionary=HADAMARD, weight=HADAMARD))
    assert verdict.status is Status.NOT_APPLICABLE
    assert "circulant" in verdict.reason


def test_filters_that_cannot_be_used_are_named():
    with pytest.raises(InputError, match="Filter 1 is zero"):
        convolutional_weight([[1.0, 2.0], [0.0, 0.0]])
    with pytest.raises(InputError, match="length 4 on signals of length 3"):
        circulant(FILTERS, 3)
