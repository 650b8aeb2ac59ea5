"""What bounds refuse, and that a witness replays."""

import numpy as np
import pytest

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError
from unfold_theory.lipschitz import LowerBound, UpperBound, block_indicator, per_neuron
from unfold_theory.networks.activations import GroupSoftThreshold, SoftThreshold
from unfold_theory.networks.system import System

FIRST = np.array([[1.0, 0.0], [0.0, 2.0]])
SYSTEM = System.of_matrices([FIRST], [np.zeros((2, 2))], [SoftThreshold(np.array([0.5, 0.5]))])


def test_witness_replays():
    far = LowerBound(Enclosure.exact(2.0), np.array([0.0, 9.0]), np.array([0.0, 7.0]), "by hand")
    assert far.replay(SYSTEM) == pytest.approx(2.0, rel=1e-14)
    assert far.lower == 2.0
    near = LowerBound(Enclosure.exact(2.0), np.array([0.0, 0.1]), np.array([0.0, 0.2]), "wrong")
    assert near.replay(SYSTEM) == 0.0


def test_upper_bound_says_what_it_is():
    bound = UpperBound(Enclosure.certified(1.9, 2.0), "product", (np.ones(2),))
    assert bound.certified
    assert bound.upper == 2.0
    assert not UpperBound(Enclosure.numerical(2.0), "product").certified
    assert "product" in repr(bound)


@pytest.mark.parametrize(
    ("value", "multipliers"),
    [
        (Enclosure.exact(-1.0), None),
        (Enclosure.exact(np.ones(2)), None),
        (Enclosure.exact(1.0), (np.array([1.0, -1.0]),)),
        (Enclosure.exact(1.0), (np.array([np.nan]),)),
    ],
)
def test_no_bound(value, multipliers):
    with pytest.raises(InputError):
        UpperBound(value, "method", multipliers)


@pytest.mark.parametrize("second", [np.zeros(2), np.array([np.inf, 0])])
def test_no_witness(second):
    with pytest.raises(InputError):
        LowerBound(Enclosure.exact(1.0), np.zeros(2), second, "method")


def test_multipliers_of_blocks():
    group = GroupSoftThreshold(np.array([0.1, 0.2]), np.array([1, 0, 1]))
    system = System.of_matrices([np.ones((3, 2))], [np.zeros((3, 3))], [group])
    assert per_neuron(system, [np.array([3.0, 5.0])])[0].tolist() == [5, 3, 5]
    assert block_indicator(group).tolist() == [[0, 1, 0], [1, 0, 1]]
    with pytest.raises(InputError, match="2 blocks"):
        per_neuron(system, [np.ones(3)])
    with pytest.raises(InputError, match="for 1 layers"):
        per_neuron(system, [])
