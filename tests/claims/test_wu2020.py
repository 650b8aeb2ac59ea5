"""Underestimation and gates: met under the thresholds of theorem 2, refuted with bypass, gains or large gates."""

import numpy as np
import pytest
import torch

from tests.claims.settings import HADAMARD, alista_setting, cp_setting, given, problem
from unfold_theory.claim import Setting, Status, verify
from unfold_theory.claims import wu2020
from unfold_theory.enclosure import Enclosure
from unfold_theory.networks import Aglista, Alista, GatedLista, ListaCp
from unfold_theory.problems import BernoulliGaussian, KSparse, SparseRecovery, WorstCase
from unfold_theory.problems.minimax import minimax_weight
from unfold_theory.rates.theory_networks import gated_lista_of_theory, lista_cp_of_theory

PLAIN = [wu2020.underestimation, wu2020.gap_at_most_twice_the_threshold]


def gated(sparsity=2, *, size=1.0, law=None, overshoot=0.0, scale=1.0, depth=8, gate="relu"):
    """The theory's gated network; its gates times ``size``, its thresholds times ``scale``."""
    where = problem(sparsity, law=law)
    batch = where.sample(64, seed=0)
    network = gated_lista_of_theory(
        where, HADAMARD, depth=depth, magnitude=float(np.abs(batch.x).max()), sparsity=sparsity, gate=gate
    )
    with torch.no_grad():
        for entry in network.gate_sizes:
            entry.mul_(size)
        for entry in network.overshoots:
            entry.fill_(overshoot)
        for entry in network.thresholds:
            entry.mul_(scale)
    return Setting(network, where, batch)


@pytest.mark.parametrize(
    "setting",
    [
        cp_setting(1),
        cp_setting(3),
        cp_setting(3, noise=0.01),
        cp_setting(2, law=KSparse(2)),
        cp_setting(2, scale=1.4),
        alista_setting(2),
        gated(2),
        gated(3, law=KSparse(3)),
    ],
    ids=["s1", "s3", "noise", "normal", "large-thresholds", "alista", "gated", "gated-normal"],
)
@pytest.mark.parametrize("claimed", PLAIN, ids=lambda c: c.id)
def test_entries_come_out_too_small(claimed, setting):
    verdict = verify(claimed, setting)
    assert verdict.status is Status.HOLDS
    # At s = 1 the late thresholds are below what float64 may change in a layer.
    assert verdict.coverage > 0.4


@pytest.mark.parametrize("gate", ["relu", "exponential"])
@pytest.mark.parametrize("law", [None, KSparse(2)], ids=["extreme", "normal"])
def test_gates_within_the_gap_do_no_harm(law, gate):
    setting = gated(2, law=law, gate=gate)
    verdict = verify(wu2020.gates_keep_the_gap, setting)
    assert verdict.status is Status.HOLDS
    assert verdict.coverage == 1
    # They do something: entries leave the gates larger than they came.
    made = setting.cached(wu2020.passage)
    assert (np.abs(made.leaving[0]) > np.abs(setting.iterates[1])).any()


def test_gates_lower_the_error_of_the_theory_network():
    """At the same thresholds a gated network is ahead: what was underestimated is partly made up for."""
    with_gates, without = gated(2), gated(2, size=0.0)
    made = with_gates.cached(wu2020.passage)
    error = np.abs(made.leaving[:-1] - with_gates.truth).sum(axis=2).mean(axis=1)
    plain = np.abs(without.iterates[1:-1] - without.truth).sum(axis=2).mean(axis=1)
    assert (error < plain).all()


def _half_the_gap(s):
    lhs, rhs, _ = s.cached(wu2020.gap)
    return Enclosure.exact(lhs) <= Enclosure.exact(rhs / 2)


def _strictly_below(s):
    signed = np.where(s.truth != 0, np.abs(s.truth) - np.sign(s.truth) * s.iterates[1:], np.inf).min(axis=-1)
    return Enclosure.exact(np.full_like(signed, 1e-3)) <= Enclosure.exact(signed)


@pytest.mark.parametrize(
    ("false_variant", "setting"),
    [
        (wu2020.underestimation.without("no_selection", "layers_threshold"), cp_setting(2, selected=[2] * 8)),
        (wu2020.underestimation.without("plain_steps", "layers_threshold"), alista_setting(2, gains=np.full(8, 1.5))),
        (wu2020.underestimation.without("thresholds_cover_the_error"), cp_setting(2, scale=0.2)),
        (wu2020.underestimation.without("no_overshoot", "layers_threshold"), gated(2, overshoot=2.0)),
        (wu2020.underestimation.concluding(_strictly_below, "strictly"), cp_setting(2)),
        (wu2020.gap_at_most_twice_the_threshold.scaled(0.5), cp_setting(3)),
        (wu2020.gap_at_most_twice_the_threshold.concluding(_half_the_gap, "one-threshold"), cp_setting(3)),
        (wu2020.gap_at_most_twice_the_threshold.without("thresholds_cover_the_error"), cp_setting(4, scale=0.1)),
        (wu2020.gates_keep_the_gap.without("gates_not_above_the_gap"), gated(2, size=60.0)),
        (wu2020.gates_keep_the_gap.without("gates_not_below_one"), gated(2, size=-9.0)),
        (wu2020.gates_keep_the_gap.scaled(0.3), gated(2)),
    ],
    ids=[
        "bypass",
        "gain",
        "short-thresholds",
        "overshoot",
        "strictly",
        "gap-halved",
        "gap-one-threshold",
        "gap-thresholds",
        "large-gates",
        "small-gates",
        "gates-scaled",
    ],
)
def test_false_variants_are_violated(false_variant, setting):
    assert verify(false_variant, setting).status is Status.VIOLATED


@pytest.mark.parametrize(
    ("claimed", "setting", "named"),
    [
        (wu2020.underestimation, cp_setting(2, selected=[2] * 8), "no_selection: refuted"),
        (wu2020.underestimation, alista_setting(2, gains=np.full(8, 1.05)), "plain_steps: refuted"),
        (wu2020.underestimation, cp_setting(2, scale=0.3), "thresholds_cover_the_error: refuted"),
        (wu2020.gates_keep_the_gap, gated(2, overshoot=0.3), "no_overshoot: refuted"),
        (wu2020.gates_keep_the_gap, cp_setting(2), "gain gates"),
    ],
    ids=["bypass", "gain", "thresholds", "overshoot", "no-gates"],
)
def test_what_fails_is_named(claimed, setting, named):
    verdict = verify(claimed, setting)
    assert verdict.status is Status.NOT_APPLICABLE
    assert named in verdict.reason


def test_gates_are_judged_layer_by_layer():
    verdict = verify(wu2020.gates_keep_the_gap, gated(2, size=60.0))
    assert {f.hypothesis.name for f in verdict.hypotheses if f.status == "refuted"} >= {"gates_not_above_the_gap"}


def test_trained_like_gates_in_the_residual_are_another_layer():
    where = SparseRecovery.gaussian(16, 24, law=BernoulliGaussian(0.1), seed=0)
    setting = Setting(Aglista.for_problem(where, 3), where, where.sample(8, seed=0))
    assert "without gates" in verify(wu2020.underestimation, setting).reason


@pytest.mark.parametrize(
    "sparsity", [pytest.param(1, marks=pytest.mark.slow), 2, pytest.param(3, marks=pytest.mark.slow)]
)
def test_ten_thousand_extreme_signals_on_a_gaussian_dictionary(sparsity):
    """Minimax weight of a 50 x 100 dictionary: 10,000 signals, 40,000 cells."""
    where = SparseRecovery.gaussian(50, 100, law=WorstCase(sparsity), seed=3)
    weight = minimax_weight(where.dictionary).weight
    network = lista_cp_of_theory(where, weight, depth=4, magnitude=1.0, sparsity=sparsity)
    setting = Setting(network, where, where.sample(10_000, seed=sparsity))
    for claimed in PLAIN:
        verdict = verify(claimed, setting)
        assert verdict.status is Status.HOLDS
        assert verdict.coverage > 0.4


@pytest.mark.parametrize("seed", range(3))
def test_random_networks_never_violate_it(seed):
    """An attack: thresholds from far below to above the law, gates of all sizes; only covered cells may count."""
    where = SparseRecovery.gaussian(24, 32, law=KSparse(2), snr_db=None if seed else 30.0, seed=seed)
    batch, draw = where.sample(200, seed=seed), np.random.default_rng(seed)
    covered = 0
    for _ in range(4):
        thresholds, gates = draw.uniform(0.0, 1.2, 4), draw.uniform(0, 1.5, 4)
        networks = [
            Alista.for_problem(where, 4, theta=thresholds, percent=0),
            GatedLista.for_problem(where, 4, init="frobenius", theta=thresholds, percent=0),
        ]
        with torch.no_grad():
            for entry, value in zip(networks[1].gate_sizes, gates, strict=True):
                entry.fill_(value)
        for network in networks:
            setting = Setting(network, where, batch)
            for claimed in (*PLAIN, wu2020.gates_keep_the_gap):
                verdict = verify(claimed, setting)
                assert verdict.status is not Status.VIOLATED
                covered += 0 if verdict.applicable is None else int(verdict.applicable.sum())
    assert covered > 1000


def test_the_gap_of_twice_the_threshold_is_attained():
    """Entry 0 enters the second layer exact, three others as 0: it pays the threshold and what leaks in, both 3/8."""
    code = np.zeros((1, 128))
    code[0, 0], code[0, 64:67] = 1.0, -1.0
    first = np.full(128, 10.0)
    first[0] = -0.375  # cancels what leaks in
    second = np.full(128, 0.375 * (1 + 1e-12))
    network = ListaCp(HADAMARD, 2, weights=HADAMARD, thresholds=np.stack([first, second]))
    made = Setting(network, problem(4), given(code))
    verdict = verify(wu2020.gap_at_most_twice_the_threshold, made)
    assert verdict.status is Status.HOLDS, verdict.reason
    assert verdict.tightness > 1 - 1e-11
    assert verify(wu2020.gap_at_most_twice_the_threshold.scaled(0.999), made).status is Status.VIOLATED
