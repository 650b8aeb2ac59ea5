"""Ground truth of the Lasso: against closed forms in exact arithmetic, other solvers, and the optimality conditions."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unfold_theory.enclosure import Basis
from unfold_theory.errors import InputError
from unfold_theory.problems import KSparse, Lasso, SparseRecovery, gaussian, ill_conditioned
from unfold_theory.problems.crosscheck import CrossCheckFailed
from unfold_theory.problems.lasso_active_set import active_set
from unfold_theory.problems.lasso_solver import BatchSolver

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def standard():
    problem = SparseRecovery.gaussian(60, 120, law=KSparse(10), snr_db=40.0)
    lasso = problem.lasso(0.05)
    y = problem.sample(100, seed=0).y
    return lasso, y, lasso.solve(y)


def violation(lasso, x, y):
    """Largest violation of the optimality conditions, relative to lam."""
    gradient = (x @ lasso.dictionary.T - y) @ lasso.dictionary
    off = np.where(x == 0, np.abs(gradient) - lasso.lam, np.abs(gradient + lasso.lam * np.sign(x)))
    return off.max() / lasso.lam


def exact_objective(matrix, lam, x, y):
    rows = [[Fraction(v) for v in row] for row in matrix.tolist()]
    code, target = [Fraction(v) for v in x.tolist()], [Fraction(v) for v in y.tolist()]
    residual = [sum(a * c for a, c in zip(row, code, strict=True)) - t for row, t in zip(rows, target, strict=True)]
    return sum(r * r for r in residual) / 2 + Fraction(lam) * sum(abs(c) for c in code)


# -- the solver ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("device", DEVICES)
def test_standard_problems_are_solved(device):
    problem = SparseRecovery.gaussian(60, 120, law=KSparse(10), snr_db=40.0)
    lasso, y = problem.lasso(0.05), problem.sample(100, seed=0).y
    solution = lasso.solve(y, device=device)
    assert solution.converged.all()
    assert solution.x.dtype == np.float64
    assert (solution.relative_gap <= 1e-10).all()
    assert (solution.iterations > 0).all()
    np.testing.assert_allclose(solution.primal, lasso.objective(solution.x, y), rtol=1e-12)
    assert violation(lasso, solution.x, y) < 1e-6


def test_gaps_contain_the_optimum_in_exact_arithmetic():
    # Diagonal dyadic data: the minimiser is a soft threshold, and F* an exact rational.
    rng = np.random.default_rng(0)
    scale = np.diag(2.0 ** rng.integers(-3, 4, 6))
    lasso = Lasso(scale, 0.375)
    y = rng.integers(-20, 21, (50, 6)) / 8.0
    solution = lasso.solve(y)
    enclosed = lasso.enclose_optimum(y, solution)
    assert enclosed.basis is Basis.CERTIFIED
    for i, row in enumerate(y):
        diagonal = [Fraction(v) for v in np.diag(scale).tolist()]
        target = [Fraction(v) for v in row.tolist()]
        best = Fraction(0)
        for a, b in zip(diagonal, target, strict=True):
            shrunk = max(abs(a * b) - Fraction(lasso.lam), Fraction(0)) / (a * a)
            best += (a * shrunk - abs(b)) ** 2 / 2 + Fraction(lasso.lam) * shrunk
        assert Fraction(float(enclosed.lo[i])) <= best <= Fraction(float(enclosed.hi[i]))
        truth = exact_objective(scale, lasso.lam, solution.x[i], row)
        assert truth - best <= Fraction(float(solution.gap[i]))
    assert (enclosed.width <= 1e-10 * enclosed.hi).all()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**31),
    m=st.integers(1, 14),
    n=st.integers(1, 20),
    kind=st.sampled_from(["normal", "integer", "duplicate", "low rank", "scaled", "ill-conditioned"]),
    level=st.floats(1e-3, 1.2),
)
def test_every_small_problem_is_solved(seed, m, n, kind, level):
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((m, n))
    if kind == "integer":
        matrix = rng.integers(-1, 2, (m, n)).astype(float)
    elif kind == "duplicate":
        matrix = np.concatenate([matrix, -matrix[:, : n // 2], matrix], axis=1)
    elif kind == "low rank":
        matrix = rng.standard_normal((m, 1 + m // 3)) @ rng.standard_normal((1 + m // 3, n))
    elif kind == "scaled":
        matrix = matrix * 10 ** rng.uniform(-2, 2, n)
    elif kind == "ill-conditioned" and min(m, n) > 1:
        matrix = np.array(ill_conditioned(m, n, 10 ** rng.uniform(0, 5), seed))
    y = rng.standard_normal((6, m)) if kind != "integer" else rng.integers(-3, 4, (6, m)).astype(float)
    largest = np.abs(y @ matrix).max()
    if largest == 0:
        return
    lasso = Lasso(matrix, level * largest)
    solution = lasso.solve(y)
    assert solution.converged.all()
    enclosed = lasso.enclose_optimum(y, solution)
    # The solver's own gap and the certified one agree, and neither claims more than it may.
    assert (enclosed.lo <= solution.primal * (1 + 1e-13)).all()
    assert (enclosed.width <= 1.1e-10 * enclosed.hi + 1e-300).all()
    # No point does better than the lower end: not the other solver's, not random ones nearby.
    near = solution.x[:, None] + rng.standard_normal((6, 20, matrix.shape[1])) * 10 ** rng.uniform(-8, 0, (20, 1))
    assert (lasso.objective(near, y[:, None]) >= enclosed.lo[:, None] * (1 - 1e-13)).all()


@pytest.mark.parametrize("kind", ["normal", "duplicate", "ill-conditioned"])
def test_other_solvers_agree(kind):
    rng = np.random.default_rng(1)
    matrix = {
        "normal": rng.standard_normal((15, 30)),
        "duplicate": np.tile(rng.standard_normal((15, 12)), 2),
        "ill-conditioned": np.array(ill_conditioned(15, 30, 1000.0, 0)),
    }[kind]
    y = rng.standard_normal((4, 15))
    lasso = Lasso(matrix, 0.1 * np.abs(y @ matrix).max())
    solution = lasso.solve(y)
    report = lasso.cross_check(solution, y, sample=4)
    assert {(entry.index, entry.solver) for entry in report} == {(i, s) for i in range(4) for s in ("CLARABEL", "OSQP")}
    assert max(entry.difference for entry in report) < 1e-7
    if kind == "normal":
        other = lasso.solve_with_cvxpy(y, solver="CLARABEL")
        np.testing.assert_allclose(other.x, solution.x, atol=1e-5)
        assert (other.iterations == -1).all()


def test_cross_check_finds_a_false_optimum(standard):
    lasso, y, solution = standard
    # A gap claimed smaller than it is, at a point that is not the minimiser.
    wrong = lasso.as_solution(solution.x * 1.01, y)
    claimed = replace(wrong, gap=wrong.gap * 1e-9)
    with pytest.raises(CrossCheckFailed):
        lasso.cross_check(claimed, y, sample=1)
    with pytest.raises(CrossCheckFailed):
        lasso.cross_check(replace(solution, primal=solution.primal * 0.999), y, sample=1)
    with pytest.raises(InputError):
        lasso.cross_check(solution, y[:3])


def test_zero_is_found_without_iterations():
    matrix = gaussian(20, 40)
    y = np.random.default_rng(0).standard_normal((5, 20))
    y[2] = 0
    lasso = Lasso(matrix, float(np.abs(y @ matrix).max()))
    solution = lasso.solve(y)
    assert not solution.x.any()
    assert not solution.iterations.any()
    assert solution.converged.all()
    assert solution.gap[2] == solution.primal[2] == solution.relative_gap[2] == 0
    below = Lasso(matrix, lasso.lam * (1 - 1e-3)).solve(y)
    assert below.x.any()
    assert below.converged.all()


def test_rows_of_a_batch_do_not_influence_each_other(standard):
    lasso, y, solution = standard
    alone = lasso.solve(y[17:18])
    np.testing.assert_allclose(alone.x[0], solution.x[17], atol=1e-9)
    huge = lasso.solve(np.concatenate([y[17:18], 100 * y[:3]]))
    np.testing.assert_allclose(huge.x[0], solution.x[17], atol=1e-9)
    assert huge.converged.all()


def test_scaling_is_harmless():
    matrix, y = gaussian(20, 40), np.random.default_rng(0).standard_normal((10, 20))
    plain = Lasso(matrix, 0.1).solve(y)
    for a, b in [(1e-20, 1.0), (1e20, 1e-30), (1.0, 1e25)]:
        scaled = Lasso(a * matrix, 0.1 * a * b).solve(b * y)
        assert scaled.converged.all()
        np.testing.assert_allclose(scaled.x * a / b, plain.x, atol=1e-8)


def test_a_gap_that_stays_large_is_reported():
    problem = SparseRecovery.gaussian(60, 120, law=KSparse(10), snr_db=40.0)
    lasso, y = problem.lasso(0.05), problem.sample(3, seed=0).y
    with pytest.warns(RuntimeWarning, match="short of its tolerance"):
        solution = lasso.solve(y, tolerance=1e-17)
    assert not solution.converged.any()
    assert (solution.relative_gap < 1e-11).all()


@pytest.mark.parametrize("start", ["zero", "random"])
def test_active_set_needs_no_help(start):
    rng = np.random.default_rng(0)
    matrix = np.tile(rng.standard_normal((10, 14)), 2) if start == "random" else rng.standard_normal((10, 28))
    for _ in range(20):
        y = rng.standard_normal(10)
        before = rng.standard_normal(28) if start == "random" else np.zeros(28)
        x = active_set(matrix, matrix.T @ matrix, y, 0.3, before, 2000)
        gap = Lasso(matrix, 0.3).gap(x, y)
        assert gap <= 1e-10 * Lasso(matrix, 0.3).objective(x, y)


def test_what_splitting_leaves_goes_to_the_active_set(standard):
    lasso, y, solution = standard
    progress = BatchSolver(torch.tensor(lasso.dictionary), lasso.lam).solve(torch.tensor(y), 1e-10, 2)
    assert (progress.iterations == 2).all()
    np.testing.assert_allclose(progress.x.numpy(), solution.x, atol=1e-8)


# -- values --------------------------------------------------------------------------------------------------------
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31), spread=st.floats(0, 20))
def test_enclosures_contain_exact_objectives(seed, spread):
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((4, 7)) * 10 ** rng.uniform(-spread / 2, spread / 2, 7)
    lasso = Lasso(matrix, 10 ** rng.uniform(-3, 1))
    x, y = rng.standard_normal((3, 2, 7)) * 10 ** rng.uniform(-5, 5), rng.standard_normal((2, 4))
    enclosed = lasso.enclose_objective(x, y)
    gaps, values = lasso.gap(x, y), lasso.objective(x, y)
    assert enclosed.shape == gaps.shape == (3, 2)
    for index in np.ndindex(3, 2):
        exact = exact_objective(matrix, lasso.lam, x[index], y[index[1]])
        assert Fraction(float(enclosed.lo[index])) <= exact <= Fraction(float(enclosed.hi[index]))
        assert float(exact) == pytest.approx(values[index], rel=1e-12)


def test_weak_duality(standard):
    lasso, y, solution = standard
    u = (y - solution.x @ lasso.dictionary.T) * (1 - 1e-9)
    dual = lasso.dual_objective(u, y)
    assert np.isfinite(dual).all()
    assert (dual <= solution.primal).all()
    np.testing.assert_allclose(dual, solution.primal, rtol=1e-7)
    assert (lasso.dual_objective(2 * u, y) == -np.inf).all()
    assert (solution.dual <= solution.primal).all()


# -- minimisers ----------------------------------------------------------------------------------------------------
def test_distances_contain_the_truth_for_an_orthonormal_dictionary():
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.standard_normal((12, 12)))[0]
    lasso = Lasso(basis, 0.4)
    y = rng.standard_normal((30, 12))
    correlation = y @ basis
    truth = np.sign(correlation) * np.maximum(np.abs(correlation) - 0.4, 0)
    exact = lasso.minimizer_distance(y, lasso.solve(y))
    assert exact.unique.all()
    assert exact.distance.basis is Basis.NUMERICAL
    assert exact.distance.contains(np.linalg.norm(truth, axis=1)).all()
    assert exact.radius.max() < 1e-5
    # From a poor solution: its radius is large, and still true.
    poor = lasso.as_solution(truth + 1e-3 * rng.standard_normal(truth.shape), y)
    bound = lasso.minimizer_distance(y, poor)
    assert (np.linalg.norm(poor.x - truth, axis=1) <= bound.radius).all()
    start = rng.standard_normal(12)
    away = lasso.minimizer_distance(y, poor, start)
    assert away.distance.contains(np.linalg.norm(truth - start, axis=1)).all()
    assert away.distance.width.max() < 1


def test_duplicate_columns_are_not_unique():
    rng = np.random.default_rng(0)
    half = np.array(gaussian(10, 8))
    lasso = Lasso(np.concatenate([half, half], axis=1), 0.2)
    y = rng.standard_normal((5, 10))
    solution = lasso.solve(y)
    result = lasso.minimizer_distance(y, solution)
    assert solution.x.any(axis=1).all()
    assert not result.unique.any()
    assert np.isinf(result.radius).all()
    # All minimisers: mass can be moved between the copies.
    merged = solution.x[:, :8] + solution.x[:, 8:]
    for share in (0.0, 0.5, 1.0):
        other = np.concatenate([share * merged, (1 - share) * merged], axis=1)
        np.testing.assert_allclose(lasso.objective(other, y), solution.primal, rtol=1e-9)
        assert result.distance.contains(np.linalg.norm(other, axis=1)).all()


def test_nearly_active_columns_count(standard):
    lasso, y, solution = standard
    result = lasso.minimizer_distance(y, solution)
    assert (result.candidates >= (solution.x != 0).sum(axis=1)).all()
    assert result.unique.all()
    assert (result.sigma_min > 0.05).all()
    poor = lasso.minimizer_distance(y, lasso.as_solution(solution.x * 0.99, y))
    assert (poor.candidates > result.candidates).any()


@pytest.mark.parametrize(
    "make",
    [
        lambda: Lasso(np.eye(3), 0.0),
        lambda: Lasso(np.eye(3), -1),
        lambda: Lasso(np.eye(3), float("nan")),
        lambda: Lasso(np.full((2, 2), np.nan), 1.0),
        lambda: Lasso(np.zeros((0, 2)), 1.0),
        lambda: Lasso(np.eye(3), 1.0).solve(np.ones(3)),
        lambda: Lasso(np.eye(3), 1.0).solve(np.ones((2, 4))),
        lambda: Lasso(np.eye(3), 1.0).solve(np.full((2, 3), np.inf)),
        lambda: Lasso(np.eye(3), 1.0).solve(np.ones((2, 3)), tolerance=0),
        lambda: Lasso(np.eye(3), 1.0).solve(np.ones((2, 3)), max_iterations=0),
        lambda: Lasso(np.eye(3), 1.0).objective(np.ones((2, 3)), np.ones((4, 3))),
        lambda: Lasso(np.eye(3), 1.0).gap(np.full(3, np.nan), np.ones(3)),
        lambda: Lasso(np.eye(3), 1.0).solve_with_cvxpy(np.ones((1, 3)), solver="CPLEX"),
    ],
)
def test_bad_input_is_named(make):
    with pytest.raises(InputError):
        make()
