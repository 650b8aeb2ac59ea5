"""Every operation of an enclosure contains the true result, computed in rational or 700-bit arithmetic."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, mutually_broadcastable_shapes

from unfold_theory.enclosure import Enclosure, Inequality, gamma, matmul, maximum, minimum, stack, where
from unfold_theory.errors import InputError

mpmath.mp.prec = 700
pytestmark = pytest.mark.filterwarnings("error")
FAST = settings(max_examples=60, deadline=None)

LARGEST, LEAST, NORMAL = float(np.finfo(float).max), 5e-324, float(np.finfo(float).tiny)
EDGES = [0.0, -0.0, 1.0, -1.0, 1 + 2**-52, 1 - 2**-53, LEAST, -LEAST, NORMAL, -NORMAL, LARGEST, -LARGEST]
EDGES += [0.1, -0.3, 3.0, 1e200, -1e200, 1e-200, 2.0**53, 1e-310, np.inf, -np.inf]
FLOATS = st.one_of(st.sampled_from(EDGES), st.floats(-10, 10), st.floats(allow_nan=False))
MODERATE = st.one_of(st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.1, LEAST]), st.floats(-700, 700))
BEYOND = Fraction(10) ** 320  # an unbounded enclosure has members that no float reaches


@st.composite
def boxes(draw, shape=None, floats=FLOATS, finite=False):
    """An enclosure of the shape, and an object array of rational numbers inside it."""
    shape = draw(array_shapes(min_dims=0, max_dims=2, max_side=3)) if shape is None else shape
    lo, hi, inside = np.zeros(shape), np.zeros(shape), np.empty(shape, dtype=object)
    for index in np.ndindex(*shape):
        a = draw(floats)
        b = draw(st.one_of(st.just(a), floats))
        a, b = min(a, b), max(a, b)
        if finite or a == b:  # an infinite point is no number
            a, b = (min(max(end, -LARGEST), LARGEST) for end in (a, b))
        low = Fraction(a) if np.isfinite(a) else min(-BEYOND, Fraction(b) if np.isfinite(b) else -BEYOND)
        high = Fraction(b) if np.isfinite(b) else max(BEYOND, low)
        share = draw(st.sampled_from([Fraction(0), Fraction(1), Fraction(1, 2), Fraction(1, 7), None]))
        zero = share is None and low <= 0 <= high
        lo[index], hi[index] = a, b
        inside[index] = Fraction(0) if zero else low + (share or Fraction(1, 3)) * (high - low)
        inside[index] = high if share == 1 else inside[index]
    return Enclosure.certified(lo, hi), inside


@st.composite
def box_pairs(draw, floats=FLOATS):
    """Two boxes whose shapes broadcast."""
    shapes = draw(mutually_broadcastable_shapes(num_shapes=2, max_dims=2, max_side=3)).input_shapes
    return (*draw(boxes(shapes[0], floats)), *draw(boxes(shapes[1], floats)))


def contains(enclosure, truth):
    """Exact comparison of the ends with rational or mpmath numbers; truths that are None are left out."""
    truth = np.broadcast_to(np.asarray(truth, dtype=object), enclosure.shape)
    return all(
        t is None or (float(lo) <= t <= float(hi))
        for lo, hi, t in zip(enclosure.lo.ravel(), enclosure.hi.ravel(), truth.ravel(), strict=True)
    )


def elementwise(function, *arrays):
    """An exact function on object arrays, None where it is undefined."""
    return np.asarray(np.frompyfunc(function, len(arrays), 1)(*arrays), dtype=object)


def test_the_harness_can_fail():
    box = Enclosure.exact(0.1 + 0.2)
    assert not contains(box, Fraction(0.1) + Fraction(0.2))
    assert contains(Enclosure.exact(0.1) + Enclosure.exact(0.2), Fraction(0.1) + Fraction(0.2))


# -- arithmetic ------------------------------------------------------------------------------------------------------
BINARY = {
    "add": (lambda x, y: x + y, lambda a, b: a + b),
    "subtract": (lambda x, y: x - y, lambda a, b: a - b),
    "multiply": (lambda x, y: x * y, lambda a, b: a * b),
    "divide": (lambda x, y: x / y, lambda a, b: a / b if b else None),
    "maximum": (maximum, max),
    "minimum": (minimum, min),
    "where-true": (lambda x, y: where(True, x, y), lambda a, b: a),
    "where-false": (lambda x, y: where(False, x, y), lambda a, b: b),
}
UNARY = {
    "negative": (lambda x: -x, lambda a: -a),
    "absolute": (abs, abs),
    "reciprocal": (lambda x: x.reciprocal(), lambda a: 1 / a if a else None),
    "power-0": (lambda x: x**0, lambda a: a**0),
    "power-1": (lambda x: x**1, lambda a: a),
    "power-2": (lambda x: x**2, lambda a: a**2),
    "power-3": (lambda x: x**3, lambda a: a**3),
    "power-7": (lambda x: x**7, lambda a: a**7),
    "power-10": (lambda x: x ** np.int64(10), lambda a: a**10),
}


@pytest.mark.parametrize("name", BINARY)
@given(pair=box_pairs())
@FAST
def test_binary_operations(name, pair):
    operation, exact = BINARY[name]
    x, a, y, b = pair
    result = operation(x, y)
    assert result.shape == np.broadcast_shapes(x.shape, y.shape)
    assert contains(result, elementwise(exact, a, b))


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide"])
@given(box=boxes(), number=st.floats(allow_nan=False, allow_infinity=False))
@FAST
def test_numbers_and_arrays_on_either_side(name, box, number):
    operation, exact = BINARY[name]
    x, a = box
    right, left = operation(x, number), operation(number, x)
    assert contains(right, elementwise(lambda t: exact(t, Fraction(number)), a))
    assert contains(left, elementwise(lambda t: exact(Fraction(number), t), a))
    array = np.full(x.shape, number)
    by_array = operation(array, x)
    assert isinstance(by_array, Enclosure)
    np.testing.assert_array_equal(by_array.lo, left.lo)
    np.testing.assert_array_equal(by_array.hi, left.hi)


@pytest.mark.parametrize("name", UNARY)
@given(box=boxes())
@FAST
def test_unary_operations(name, box):
    operation, exact = UNARY[name]
    x, a = box
    assert contains(operation(x), elementwise(exact, a))


@given(box=boxes((3,)), powers=st.lists(st.integers(0, 40), min_size=3, max_size=3))
@FAST
def test_powers_elementwise_in_the_exponent(box, powers):
    x, a = box
    assert contains(x ** np.array(powers), elementwise(lambda t, k: t ** int(k), a, np.array(powers, dtype=object)))
    column = np.array([[0], [1], [5]])
    assert contains(x**column, elementwise(lambda t, k: t ** int(k), a[None], column.astype(object)))


@pytest.mark.parametrize(
    ("operation", "lo", "hi"),
    [
        (lambda x: x**3, -27, -8),
        (lambda x: x**2, 4, 9),
        (lambda x: x.reciprocal(), -1 / 2, -1 / 3),
        (lambda x: x * x, 4, 9),
        (lambda x: x / -x, -3 / 2, -2 / 3),
        (lambda x: x - x, -1, 1),
        (lambda x: (-x).sqrt(), np.sqrt(2), np.sqrt(3)),
        (lambda x: x.exp(), np.exp(-3), np.exp(-2)),
        (lambda x: (-x).log(), np.log(2), np.log(3)),
        (lambda x: stack([x, x]).sum(), -6, -4),
        (lambda x: stack([x, x]).cumprod(), [-3, 4], [-2, 9]),
        (lambda x: x.reshape(1, 1) @ [[-2.0]], 4, 6),
    ],
)
def test_ends_are_attained_up_to_rounding(operation, lo, hi):
    result = operation(Enclosure.certified(-3.0, -2.0))
    np.testing.assert_allclose(result.lo.ravel(), lo, rtol=1e-14)
    np.testing.assert_allclose(result.hi.ravel(), hi, rtol=1e-14)


@given(box=boxes((2,), st.floats(0.9, 1.1)), power=st.integers(100, 10_000))
@settings(max_examples=25, deadline=None)
def test_long_powers_stay_tight(box, power):
    x, a = box
    result = x**power
    assert contains(
        result, elementwise(lambda t: mpmath.mpf(t.numerator) ** power / mpmath.mpf(t.denominator) ** power, a)
    )
    point = Enclosure.exact(x.lo) ** power
    assert (point.width <= 1e-11 * point.hi + 1e-320).all()


@given(box=boxes())
@FAST
def test_square_root(box):
    x, a = box
    assume((x.hi >= 0).all())
    root = x.sqrt()
    assert (root.lo >= 0).all()
    assert contains(root, elementwise(lambda t: mp(t, mpmath.sqrt) if t >= 0 else None, a))
    for lo, hi, t in zip(root.lo.ravel(), root.hi.ravel(), a.ravel(), strict=True):
        assert t < 0 or (Fraction(lo) ** 2 <= t and (np.isinf(hi) or t <= Fraction(hi) ** 2))


def mp(rational, function):
    return function(mpmath.mpf(rational.numerator) / mpmath.mpf(rational.denominator))


@given(box=boxes(floats=st.one_of(MODERATE, st.floats(-750, 715), st.sampled_from([-np.inf, np.inf]))))
@FAST
def test_exponential(box):
    x, a = box
    # Members beyond every float are replaced by ones whose exponential can be written down.
    a = elementwise(lambda t: max(min(t, Fraction(10**6)), Fraction(-(10**6))), a)
    a = elementwise(lambda t, lo, hi: t if lo <= t <= hi else None, a, x.lo.astype(object), x.hi.astype(object))
    assert contains(x.exp(), elementwise(lambda t: None if t is None else mp(t, mpmath.exp), a))


@given(box=boxes())
@FAST
def test_logarithm(box):
    x, a = box
    assume((x.hi > 0).all())
    assert contains(x.log(), elementwise(lambda t: mp(t, mpmath.log) if t > 0 else None, a))


@pytest.mark.parametrize("sign", [-1, 1])
def test_logarithm_next_to_one_and_exponential_of_tiny_results(sign):
    near = 1 + sign * 2.0 ** -np.arange(1, 53)
    assert contains(Enclosure.exact(near).log(), [mp(Fraction(t), mpmath.log) for t in near])
    low = np.linspace(-745.2, -708, 400)
    assert contains(Enclosure.exact(low).exp(), [mp(Fraction(t), mpmath.exp) for t in low])


# -- reductions ------------------------------------------------------------------------------------------------------
def exact_norm(order):
    def norm(a, axis):
        size = np.abs(a)
        if order == 2:
            return elementwise(lambda t: mp(t, mpmath.sqrt), np.asarray((size**2).sum(axis=axis), dtype=object))
        return size.sum(axis=axis) if order == 1 else size.max(axis=axis)

    return norm


REDUCTIONS = {
    "sum": (lambda x, axis: x.sum(axis), lambda a, axis: a.sum(axis=axis)),
    "max": (lambda x, axis: x.max(axis), lambda a, axis: a.max(axis=axis)),
    "min": (lambda x, axis: x.min(axis), lambda a, axis: a.min(axis=axis)),
    "cumsum": (lambda x, axis: x.cumsum(axis), lambda a, axis: np.cumsum(a, axis=axis)),
    "cumprod": (lambda x, axis: x.cumprod(axis), lambda a, axis: np.cumprod(a, axis=axis)),
    "sort": (lambda x, axis: x.sort(axis), lambda a, axis: np.sort(a, axis=axis)),
    "norm-1": (lambda x, axis: x.norm(1, axis), exact_norm(1)),
    "norm-2": (lambda x, axis: x.norm(2, axis), exact_norm(2)),
    "norm-inf": (lambda x, axis: x.norm(np.inf, axis), exact_norm(np.inf)),
}


@pytest.mark.parametrize("name", REDUCTIONS)
@given(data=st.data(), axis=st.sampled_from([0, 1, -1]))
@FAST
def test_reductions(name, data, axis):
    operation, exact = REDUCTIONS[name]
    x, a = data.draw(boxes(data.draw(array_shapes(min_dims=2, max_dims=2, max_side=4))))
    assert contains(operation(x, axis), exact(a, axis))
    assert contains(operation(x.T, axis), exact(a.T, axis))


@given(box=boxes())
@FAST
def test_reductions_over_everything(box):
    x, a = box
    assert contains(x.sum(), a.sum())
    assert contains(x.max(), a.max())
    assert contains(x.min(), a.min())


@given(count=st.integers(1, 3000), seed=st.integers(0, 2**32 - 1), exponent=st.integers(-1070, 1000))
@settings(max_examples=40, deadline=None)
def test_long_sums_with_cancellation(count, seed, exponent):
    rng = np.random.default_rng(seed)
    terms = np.ldexp(rng.standard_normal(count) * 2.0 ** rng.integers(-40, 10, count), exponent)
    terms = np.concatenate([terms, -terms[::-1], [np.ldexp(1.0, exponent)]])
    exact = np.cumsum([Fraction(t) for t in terms])
    box = Enclosure.exact(terms)
    assert contains(box.sum(), exact[-1])
    assert contains(box.cumsum(), exact)
    allowed = 2.2 * gamma(len(terms)) * np.abs(terms).sum() + 4 * np.spacing(float(box.sum().hi))
    assert box.sum().width <= allowed


def test_sums_and_products_that_overflow_on_the_way():
    terms = np.array([LARGEST, LARGEST, -LARGEST, -LARGEST, 1.0])
    exact = np.array([Fraction(t) for t in terms])
    assert contains(Enclosure.exact(terms).sum(), Fraction(1))
    assert contains(Enclosure.exact(-terms).sum(), Fraction(-1))
    assert contains(Enclosure.exact(terms).cumsum(), np.cumsum(exact))
    factors = np.array([1e300, 1e300, 1e-300, 1e-300])
    assert contains(Enclosure.exact(factors).cumprod(), np.cumprod([Fraction(t) for t in factors]))
    row, column = Enclosure.exact(terms[None]), Enclosure.exact(np.ones((5, 1)))
    assert contains(row @ column, Fraction(1))


# -- matrix products -------------------------------------------------------------------------------------------------
@given(data=st.data(), rows=st.integers(1, 3), inner=st.integers(1, 4), columns=st.integers(1, 3))
@FAST
def test_matrix_product(data, rows, inner, columns):
    x, a = data.draw(boxes((rows, inner), finite=True))
    y, b = data.draw(boxes((inner, columns), finite=True))
    assert contains(x @ y, a @ b)
    assert contains(x @ y.mid, a @ elementwise(Fraction, y.mid))
    assert contains(x.mid @ y, elementwise(Fraction, x.mid) @ b)
    assert contains(matmul(x, y[:, 0]), a @ b[:, 0])


@given(count=st.integers(1, 400), seed=st.integers(0, 2**32 - 1), exponent=st.integers(-1060, 400))
@settings(max_examples=40, deadline=None)
def test_long_products_with_cancellation(count, seed, exponent):
    rng = np.random.default_rng(seed)
    left = rng.standard_normal((1, count)) * 2.0 ** rng.integers(-20, 20, count)
    right = np.ldexp(rng.standard_normal((count, 1)), exponent)
    left, right = np.hstack([left, -left]), np.vstack([right, right])
    width = 2.0 ** rng.integers(-60, -10)
    box = Enclosure.certified(left - width, left + width)
    member = [Fraction(t) for t in (left + width * rng.uniform(-0.9, 0.9, left.shape)).ravel()]
    other = [Fraction(t) for t in right.ravel()]
    assert contains(Enclosure.exact(left) @ right, Fraction(0))
    assert contains(box @ right, sum(s * t for s, t in zip(member, other, strict=True)))


def test_products_that_underflow_one_by_one():
    row = np.full((1, 50), 0.99 * 2.0**-537)
    column = np.full((50, 1), 2.0**-538)
    assert (row @ column).item() == 0
    assert contains(Enclosure.exact(row) @ column, 50 * Fraction(row[0, 0]) * Fraction(column[0, 0]))


def test_a_matrix_without_bounds_is_refused():
    with pytest.raises(InputError, match="infinite end"):
        Enclosure.certified(np.zeros((1, 1)), np.full((1, 1), np.inf)) @ np.ones((1, 1))


# -- shapes ----------------------------------------------------------------------------------------------------------
@given(box=boxes((2, 3)))
@FAST
def test_views_keep_members(box):
    x, a = box
    for view in (
        lambda t: t[1],
        lambda t: t[:, ::-1],
        lambda t: t[..., [2, 0]],
        lambda t: t[np.array([[True, False, True], [False, False, True]])],
        lambda t: t.T,
        lambda t: t.reshape(3, 2),
        lambda t: t.reshape(-1),
    ):
        assert contains(view(x), view(a))
        assert view(x).shape == view(a).shape
    assert contains(x.broadcast_to((4, 2, 3)), np.broadcast_to(a, (4, 2, 3)))
    assert contains(stack([x, -x], axis=1), np.stack([a, -a], axis=1))
    assert len(x) == 2
    assert x.ndim == 2
    assert (x.contains(x.lo) & x.contains(x.hi) & x.contains(x.mid)).all()
    # The width bounds the distance of the ends from above.
    for lo, hi, width in zip(x.lo.ravel(), x.hi.ravel(), x.width.ravel(), strict=True):
        assert np.isinf(width) or Fraction(width) >= Fraction(hi) - Fraction(lo)


@given(mask=st.lists(st.booleans(), min_size=3, max_size=3), pair=st.tuples(boxes((3,)), boxes((2, 3))))
@FAST
def test_choice_by_a_mask(mask, pair):
    (x, a), (y, b) = pair
    assert contains(where(np.array(mask), x, y), np.where(mask, a, b))


# -- inequalities and the error constant ------------------------------------------------------------------------------
@given(pair=box_pairs(), strict=st.booleans())
@FAST
def test_a_decided_inequality_is_true_of_members(pair, strict):
    x, a, y, b = pair
    inequality = Inequality(x, y, strict)
    truth = elementwise((lambda s, t: s < t) if strict else (lambda s, t: s <= t), a, b)
    truth = np.broadcast_to(truth, inequality.shape).astype(bool)
    assert truth[inequality.holds].all()
    assert not truth[inequality.refuted].any()
    assert not (inequality.holds & inequality.refuted).any()
    assert ((inequality.holds | inequality.refuted) ^ inequality.undecided).all()


@given(st.integers(0, 2**40))
def test_gamma_is_above_its_definition(terms):
    nu = Fraction(terms) / 2**53
    assert Fraction(gamma(terms)) >= nu / (1 - 2 * nu)
