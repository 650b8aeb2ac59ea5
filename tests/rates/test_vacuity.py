"""The vacuity map: limits from both sides, and the set-ups of the literature."""

import numpy as np
import pytest

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError
from unfold_theory.problems import SparseRecovery
from unfold_theory.problems.coherence import minimax_weight
from unfold_theory.rates.sparse_coding import largest_sparsity
from unfold_theory.rates.vacuity import factor, largest_contracting, largest_useful, reach_of_size, vacuity
from unfold_theory.studies.published_experiments import EXPERIMENTS


def test_the_standard_size_admits_eleven_nonzeros():
    found = reach_of_size(250, 500)
    assert found.largest == 11
    assert found.useful == 9
    assert found.coherence.contains(np.sqrt(250 / (250 * 499)))
    assert [reach_of_size(m, n).largest for m, n in ((25, 50), (50, 100), (100, 200), (64, 256))] == [4, 5, 7, 5]


def test_published_experiments_are_out_of_reach_but_one():
    beyond = {(e.m, e.n): e.s > reach_of_size(e.m, e.n).largest for e in EXPERIMENTS}
    assert [size for size, out in beyond.items() if not out] == [(50, 70)]
    assert beyond[250, 500]


def test_weights_in_their_order_and_below_welch():
    for seed in range(3):
        A = SparseRecovery.gaussian(20, 26, seed=seed).dictionary
        found = {(r.weight, r.refined): r for r in vacuity(A, lambda a=A: minimax_weight(a).weight)}
        limit = found["welch", False]
        for (name, refined), reach in found.items():
            assert reach.useful <= reach.largest <= limit.largest
            assert reach.useful <= limit.useful
            assert reach.largest >= 1
            if not refined:
                assert limit.coherence.lo <= reach.coherence.hi
                assert name == "welch" or reach.largest == largest_sparsity(reach.coherence)
            else:
                assert reach.largest >= found[name, False].largest
        assert found["minimax", False].largest >= found["frobenius", False].largest


def test_sparsities_are_the_largest_of_their_kind():
    mu = Enclosure.exact(1 / 9)
    factors = factor(mu, 20)
    s = largest_contracting(factors)
    assert s == 4  # (2 * 5 - 1) / 9 = 1 is not below 1
    useful = largest_useful(factors, depth=16, decibels=20)
    gain = [np.sqrt(k) * ((2 * k - 1) / 9) ** 16 for k in (useful, useful + 1)]
    assert gain[0] <= 0.1 < gain[1]
    assert largest_contracting(factor(Enclosure.exact(1.0), 5)) == 0
    for bad in ({"depth": 0}, {"decibels": -1.0}):
        with pytest.raises(InputError):
            largest_useful(factors, **bad)


def test_column_sums_never_hurt():
    A = SparseRecovery.gaussian(12, 20, seed=1).dictionary
    from unfold_theory.problems.coherence import babel_function, coherence

    mu = coherence(A, A)
    plain, refined = factor(mu, 20), factor(mu, 20, babel_function(A, A))
    assert (refined.lo <= plain.hi).all()
    assert (refined.lo[3:] < plain.lo[3:]).all()


@pytest.mark.parametrize("matrix", [np.ones((3, 4)), np.zeros((2, 3)), np.array([[1.0, np.nan], [0.0, 1.0]])])
def test_bad_dictionaries(matrix):
    with pytest.raises(InputError):
        vacuity(matrix)
