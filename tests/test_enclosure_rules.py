"""Rules of the kernel: which basis wins, how failures add, what is refused, and when an inequality is decided."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from unfold_theory.enclosure import Basis, Enclosure, Inequality, gamma, matmul, maximum, minimum, stack, where
from unfold_theory.errors import InputError

pytestmark = pytest.mark.filterwarnings("error")

# Operations whose results are rounded, and operations which only choose.
ROUNDED = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "matmul": matmul,
}
CHOOSING = {
    "maximum": maximum,
    "minimum": minimum,
    "where": lambda x, y: where(np.array([True, False]), x, y),
    "stack": lambda x, y: stack([x, y]),
}
ROUNDED_ALONE = {
    "reciprocal": Enclosure.reciprocal,
    "power": lambda x: x**5,
    "powers": lambda x: x ** np.array([3, 2]),
    "sqrt": Enclosure.sqrt,
    "exp": Enclosure.exp,
    "log": Enclosure.log,
    "sum": Enclosure.sum,
    "cumsum": Enclosure.cumsum,
    "cumprod": Enclosure.cumprod,
    "norm-1": lambda x: x.norm(1),
    "norm-2": lambda x: x.norm(2),
}
CHOOSING_ALONE = {
    "negative": lambda x: -x,
    "absolute": abs,
    "max": Enclosure.max,
    "min": Enclosure.min,
    "sort": Enclosure.sort,
    "norm-inf": lambda x: x.norm(np.inf),
    "index": lambda x: x[0],
    "transpose": lambda x: x.T,
    "reshape": lambda x: x.reshape(2, 1),
    "broadcast": lambda x: x.broadcast_to((3, 2)),
}


# -- basis and delta -------------------------------------------------------------------------------------------------
OF_BASIS = {
    Basis.EXACT: Enclosure.exact([2.0, 3.0]),
    Basis.CERTIFIED: Enclosure.certified([1.0, 2.0], [2.0, 4.0]),
    Basis.CONFIDENCE: Enclosure.confidence([1.0, 2.0], [2.0, 4.0], delta=0.125),
    Basis.NUMERICAL: Enclosure.numerical([1.0, 2.0], 0.25),
    Basis.SAMPLED: Enclosure.sampled_supremum([1.0, 2.0]),
}


@pytest.mark.parametrize("first", Basis)
@pytest.mark.parametrize("second", Basis)
@pytest.mark.parametrize("name", [*ROUNDED, *CHOOSING])
def test_the_weakest_basis_wins_and_failures_add(first, second, name):
    x, y = OF_BASIS[first], OF_BASIS[second]
    assert x.basis is first
    if name == "matmul" and Basis.SAMPLED in (first, second):
        with pytest.raises(InputError, match="infinite end"):  # a sampled supremum has no upper end
            matmul(x, y)
        return
    result = {**ROUNDED, **CHOOSING}[name](x, y)
    assert result.basis is min(first, second, Basis.CERTIFIED if name in ROUNDED else Basis.EXACT)
    assert result.delta == x.delta + y.delta


@pytest.mark.parametrize("basis", Basis)
@pytest.mark.parametrize("name", [*ROUNDED_ALONE, *CHOOSING_ALONE])
def test_one_operand_keeps_its_basis_and_delta(name, basis):
    x = OF_BASIS[basis]
    result = {**ROUNDED_ALONE, **CHOOSING_ALONE}[name](x)
    assert result.basis is (min(basis, Basis.CERTIFIED) if name in ROUNDED_ALONE else basis)
    assert result.delta == x.delta


def test_delta_is_a_probability():
    half = Enclosure.confidence(0.0, 1.0, delta=0.75)
    assert (half + half).delta == 1.0
    for delta in (-0.1, 1.1, np.nan):
        with pytest.raises(InputError, match="probability"):
            Enclosure.confidence(0.0, 1.0, delta=delta)


def test_a_basis_only_weakens():
    numerical = OF_BASIS[Basis.NUMERICAL]
    assert OF_BASIS[Basis.CERTIFIED].with_basis(Basis.SAMPLED).basis is Basis.SAMPLED
    for stronger in (Basis.CONFIDENCE, Basis.CERTIFIED, Basis.EXACT):
        with pytest.raises(InputError, match="cannot become"):
            numerical.with_basis(stronger)


# -- what is refused -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (lambda: Enclosure.exact(np.nan), "NaN"),
        (lambda: Enclosure.certified(np.nan, 1.0), "NaN"),
        (lambda: Enclosure.certified([0.0, 0.0], [1.0, np.nan]), "NaN"),
        (lambda: Enclosure.numerical(np.nan), "NaN"),
        (lambda: Enclosure.numerical(1.0, np.nan), "NaN"),
        (lambda: Enclosure.numerical(1.0, -1e-9), "negative"),
        (lambda: Enclosure.certified(1.0, 0.0), "empty"),
        (lambda: Enclosure.certified([0.0, np.inf], [1.0, -np.inf]), "empty"),
        (lambda: Enclosure.exact(1.0) + np.nan, "NaN"),
        (lambda: Enclosure.exact(Fraction(1, 3)), "no exact float64"),
        (lambda: Enclosure.exact(2**70 + 1), "no exact float64"),
        (lambda: Enclosure.exact(np.int64(2**53 + 1)), "no exact float64"),
        (lambda: Enclosure.exact(np.array([2**63 + 1], dtype=np.uint64)), "no exact float64"),
        (lambda: Enclosure.exact(np.longdouble(1) / 3), "no exact float64"),
        (lambda: Enclosure.exact(None), "no exact float64"),
        (lambda: Enclosure.exact(1j), "not real"),
        (lambda: Enclosure.exact("0.1"), "not real"),
        (lambda: Enclosure.exact(-1.0).sqrt(), "square root"),
        (lambda: Enclosure.exact(0.0).log(), "logarithm"),
        (lambda: Enclosure.exact(2.0) ** -1, "power"),
        (lambda: Enclosure.exact(2.0) ** 0.5, "power"),
        (lambda: Enclosure.exact([1.0]).norm(3), "order 3"),
        (lambda: gamma(2**41), "too long"),
    ],
)
def test_refusals(make, cause):
    with pytest.raises(InputError, match=cause):
        make()


def test_exact_inputs_keep_their_values():
    assert Enclosure.exact(2**60).lo == 2**60
    assert Enclosure.exact(Fraction(3, 8)).hi == 0.375
    assert Enclosure.exact(True).lo == 1
    assert Enclosure.exact(np.float32(0.1)).lo == float(np.float32(0.1))
    assert Enclosure.exact(torch.tensor([0.1], dtype=torch.bfloat16)).lo == float(torch.tensor(0.1).bfloat16())
    assert Enclosure.exact(torch.ones(2, requires_grad=True)).shape == (2,)
    source = np.ones(2)
    kept = Enclosure.exact(source)
    source[:] = 5
    assert (kept.lo == 1).all()


# -- inequalities ----------------------------------------------------------------------------------------------------
INTERVALS = [(0.0, 1.0), (1.0, 2.0), (1.0, 1.0), (0.5, 1.5), (-1.0, 0.0), (2.0, 3.0), (-np.inf, 0.0), (0.0, np.inf)]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("left", INTERVALS)
@pytest.mark.parametrize("right", INTERVALS)
def test_truth_table(left, right, strict):
    x, y = Enclosure.certified(*left), Enclosure.certified(*right)
    inequality = x < y if strict else x <= y
    mirrored = y > x if strict else y >= x

    def true(a, b):
        return a < b if strict else a <= b

    members = [
        [v if np.isfinite(v) else np.copysign(1e9, v) for v in (lo, (lo + hi) / 2, hi)] for lo, hi in (left, right)
    ]
    outcomes = {true(a, b) for a in members[0] for b in members[1] if np.isfinite(a) and np.isfinite(b)}
    assert bool(inequality.holds) == (outcomes == {True})
    assert bool(inequality.refuted) == (outcomes == {False})
    assert bool(inequality.undecided) == (outcomes == {True, False})
    assert (bool(mirrored.holds), bool(mirrored.refuted)) == (bool(inequality.holds), bool(inequality.refuted))
    assert inequality.margin.hi == (y - x).hi


def test_inequalities_carry_both_sides():
    left = Enclosure.confidence(np.zeros((3, 1)), np.ones((3, 1)), delta=0.1)
    right = Enclosure.certified(np.full(2, 0.5), np.full(2, 4.0))
    inequality = left <= right
    assert inequality.shape == (3, 2)
    assert inequality[1].shape == (2,)
    assert inequality[:, 0].lhs.shape == (3,)
    assert inequality.basis is Basis.CONFIDENCE
    assert inequality.delta == 0.1
    assert isinstance(np.zeros(2) <= right, Inequality)
    assert isinstance(right >= 1.0, Inequality)
    assert "undecided 6 of 6" in repr(inequality)
    for thing in (inequality, left):
        with pytest.raises(TypeError, match="truth value"):
            bool(thing)


def test_products_with_rows_of_zeros_are_zero_beside_rows_that_are_not_points():
    wide = Enclosure.certified(np.array([[0.0, 0.0], [1.0, 2.0]]), np.array([[0.0, 0.0], [1.5, 2.0]]))
    product = wide @ np.array([[1.0, 0.0], [3.0, 4.0]])
    assert (product.lo[0] == 0).all()
    assert (product.hi[0] == 0).all()
    assert product.contains(np.array([[0.0, 0.0], [7.2, 8.0]])).all()
    tiny = Enclosure.exact(np.full((1, 2), 2.0**-600)) @ np.full((2, 1), 2.0**-600)
    assert tiny.hi[0, 0] > 0
