import math

import mpmath
import numpy as np
import pytest

from unfold_theory.enclosure import Basis
from unfold_theory.errors import InputError
from unfold_theory.generalization import (
    dkw_radius,
    empirical_bernstein_radius,
    hoeffding_radius,
    mean_loss,
    risk_limits,
    sample_variance,
)


def test_radii_contain_the_values_of_their_formulas():
    rng = np.random.default_rng(0)
    losses = rng.random(57)
    with mpmath.workdps(40):
        exact = [mpmath.mpf(float(v)) for v in losses]
        mean = sum(exact) / 57
        variance = sum((v - mean) ** 2 for v in exact) / 56
        for delta in (0.1, 1e-8):
            level = mpmath.log(2 / mpmath.mpf(delta))
            wanted = [
                (hoeffding_radius(57, delta), mpmath.sqrt(-mpmath.log(mpmath.mpf(delta)) / 114)),
                (dkw_radius(57, delta), mpmath.sqrt(level / 114)),
                (
                    empirical_bernstein_radius(losses, delta),
                    mpmath.sqrt(2 * variance * level / 57) + 7 * level / (3 * 56),
                ),
                (sample_variance(losses), variance),
                (mean_loss(losses), mean),
            ]
            for found, value in wanted:
                assert found.basis is Basis.CERTIFIED
                assert found.lo <= value <= found.hi
                assert found.width < 1e-12


def test_counts_have_exact_means_up_to_one_rounding():
    found = mean_loss(np.array([[0.0, 1.0, 1.0, 0.0], [0.0] * 4]))
    np.testing.assert_allclose(found.mid, [0.5, 0.0], atol=1e-15)
    assert found.hi[1] == 0


def test_limits_cover_and_the_methods_are_ordered():
    rng = np.random.default_rng(1)
    rare = (rng.random((4, 5000)) < 0.002).astype(float)
    widths = {m: risk_limits(rare, 0.05, m).width for m in ("clopper-pearson", "empirical-bernstein", "hoeffding")}
    assert (widths["clopper-pearson"] < widths["empirical-bernstein"]).all()
    assert (widths["empirical-bernstein"] < widths["hoeffding"]).all()
    for method in widths:
        found = risk_limits(rare, 0.05, method)
        assert found.basis is Basis.CONFIDENCE
        assert found.delta == 0.05
        assert found.contains(0.002).all()
    assert risk_limits(np.zeros((2, 1)), 0.05, "hoeffding").hi.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    "call",
    [
        lambda: hoeffding_radius(0, 0.1),
        lambda: hoeffding_radius(10, 0.0),
        lambda: dkw_radius(10, 1.5),
        lambda: dkw_radius(10, math.nan),
        lambda: empirical_bernstein_radius([0.5], 0.1),
        lambda: empirical_bernstein_radius([0.5, 1.5], 0.1),
        lambda: mean_loss([]),
        lambda: mean_loss([0.1, math.nan]),
        lambda: mean_loss([-1e-9, 0.1]),
        lambda: mean_loss(0.5),
        lambda: risk_limits([0.5, 0.5], 0.1, "clopper-pearson"),
        lambda: risk_limits([0.5, 0.5], -0.1),
    ],
)
def test_bad_input_is_named(call):
    with pytest.raises(InputError):
        call()
