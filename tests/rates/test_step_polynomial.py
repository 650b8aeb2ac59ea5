"""The certified maximum of a product of gradient steps, against dense evaluation and closed forms."""

import numpy as np
import pytest

from unfold_theory.errors import InputError
from unfold_theory.rates.step_polynomial import chebyshev_steps, chebyshev_value, largest_on_interval


@pytest.mark.parametrize("count", [1, 2, 3, 7, 16, 40])
def test_chebyshev_steps_attain_their_value_in_any_order(count):
    steps = chebyshev_steps(0.086, 2.914, count)
    found = largest_on_interval(np.random.default_rng(0).permutation(steps), 0.086, 2.914)
    value = chebyshev_value(0.086, 2.914, count)
    sech = 1 / np.cosh(np.arange(1, count + 1) * np.arccosh(3.0 / 2.828))
    np.testing.assert_allclose(value.mid, sech, rtol=1e-11)
    assert (value.width <= 1e-11 * value.hi).all()
    np.testing.assert_allclose(found.mid[-1], value.mid[-1], rtol=1e-11)
    # No prefix beats the value of its own length.
    assert (value.lo <= found.hi).all()


def test_encloses_the_maximum_of_any_steps():
    rng = np.random.default_rng(1)
    for trial in range(40):
        gains = rng.uniform(-0.2, 3.0, rng.integers(1, 13)) * rng.choice([0.1, 1.0, 3.0])
        if trial % 5 == 0:
            gains = np.append(gains, [gains[0], 0.0])
        low = rng.uniform(0.01, 1.0, 20)
        high = low + rng.uniform(0.0, 3.0, 20) * (rng.random(20) < 0.9)
        found = largest_on_interval(gains, low, high)
        points = low + (high - low) * np.linspace(0.0, 1.0, 501)[:, None]
        dense = np.abs(np.cumprod(1 - gains[:, None, None] * points, axis=0)).max(axis=1)
        assert (dense <= found.hi * (1 + 1e-13)).all()
        assert (dense >= found.lo * (1 - 0.02)).all()
        assert (found.width <= 1e-9 * found.hi).all()


def test_a_single_eigenvalue_is_annihilated():
    assert chebyshev_steps(2.0, 2.0, 1).tolist() == [0.5]
    assert largest_on_interval([0.5], 2.0, 2.0).hi == pytest.approx(0.0, abs=1e-15)
    assert chebyshev_value(2.0, 2.0, 3).hi.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("call", "cause"),
    [
        (lambda: chebyshev_steps(0.0, 1.0, 3), "not positive"),
        (lambda: chebyshev_steps(2.0, 1.0, 3), "empty"),
        (lambda: chebyshev_steps(0.5, 1.0, 0), "number of steps"),
        (lambda: chebyshev_steps(np.ones(2), 1.0, 2), "shape"),
        (lambda: largest_on_interval([np.nan], 0.5, 1.0), "not finite"),
        (lambda: largest_on_interval([], 0.5, 1.0), "shape"),
        (lambda: largest_on_interval([1.0], 0.5, np.inf), "unbounded"),
        (lambda: chebyshev_value(-1.0, 1.0, 2), "not positive"),
    ],
)
def test_refuses_what_is_no_interval_or_no_steps(call, cause):
    with pytest.raises(InputError, match=cause):
        call()
