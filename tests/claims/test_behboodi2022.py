"""A learned orthogonal dictionary: depth inside a logarithm. More in ``test_unfoldtheory2026_gap.py``."""

import numpy as np
import pytest

from tests.claims.test_unfoldtheory2026_gap import MANY, OVERFITTED
from unfold_theory.claim import Status, verify
from unfold_theory.claims import behboodi2022
from unfold_theory.generalization.orthogonal_dictionary import OrthogonalClass, dudley, logarithmic, single_scale


def test_it_holds():
    assert verify(behboodi2022.logarithmic_depth, OVERFITTED).status is Status.VACUOUS
    assert verify(behboodi2022.logarithmic_depth, MANY).status is Status.HOLDS


@pytest.mark.parametrize(
    "false_variant",
    [
        behboodi2022.logarithmic_depth.scaled(0.001),
        behboodi2022.logarithmic_depth.without("weight_in_class").scaled(0.001),
    ],
    ids=["scaled", "scaled-any-weight"],
)
def test_false_variants_are_violated(false_variant):
    assert verify(false_variant, OVERFITTED).status is Status.VIOLATED


def test_the_closed_form_is_above_its_integral_and_grows_with_the_logarithm_of_depth():
    c = OVERFITTED.certificate(OrthogonalClass)
    sizes = np.array([1e2, 1e4, 1e6])
    values = []
    for depth in (10, 100, 1000, 10000):
        deep = OrthogonalClass(c.size, depth, c.norm, c.measurement, c.weight)
        assert (dudley(deep, sizes, delta=0.01).hi <= logarithmic(deep, sizes, delta=0.01).hi).all()
        assert (single_scale(deep, sizes, delta=0.01).hi <= logarithmic(deep, sizes, delta=0.01).hi).all()
        values.append(logarithmic(deep, 1e6, delta=0.01).hi)
    growth = np.diff(values)
    assert (growth > 0).all()
    assert growth[-1] < 1.1 * growth[0]
