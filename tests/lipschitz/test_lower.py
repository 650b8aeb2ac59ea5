"""Lower bounds: each comes with two inputs, and their ratio is that of the network in real arithmetic."""

import numpy as np
import pytest
from flint import fmpq

from tests.lipschitz.nets import gradient_steps
from unfold_theory.enclosure import Basis, Enclosure
from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.lipschitz.linearization import Linearization
from unfold_theory.lipschitz.lower import all_pass, ascent, at_inputs, lower_bound, scattered, surrogate_gradient
from unfold_theory.lipschitz.patterns import pattern_floor
from unfold_theory.lipschitz.witness import replayed, witness
from unfold_theory.networks.activations import (
    BoxProjection,
    GroupSoftThreshold,
    Relu,
    SingularValueThreshold,
    SmoothSoftThreshold,
    SoftThreshold,
)
from unfold_theory.networks.system import System, with_memory


def exact_ratio_squared(system: System, first, second) -> fmpq:
    """The squared ratio of a plain soft-threshold network in rational arithmetic."""
    rational = np.vectorize(lambda x: fmpq(*float(x).as_integer_ratio()), otypes=[object])
    outputs = []
    for u in (first, second):
        u = rational(u)
        x = np.full(system.layers[0].sizes[0], fmpq(0), dtype=object)
        for layer in system.layers:
            v = rational(layer.preactivation.mid) @ x + rational(layer.injection.mid) @ u
            theta = rational(layer.activation.threshold)
            x = np.array(
                [a - t if a > t else a + t if a < -t else fmpq(0) for a, t in zip(v, theta, strict=True)], dtype=object
            )
        outputs.append(x)
    moved, gap = outputs[0] - outputs[1], rational(first) - rational(second)
    return (moved @ moved) / (gap @ gap)


@pytest.mark.parametrize("perturb", [0.0, 0.3])
@pytest.mark.parametrize("spread", [1e-9, 1e-3, 1.0, 100.0])
def test_enclosed_ratio_holds_the_one_of_rational_arithmetic(perturb, spread):
    system = gradient_steps(3, 6, 4, perturb=perturb)
    rng = np.random.default_rng(4)
    for scale in (0.05, 0.3, 2.0):
        first = scale * rng.standard_normal(3)
        second = first + spread * scale * rng.standard_normal(3)
        found = replayed(system, first, second)
        low, high = (fmpq(*float(end).as_integer_ratio()) for end in (found.lo, found.hi))
        assert found.basis == Basis.CERTIFIED
        assert low**2 <= exact_ratio_squared(system, first, second) <= high**2
        assert found.width <= 1e-9 * found.hi + 1e-12


@pytest.mark.parametrize(
    "system", [gradient_steps(2, 4, 3), gradient_steps(5, 10, 4, perturb=0.3)], ids=["2x4", "5x10"]
)
@pytest.mark.parametrize("bound", [all_pass, ascent, lower_bound], ids=lambda f: f.__name__)
def test_witnesses_replay(system, bound):
    found = bound(system)
    assert found.value.basis == Basis.CERTIFIED
    assert found.replay(system) == pytest.approx(found.lower, rel=1e-6)
    assert found.value.width <= 1e-8 * found.lower


def test_all_pass_is_the_gain_without_thresholds():
    system = gradient_steps(4, 8, 5, perturb=0.2)
    passing = [SoftThreshold(np.zeros(8))] * 5
    linear = System.of_matrices(
        [layer.injection.mid for layer in system.layers], [layer.preactivation.mid for layer in system.layers], passing
    )
    gain = np.linalg.norm(linear.jacobian(np.ones(4)), 2)
    assert all_pass(system).lower == pytest.approx(gain, rel=1e-8)
    assert all_pass(system).lower <= gain * (1 + 1e-12)
    with pytest.raises(MissingStructure, match="all-pass"):
        all_pass(System.of_matrices([np.eye(2)], [np.eye(2)], [Relu(2)]))


def test_values_of_the_note():
    # m = 2, n = 4, K = 3: exact 0.65670 and 0.83541; samples of the note missed the second by six per cent.
    assert lower_bound(gradient_steps(2, 4, 3)).lower == pytest.approx(0.65670, abs=5e-6)
    assert lower_bound(gradient_steps(2, 4, 3, perturb=0.3)).lower == pytest.approx(0.83541, abs=5e-6)
    # Seeds find 0.76522 or the maximum: a search is no enumeration.
    found = lower_bound(gradient_steps(3, 6, 2, seed=2, perturb=0.3), seed=1)
    assert found.lower == pytest.approx(0.76612, rel=2e-3)
    assert found.lower <= 0.76612


def test_pattern_floor_is_above_every_lower_bound_and_says_that_it_is_none():
    for seed in range(5):
        system = gradient_steps(2, 4, 3, seed=seed, perturb=0.3)
        found = ascent(system)
        floor = pattern_floor(system, inputs=np.stack([found.first, found.second]))
        assert floor.value.lo >= found.lower * (1 - 1e-9)
        assert floor.value.basis == Basis.SAMPLED
        assert floor.value.hi == np.inf
    exhaustive = max(
        np.linalg.norm(forced(gradient_steps(2, 4, 2, perturb=0.3), bits), 2) for bits in np.ndindex(*([2] * 8))
    )
    assert pattern_floor(gradient_steps(2, 4, 2, perturb=0.3)).value.lo == pytest.approx(exhaustive, rel=1e-9)
    with pytest.raises(MissingStructure):
        pattern_floor(System.of_matrices([np.eye(4)], [np.eye(4)], [SingularValueThreshold((2, 2), 1.0)]))
    with pytest.raises(InputError):
        pattern_floor(system, starts=0)


def forced(system, bits):
    state, at = np.zeros((4, 2)), 0
    for layer in system.layers:
        state = np.array(bits[at : at + 4])[:, None] * (layer.preactivation.mid @ state + layer.injection.mid)
        at += 4
    return state


ACTIVATIONS = [
    SoftThreshold(np.full(6, 0.1)),
    SmoothSoftThreshold(np.full(6, 0.1), 20.0),
    Relu(6),
    BoxProjection(-np.ones(6), np.full(6, 0.5)),
    GroupSoftThreshold(np.array([0.1, 0.2]), np.array([0, 0, 0, 1, 1, 1])),
    SingularValueThreshold((2, 3), 0.1),
]


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda a: a.title)
def test_every_activation(activation):
    rng = np.random.default_rng(6)
    first, second = 0.5 * rng.standard_normal((3, 6, 4)), 0.4 * rng.standard_normal((3, 6, 6))
    system = System.of_matrices(list(first), list(second), [activation] * 3)
    u = rng.standard_normal((7, 4))
    here = Linearization(system, u)
    for i in (0, 3, 6):
        J = system.jacobian(u[i])
        assert here.jacobians()[i] == pytest.approx(J)
        d, z = rng.standard_normal((7, 4)), rng.standard_normal((7, 6))
        assert here.forward(d)[i] == pytest.approx(J @ d[i])
        assert here.backward(z)[i] == pytest.approx(J.T @ z[i])
        assert here.norms()[0][i] == pytest.approx(np.linalg.norm(J, 2))
    found = ascent(system, starts=6, rounds=10, samples=50)
    assert found.replay(system) == pytest.approx(found.lower, rel=1e-5)
    assert found.lower >= here.norms()[0].max() * 0.9


def test_memory_and_power_iteration():
    system = with_memory(gradient_steps(3, 6, 4), lambda k: k / (k + 3), inside=True)
    found = lower_bound(system)
    assert found.value.basis == Basis.CERTIFIED
    assert found.replay(system) == pytest.approx(found.lower, rel=1e-6)
    wide = gradient_steps(70, 80, 3)
    u = scattered(wide, 4, np.random.default_rng(0))
    exact = max(np.linalg.norm(wide.jacobian(row), 2) for row in u)
    assert at_inputs(wide, u).lower == pytest.approx(exact, rel=5e-3)
    assert at_inputs(wide, u).lower <= exact * (1 + 1e-9)


def test_surrogate_gradient_is_one():
    system = gradient_steps(4, 8, 3, perturb=0.3)
    rng = np.random.default_rng(8)
    u, d = rng.standard_normal((2, 3, 4))

    def value(at):
        # The surrogate, written out: slopes smoothed at the scale that the same generator draws.
        draws = np.random.default_rng(9)
        here, base = Linearization(system, at), Linearization(system, u)
        for k, layer in enumerate(system.layers):
            theta = layer.activation.threshold
            spread = (np.abs(base.preactivations[k]) - theta).std(axis=1, keepdims=True)
            tau = 10.0 ** draws.uniform(-2, 0) * spread
            here.slopes[k] = 1 / (1 + np.exp(-(np.abs(here.preactivations[k]) - theta) / tau))
        return np.log(np.linalg.norm(here.forward(d), axis=1))

    gradient = surrogate_gradient(system, u, d, np.random.default_rng(9))
    for step in 1e-7 * np.eye(4):
        quotient = (value(u + step) - value(u - step)) / 2e-7
        assert gradient @ step / 1e-7 == pytest.approx(quotient, rel=1e-4, abs=1e-5)


def test_matrices_that_are_known_up_to_rounding():
    system = gradient_steps(3, 6, 3)
    layers = tuple(
        type(layer)(
            Enclosure.certified(layer.preactivation.lo - 1e-9, layer.preactivation.hi + 1e-9),
            layer.activation,
            layer.injection,
        )
        for layer in system.layers
    )
    loose = System(layers, 3)
    u = np.random.default_rng(1).standard_normal((2, 3))
    assert replayed(loose, *u).contains(replayed(system, *u).mid)
    assert replayed(loose, *u).width > 100 * replayed(system, *u).width


def test_refusals():
    system = gradient_steps(2, 4, 2)
    with pytest.raises(InputError, match="finite rows of 2"):
        at_inputs(system, np.full((1, 2), np.nan))
    with pytest.raises(InputError, match="positive counts"):
        ascent(system, starts=0)
    # A direction in which nothing moves is a bound of zero.
    assert witness(system, np.zeros(2), np.array([1e-9, 0.0]), "dead zone").lower >= 0
