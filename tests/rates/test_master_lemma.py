"""The certificate's constants against enumeration in exact arithmetic, and its bounds against each other."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

from unfold_theory.enclosure import Enclosure
from unfold_theory.networks import Lista, ListaCp, ListaCpss
from unfold_theory.rates.layer_maps import largest_column_sum, largest_off_diagonal, layer_maps
from unfold_theory.rates.master_lemma import class_bound, sample_bound

M, N = 3, 5


def matrices(seed):
    generator = np.random.default_rng(seed)
    return generator.standard_normal((M, N)), generator.standard_normal((M, N)) / 2


def exact(a):
    return [[Fraction(float(v)) for v in row] for row in a]


def multiply(a, b):
    return [[sum(x * y for x, y in zip(row, column, strict=True)) for column in zip(*b, strict=True)] for row in a]


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("seed", range(3))
def test_column_sum_is_the_maximum_over_supports(size, seed):
    B = np.random.default_rng(seed).standard_normal((N, N))
    entries = [[abs(v) for v in row] for row in exact(B)]
    best = max(max(sum(entries[i][j] for i in S) for j in S) for S in combinations(range(N), size))
    found = largest_column_sum(Enclosure.exact(B), size)
    assert Fraction(found.lo.item()) <= best <= Fraction(found.hi.item())
    assert found.hi - found.lo < 1e-13


@pytest.mark.parametrize("seed", range(3))
def test_layer_maps_enclose_the_exact_products(seed):
    A, W = matrices(seed)
    state = np.random.default_rng(seed).standard_normal((N, N))
    gram = multiply(exact(W.T), exact(A))
    coupled = next(layer_maps(ListaCp(A, 1, weights=W, thresholds=0.1), A))
    free = next(layer_maps(Lista(A, 1, input_weights=W.T, state_weights=state, thresholds=0.1), A))
    assert coupled.mismatch is None
    for i in range(N):
        for j in range(N):
            w2 = Fraction(int(i == j)) - gram[i][j]
            assert Fraction(coupled.state.lo[i, j]) <= w2 <= Fraction(coupled.state.hi[i, j])
            d = Fraction(float(state[i, j])) - w2
            assert Fraction(free.mismatch.lo[i, j]) <= d <= Fraction(free.mismatch.hi[i, j])
    row = max(abs(gram[0][j]) for j in range(1, N))
    assert (
        Fraction(largest_off_diagonal(coupled.state).lo[0])
        <= row
        <= Fraction(largest_off_diagonal(coupled.state).hi[0])
    )


@pytest.mark.parametrize("kind", ["coupled", "free", "selecting"])
def test_class_bound_covers_every_signal_bound_of_the_class(kind):
    A, W = matrices(7)
    if kind == "coupled":
        network = ListaCp(A, 3, weights=W, thresholds=np.array([0.9, 0.5, 0.2]))
    elif kind == "selecting":
        network = ListaCpss(A, 3, weights=W, thresholds=np.array([0.9, 0.5, 0.2]), selected=1)
    else:
        generator = np.random.default_rng(1)
        network = Lista(A, 3, input_weights=W.T, state_weights=generator.standard_normal((3, N, N)) / 3, thresholds=0.4)
    generator = np.random.default_rng(2)
    codes = np.zeros((60, N))
    for row in codes:
        row[generator.choice(N, 2, replace=False)] = generator.uniform(-1, 1, 2)
    noise = generator.uniform(-1, 1, (60, M)) * 0.01
    sigma = float(np.abs(noise).sum(axis=1).max() * (1 + 1e-12))
    uniform = class_bound(network, A, magnitude=Enclosure.exact(1.0), sparsity=2, noise=Enclosure.exact(sigma))
    each = sample_bound(network, A, codes, noise)
    assert (each.bound.hi <= uniform.bound.hi[:, None]).all()
    assert (each.required.hi <= uniform.required.hi[:, None] * (1 + 1e-9) + 1e-15).all() or kind != "coupled"


def test_bypassing_entries_pay_no_threshold():
    A, W = np.eye(3), np.eye(3)
    codes = np.array([[5.0, 5.0, 0.0], [0.01, 5.0, 0.0]])
    paying = sample_bound(ListaCp(A, 1, weights=W, thresholds=0.5), A, codes, np.zeros((2, 3)))
    selecting = ListaCpss(A, 1, weights=W, thresholds=0.5, selected=2)
    bypassing = sample_bound(selecting, A, codes, np.zeros((2, 3)))
    assert paying.bound.mid[0] == pytest.approx([1.0, 1.0])
    # 5 exceeds theta + |W_2 e| = 0.5, 0.01 does not.
    assert bypassing.bound.mid[0] == pytest.approx([0.0, 0.5], abs=1e-12)
    ungated = ListaCpss(A, 1, weights=W, thresholds=0.5, selected=2, gated=False)
    assert sample_bound(ungated, A, codes, np.zeros((2, 3))).bound.mid[0] == pytest.approx([1.0, 1.0])


def test_full_support_needs_no_threshold():
    A, W = matrices(0)
    network = ListaCp(A, 1, weights=W, thresholds=0.0)
    found = sample_bound(network, A, np.ones((1, N)), np.zeros((1, M)))
    assert (found.required <= found.available).holds.all()
