"""The local law: limits of random spectra, polynomials of the methods, and iterations that follow them."""

import numpy as np
import pytest

from unfold_theory.errors import InputError
from unfold_theory.problems import KSparse, SparseRecovery
from unfold_theory.problems.coherence import frobenius_weight
from unfold_theory.rates.local_law import (
    METHODS,
    Edges,
    finite_depth_law,
    observed_edges,
    random_density,
    random_edges,
    residual_polynomials,
    run_on_support,
    support_spectrum,
)

SIZES = [(100, 200, 20), (80, 240, 8), (120, 180, 12)]


def test_edges_of_the_standard_sizes():
    """m/n = 1/2 and 1/4 with s = 50: the rate of the best fixed step, and that of gain 1 (equal only at m/n = 1/2)."""
    half, quarter = random_edges(250, 500, 50), random_edges(250, 1000, 50)
    assert half.decibels("fixed step") == pytest.approx(-4.44, abs=0.01)
    assert quarter.decibels("fixed step") == pytest.approx(-3.27, abs=0.01)
    assert half.decibels("unit step") == pytest.approx(half.decibels("fixed step"))
    assert quarter.decibels("unit step") == pytest.approx(-1.36, abs=0.01)
    assert half.decibels("chebyshev") == pytest.approx(20 * np.log10(1 / 3))


@pytest.mark.parametrize("size", SIZES)
def test_density_has_the_moments_of_random_blocks(size):
    m, n, s = size
    values, weights = random_density(*size)
    moments = [(weights * values**k).sum() for k in (1, 2, 3)]
    edges = random_edges(*size)
    assert moments[0] == pytest.approx(1.0)  # the diagonal of W^T A is 1
    assert values.min() > edges.low
    assert values.max() < edges.high
    found = []
    for seed in range(12):
        A = SparseRecovery.gaussian(m, n, seed=seed).dictionary
        W = frobenius_weight(A)
        support = np.random.default_rng(seed).choice(n, s, replace=False)
        found.append(support_spectrum(W, A, support).real)
    seen = [(np.array(found) ** k).mean() for k in (1, 2, 3)]
    assert np.allclose(seen, moments, rtol=0.03)
    spread = np.mean([observed_edges(f.astype(complex)).half for f in found])
    assert 0.6 * edges.half < spread < 1.05 * edges.half


@pytest.mark.parametrize("method", METHODS)
def test_polynomials_are_one_at_zero_and_no_better_than_the_best(method):
    values, weights = random_density(100, 200, 20)
    edges = random_edges(100, 200, 20)
    at = np.append(values, 0.0)
    if method not in ("conjugate gradient", "best gains"):
        assert np.allclose(residual_polynomials(method, at, at, edges, 10)[:, -1], 1.0)
    polynomials = residual_polynomials(method, values, weights, edges, 10)
    best = residual_polynomials("best gains", values, weights, edges, 10)
    error, least = ((p**2 * weights).sum(axis=1) for p in (polynomials, best))
    assert (error >= least * (1 - 1e-9)).all()
    slope = 10 * np.log10(error[10] / error[9])
    assert slope == pytest.approx(edges.decibels(method), rel=0.16)
    if method == "chebyshev":
        highest = np.abs(polynomials).max(axis=1)
        a = edges.half / edges.center
        assert highest[8] == pytest.approx(1 / np.cosh(8 * np.arccosh(1 / a)), rel=1e-3)
        assert highest[8] < np.abs(best[8]).max()  # least maximum against least mean square


def test_best_gains_are_the_inverse_zeros_of_the_best_polynomial():
    """k real zeros inside the edges: a network whose gains are their inverses has that error at depth k."""
    values, weights = random_density(100, 200, 20)
    edges = random_edges(100, 200, 20)
    polynomial = residual_polynomials("best gains", values, weights, edges, 6)[6]
    changes = np.flatnonzero(np.diff(np.sign(polynomial)))
    assert len(changes) == 6
    zeros = (values[changes] + values[changes + 1]) / 2
    product = np.prod(1 - values / zeros[:, None], axis=0)
    assert (product**2 * weights).sum() == pytest.approx((polynomial**2 * weights).sum(), rel=0.01)
    where = SparseRecovery.gaussian(100, 200, law=KSparse(20), seed=2)
    W, x = frobenius_weight(where.dictionary), where.sample(64, seed=0).x
    fixed = run_on_support("fixed step", W, where.dictionary, x, edges, 6).sum(axis=1)
    best = run_on_support("best gains", W, where.dictionary, x, edges, 6, gains=1 / zeros).sum(axis=1)
    gained = 10 * np.log10(best[6] / fixed[6])
    assert gained == pytest.approx(
        10 * np.log10((polynomial**2 * weights).sum()) - finite_depth_law(100, 200, 20, 6, "fixed step")[6], abs=3.0
    )
    assert gained < -10


@pytest.mark.parametrize("method", ["unit step", "fixed step", "chebyshev"])
@pytest.mark.parametrize("size", SIZES)
def test_iterations_follow_the_finite_depth_law(method, size):
    m, n, s = size
    where = SparseRecovery.gaussian(m, n, law=KSparse(s), seed=1)
    W, x = frobenius_weight(where.dictionary), where.sample(100, seed=0).x
    squared = run_on_support(method, W, where.dictionary, x, random_edges(*size), 8).sum(axis=1)
    measured = 10 * np.log10(squared / squared[0])
    law = finite_depth_law(m, n, s, 8, method)
    slopes = [(values[8] - values[4]) / 4 for values in (measured, law)]
    assert slopes[0] == pytest.approx(slopes[1], rel=0.1)
    assert measured[4] == pytest.approx(law[4], rel=0.1)


def test_late_slope_is_the_spectral_radius_of_the_signal():
    where = SparseRecovery.gaussian(60, 120, law=KSparse(8), seed=1)
    W, x = frobenius_weight(where.dictionary), where.sample(8, seed=0).x
    edges = random_edges(60, 120, 8)
    squared = run_on_support("unit step", W, where.dictionary, x, edges, 40)
    for i, code in enumerate(x):
        own = observed_edges(support_spectrum(W, where.dictionary, np.flatnonzero(code)))
        slope = 10 * np.log10(squared[40, i] / squared[30, i]) / 10
        assert slope == pytest.approx(own.decibels("unit step"), rel=0.05)


def test_conjugate_gradients_end_after_as_many_steps_as_nonzeros():
    where = SparseRecovery.gaussian(60, 120, law=KSparse(5), seed=1)
    W, x = frobenius_weight(where.dictionary), where.sample(16, seed=0).x
    squared = run_on_support("conjugate gradient", W, where.dictionary, x, random_edges(60, 120, 5), 6)
    assert (squared[5] < 1e-20 * squared[0]).all()
    assert (squared[4] > 1e-20 * squared[0]).any()


@pytest.mark.parametrize("size", [(50, 100, 50), (50, 60, 10), (0, 10, 1), (10, 20, 0)])
def test_sizes_without_a_law(size):
    with pytest.raises(InputError):
        random_edges(*size)


def test_what_cannot_be_run():
    where = SparseRecovery.gaussian(20, 40, law=KSparse(4), seed=0)
    x, W = where.sample(2, seed=0).x, np.random.default_rng(5).standard_normal((20, 40))
    with pytest.raises(InputError, match="symmetrised"):
        run_on_support("conjugate gradient", W, where.dictionary, x, Edges(1.0, 0.5), 3)
    with pytest.raises(InputError, match="gains"):
        run_on_support("best gains", W, where.dictionary, x, Edges(1.0, 0.5), 3)
    with pytest.raises(InputError, match="not real"):
        observed_edges(np.array([1 + 1j, 1 - 1j]))
