from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest

from unfold_theory.errors import InputError
from unfold_theory.generalization import conformal_quantile, conformal_rank


@pytest.mark.parametrize("alpha", [Fraction(1, 10), Fraction(1, 3), Fraction(1, 2), 0.1, 0.25])
@pytest.mark.parametrize(
    "scores", [[1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 1.0, 1.0, 2.0, 2.0], [0.0, np.inf, 3.0, np.inf, 1.0]]
)
def test_coverage_over_all_orders_of_exchangeable_scores(scores, alpha):
    """Every order is equally likely: the share in which the last score is covered, exactly, is at least 1 - alpha."""
    covered = [order[-1] <= conformal_quantile(order[:-1], alpha) for order in permutations(scores)]
    share = Fraction(sum(bool(c) for c in covered), len(covered))
    assert share >= 1 - Fraction(alpha)
    if len(set(scores)) == len(scores):  # without ties it is above by less than 1 / (N + 1)
        assert share < 1 - Fraction(alpha) + Fraction(1, len(scores))


def test_the_plain_quantile_undercovers_where_ours_does_not():
    """The rank ceil(N (1 - alpha)), without N + 1, misses: what the correction is for."""
    scores, alpha = [1.0, 2.0, 3.0, 4.0, 5.0], Fraction(1, 4)
    plain = [order[-1] <= sorted(order[:-1])[2] for order in permutations(scores)]
    assert Fraction(sum(plain), len(plain)) < 1 - alpha


def test_ranks_are_exact_and_small_samples_say_nothing():
    assert conformal_rank(9, Fraction(1, 10)) == 9
    assert conformal_rank(8, Fraction(1, 10)) == 9
    assert conformal_rank(99, Fraction(3, 10)) == 70
    assert conformal_rank(99, 0.3) == 71  # the float 0.3 is below 3/10
    assert conformal_quantile(np.arange(8.0), 0.1) == np.inf
    assert conformal_quantile(np.arange(9.0), 0.1) == 8
    np.testing.assert_array_equal(conformal_quantile([[3.0, 1.0, 2.0], [6.0, 5.0, 4.0]], 0.5), [2.0, 5.0])


@pytest.mark.parametrize(
    "call",
    [
        lambda: conformal_quantile([], 0.1),
        lambda: conformal_quantile([1.0, np.nan], 0.1),
        lambda: conformal_quantile([1.0], 0.0),
        lambda: conformal_quantile([1.0], Fraction(3, 2)),
        lambda: conformal_rank(0, 0.1),
    ],
)
def test_bad_input_is_named(call):
    with pytest.raises(InputError):
        call()
