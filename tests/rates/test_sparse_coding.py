"""Recursions against their closed forms, and the networks built from them against their law."""

import numpy as np
import pytest
import scipy.linalg

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError
from unfold_theory.problems import SparseRecovery, WorstCase
from unfold_theory.rates.sparse_coding import (
    alista_errors,
    cp_errors,
    cp_thresholds,
    largest_sparsity,
    recursion,
    weight_constants,
)
from unfold_theory.rates.theory_networks import alista_of_theory, lista_cp_of_theory

A = np.hstack([np.eye(16), scipy.linalg.hadamard(16) / 4])
PROBLEM = SparseRecovery(A, WorstCase(2, 1.0))


def test_recursion_is_enclosed():
    found = recursion(Enclosure.exact(3.0), Enclosure.exact([0.5, 0.25]), Enclosure.exact([1.0, 0.5]))
    assert found.contains(np.array([3.0, 2.5, 1.125])).all()
    assert found.width.max() < 1e-14


@pytest.mark.parametrize(("sparsity", "noise"), [(1, 0.0), (2, 0.0), (2, 0.01)])
def test_cp_errors_follow_the_closed_form(sparsity, noise):
    network = lista_cp_of_theory(PROBLEM, A, depth=6, magnitude=2.0, sparsity=sparsity, noise=noise)
    constants = weight_constants(network, A)
    assert constants.coherence.contains(0.25).all()
    sigma = Enclosure.exact(noise)
    errors = cp_errors(constants, magnitude=Enclosure.exact(2.0), sparsity=sparsity, noise=sigma)
    q, floor = (2 * sparsity - 1) * 0.25, 2 * sparsity * noise
    closed = [2.0 * sparsity * q**k + floor * (1 - q**k) / (1 - q) for k in range(7)]
    assert errors.mid == pytest.approx(closed, rel=1e-8)
    law = cp_thresholds(constants, errors, sigma)
    assert (law <= constants.threshold).holds.all()
    assert (constants.threshold <= law * (1 + 1e-9)).holds.all()


def test_alista_errors_follow_the_closed_form():
    gains = np.array([1.0, 0.8, 1.1])
    network = alista_of_theory(PROBLEM, A, depth=3, magnitude=1.0, sparsity=2, gains=gains)
    errors = alista_errors(weight_constants(network, A), magnitude=Enclosure.exact(1.0), sparsity=2)
    factors = np.abs(1 - gains) + 3 * gains * 0.25
    assert errors.mid == pytest.approx(2.0 * np.concatenate([[1.0], np.cumprod(factors)]), rel=1e-8)


@pytest.mark.parametrize(("coherence", "expected"), [(0.25, 2), (0.2, 2), (0.125, 4), (1 / 3 - 1e-9, 2), (1 / 3, 1)])
def test_largest_sparsity_is_strict(coherence, expected):
    """s < (1 + 1/mu)/2: at mu = 1/3 the limit 2 itself is excluded, whatever the rounding."""
    assert largest_sparsity(Enclosure.exact(coherence)) == expected


@pytest.mark.parametrize(
    "bad", [{"magnitude": 0.0}, {"sparsity": 0}, {"noise": -1.0}, {"magnitude": np.inf}, {"noise": np.nan}]
)
def test_empty_classes_are_refused(bad):
    options = {"magnitude": 1.0, "sparsity": 1, "noise": 0.0} | bad
    with pytest.raises(InputError, match="empty or unbounded"):
        lista_cp_of_theory(PROBLEM, A, depth=2, **options)
