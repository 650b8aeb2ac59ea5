"""Certified minimisers: against another solver, on degenerate problems, and in every direction of rounding."""

import numpy as np

from unfold_theory.problems import BernoulliGaussian, Lasso, SparseRecovery
from unfold_theory.problems.lasso_minimizer import enclose_minimizers


def enclosed(lasso, y):
    return enclose_minimizers(lasso, y, lasso.solve(y))


def test_minimisers_satisfy_their_optimality_conditions():
    where = SparseRecovery.gaussian(30, 60, law=BernoulliGaussian(0.1), snr_db=30.0, seed=1)
    lasso, y = where.lasso(0.1), where.sample(40, seed=0).y
    found = enclosed(lasso, y)
    assert found.known.all()
    assert found.code.width.max() < 1e-9
    on = found.signs != 0
    assert (np.sign(found.code.mid) == found.signs).all()
    correlation = (y - found.code.mid @ where.dictionary.T) @ where.dictionary
    assert (found.correlation.lo - 1e-12 <= correlation).all()
    assert (correlation <= found.correlation.hi + 1e-12).all()
    assert (abs(found.correlation).hi[~on] < 0.1).all()
    for i in range(40):
        values = np.linalg.svd(where.dictionary[:, on[i]], compute_uv=False)
        assert found.curvature.lo[i] <= values[-1] ** 2 * (1 + 1e-12)
        assert values[-1] ** 2 * (1 - 1e-12) <= found.curvature.hi[i]
        assert found.steepness.lo[i] <= values[0] ** 2 * (1 + 1e-12) <= found.steepness.hi[i] * (1 + 1e-10)


def test_agrees_with_an_interior_point_solver():
    where = SparseRecovery.gaussian(12, 20, law=BernoulliGaussian(0.2), seed=3)
    lasso, y = where.lasso(0.2), where.sample(4, seed=1).y
    other = lasso.solve_with_cvxpy(y).x
    assert np.abs(enclosed(lasso, y).code.mid - other).max() < 1e-4


def test_zero_minimisers_are_known_strictly_inside_only():
    lasso = Lasso(np.eye(3), 1.0)
    found = enclosed(lasso, np.array([[0.5, 0.0, 0.0], [1.0, 0.0, 0.0], [2.0, 0.5, 0.0]]))
    # |A_1^T y| = lam exactly: the minimiser is zero but not strictly complementary.
    assert found.known.tolist() == [True, False, True]
    assert (found.code.hi[0] == 0).all()
    assert found.code.contains(np.array([0.0, 0.0, 0.0]))[1].all()
    assert found.code.contains(np.array([1.0, 0.0, 0.0]))[2].all()


def test_many_minimisers_are_not_known_but_enclosed():
    lasso = Lasso(np.array([[1.0, 1.0]]), 0.5)
    found = enclosed(lasso, np.array([[2.0]]))
    assert not found.known.any()
    for share in (0.0, 0.3, 1.0):
        assert found.code.contains(np.array([1.5 * share, 1.5 * (1 - share)])).all()
    assert found.curvature.lo[0] == 0
    assert found.correlation.contains(np.array([0.5, 0.5])).all()


def test_a_wrong_start_is_not_believed():
    where = SparseRecovery.gaussian(20, 40, law=BernoulliGaussian(0.1), seed=5)
    lasso, y = where.lasso(0.1), where.sample(10, seed=0).y
    x = lasso.solve(y).x
    x[:, np.argmax(np.abs(x).sum(axis=0))] = 0.0  # drops a column that minimisers use
    found = enclose_minimizers(lasso, y, lasso.as_solution(x, y))
    used = np.argmax(np.abs(lasso.solve(y).x).sum(axis=0))
    wrong = lasso.solve(y).x[:, used] != 0
    assert wrong.any()
    assert not found.known[wrong].any()
    assert found.known[~wrong].all()
