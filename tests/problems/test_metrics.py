import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unfold_theory.errors import InputError
from unfold_theory.problems import nmse_db

TRUTH = np.array([[3.0, 0.0, 0.0], [0.0, 0.1, 0.0]])


def test_ratio_of_sums_is_not_the_mean_of_ratios():
    # Errors of 10 % and 100 % in signals of unlike size: the large signal decides.
    x = TRUTH * np.array([[1.1], [2.0]])
    assert nmse_db(x, TRUTH) == pytest.approx(10 * np.log10((0.09 + 0.01) / 9.01))
    assert np.mean([-20, 0]) > nmse_db(x, TRUTH)


@given(factor=st.floats(1e-150, 1e150), error=st.floats(1e-7, 1e3))
def test_scale_does_not_matter(factor, error):
    assert nmse_db(factor * TRUTH * (1 + error), factor * TRUTH) == pytest.approx(20 * np.log10(error), abs=1e-6)


def test_depth_axes_are_kept_and_ends_are_infinite():
    x = np.stack([np.zeros_like(TRUTH), TRUTH, np.full_like(TRUTH, np.inf), TRUTH * 1e200])
    np.testing.assert_allclose(nmse_db(x, TRUTH), [0, -np.inf, np.inf, 4000])
    on_torch = nmse_db(torch.tensor(x[:1], requires_grad=True), torch.tensor(TRUTH))
    np.testing.assert_array_equal(on_torch, [0.0])


@pytest.mark.parametrize(
    ("x", "truth"),
    [
        (TRUTH * np.nan, TRUTH),
        (TRUTH, TRUTH * 0),
        (TRUTH, np.full_like(TRUTH, np.inf)),
        (TRUTH[:1], TRUTH),
        (TRUTH[0], TRUTH[0]),
    ],
)
def test_bad_input_is_named(x, truth):
    with pytest.raises(InputError):
        nmse_db(x, truth)
