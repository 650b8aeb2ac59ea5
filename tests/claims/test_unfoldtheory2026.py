"""The layer certificate: sound on networks of every kind, tight where it can be, and not provable when weakened."""

import numpy as np
import pytest
import torch

from tests.claims.settings import HADAMARD, alista_setting, cp_setting, given, problem
from unfold_theory.claim import Setting, Status, verify
from unfold_theory.claims import unfoldtheory2026 as ours
from unfold_theory.enclosure import Enclosure
from unfold_theory.networks import NETWORKS, Alista, Lista
from unfold_theory.problems import BernoulliGaussian, KSparse, SparseRecovery, WorstCase
from unfold_theory.rates.master_lemma import sample_bound

CERTIFICATES = [
    ours.class_certificate,
    ours.sample_certificate,
    ours.no_false_positives,
    ours.instance_certificate,
    ours.instance_no_false_positives,
    ours.unconditional_certificate,
    ours.false_positives_counted,
]


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
        (ours.instance_certificate.scaled(0.9), cp_setting(2)),
        (ours.instance_no_false_positives.without("instance_thresholds_reach"), cp_setting(1, scale=0.9)),
    ],
    ids=["class-s1", "class-s2", "signal", "support", "instance", "instance-support"],
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
    assert verify(ours.instance_no_false_positives, setting).status is Status.NOT_APPLICABLE
    unsafe = ours.instance_no_false_positives.without("instance_selection_safe")
    assert verify(unsafe, setting).status is Status.VIOLATED


def test_ungated_selection_of_entries_that_stand_out_is_safe():
    """What the released NA-ALISTA networks do: the largest entries pass in any case. Here they surely are support."""
    setting = cp_setting(3, selected=[0, 1, 2, 3, 3, 3, 3, 3])
    setting.network.gated = False
    assert verify(ours.sample_certificate, setting).coverage < 1
    for claimed in (ours.instance_certificate, ours.instance_no_false_positives):
        verdict = verify(claimed, setting)
        assert verdict.status is Status.HOLDS
        assert verdict.coverage == 1


def test_negative_threshold_is_not_applicable():
    verdict = verify(ours.sample_certificate, cp_setting(2, scale=-1.0))
    assert verdict.status is Status.NOT_APPLICABLE
    assert "thresholds_nonnegative: refuted" in verdict.reason


def raised(network, where, batch):
    """Thresholds raised layer by layer until the signal certificate applies, so that it can be violated at all."""
    for k, threshold in enumerate(network.thresholds):
        need = sample_bound(network, where.dictionary, batch.x, batch.noise).required
        threshold.data.fill_(need.hi[k].max().item() * (1 + 1e-9))
    return network


LEARNED = [n for n, c in NETWORKS.items() if n not in ("ista", "slista") and not (c.accelerated or c.adaptive)]


@pytest.mark.parametrize("name", LEARNED)
def test_never_violated_on_random_problems(name):
    """An attack: small random dictionaries, laws, noise and weights, thresholds just large enough."""
    for seed in range(4):
        law = KSparse(2) if seed % 2 else BernoulliGaussian(0.1)
        where = SparseRecovery.gaussian(16, 24, law=law, snr_db=20.0 if seed >= 2 else None, seed=seed)
        batch = where.sample(40, seed=seed)
        options = {"theta": [0.1] * 3} | ({"init": "frobenius"} if "lista-c" in name else {})
        network = raised(NETWORKS[name].for_problem(where, 3, **options), where, batch)
        setting = Setting(network, where, batch)
        claims = [ours.sample_certificate, ours.no_false_positives]
        if all(layer.coupled for layer in network.affine_layers()):
            claims += [ours.instance_certificate, ours.instance_no_false_positives]
            claims += [ours.unconditional_certificate, ours.false_positives_counted]
        for claimed in claims:
            verdict = verify(claimed, setting)
            assert verdict.status in (Status.HOLDS, Status.VACUOUS)
            assert verdict.coverage > 0.99


def test_ill_conditioned_dictionaries_are_allowed_their_rounding():
    """At condition 1e6 the weights are large and so is what float64 loses: not a violation."""
    where = SparseRecovery.ill_conditioned(16, 16, 1e6, law=WorstCase(2), seed=0)
    batch = where.sample(40, seed=1)
    network = Alista.for_problem(where, 3, theta=[0.1] * 3, percent=0)
    setting = Setting(raised(network, where, batch), where, batch)
    for claimed in CERTIFICATES[1:3]:
        assert verify(claimed, setting).status in (Status.HOLDS, Status.VACUOUS)


def test_zero_signals_do_not_blur_a_batch():
    where = cp_setting(2).problem
    signals = np.zeros((3, 128))
    signals[0, :2] = 1.0
    setting = Setting(cp_setting(2).network, where, given(signals))
    assert verify(ours.sample_certificate, setting).status is Status.HOLDS


def test_uncoupled_weights_enter_with_their_mismatch():
    """A LISTA network perturbed off the coupling: certified with D, violated if D is forgotten."""
    coupled = cp_setting(2)
    state = np.eye(128) - HADAMARD.T @ HADAMARD + 0.02 * np.eye(128)
    network = Lista(HADAMARD, 6, input_weights=HADAMARD.T, state_weights=state, thresholds=np.full(6, 0.1))
    setting = Setting(raised(network, coupled.problem, coupled.batch), coupled.problem, coupled.batch)
    assert verify(ours.sample_certificate, setting).status is Status.HOLDS

    def forgetful(s):
        theta = np.array([float(layer.threshold) for layer in s.network.affine_layers()])
        size = [np.abs(s.truth).sum(axis=1)]
        for k in range(6):
            size.append((0.02 * (k > 0) + 0.125) * size[-1] + 2 * theta[k])
        shrinking = Enclosure.exact(np.stack(size[1:]) - 0.02 * np.abs(s.truth).sum(axis=1))
        return s.error(1) <= s.up_to_rounding(shrinking, 1)

    forgotten = ours.sample_certificate.concluding(forgetful, "without-mismatch")
    assert verify(forgotten, setting).status is Status.VIOLATED


def test_momentum_is_not_applicable_with_a_reason():
    where = SparseRecovery.gaussian(16, 24, seed=0)
    setting = Setting(NETWORKS["fista"].for_problem(where, 3), where, where.sample(5, seed=0))
    verdict = verify(ours.class_certificate, setting)
    assert verdict.status is Status.NOT_APPLICABLE
    assert "FISTA cannot be used with" in verdict.reason


# -- whatever the thresholds and the selection are -----------------------------------------------------------------
def ungated(sparsity, selected, *, scale=1.0, noise=0.0):
    setting = cp_setting(sparsity, selected=[selected] * 8, scale=scale, noise=noise)
    setting.network.gated = False
    return setting


@pytest.mark.parametrize(
    ("setting", "wrong"),
    [
        (ungated(2, 4), True),
        (ungated(2, 3, scale=0.5), True),
        (ungated(2, 3, noise=0.01), True),
        (ungated(2, 2), False),
    ],
    ids=["too-many", "short-thresholds", "noise", "safe"],
)
def test_ungated_layers_are_bounded_all_the_same(setting, wrong):
    for claimed in (ours.unconditional_certificate, ours.false_positives_counted):
        verdict = verify(claimed, setting)
        assert verdict.status is Status.HOLDS
        assert verdict.coverage == 1
    assert setting.off_support.hi.any() == wrong


def test_it_is_never_weaker_than_the_instance_certificate():
    for setting in (cp_setting(3), cp_setting(3, noise=0.01), cp_setting(3, selected=[2] * 8), alista_setting(2)):
        known, found = setting.cached(ours.instance).bound, setting.cached(ours.unconditional).bound
        assert (found.hi <= known.hi * (1 + 1e-9)).all()


def _one_false_entry_less(s):
    counted = Enclosure.exact(s.cached(ours.unconditional).false_positives - 1.0)
    wrong = ((s.iterates[1:] != 0) & (s.truth == 0)).sum(axis=-1)
    return Enclosure.exact(wrong.astype(float)) <= counted


def _without_false_entries(s):
    bound = s.cached(ours.unconditional)
    return s.error(1) <= bound.bound - bound.off_support


@pytest.mark.parametrize(
    ("false_variant", "setting"),
    [
        (ours.unconditional_certificate.scaled(0.9), ungated(1, 1, scale=0.5)),
        (ours.unconditional_certificate.concluding(_without_false_entries, "no-false-entries"), ungated(2, 4)),
        (ours.false_positives_counted.concluding(_one_false_entry_less, "one-less"), ungated(2, 4)),
        (ours.false_positives_counted.scaled(0.5), ungated(2, 4)),
    ],
    ids=["bound", "no-false-entries", "one-less", "halved"],
)
def test_false_unconditional_variants_are_violated(false_variant, setting):
    assert verify(false_variant, setting).status is Status.VIOLATED


NO_SUCH_LAYERS = ("lista", "lista-tied", "glista", "ada-lista", "admm", "orthogonal-dictionary")
"""Not coupled, gated, or thresholds in another basis."""


@pytest.mark.parametrize("name", [n for n in NETWORKS if n not in ("fista", "aglista")])
def test_unconditional_bound_is_never_violated_by_trained_looking_networks(name):
    """An attack: random dictionaries and parameters, thresholds of both signs, ungated selection."""
    cells = 0
    for seed in range(3):
        where = SparseRecovery.gaussian(
            16, 24, law=BernoulliGaussian(0.1), snr_db=20.0 if seed % 2 else None, seed=seed
        )
        batch = where.sample(40, seed=seed)
        network = NETWORKS[name].for_problem(where, 4)
        draw = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(0.2 * torch.randn(parameter.shape, generator=draw, dtype=parameter.dtype))
        network.gated = False
        setting = Setting(network, where, batch)
        for claimed in (ours.unconditional_certificate, ours.false_positives_counted):
            verdict = verify(claimed, setting)
            if name in NO_SUCH_LAYERS:
                assert verdict.status is Status.NOT_APPLICABLE
                continue
            assert verdict.status in (Status.HOLDS, Status.VACUOUS)
            assert verdict.coverage == 1
            cells += verdict.conclusion.holds.size
    assert cells == 0 or cells == 2 * 3 * 4 * 40


GAINS_OF_ALL = np.array([1.0, 0.9, 1.1, 1.0, 1.2, 0.8, 1.0, 1.0])


def linear_setting(gains, *, asymmetric=0.0):
    """Every entry is support and thresholds are 0: the network is a product of I - gain M, started where it is slow."""
    rng = np.random.default_rng(3)
    matrix = rng.standard_normal((12, 5))
    matrix /= np.linalg.norm(matrix, axis=0)
    weight = matrix + asymmetric * rng.standard_normal(matrix.shape)
    where = SparseRecovery(matrix, KSparse(5))
    network = Alista(matrix, len(gains), weights=weight, gains=np.asarray(gains), thresholds=0.0)
    directions = np.linalg.eigh(matrix.T @ matrix)[1].T
    return Setting(network, where, given(directions, matrix=matrix))


@pytest.mark.parametrize(
    "setting",
    [
        cp_setting(3),
        cp_setting(3, noise=0.01),
        cp_setting(3, selected=[1, 1, 2, 2, 3, 3, 3, 3]),
        alista_setting(2, gains=GAINS_OF_ALL),
        linear_setting([0.7] * 6),
        linear_setting([0.6, 1.4, 0.9]),
        linear_setting([0.7] * 4, asymmetric=0.05),
    ],
    ids=["cp", "noise", "cpss", "alista", "one-gain", "gains", "asymmetric"],
)
def test_local_rate_holds_where_the_support_is_identified(setting):
    verdict = verify(ours.local_rate, setting)
    assert verdict.status is Status.HOLDS
    assert verdict.coverage == 1


def test_local_rate_is_the_spectral_radius_for_one_gain_and_attained():
    setting = linear_setting([0.7] * 6)
    bound = setting.cached(ours.local)
    values = np.linalg.eigvalsh(setting.problem.dictionary.T @ setting.problem.dictionary)
    radius = np.abs(1 - 0.7 * values).max()
    assert np.allclose(bound.bound.hi[:, 0], radius ** np.arange(1, 7), rtol=1e-6)
    assert verify(ours.local_rate, setting).tightness > 1 - 1e-6
    assert verify(ours.local_rate.scaled(0.99), setting).status is Status.VIOLATED
    # Gains at the inverse zeros of a polynomial are bounded by its maximum, not by the product of the factors' maxima.
    low, high = values[0], values[-1]
    zeros = (low + high) / 2 + (high - low) / 2 * np.cos(np.pi * (np.arange(4) + 0.5) / 4)
    chebyshev = linear_setting(1 / zeros).cached(ours.local).bound.hi[-1, 0]
    a = (high - low) / (high + low)
    assert chebyshev == pytest.approx(1 / np.cosh(4 * np.arccosh(1 / a)), rel=0.1)
    assert chebyshev < a**4 / 2


def test_false_local_rates_are_violated():
    assert verify(ours.local_rate.scaled(0.9), cp_setting(3)).status is Status.VIOLATED
    # The product alone, as if thresholds did not act on the support: ||I - M_SS|| <= 1/4 for three atoms.
    alone = ours.local_rate.concluding(
        lambda s: s.error(2) <= s.cached(ours.local).initial * Enclosure.exact(0.25) ** s.depth.lo.astype(int),
        "without-thresholds",
    )
    assert verify(alone, cp_setting(3)).status is Status.VIOLATED


def test_local_rate_waits_for_the_support():
    late = verify(ours.local_rate, cp_setting(3, scale=0.6))
    assert late.status is Status.HOLDS
    assert 0 < late.coverage < 1
    never = verify(ours.local_rate, alista_setting(4, scale=0.0))
    assert never.status is Status.NOT_APPLICABLE
    assert "support_identified: refuted" in never.reason
    untied = verify(ours.local_rate, cp_setting(3, network=Lista.for_problem(problem(3), 8)))
    assert untied.status is Status.NOT_APPLICABLE
    assert "share one weight" in untied.reason
