import numpy as np
import pytest

from unfold_theory.enclosure import Basis, Enclosure
from unfold_theory.errors import InputError
from unfold_theory.generalization.rademacher import (
    contracted,
    empirical_gap,
    exact_complexity,
    expected_gap,
    finite_class,
    layerwise_l1,
    layerwise_l1_gap,
)


def shrink(v, theta):
    return np.sign(v) * np.maximum(np.abs(v) - theta, 0)


def test_finite_class_is_above_enumeration():
    rng, worst = np.random.default_rng(1), 0.0
    for _ in range(30):
        values = rng.standard_normal((int(rng.integers(1, 40)), 10))
        bound = finite_class(np.linalg.norm(values, axis=1).max(), len(values), 10)
        worst = max(worst, exact_complexity(values) / bound.hi) if len(values) > 1 else worst
        assert exact_complexity(values) <= bound.hi + 1e-15
    assert worst > 0.5


def test_contraction_is_above_enumeration_also_for_vectors():
    rng = np.random.default_rng(2)
    for _ in range(30):
        values = rng.standard_normal((12, 9))
        whole = exact_complexity(values)
        assert exact_complexity(shrink(values, 0.4)) <= contracted(Enclosure.exact(whole), 1.0).hi + 1e-12
        pairs = rng.standard_normal((6, 5, 2))
        both = exact_complexity(pairs.reshape(6, 10)) * 2  # all coordinates, over 5 samples
        norms = np.linalg.norm(pairs, axis=2)
        assert exact_complexity(norms) <= contracted(Enclosure.exact(both), 1.0, vector=True).hi + 1e-12


def test_layers_with_bounded_rows_are_above_enumerated_networks():
    # Extreme points of the l1 balls, two layers, three inputs: 512 networks of one coordinate each, all their signs.
    rng, alpha, beta, theta, worst = np.random.default_rng(3), 0.8, 1.5, 0.1, 0.0
    corners = [s * e for e in np.eye(3) for s in (1, -1)]
    for _ in range(10):
        y = rng.uniform(-1, 1, (8, 3))
        first = [shrink(alpha * y @ c, theta) for c in corners]
        second = [shrink(alpha * y @ c + s * beta * f, theta) for c in corners for f in first for s in (1, -1)]
        for depth, values in ((1, first), (2, second)):
            bound = layerwise_l1(
                depth, 8, input_radius=alpha, state_radius=beta, largest_input=np.abs(y).max(), inputs=3
            )
            found = exact_complexity(np.stack(values))
            assert found <= bound.hi
            worst = max(worst, found / bound.hi)
    assert worst > 0.3


def test_the_sum_over_layers_is_geometric():
    for beta, depth in ((2.5, 7), (0.5, 4), (1.0, 5)):
        one = layerwise_l1(1, 100, input_radius=1.0, state_radius=beta, largest_input=1.0, inputs=5)
        many = layerwise_l1(depth, 100, input_radius=1.0, state_radius=beta, largest_input=1.0, inputs=5)
        factor = depth if beta == 1 else (beta**depth - 1) / (beta - 1)
        assert np.isclose(many.hi / one.hi, factor, rtol=1e-12)


def test_gaps_carry_their_probability():
    complexity = Enclosure.exact(0.1)
    for bound in (expected_gap(complexity, 100, delta=0.05), empirical_gap(complexity, 100, delta=0.05)):
        assert bound.basis is Basis.CONFIDENCE
        assert bound.delta == 0.05
    assert np.isclose(expected_gap(complexity, 100, delta=0.05).hi, 0.2 + np.sqrt(np.log(20) / 200))
    assert np.isclose(empirical_gap(complexity, 100, delta=0.05).hi, 0.2 + 3 * np.sqrt(np.log(40) / 200))
    assert layerwise_l1_gap(complexity, 50, 100, delta=0.05).hi > expected_gap(complexity, 100, delta=0.05).hi


def test_bad_input_is_named():
    with pytest.raises(InputError, match="members"):
        finite_class(1.0, 0, 10)
    with pytest.raises(InputError, match="signs"):
        exact_complexity(np.zeros((2, 21)))
    with pytest.raises(InputError, match="failure"):
        expected_gap(Enclosure.exact(0.1), 100, delta=1.5)
