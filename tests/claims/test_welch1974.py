"""Welch's bound on every weight: attained by frames, refuted when strengthened; and where it rules the theory out."""

import numpy as np
import pytest

from tests.claims.settings import alista_setting, cp_setting
from unfold_theory.claim import Setting, Status, verify
from unfold_theory.claims import chen2018, welch1974
from unfold_theory.networks import Alista
from unfold_theory.problems import BernoulliGaussian, KSparse, SparseRecovery
from unfold_theory.problems.coherence import minimax_weight


def simplex(size):
    """size x (size + 1), unit columns with products -1/size."""
    centred = np.eye(size + 1) - 1 / (size + 1)
    vectors = np.linalg.svd(centred)[0][:, :size].T
    return vectors / np.linalg.norm(vectors, axis=0)


def setting(matrix, weight=None, *, sparsity=2, law=None):
    where = SparseRecovery(matrix, law or KSparse(sparsity))
    weight = matrix if weight is None else weight
    network = Alista(where.dictionary, 2, weights=weight, gains=1.0, thresholds=0.1)
    return Setting(network, where, where.sample(16, seed=0))


@pytest.mark.parametrize("size", [2, 3, 5, 8])
def test_simplices_attain_it(size):
    verdict = verify(welch1974.coherence_at_least, setting(simplex(size)))
    assert verdict.status is Status.HOLDS
    assert verdict.tightness > 1 - 1e-8
    assert verify(welch1974.coherence_at_least.scaled(1 - 1e-6), setting(simplex(size))).status is Status.VIOLATED


def test_it_holds_for_every_weight_and_is_vacuous_where_columns_are_few():
    draw = np.random.default_rng(0)
    ratios = []
    for trial in range(80):
        m = int(draw.integers(2, 9))
        n = m + int(draw.integers(1, 12))
        matrix, weight = draw.standard_normal((2, m, n)) if trial % 2 else [draw.standard_normal((m, n))] * 2
        if trial % 10 == 5:  # nearly a simplex
            matrix = weight = simplex(m) + 1e-3 * draw.standard_normal((m, m + 1))
        if trial % 10 == 0:
            weight = minimax_weight(matrix).weight
        verdict = verify(welch1974.coherence_at_least, setting(matrix, weight / (weight * matrix).sum(axis=0)))
        assert verdict.status is Status.HOLDS
        ratios.append(verdict.tightness)
    assert max(ratios) <= 1
    assert max(ratios) > 0.99
    tall = draw.standard_normal((6, 4))
    verdict = verify(welch1974.coherence_at_least, setting(tall, tall / (tall**2).sum(axis=0)))
    assert verdict.status is Status.VACUOUS


def test_without_normalisation_it_is_false():
    matrix = simplex(3)
    shrunk = setting(matrix, matrix / 100)
    assert "weights_normalised: refuted" in verify(welch1974.coherence_at_least, shrunk).reason
    # With |W_i^T A_i - 1| = 0.99 the bound is 0; the papers' bound, delta = 0, is violated.
    papers = welch1974.coherence_at_least.without("weights_normalised").concluding(
        lambda s: s.cached(welch1974.constants).coherence >= (1 - 1e-9) / 3, "no-delta"
    )
    assert verify(papers, shrunk).status is Status.VIOLATED


def test_the_standard_experiment_is_out_of_reach():
    where = SparseRecovery.gaussian(100, 200, law=BernoulliGaussian(0.1))
    standard = Setting(Alista.for_problem(where, 4), where, where.sample(32, seed=0))
    assert verify(welch1974.sparsity_out_of_reach, standard).status is Status.HOLDS
    assert "sparse_enough: refuted" in verify(chen2018.linear_rate, standard).reason
    for sparse in (cp_setting(3), alista_setting(2)):
        verdict = verify(welch1974.sparsity_out_of_reach, sparse)
        assert verdict.status is Status.NOT_APPLICABLE
        assert "more_nonzeros_than_the_size_allows: refuted" in verdict.reason


def test_false_variants_of_the_corollary_are_violated():
    # Identity and Hadamard: mu = 1/8 with W = A, so that s = 4 is within reach.
    within = welch1974.sparsity_out_of_reach.without("more_nonzeros_than_the_size_allows")
    assert verify(within, cp_setting(4)).status is Status.VIOLATED
    # Tight at the simplex of size 3: s = 2 gives (2s - 1) mu = 1.
    edge = setting(simplex(3), sparsity=3)
    assert verify(welch1974.sparsity_out_of_reach, edge).status is Status.HOLDS
    assert verify(welch1974.sparsity_out_of_reach.scaled(0.5), edge).status is Status.VIOLATED
