from fractions import Fraction
from math import comb

import numpy as np
import pytest
from scipy.stats import beta

from unfold_theory.enclosure import Basis
from unfold_theory.errors import InputError
from unfold_theory.generalization import binomial_lower, binomial_upper, clopper_pearson


def tail_below(k, n, p):
    """P(Bin(n, p) <= k), exactly."""
    p = Fraction(p)
    return sum(comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))


@pytest.mark.parametrize("n", [1, 2, 7, 40])
@pytest.mark.parametrize("delta", [0.5, 0.1, 1e-3, 1e-9])
def test_against_exact_binomial_sums(n, delta):
    slack = Fraction(1, 10**9)
    for k in range(n + 1):
        upper, lower = float(binomial_upper(k, n, delta)), float(binomial_lower(k, n, delta))
        # Safe: at the limit the tail is at most delta. Tight: a hair inside it is more.
        assert upper == 1 or tail_below(k, n, upper) <= Fraction(delta)
        assert k == n or tail_below(k, n, Fraction(upper) * (1 - slack)) > Fraction(delta)
        assert lower == 0 or 1 - tail_below(k - 1, n, lower) <= Fraction(delta)
        assert k == 0 or 1 - tail_below(k - 1, n, Fraction(lower) * (1 + slack)) > Fraction(delta)
        assert (upper == 1) == (k == n)
        assert (lower == 0) == (k == 0)


@pytest.mark.parametrize("n", [1, 5, 12])
def test_coverage_is_exact_over_every_outcome(n):
    """The probability of a miss, summed exactly over all outcomes, is at most delta for every p of a grid."""
    delta = 0.1
    limits = clopper_pearson(np.arange(n + 1), n, delta)
    for p in [Fraction(i, 40) for i in range(41)]:
        missed = [k for k in range(n + 1) if not limits.lo[k] <= p <= limits.hi[k]]
        assert sum(comb(n, k) * p**k * (1 - p) ** (n - k) for k in missed) <= Fraction(delta)


@pytest.mark.filterwarnings("ignore:Error in function boost")
def test_large_samples_and_tiny_failure_probabilities():
    for k, n in ((900, 100_000), (3, 10**6), (0, 10**7), (10**6 - 1, 10**6)):
        for delta in (0.1, 0.01 / 16, 1e-200):
            upper, lower = float(binomial_upper(k, n, delta)), float(binomial_lower(k, n, delta))
            assert upper == pytest.approx(beta.isf(delta, k + 1, n - k), rel=1e-9)
            known = beta.ppf(delta, k, n - k + 1) if k else 0.0
            assert lower == pytest.approx(known, rel=1e-9) or np.isnan(known)
    # Where scipy gives up: P(Bin(n, p) >= 3) is n^3 p^3 / 6 to leading order.
    assert float(binomial_lower(3, 10**6, 1e-200)) == pytest.approx((6e-200) ** (1 / 3) / 1e6, rel=1e-5)
    assert float(binomial_upper(0, 1000, 0.05)) == pytest.approx(1 - 0.05**1e-3, rel=1e-12)


def test_shapes_and_basis():
    found = clopper_pearson([[1, 2, 3]], [[10], [20]], 0.05)
    assert found.shape == (2, 3)
    assert (found.basis, found.delta) == (Basis.CONFIDENCE, 0.05)
    assert (found.lo < np.array([[1, 2, 3]]) / np.array([[10], [20]])).all()


@pytest.mark.parametrize(
    "call",
    [
        lambda: binomial_upper(0, 0, 0.1),
        lambda: binomial_upper(3, 2, 0.1),
        lambda: binomial_lower(-1, 2, 0.1),
        lambda: binomial_upper(1.5, 2, 0.1),
        lambda: clopper_pearson(1, 2, 0.0),
        lambda: clopper_pearson(1, 2, 1.0),
        lambda: clopper_pearson(1, 2, float("nan")),
        lambda: clopper_pearson(np.array([], dtype=int), 2, 0.1),
    ],
)
def test_bad_input_is_named(call):
    with pytest.raises(InputError):
        call()
