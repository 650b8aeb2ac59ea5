"""Restricted spectra against brute force, and the ends that are certified where brute force is out of reach."""

import itertools

import numpy as np
import pytest

from unfold_theory.errors import InputError
from unfold_theory.problems import gaussian, isometry
from unfold_theory.problems.coherence import babel_function
from unfold_theory.problems.isometry import restricted_spectrum, support_spectra


def brute_force(matrix, size):
    values = [
        np.linalg.eigvalsh(matrix[:, list(t)].T @ matrix[:, list(t)])[[0, -1]]
        for t in itertools.combinations(range(matrix.shape[1]), size)
    ]
    return np.min(values), np.max(values)


@pytest.mark.parametrize(("m", "n", "size"), [(6, 9, 1), (6, 9, 3), (4, 8, 5), (12, 7, 7), (5, 6, 9)])
def test_enumeration_is_brute_force(m, n, size):
    matrix = gaussian(m, n, seed=m)
    found = restricted_spectrum(matrix, size)
    low, high = brute_force(matrix, min(size, n))
    assert found.enumerated
    assert found.size == min(size, n)
    assert found.smallest.lo - 1e-12 <= low <= found.smallest.hi + 1e-12
    assert found.largest.lo - 1e-12 <= high <= found.largest.hi + 1e-12
    assert max(found.smallest.width, found.largest.width) < 1e-6
    for step in (0.0, 0.4, 1.0, -0.5):
        constant = found.isometry_constant(step)
        assert constant.contains(max(abs(1 - step * low), abs(1 - step * high))) or constant.width < 1e-6


def test_bounds_contain_what_enumeration_finds(monkeypatch):
    for seed in range(6):
        matrix = gaussian(20, 12, seed=seed) if seed % 2 else gaussian(6, 12, seed=seed)
        exact = restricted_spectrum(matrix, 4)
        with monkeypatch.context() as patch:
            patch.setattr(isometry, "ENUMERATION_BUDGET", 0.0)
            patch.setattr(isometry, "SAMPLING_BUDGET", 2e3)
            bounded = restricted_spectrum(matrix, 4, seed=seed)
        assert not bounded.enumerated
        assert bounded.smallest.lo <= exact.smallest.hi <= bounded.smallest.hi + 1e-12
        assert bounded.largest.lo - 1e-12 <= exact.largest.lo <= bounded.largest.hi
        assert bounded.largest.hi <= np.linalg.norm(matrix, 2) ** 2 * (1 + 1e-9)
        if bounded.largest.hi < np.linalg.norm(matrix, 2) ** 2:
            assert bounded.largest.hi <= 1 + babel_function(matrix, matrix)[2].hi + 1e-9


def test_supports_of_their_own_sizes():
    matrix, rng = gaussian(7, 10, seed=1), np.random.default_rng(0)
    masks = rng.random((30, 10)) < rng.random((30, 1))
    low, high = support_spectra(matrix, masks)
    for i, mask in enumerate(masks):
        values = np.linalg.eigvalsh(matrix[:, mask].T @ matrix[:, mask]) if mask.any() else np.ones(1)
        assert low.lo[i] - 1e-12 <= max(values[0], 0.0) + 1e-12
        assert low.hi[i] + 1e-12 >= values[0]
        assert high.lo[i] - 1e-12 <= values[-1] <= high.hi[i] + 1e-12
    assert low.hi[~masks.any(axis=1)].tolist() == [1.0] * int((~masks.any(axis=1)).sum())


def test_refuses_sizes_and_supports_that_do_not_fit():
    matrix = gaussian(4, 6)
    with pytest.raises(InputError, match="support size"):
        restricted_spectrum(matrix, 0)
    with pytest.raises(InputError, match="masks of length 6"):
        support_spectra(matrix, np.ones((2, 5), bool))
    with pytest.raises(InputError, match="NaN"):
        restricted_spectrum(np.full((2, 2), np.nan), 1)
