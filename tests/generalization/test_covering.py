import itertools
import math

import mpmath
import numpy as np
import pytest

from unfold_theory.enclosure import Basis, Enclosure
from unfold_theory.errors import InputError
from unfold_theory.generalization.covering import (
    chained_rademacher,
    deviation,
    dudley_gap,
    entropy_integral,
    log_inverse,
    sample_sizes,
    single_scale_gap,
    smallest_sample_size,
)

SIZES = np.array([1e2, 1e4, 1e6])


def polynomial(dimension):
    return lambda scale: (2.0 / scale + 1.0).log() * dimension


@pytest.mark.parametrize("dimension", [1, 20, 1225])
def test_one_scale_is_its_formula_in_high_precision(dimension):
    scales = np.logspace(-4, 0, 33)
    bound = single_scale_gap(polynomial(float(dimension)), SIZES, delta=0.01, scales=scales)
    with mpmath.workdps(40):
        for k, size in enumerate(SIZES):
            value = min(
                mpmath.mpf(e)
                + mpmath.sqrt(
                    (dimension * mpmath.log(1 + 2 / mpmath.mpf(e)) - mpmath.log(mpmath.mpf(0.01))) / (2 * size)
                )
                for e in scales
            )
            assert bound.lo[k] <= value <= bound.hi[k]
            assert bound.hi[k] - bound.lo[k] < 1e-12 * value
    assert bound.basis is Basis.CONFIDENCE
    assert bound.delta == 0.01


def test_one_scale_covers_the_gap_of_every_member_of_a_small_class():
    # Thresholds on [0, 1] with the 1-Lipschitz loss |t - z|: violations over 400 resamples at delta = 0.1.
    rng = np.random.default_rng(0)
    members, missed, ratios = np.linspace(0, 1, 301), 0, []
    bound = single_scale_gap(lambda e: (0.5 / e + 1.0).log(), 50, delta=0.1, lipschitz=1.0).hi
    risk = (members**2 + (1 - members) ** 2) / 2
    for _ in range(400):
        z = rng.random(50)
        gap = (risk - np.abs(members[:, None] - z).mean(axis=1)).max()
        missed += gap > bound
        ratios.append(gap / bound)
    assert missed <= 0.1 * 400
    assert max(ratios) > 0.2  # the attack reaches somewhere near the bound
    # Without any complexity, half of Hoeffding's term: the same study must see the failures.
    assert np.mean(np.array(ratios) * bound > 0.25 * deviation(50, delta=0.1).hi) > 0.1


@pytest.mark.parametrize(
    ("upper", "dimension", "ratio", "constant"),
    list(itertools.product((0.25, 1.0), (1, 1225), (0.1, 50.0, 1e4), (0.0, 0.7))),
)
def test_entropy_integral_encloses_quadrature(upper, dimension, ratio, constant):
    found = entropy_integral(upper, dimension, Enclosure.exact(ratio), constant)
    with mpmath.workdps(30):
        value = mpmath.quad(
            lambda u: mpmath.sqrt(dimension * mpmath.log(1 + ratio / u) + constant),
            [0, *[upper * 10.0**-k for k in range(16, 0, -1)], upper],
        )
    assert found.lo <= value <= found.hi
    assert found.hi - found.lo < 1e-5 * value


def test_chaining_is_below_its_integral_for_any_end_and_best_at_its_own():
    q, r = Enclosure.exact(0.7), Enclosure.exact(0.3)
    best = chained_rademacher(q, r, SIZES)
    for alpha in (0.5, 1.0, 2.0, 5.0):
        other = chained_rademacher(q, r, SIZES, smallest=alpha)
        value = [
            4 * alpha / math.sqrt(n)
            + 12 / n * (0.7 * math.sqrt(n) * math.log(math.sqrt(n) / alpha) + 0.3 * (math.sqrt(n) - alpha))
            for n in SIZES
        ]
        assert np.allclose(other.hi, value, rtol=1e-12)
    free = chained_rademacher(q, Enclosure.exact(0.0), SIZES)
    assert all((free.hi <= chained_rademacher(q, Enclosure.exact(0.0), SIZES, smallest=a).hi).all() for a in (1.0, 3.0))
    assert (best.hi >= free.hi).all()


def test_the_smallest_sample_size_is_the_smallest():
    def bound(n):
        return dudley_gap(Enclosure.exact(1.0), n, delta=0.01)

    found = smallest_sample_size(bound, 0.5)
    assert bound(found).hi < 0.5 <= bound(found - 1).hi
    assert smallest_sample_size(lambda n: Enclosure.exact(2.0)) == math.inf


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: log_inverse(0.0),
        lambda: log_inverse(1.0),
        lambda: log_inverse(float("nan")),
        lambda: sample_sizes(0),
        lambda: sample_sizes([100.0, np.nan]),
        lambda: single_scale_gap(polynomial(1.0), 10, delta=0.1, scales=np.array([0.0, 1.0])),
        lambda: entropy_integral(0.0, 1, Enclosure.exact(1.0), 0.0),
    ],
)
def test_bad_input_is_named(wrong):
    with pytest.raises(InputError):
        wrong()
