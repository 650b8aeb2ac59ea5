"""Recursions against their closed forms, and the networks built from them against their law."""

import numpy as np
import pytest
import scipy.linalg

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError
from unfold_theory.networks import ListaCp
from unfold_theory.problems import SparseRecovery, WorstCase
from unfold_theory.rates.sparse_coding import (
    class_errors,
    contraction,
    largest_sparsity,
    recursion,
    threshold_law,
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
    errors = class_errors(constants, magnitude=Enclosure.exact(2.0), sparsity=sparsity, noise=sigma)
    q, floor = (2 * sparsity - 1) * 0.25, 2 * sparsity * noise
    closed = [2.0 * sparsity * q**k + floor * (1 - q**k) / (1 - q) for k in range(7)]
    assert errors.mid == pytest.approx(closed, rel=1e-8)
    law = threshold_law(constants, errors, sigma)
    assert (law <= constants.threshold).holds.all()
    assert (constants.threshold <= law * (1 + 1e-9)).holds.all()


def test_alista_errors_follow_the_closed_form():
    gains = np.array([1.0, 0.8, 1.1])
    network = alista_of_theory(PROBLEM, A, depth=3, magnitude=1.0, sparsity=2, gains=gains)
    constants, none = weight_constants(network, A), Enclosure.exact(0.0)
    errors = class_errors(constants, magnitude=Enclosure.exact(1.0), sparsity=2, noise=none)
    factors = np.abs(1 - gains) + 3 * gains * 0.25
    assert errors.mid == pytest.approx(2.0 * np.concatenate([[1.0], np.cumprod(factors)]), rel=1e-8)
    # The closed form grants thresholds their slack, so that it bounds the recursion.
    closed = contraction(constants, 2)
    assert closed.mid == pytest.approx(factors, rel=1e-8)
    assert (errors[1:] <= closed.cumprod() * 2.0).holds.all()


def test_imperfect_normalisation_enters_the_contraction():
    """delta = 0.01 adds at least 0.01 to the factor: forgetting it would certify a rate that is not there."""
    perfect = contraction(weight_constants(ListaCp(A, 1, weights=A, thresholds=0.1), A), 2)
    rescaled = contraction(weight_constants(ListaCp(A, 1, weights=0.99 * A, thresholds=0.1), A), 2)
    assert rescaled.mid[0] == pytest.approx(0.01 + 0.99 * perfect.mid[0], rel=1e-9)
    own = class_errors(
        weight_constants(ListaCp(A, 1, weights=0.99 * A, thresholds=0.1), A),
        magnitude=Enclosure.exact(1.0),
        sparsity=2,
        noise=Enclosure.exact(0.0),
    )
    assert own.mid[1] == pytest.approx((0.01 + 0.99 * 0.25) * 2 + 2 * 0.1, rel=1e-9)


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
