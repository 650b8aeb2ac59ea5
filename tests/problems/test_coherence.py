"""Coherence, closed-form and minimax weights: against rational arithmetic, HiGHS and published weights."""

from fractions import Fraction
from itertools import combinations
from pathlib import Path

import flint
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unfold_theory.enclosure import Basis, Enclosure
from unfold_theory.errors import InputError
from unfold_theory.problems.coherence import (
    audit_weight,
    babel_function,
    coherence,
    enclose_minimax,
    frobenius_optimum,
    frobenius_weight,
    minimax_by_linear_program,
    minimax_weight,
    normalisation_error,
    require_normalised,
    welch_bound,
)
from unfold_theory.problems.dictionaries import ill_conditioned, load_matrix

DATA = Path(__file__).parents[2] / "../shared/data"
PUBLISHED = {
    "hyperlista": (("hyperlista/A_sc.mat", "A"), ("hyperlista/W_sc.mat", "W")),
    "alista": (("alista/D.mat", "D"), ("alista/W.npy", None)),
    "na-alista-500": (("na_alista/phi_250x500.npy", None), ("na_alista/W_frob_250x500.npy", None)),
    "na-alista-2000": (("na_alista/phi_250x2000.npy", None), ("na_alista/W_frob_250x2000.npy", None)),
}


def gaussian(m, n, seed=0):
    matrix = np.random.default_rng(np.random.SeedSequence(seed)).standard_normal((m, n))
    return matrix / np.linalg.norm(matrix, axis=0)


def published(name):
    (dictionary, key), (weight, weight_key) = PUBLISHED[name]
    if not (DATA / dictionary).is_file():
        pytest.skip("the published weights are not at ../shared/data")
    return load_matrix(DATA / dictionary, key), load_matrix(DATA / weight, weight_key)


def simplex(m):
    """The m + 1 unit vectors at equal angles: every pair has inner product -1/m, which meets Welch's bound."""
    projector = np.eye(m + 1) - 1 / (m + 1)
    _, values, right = np.linalg.svd(projector)
    return (np.sqrt(values[:m, None]) * right[:m]) * np.sqrt((m + 1) / m)


def rational_products(weight, dictionary):
    return [[sum(Fraction(s) * Fraction(t) for s, t in zip(w, a, strict=True)) for a in dictionary.T] for w in weight.T]


SHAPES = [(1, 3), (4, 4), (5, 6), (6, 15), (12, 30)]


# -- coherence ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("shape", [(3, 2), *SHAPES[:4]])
def test_coherence_and_babel_function_against_rational_arithmetic(shape):
    dictionary, weight = gaussian(*shape), gaussian(*shape, seed=1)
    products = rational_products(weight, dictionary)
    n = shape[1]
    exact = max(abs(products[i][j]) for i in range(n) for j in range(n) if i != j)
    enclosed = coherence(weight, dictionary)
    assert enclosed.basis is Basis.CERTIFIED
    assert float(enclosed.lo) <= exact <= float(enclosed.hi)
    assert enclosed.width <= 1e-14
    babel = babel_function(weight, dictionary)
    assert babel.shape == (n - 1,)
    for s in range(1, min(n, 5)):
        most = max(
            sum(abs(products[i][j]) for i in chosen)
            for j in range(n)
            for chosen in combinations([i for i in range(n) if i != j], s)
        )
        assert float(babel.lo[s - 1]) <= most <= float(babel.hi[s - 1])
    errors = [abs(products[i][i] - 1) for i in range(n)]
    error = normalisation_error(weight, dictionary)
    assert float(error.lo) <= max(errors) <= float(error.hi)


def test_babel_function_bounds_the_norm_of_every_support():
    dictionary = gaussian(8, 14)
    weight = frobenius_weight(dictionary)
    babel = babel_function(weight, dictionary)
    worst = max(
        np.abs(np.eye(3) - (weight.T @ dictionary)[np.ix_(support, support)]).sum(axis=0).max()
        for support in map(list, combinations(range(14), 3))
    )
    assert worst == pytest.approx(float(babel.hi[1]), rel=1e-12)


def test_one_column_has_no_coherence():
    assert coherence(np.ones((3, 1)), np.ones((3, 1))).hi == 0


@pytest.mark.parametrize(("m", "n", "value"), [(250, 500, 0.0448), (250, 2000, 0.0592), (3, 4, 1 / 3), (1, 9, 1.0)])
def test_welch_bound(m, n, value):
    bound = welch_bound(m, n)
    assert Fraction(float(bound.lo)) ** 2 <= Fraction(n - m, m * (n - 1)) <= Fraction(float(bound.hi)) ** 2
    assert bound.mid == pytest.approx(value, rel=2e-3)
    assert welch_bound(n, m).hi == 0


@pytest.mark.parametrize("m", [2, 3, 7])
def test_the_simplex_meets_welch(m):
    frame = simplex(m)
    assert coherence(frame, frame).contains(coherence(frame, frame).mid)
    assert coherence(frame, frame).mid == pytest.approx(float(welch_bound(m, m + 1).mid), rel=1e-12)
    found = minimax_weight(frame, relative_gap=1e-6)
    assert found.coherence.mid == pytest.approx(1 / m, rel=1e-6)


# -- the closed form ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_frobenius_weight_meets_its_certified_optimum(shape, scale):
    dictionary = gaussian(*shape) * np.geomspace(scale, 1.0, shape[0])[:, None]
    weight = frobenius_weight(dictionary)
    assert normalisation_error(weight, dictionary).hi < 1e-12
    optimum = frobenius_optimum(dictionary)
    objective = ((Enclosure.exact(weight).T @ dictionary) ** 2).sum()
    assert optimum.basis is Basis.CERTIFIED
    assert (objective.hi - optimum.lo) / optimum.lo < 1e-9
    # The optimum itself, in rational arithmetic.
    m, n = shape
    exact = flint.fmpq_mat(m, n, [flint.fmpq(*float(t).as_integer_ratio()) for t in dictionary.ravel()])
    projector = exact.transpose() * (exact * exact.transpose()).inv() * exact
    value = sum((1 / projector[i, i] for i in range(n)), flint.fmpq(0))
    value = Fraction(int(value.p), int(value.q))
    assert float(optimum.lo) <= value <= float(optimum.hi)
    assert value >= Fraction(n * n, m)


@given(seed=st.integers(0, 2**32 - 1), size=st.floats(1e-6, 1.0))
@settings(max_examples=15, deadline=None)
def test_no_feasible_change_improves_the_closed_form(seed, size):
    rng = np.random.default_rng(np.random.SeedSequence((seed, 1)))
    dictionary = gaussian(5, 9, seed)
    weight = frobenius_weight(dictionary)
    change = rng.standard_normal(weight.shape)
    change -= dictionary * (change * dictionary).sum(axis=0)  # keeps W_i^T A_i for unit columns
    objectives = [np.sum((w.T @ dictionary) ** 2) for w in (weight, weight + size * change)]
    assert objectives[1] >= objectives[0] * (1 - 1e-14)
    audit = audit_weight(dictionary, weight + size * change)
    assert audit.excess.hi > 0
    assert audit.excess.lo >= -1e-10
    assert audit.distance > 0


# -- the minimax weight ------------------------------------------------------------------------------------------------
MINIMAX = {
    **{f"gaussian-{m}x{n}": gaussian(m, n) for m, n in SHAPES},
    "gaussian-25x50": gaussian(25, 50),
    "rows-scaled": gaussian(6, 9) * 10.0 ** np.arange(-3, 3)[:, None],
    "columns-scaled": gaussian(6, 9) * 10.0 ** np.linspace(-1, 1, 9),
    "twins": np.hstack([np.eye(3), np.eye(3)]),
    "opposites": np.hstack([gaussian(4, 6), -gaussian(4, 6)]),
    "identity": np.eye(5),
    "one-free-column": np.block([[gaussian(3, 6), np.zeros((3, 1))], [np.zeros((1, 6)), np.ones((1, 1))]]),
    "spikes-and-sines": np.hstack(
        [np.eye(4), 0.5 * np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1.0]])]
    ),
}


@pytest.mark.parametrize("name", MINIMAX)
def test_minimax_weight_against_linear_programs(name):
    dictionary = MINIMAX[name]
    found = minimax_weight(dictionary, relative_gap=1e-6)
    values, weights = minimax_by_linear_program(dictionary)
    assert found.columns.basis is Basis.CERTIFIED
    np.testing.assert_array_less(found.columns.lo - 1e-7, values)
    np.testing.assert_array_less(values, found.columns.hi + 1e-7)
    assert found.relative_gap <= 1e-6
    assert found.coherence.mid == pytest.approx(values.max(), rel=1e-6, abs=1e-9)
    # The upper end is attained by the weight, which is feasible.
    assert require_normalised(found.weight, dictionary, tolerance=1e-9) is not None
    assert coherence(found.weight, dictionary).hi <= found.coherence.hi * (1 + 1e-9) + 1e-12
    assert found.largest_entry == np.abs(found.weight).max()
    # The witness reproduces the lower end without the solver, and so do the weights of HiGHS the upper end.
    again = enclose_minimax(dictionary, weights, found.kernel)
    np.testing.assert_array_equal(again.lo, found.columns.lo)
    np.testing.assert_allclose(again.hi, found.columns.hi, rtol=1e-5, atol=1e-7)


@pytest.fixture(scope="module")
def programs():
    """Values and weights of the linear programs of one dictionary."""
    return minimax_by_linear_program(MINIMAX["gaussian-6x15"], range(15))


@given(seed=st.integers(0, 2**32 - 1), noise=st.sampled_from([0.0, 1e-12, 1e-6, 1e-3, 1e-1, 10.0]))
@settings(max_examples=20, deadline=None)
def test_bad_candidates_give_wide_and_never_wrong_enclosures(programs, seed, noise):
    rng = np.random.default_rng(seed)
    dictionary, (values, weights) = MINIMAX["gaussian-6x15"], programs
    kernel = np.eye(15) - np.linalg.pinv(dictionary) @ dictionary
    kernel = kernel @ np.diag(10.0 ** rng.uniform(-5, 5, 15)) + noise * rng.standard_normal((15, 15))
    enclosed = enclose_minimax(dictionary, weights + noise * rng.standard_normal(weights.shape), kernel)
    assert (enclosed.lo <= values + 1e-9).all()
    assert (values <= enclosed.hi + 1e-9).all()
    assert (enclosed.lo >= 0).all()


def test_vectors_outside_the_kernel_prove_no_more_than_their_share_of_it(programs):
    dictionary, (values, _) = MINIMAX["gaussian-6x15"], programs
    # For h = e_i the plain quotient |h_i| / (|h|_1 - |h_i|) is infinite, and for A^T a_i it is above every mu_i.
    for kernel in (np.eye(15), dictionary.T @ dictionary, np.zeros((15, 15))):
        assert (enclose_minimax(dictionary, dictionary, kernel).lo <= values).all()
    assert (enclose_minimax(dictionary, dictionary, dictionary.T @ dictionary).lo == 0).all()
    reversed_ = enclose_minimax(dictionary, -dictionary, np.zeros((15, 15)))
    assert np.isinf(reversed_.hi).all()


def test_the_gap_that_is_asked_for_and_the_iterations_it_takes():
    dictionary = gaussian(20, 50)
    coarse, fine = (minimax_weight(dictionary, relative_gap=gap) for gap in (1e-2, 1e-8))
    assert coarse.relative_gap <= 1e-2
    assert fine.relative_gap <= 1e-8
    assert coarse.iterations < fine.iterations < 30
    assert (coarse.columns.lo <= fine.columns.hi).all()
    assert (fine.columns.lo <= coarse.columns.hi).all()
    stopped = minimax_weight(dictionary, max_iterations=1)
    assert stopped.relative_gap > 1e-3
    assert (stopped.columns.lo <= fine.columns.hi).all()
    assert (fine.columns.lo <= stopped.columns.hi).all()
    assert "20 x 50" in repr(fine)


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_change_nothing_and_are_given_back(threads):
    before, seen = torch.get_num_threads(), []
    try:
        torch.set_num_threads(threads)
        found = minimax_weight(gaussian(10, 25), progress=lambda done, total: seen.append((done, total)))
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert seen[-1] == (25, 25)
    reference = minimax_weight(gaussian(10, 25))
    np.testing.assert_allclose(found.columns.mid, reference.columns.mid, rtol=1e-3)


# -- bad input ---------------------------------------------------------------------------------------------------------
BAD_DICTIONARIES = {
    "rank-deficient": (np.vstack([np.ones(5), np.ones(5)]), "rank-deficient"),
    "zero column": (np.array([[1.0, 0.0, 2.0], [0.0, 0.0, 1.0]]), "Column 1 of the dictionary is zero"),
    "tall": (gaussian(5, 3), "more rows than columns"),
    "NaN": (np.array([[1.0, np.nan]]), "NaN"),
    "a vector": (np.ones(3), "shape"),
    "empty": (np.ones((0, 3)), "shape"),
}


@pytest.mark.parametrize("name", BAD_DICTIONARIES)
@pytest.mark.parametrize("function", [frobenius_weight, frobenius_optimum, minimax_weight, minimax_by_linear_program])
def test_bad_dictionaries(name, function):
    dictionary, cause = BAD_DICTIONARIES[name]
    with pytest.raises(InputError, match=cause):
        function(dictionary)


def test_bad_dictionary_for_an_audit():
    for dictionary, cause in BAD_DICTIONARIES.values():
        with pytest.raises(InputError, match=cause):
            audit_weight(dictionary, dictionary)


@pytest.mark.parametrize("function", [coherence, babel_function, normalisation_error, require_normalised])
def test_bad_weights(function):
    dictionary = gaussian(3, 5)
    with pytest.raises(InputError, match="shape"):
        function(dictionary.T, dictionary)
    with pytest.raises(InputError, match="NaN"):
        function(np.full((3, 5), np.nan), dictionary)


def test_a_weight_that_is_not_normalised():
    dictionary = gaussian(3, 5)
    with pytest.raises(InputError, match="not normalised"):
        require_normalised(1.001 * dictionary, dictionary)
    np.testing.assert_array_equal(
        require_normalised(1.001 * dictionary, dictionary, tolerance=0.01), 1.001 * dictionary
    )
    audit = audit_weight(dictionary, np.zeros((3, 5)))
    assert audit.normalisation_error.contains(1.0)
    assert audit.excess.hi == np.inf


@pytest.mark.parametrize(
    ("call", "cause"),
    [
        (lambda a: minimax_weight(a, relative_gap=0.0), "relative gap"),
        (lambda a: minimax_weight(a, relative_gap=1e-12), "cannot be reached"),
        (lambda a: minimax_weight(a, relative_gap=float("nan")), "relative gap"),
        (lambda a: minimax_weight(a, max_iterations=0), "number of iterations"),
        (lambda a: minimax_by_linear_program(a, [5]), "Columns"),
        (lambda a: enclose_minimax(a, a.T, np.eye(5)), "weight of shape"),
        (lambda a: enclose_minimax(a, a, np.eye(4)), "Kernel vectors"),
        (lambda a: babel_function(a[:, :1], a[:, :1]), "single column"),
        (lambda a: welch_bound(0, 5), "number of rows"),
        (lambda a: welch_bound(2, -1), "number of columns"),
    ],
)
def test_bad_parameters(call, cause):
    with pytest.raises(InputError, match=cause):
        call(gaussian(3, 5))


def test_a_rank_that_float64_cannot_certify_is_refused():
    left, _, right = np.linalg.svd(gaussian(150, 300), full_matrices=False)
    dictionary = (left * np.geomspace(1, 10.0**-12.5, 150)) @ right
    assert frobenius_weight(dictionary).shape == (150, 300)
    with pytest.raises(InputError, match="cannot be certified"):
        frobenius_optimum(dictionary)
    with pytest.raises(InputError, match="cannot be certified"):
        enclose_minimax(dictionary, dictionary, np.eye(300))
    fine = ill_conditioned(40, 80, 1e4)
    assert minimax_weight(fine).relative_gap <= 1e-3


# -- published weights -------------------------------------------------------------------------------------------------
AUDIT = {
    # name: (distance to the optimum, excess after normalisation, coherence, normalisation error), each as measured
    "hyperlista": (8.1e-6, 0.0, 0.2044, 0.0),
    "alista": (2.40e-3, 2.5e-7, 0.2064, 2.54e-3),
    "na-alista-500": (0.465, 0.1033, 0.2432, 1.5e-8),
    "na-alista-2000": (7.14e-3, 2.88e-5, 0.3135, 1.4e-8),
}


@pytest.mark.parametrize("name", [*list(AUDIT)[:3], pytest.param("na-alista-2000", marks=pytest.mark.slow)])
def test_audit_of_published_weights(name):
    dictionary, weight = published(name)
    distance, excess, mu, error = AUDIT[name]
    audit = audit_weight(dictionary, weight)
    assert audit.distance == pytest.approx(distance, rel=0.01)
    assert audit.excess.mid == pytest.approx(excess, rel=0.01, abs=2e-10)
    assert audit.coherence.mid == pytest.approx(mu, rel=1e-3)
    assert audit.normalisation_error.mid == pytest.approx(error, rel=0.01, abs=1e-9)
    assert audit.coherence.lo > audit.welch.hi
    assert audit.optimum.width / audit.optimum.lo < 1e-9
    assert set(audit.row()) >= {"excess", "distance", "coherence", "diagonal_min"}
    if name == "alista":
        assert 0.9974 < audit.diagonal.lo.min() < audit.diagonal.hi.max() < 0.9986
    if name == "na-alista-500":
        assert audit.objective.mid == pytest.approx(1105.7, abs=0.1)
        assert audit.optimum.mid == pytest.approx(1002.1, abs=0.1)


def test_closed_form_gap_at_the_standard_size():
    dictionary, _ = published("hyperlista")
    audit = audit_weight(dictionary, frobenius_weight(dictionary))
    assert audit.excess.hi < 1e-9
    assert audit.distance == 0


@pytest.mark.slow
def test_minimax_coherence_of_the_hyperlista_dictionary():
    dictionary, _ = published("hyperlista")
    found = minimax_weight(dictionary)
    assert 0.0753 <= found.coherence.lo <= found.coherence.hi <= 0.0760
    assert found.relative_gap <= 1e-3
    # The largest sparsity of the coherence theorems.
    assert (1 + 1 / found.coherence.hi) / 2 > 7
    assert (1 + 1 / found.coherence.lo) / 2 < 8
    values, _ = minimax_by_linear_program(dictionary, [0, 499])
    assert found.columns[[0, 499]].contains(values).all()
