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
    first, free = layer_maps(Lista(A, 2, input_weights=W.T, state_weights=state, thresholds=0.1), A)
    assert coupled.mismatch is None
    # At x^0 = 0 the first state weight multiplies nothing and cannot mismatch.
    assert first.mismatch is None
    assert np.array_equal(first.state.hi, coupled.state.hi)
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


@pytest.mark.parametrize("kind", ["coupled", "free", "coordinates"])
@pytest.mark.parametrize("seed", range(4))
def test_class_bound_is_what_its_formula_says(kind, seed):
    """Two layers with noise, recomputed by hand in rationals: every term must be there, largest thresholds included."""
    A, W = matrices(seed)
    generator = np.random.default_rng(seed + 10)
    state = generator.standard_normal((N, N)) / 3
    theta = generator.uniform(0.1, 0.5, (2, N)) if kind == "coordinates" else np.array([0.4, 0.3])
    if kind == "free":
        network = Lista(A, 2, input_weights=W.T, state_weights=state, thresholds=theta)
    else:
        network = ListaCp(A, 2, weights=W, thresholds=theta)
    sparsity, sigma = 2, Fraction(1, 64)
    gram = multiply(exact(W.T), exact(A))
    coupled = [[Fraction(int(i == j)) - gram[i][j] for j in range(N)] for i in range(N)]
    free = exact(state)
    mismatch = [[free[i][j] - coupled[i][j] for j in range(N)] for i in range(N)]
    noise = [max(abs(v) for v in row) * sigma for row in exact(W.T)]

    def columns(B):
        return max(max(sum(abs(B[i][j]) for i in S) for j in S) for S in combinations(range(N), sparsity))

    def row(B, i):
        return max(abs(B[i][j]) for j in range(N) if j != i)

    size = initial = Fraction(sparsity)
    found = class_bound(
        network, A, magnitude=Enclosure.exact(1.0), sparsity=sparsity, noise=Enclosure.exact(float(sigma))
    )
    for k in range(2):
        thresholds = [Fraction(float(t)) for t in np.broadcast_to(theta[k], (N,))]
        uncoupled = kind == "free" and k == 1
        W2 = free if uncoupled else coupled
        need = [row(W2, i) * size + noise[i] + (row(mismatch, i) * initial if uncoupled else 0) for i in range(N)]
        worst = max(range(N), key=lambda i: need[i] - thresholds[i])
        assert Fraction(found.required.lo[k]) <= need[worst] <= Fraction(found.required.hi[k])
        assert Fraction(found.available.lo[k]) == thresholds[worst]
        size = columns(W2) * size + (columns(mismatch) * initial if uncoupled else 0)
        size += sum(sorted(thresholds)[-sparsity:]) + sum(sorted(noise)[-sparsity:])
        assert Fraction(found.bound.lo[k]) <= size <= Fraction(found.bound.hi[k])
        assert found.bound.width[k] < 1e-12


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
