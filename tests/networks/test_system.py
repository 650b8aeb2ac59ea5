"""Networks as systems: the same values, Jacobians of autograd, and clear refusals."""

import numpy as np
import pytest
import torch

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.networks.activations import (
    BoxProjection,
    GroupSoftThreshold,
    Relu,
    SingularValueThreshold,
    SmoothSoftThreshold,
    SoftThreshold,
)
from unfold_theory.networks.system import System, SystemLayer


def system_of(network):
    try:
        return network.as_system()
    except MissingStructure as error:
        pytest.skip(error.cause)
    except InputError as error:
        if "jumps" not in error.cause:
            raise
        pytest.skip(error.cause)


def test_computes_what_the_network_computes(make, y, variant):
    network = make(variant)
    system = system_of(network)
    for depth in (1, network.depth):
        expected = network(y, depth).detach().numpy()
        assert system.truncated(depth)(y.numpy()) == pytest.approx(expected, rel=1e-10, abs=1e-12)


def test_jacobian_is_that_of_autograd(make, y, variant):
    network = make(variant)
    system = system_of(network)
    expected = torch.autograd.functional.jacobian(lambda one: network(one[None])[0], y[0]).numpy()
    assert system.jacobian(y[0].numpy()) == pytest.approx(expected, rel=1e-9, abs=1e-11)


ACTIVATIONS = [
    SoftThreshold(np.array([0.1, 0.0, 0.5, 0.2, 0.3, 1.0])),
    SmoothSoftThreshold(np.array([0.1, 0.0, 0.5, 0.2, 0.3, 1.0]), 8.0),
    Relu(6),
    BoxProjection(-np.ones(6), np.array([0.5, 1, 2, np.inf, 0, 1])),
    GroupSoftThreshold(np.array([0.4, 0.7]), np.array([0, 0, 1, 1, 0, 1])),
    SingularValueThreshold((2, 3), 0.6),
    SingularValueThreshold((3, 2), 0.6),
]


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda a: f"{a.title}-{a.size}")
def test_activation_is_firmly_nonexpansive_on_each_block(activation):
    rng = np.random.default_rng(1)
    v, other = rng.standard_normal((2, 2000, activation.size))
    gap, moved = v - other, activation(v) - activation(other)
    for block in np.unique(activation.blocks):
        on = activation.blocks == block
        assert ((moved * (gap - moved))[:, on].sum(-1) >= -1e-12).all()


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda a: f"{a.title}-{a.size}")
def test_derivative_is_the_limit_of_difference_quotients(activation):
    rng = np.random.default_rng(2)
    for v in 2 * rng.standard_normal((20, activation.size)):
        moved = activation.derivative(v, np.eye(activation.size))
        step = 1e-6
        quotient = np.stack(
            [(activation((v + d)[None]) - activation((v - d)[None]))[0] / (2 * step) for d in step * np.eye(len(v))], 1
        )
        assert moved == pytest.approx(quotient, abs=1e-5)
        lo, hi = activation.slopes
        values = np.linalg.eigvalsh((moved + moved.T) / 2)
        assert values.min() >= lo.min() - 1e-9
        assert values.max() <= hi.max() + 1e-9


def test_refusals_name_the_layer():
    ok = SoftThreshold(np.zeros(3))
    with pytest.raises(InputError, match="neuron 1 is negative"):
        SoftThreshold(np.array([0.1, -0.2, 0.0]))
    with pytest.raises(InputError, match="C of layer 1"):
        System.of_matrices([np.ones((3, 2))] * 2, [np.eye(3), np.ones((3, 4))], [ok, ok])
    with pytest.raises(InputError, match="NaN"):
        System.of_matrices([np.full((3, 2), np.nan)], [np.eye(3)], [ok])
    with pytest.raises(InputError, match="no layers"):
        System.of_matrices([], [], [])
    layer = SystemLayer(Enclosure.exact(np.eye(3)), ok, bias=np.full(3, np.inf))
    with pytest.raises(InputError, match="bias of layer 0"):
        System((layer,), 2)


def test_sensitivity_to_the_initial_point():
    rng = np.random.default_rng(3)
    first, second = 0.3 * rng.standard_normal((4, 5, 3)), 0.3 * rng.standard_normal((4, 5, 5))
    system = System.of_matrices(list(first), list(second), [SoftThreshold(np.full(5, 0.01))] * 4)
    start = system.from_initial_state()
    assert start.inputs == 5
    x = rng.standard_normal((1, 5))
    by_hand = x
    for k in range(4):
        by_hand = SoftThreshold(np.full(5, 0.01))(by_hand @ second[k].T)
    assert start(x) == pytest.approx(by_hand)
