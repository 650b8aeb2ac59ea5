import numpy as np
import pytest

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError
from unfold_theory.generalization.covered_risk import FEW_SCALES, single_scale_risk
from unfold_theory.generalization.covering import single_scale_gap


def twenty(scale):
    return (10.0 / scale + 1.0).log() * 20.0


def relative_entropy(q, p):
    return q * np.log(q / p) + (1 - q) * np.log((1 - q) / (1 - p))


def test_it_gains_where_the_training_risk_is_small_and_pays_little_elsewhere():
    sizes = np.array([1e3, 1e4, 1e5])
    gap = single_scale_gap(twenty, sizes, delta=0.01).hi
    for risk, factor in ((0.0, (0.6, 0.25, 0.1)), (0.02, (0.9, 0.6, 0.6)), (0.5, (1.06, 1.06, 1.06))):
        assert (single_scale_risk(twenty, risk, sizes, delta=0.01).hi <= np.array(factor) * (gap + risk)).all()


def test_it_is_its_formula():
    found = single_scale_risk(twenty, 0.05, 1e4, delta=0.01)
    values = []
    for e in FEW_SCALES:
        level = (20 * np.log(1 + 10 / e) + np.log(len(FEW_SCALES) / 0.01)) / 1e4
        q, low, high = min(0.05 + e / 2, 1.0), min(0.05 + e / 2, 1.0), 1.0
        for _ in range(100):
            middle = (low + high) / 2
            low, high = (middle, high) if q < 1 and relative_entropy(q, middle) < level else (low, middle)
        values.append(high + e / 2)
    assert np.isclose(found.hi, min(values), rtol=1e-9)
    assert found.lo <= min(values) <= found.hi + 1e-12


def test_it_covers_a_small_class_and_fails_without_its_complexity():
    rng, members, missed, naive = np.random.default_rng(0), np.linspace(0, 1, 201), 0, 0
    risk = (members**2 + (1 - members) ** 2) / 2
    for _ in range(200):
        z = rng.random(40)
        empirical = np.abs(members[:, None] - z).mean(axis=1)
        bound = single_scale_risk(lambda e: (0.5 / e + 1.0).log(), empirical, 40, delta=0.1, lipschitz=1.0).hi
        missed += (risk > bound).any()
        naive += (risk > empirical + 0.01).any()
    assert missed <= 20
    assert naive > 60


def test_bad_input_is_named():
    with pytest.raises(InputError, match="training risk"):
        single_scale_risk(twenty, 1.5, 100, delta=0.1)
    with pytest.raises(InputError, match="scale"):
        single_scale_risk(twenty, 0.5, 100, delta=0.1, scales=np.array([-1.0]))
    assert single_scale_risk(twenty, Enclosure.exact(1.0), 10, delta=0.1).hi == 1.0
