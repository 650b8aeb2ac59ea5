"""Verified linear algebra against ball arithmetic (python-flint) and on matrices chosen to break it."""

from itertools import pairwise

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from unfold_theory.enclosure import Basis, Enclosure
from unfold_theory.errors import InputError
from unfold_theory.verified import (
    column_subset_norms_squared,
    is_positive_definite,
    smallest_eigenvalue,
    smallest_singular_value_squared,
    spectral_norm_squared,
)

RNG = np.random.default_rng(np.random.SeedSequence(2024))


def rational(matrix):
    """The matrix of dyadic rationals that the floats are."""
    rows, columns = matrix.shape
    entries = [flint.fmpq(*float(x).as_integer_ratio()) for x in matrix.ravel()]
    return flint.fmpq_mat(rows, columns, entries)


def negative_eigenvalues(symmetric, shift):
    """Number of eigenvalues of a rational symmetric matrix below ``shift``, from its characteristic polynomial.

    All roots are real, so Descartes' rule counts the positive roots of p(-x), moved by ``shift``, exactly.
    """
    size = symmetric.nrows()
    moved = symmetric - flint.fmpq_mat(size, size, [shift if i == j else 0 for i in range(size) for j in range(size)])
    polynomial = moved.charpoly()
    mirrored = [c * (-1) ** k for k, c in enumerate(polynomial.coeffs())]
    signs = [c > 0 for c in mirrored if c != 0]
    return sum(a != b for a, b in pairwise(signs))


def assert_encloses_eigenvalue(symmetric, rank, enclosure):
    """Eigenvalue number ``rank`` in ascending order lies in the enclosure, decided in rational arithmetic."""
    for end, smaller in ((float(enclosure.lo), True), (float(enclosure.hi), False)):
        if not np.isfinite(end):
            continue
        point = flint.fmpq(*end.as_integer_ratio())
        below = negative_eigenvalues(symmetric, point)
        at_most = symmetric.nrows() - negative_eigenvalues(-symmetric, -point)
        assert below <= rank if smaller else at_most > rank


ADVERSARIAL = {
    "one": np.array([[-3.1]]),
    "least-subnormal": np.array([[5e-324]]),
    "row": RNG.standard_normal((1, 6)),
    "column": RNG.standard_normal((6, 1)),
    "zero": np.zeros((3, 4)),
    "ones": np.ones((4, 6)),
    "rank-one-of-floats": np.outer(RNG.standard_normal(4), [1.0, 2.0, -4.0]),
    "repeated-columns": np.repeat(RNG.standard_normal((4, 3)), 2, axis=1),
    "identity": np.eye(5),
    "equal-singular-values": np.kron(np.array([[1.0, 1.0], [1.0, -1.0]]), np.array([[1.0, 1.0], [1.0, -1.0]])),
    "hilbert": 1.0 / (1 + np.arange(7)[:, None] + np.arange(7)),
    "columns-scaled": RNG.standard_normal((4, 6)) * 10.0 ** np.arange(-150, 150, 50),
    "rows-scaled": RNG.standard_normal((4, 6)) * 10.0 ** np.arange(-160, 160, 80)[:, None],
    "tiny": 1e-160 * RNG.standard_normal((3, 5)),
    "subnormal-entries": 1e-310 * RNG.standard_normal((3, 5)),
    "huge": 1e150 * RNG.standard_normal((3, 5)),
    "overflowing": 1e300 * RNG.standard_normal((3, 5)),
    "one-huge": np.array([[1e300, 1.0], [1.0, 1e-300]]),
    "nearly-singular": np.array([[1.0, 1.0], [1.0, 1.0 + 2.0**-52]]),
    "powers-of-two": np.diag(2.0 ** np.arange(-8, 8)),
    "graded-triangle": np.triu(np.full((8, 8), -1.0), 1) + np.eye(8),
}


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_singular_values_are_enclosed(name):
    matrix = ADVERSARIAL[name]
    small = rational(matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T)
    gram = small * small.transpose()
    largest, least = spectral_norm_squared(matrix), smallest_singular_value_squared(matrix)
    assert largest.basis is least.basis is Basis.CERTIFIED
    assert 0 <= least.lo <= least.hi
    assert_encloses_eigenvalue(gram, gram.nrows() - 1, largest)
    assert_encloses_eigenvalue(gram, 0, least)


@given(arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=4), elements=st.floats(-1e3, 1e3)))
@settings(max_examples=60, deadline=None)
def test_singular_values_of_any_small_matrix(matrix):
    small = rational(matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T)
    gram = small * small.transpose()
    assert_encloses_eigenvalue(gram, gram.nrows() - 1, spectral_norm_squared(matrix))
    assert_encloses_eigenvalue(gram, 0, smallest_singular_value_squared(matrix))


@pytest.mark.parametrize("name", ["ones", "zero", "repeated-columns-tall", "rank-one-of-floats"])
def test_no_rank_is_certified_where_there_is_none(name):
    matrix = np.repeat(np.eye(3), 2, axis=1) if name == "repeated-columns-tall" else ADVERSARIAL[name]
    if name == "repeated-columns-tall":
        matrix = matrix.T[:, [0, 1, 1]]
    assert smallest_singular_value_squared(matrix).lo == 0


@pytest.mark.parametrize("condition", [1.0, 1e3, 1e6, 1e8])
def test_rank_is_certified_for_ill_conditioned_matrices(condition):
    left, _, right = np.linalg.svd(RNG.standard_normal((30, 60)), full_matrices=False)
    least = smallest_singular_value_squared((left * np.geomspace(1, 1 / condition, 30)) @ right)
    assert 0.99 / condition**2 < least.lo <= least.hi < 1.01 / condition**2


def test_width_at_the_standard_size():
    matrix = RNG.standard_normal((250, 500))
    matrix /= np.linalg.norm(matrix, axis=0)
    values = np.linalg.svd(matrix, compute_uv=False) ** 2
    for enclosure, value in (
        (spectral_norm_squared(matrix), values[0]),
        (smallest_singular_value_squared(matrix), values[-1]),
    ):
        assert enclosure.width / enclosure.hi < 1e-10
        assert enclosure.lo <= value * (1 + 1e-13)
        assert value * (1 - 1e-13) <= enclosure.hi
    assert spectral_norm_squared(matrix.T).contains(values[0])


def test_bounds_scale_exactly_with_powers_of_two():
    matrix = RNG.standard_normal((4, 7))
    plain, moved = spectral_norm_squared(matrix), spectral_norm_squared(matrix * 2.0**-400)
    assert plain.lo * 2.0**-800 == moved.lo
    assert plain.hi * 2.0**-800 == moved.hi


def test_an_enclosed_matrix_covers_its_members():
    matrix = RNG.standard_normal((5, 8))
    enclosed = Enclosure.certified(matrix - 1e-3, matrix + 1e-3)
    bound, least = spectral_norm_squared(enclosed), smallest_singular_value_squared(enclosed)
    for _ in range(50):
        member = matrix + RNG.uniform(-1e-3, 1e-3, matrix.shape)
        values = np.linalg.svd(member, compute_uv=False) ** 2
        assert bound.contains(values[0])
        assert least.contains(values[-1])
    assert spectral_norm_squared(Enclosure.numerical(matrix, 1e-9)).basis is Basis.NUMERICAL
    assert spectral_norm_squared(Enclosure.confidence(matrix, matrix, delta=0.1)).delta == 0.1


@given(arrays(np.int64, (4, 4), elements=st.integers(-5, 5)), st.integers(0, 40))
@settings(max_examples=80, deadline=None)
def test_smallest_eigenvalue_and_definiteness(entries, shift):
    symmetric = (entries + entries.T + shift * np.eye(4, dtype=np.int64)).astype(float)
    exact = rational(symmetric)
    assert_encloses_eigenvalue(exact, 0, smallest_eigenvalue(symmetric))
    definite = negative_eigenvalues(-exact, flint.fmpq(0)) == 4
    # Integers this small are decided either way: a definite one has lambda_min >= 1 / max eigenvalue^3.
    assert is_positive_definite(symmetric) == definite


def test_definiteness_at_the_edge():
    assert is_positive_definite(np.array([[1e300, 0.99], [0.99, 1e-300]]))
    assert not is_positive_definite(np.array([[1e300, 1.0], [1.0, 1e-300]]))
    assert not is_positive_definite(np.array([[1e-300, 1e300], [1e300, 1e-300]]))
    assert not is_positive_definite(np.ones((2, 2)))
    assert not is_positive_definite(np.zeros((2, 2)))
    assert is_positive_definite(np.array([[5e-324]]))
    assert not is_positive_definite(np.array([[-1.0]]))
    wide = Enclosure.certified(np.array([[1.0, -0.9], [-0.9, 1.0]]), np.array([[1.0, 1.1], [1.1, 1.0]]))
    assert not is_positive_definite(wide)
    assert is_positive_definite(
        Enclosure.certified(np.array([[1.0, -0.4], [-0.4, 1.0]]), np.array([[1.0, 0.4], [0.4, 1.0]]))
    )


@pytest.mark.parametrize("function", [spectral_norm_squared, smallest_singular_value_squared, smallest_eigenvalue])
@pytest.mark.parametrize(
    ("matrix", "cause"),
    [
        (np.ones(3), "shape"),
        (np.ones((0, 3)), "empty side"),
        (np.array([[np.nan]]), "non-finite"),
        (np.array([[np.inf]]), "non-finite"),
        (np.array([[1j]]), "not real"),
        (Enclosure.certified(np.array([[0.0]]), np.array([[np.inf]])), "infinite end"),
    ],
)
def test_bad_input(function, matrix, cause):
    with pytest.raises(InputError, match=cause):
        function(matrix)


@pytest.mark.parametrize("matrix", [np.ones((2, 3)), np.array([[1.0, 2.0], [3.0, 1.0]])])
def test_symmetry_is_required(matrix):
    with pytest.raises(InputError, match=r"square|symmetric"):
        smallest_eigenvalue(matrix)
    with pytest.raises(InputError, match=r"square|symmetric"):
        is_positive_definite(matrix)


def test_column_subsets_agree_with_one_at_a_time():
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((12, 20))
    sets = rng.random((60, 20)) < rng.random((60, 1))
    sets[0] = False
    found = column_subset_norms_squared(matrix, sets)
    assert found.lo[0] == found.hi[0] == 0
    for i in range(1, 60):
        if not sets[i].any():
            continue
        one = spectral_norm_squared(matrix[:, sets[i]])
        assert found.lo[i] <= one.hi
        assert one.lo <= found.hi[i]
        assert found.hi[i] - found.lo[i] <= 1e-11 * found.hi[i]


def test_column_subsets_enclose_exact_values():
    # Columns of ones: the norm squared is m times the number of columns, exactly.
    found = column_subset_norms_squared(np.ones((5, 7)), np.tri(7, dtype=bool))
    exact = 5.0 * np.arange(1, 8)
    assert (found.lo <= exact).all()
    assert (exact <= found.hi).all()
    graded = np.diag(10.0 ** -np.arange(0, 14, 2))
    found = column_subset_norms_squared(graded, np.eye(7, dtype=bool))
    assert found.contains(np.diag(graded) ** 2).all()


def test_refuses_sets_that_do_not_fit():
    with pytest.raises(InputError, match="columns"):
        column_subset_norms_squared(np.eye(3), np.ones((2, 4), bool))
