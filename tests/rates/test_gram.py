"""What layers, networks and signals with one weight share, against enumeration and against the general form."""

from itertools import combinations

import numpy as np
import pytest

from unfold_theory.enclosure import Enclosure
from unfold_theory.networks import Alista
from unfold_theory.rates.gram import gram
from unfold_theory.rates.layer_maps import largest_column_sum, largest_off_diagonal, layer_maps
from unfold_theory.rates.master_lemma import class_bound, sample_bound

M, N = 6, 9


@pytest.fixture
def matrices():
    draw = np.random.default_rng(3)
    return draw.standard_normal((M, N)) / 2, draw.standard_normal((M, N)) / 2


def test_constants_are_those_of_every_support(matrices):
    weight, dictionary = matrices
    found, entries = gram(weight, dictionary), np.abs(weight.T @ dictionary)
    off = entries - np.diag(np.diag(entries))
    for size in (0, 1, 3):
        best = [max(off[list(S), j].sum() for S in combinations(sorted(set(range(N)) - {j}), size)) for j in range(N)]
        np.testing.assert_allclose(found.column_sums(size).mid, best, rtol=1e-12)
    support = np.random.default_rng(0).random((5, N)) < 0.4
    support[0] = False
    for b, mask in enumerate(support):
        largest = [max((off[i, j] for j in np.flatnonzero(mask)), default=0.0) for i in range(N)]
        np.testing.assert_allclose(found.largest_on(support).mid[b], largest, rtol=1e-12)
        np.testing.assert_allclose(found.sums_on(support).mid[b], off[mask].sum(axis=0), rtol=1e-12)


def test_products_are_remembered_by_content_and_survive_changes(matrices):
    weight, dictionary = matrices
    first = gram(weight, dictionary)
    assert gram(weight.copy(), dictionary.copy()) is first
    before = first.product.mid.copy()
    weight[0, 0] += 1.0
    assert gram(weight, dictionary) is not first
    np.testing.assert_array_equal(first.product.mid, before)
    assert not np.array_equal(first.weight, weight)


def test_shared_constants_give_the_general_certificate(matrices):
    weight, dictionary = matrices
    network = Alista(dictionary, 3, weights=weight, gains=[0.4, -0.3, 1.7], thresholds=[0.3, 0.2, 0.1])
    draw = np.random.default_rng(5)
    codes = draw.standard_normal((7, N)) * (draw.random((7, N)) < 0.4)
    noise = 0.1 * draw.standard_normal((7, M))
    size, sigma = 3, Enclosure.exact(0.5)
    whole = class_bound(network, dictionary, magnitude=Enclosure.exact(2.0), sparsity=size, noise=sigma)
    each = sample_bound(network, dictionary, codes, noise)
    bound, bounds = whole.initial, each.initial
    for k, layer in enumerate(layer_maps(network, dictionary)):
        entering = abs(layer.gain) * np.abs(weight).max(axis=0)
        required = (largest_off_diagonal(layer.state) * bound + entering * sigma).max()
        np.testing.assert_allclose(whole.required[k].mid, required.mid, rtol=1e-12)
        paid = size * layer.threshold[0] + np.sort(entering)[-size:].sum() * 0.5
        bound = largest_column_sum(layer.state, size) * bound + paid
        np.testing.assert_allclose(whole.bound[k].mid, bound.mid, rtol=1e-12)
        state, offset = np.abs(layer.state.mid), np.abs(layer.gain * (noise @ weight))
        rows = []
        for b, mask in enumerate(codes != 0):
            column = state[np.ix_(mask, mask)].sum(axis=0).max()
            rows.append(column * bounds.mid[b] + offset[b][mask].sum() + mask.sum() * layer.threshold[0])
        np.testing.assert_allclose(each.bound[k].mid, rows, rtol=1e-12)
        bounds = each.bound[k]


def test_carried_errors_are_those_of_the_state_weight(matrices):
    weight, dictionary = matrices
    layer = next(layer_maps(Alista(dictionary, 1, weights=weight, gains=0.7, thresholds=0.1), dictionary))
    errors = Enclosure.exact(np.random.default_rng(1).standard_normal((4, N)))
    np.testing.assert_allclose(layer.carried(errors).mid, (errors @ layer.state.T).mid, rtol=1e-12, atol=1e-13)
