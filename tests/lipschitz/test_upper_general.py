"""Upper bounds on systems that have every matrix, layers of different sizes and blocks, and on random networks."""

import numpy as np
import pytest
import scipy.linalg

from unfold_theory.enclosure import Enclosure
from unfold_theory.lipschitz.averaged import averaged_bound
from unfold_theory.lipschitz.bound import per_neuron
from unfold_theory.lipschitz.certify import certify
from unfold_theory.lipschitz.greedy import greedy_bound
from unfold_theory.lipschitz.joint import joint_bound
from unfold_theory.lipschitz.multipliers import optimised_bound
from unfold_theory.lipschitz.recursion import Recursion, recursion_bound
from unfold_theory.lipschitz.triangle import triangle_bound
from unfold_theory.networks.activations import GroupSoftThreshold, Relu, SingularValueThreshold, SoftThreshold
from unfold_theory.networks.system import System, SystemLayer, with_memory


def plain(seed, m=4, n=6, depth=3, scale=0.6):
    rng = np.random.default_rng(seed)
    first = [rng.standard_normal((n, m)) / np.sqrt(m) for _ in range(depth)]
    second = [scale * rng.standard_normal((n, n)) / np.sqrt(n) for _ in range(depth)]
    return System.of_matrices(first, second, [SoftThreshold(0.1 * rng.random(n)) for _ in range(depth)])


def general(seed, m=3, sizes=((4, 5), (6, 4), (3, 6), (5,)), start=True):
    """Every matrix present: states of 4, 6, 3 and 5, activations of 5 (separable), 4 (groups) and 6 (one block)."""
    rng = np.random.default_rng(seed)
    activations = [
        Relu(5),
        GroupSoftThreshold(np.array([0.1, 0.3]), np.array([0, 1, 1, 0])),
        SingularValueThreshold((2, 3), 0.2),
    ]
    make = lambda *shape: Enclosure.exact(rng.standard_normal(shape) / np.sqrt(shape[1]))  # noqa: E731
    layers = []
    for k, activation in enumerate(activations):
        p, q = sizes[k]
        after = sizes[k + 1][0]
        layers.append(SystemLayer(make(q, p), activation, make(q, m), make(after, p), make(after, q), make(after, m)))
    return System(tuple(layers), m, start=make(4, m) if start else None, readout=make(2, 5))


SYSTEMS = {
    "plain": plain(0),
    "one layer": plain(1, depth=1),
    "expanding": plain(2, scale=2.0, depth=5),
    "general": general(0),
    "from zero": general(1, start=False),
    "momentum": with_memory(plain(3, depth=4), lambda k: k / (k + 3), inside=True),
    "initial point": plain(4).from_initial_state(),
}


def dense_bound(system, multipliers):
    """The same inequality written out over (u, w^0, ..., w^{K-1}) at once."""
    m, sizes = system.inputs, [layer.sizes[1] for layer in system.layers]
    total = m + sum(sizes)
    u = np.eye(m, total)
    state = np.zeros((system.layers[0].sizes[0], total)) if system.start is None else system.start.mid @ u
    form, at = np.zeros((total, total)), m
    part = lambda matrix, rows: 0.0 if matrix is None else matrix.mid @ rows  # noqa: E731
    for layer, diagonal in zip(system.layers, per_neuron(system, multipliers), strict=True):
        q = layer.sizes[1]
        w = np.eye(total)[at : at + q]
        at += q
        v = layer.preactivation.mid @ state + part(layer.injection, u)
        product = w.T @ (diagonal[:, None] * (v - w))
        form += product + product.T
        after = w if layer.emission is None else layer.emission.mid @ w
        state = after + part(layer.transition, state) + part(layer.passage, u)
    z = state if system.readout is None else system.readout.mid @ state
    form += z.T @ z
    inner = -form[m:, m:]
    assert np.linalg.eigvalsh(inner)[0] > 0
    schur = form[:m, :m] + form[:m, m:] @ scipy.linalg.solve(inner, form[m:, :m])
    return np.sqrt(np.linalg.eigvalsh(schur)[-1])


def sampled(system, count=300, seed=0):
    rng = np.random.default_rng(seed)
    scale = 10.0 ** rng.uniform(-2, 2, count)
    points = scale[:, None] * rng.standard_normal((count, system.inputs))
    return max(np.linalg.norm(system.jacobian(u), 2) for u in points)


@pytest.mark.parametrize("name", SYSTEMS)
def test_recursion_is_the_whole_inequality(name):
    system = SYSTEMS[name]
    greedy = greedy_bound(system)
    rng = np.random.default_rng(5)
    raised = tuple(part * (1.5 + rng.random(part.shape)) for part in greedy.multipliers)
    for multipliers in (greedy.multipliers, raised):
        assert recursion_bound(system, multipliers).value.mid == pytest.approx(dense_bound(system, multipliers), 1e-7)


@pytest.mark.parametrize("name", SYSTEMS)
def test_gradient_is_that_of_difference_quotients(name):
    system = SYSTEMS[name]
    recursion = Recursion(system)
    base = [1.5 * diagonal for diagonal in per_neuron(system, greedy_bound(system).multipliers)]
    form, steps = recursion.form(base)
    vector = np.linalg.eigh(form)[1][:, -1:]
    slopes = recursion.gradient(steps, vector, np.ones(1))
    for k, slope in enumerate(slopes):
        for i in range(len(slope)):
            ends = []
            for sign in (1, -1):
                moved = [part.copy() for part in base]
                moved[k][i] *= 1 + sign * 1e-5
                ends.append(np.linalg.eigvalsh(recursion.form(moved)[0])[-1])
            quotient = (ends[0] - ends[1]) / (2e-5 * base[k][i])
            assert slope[i] == pytest.approx(quotient, rel=1e-4, abs=1e-7 * np.abs(slope).max())


@pytest.mark.parametrize("name", SYSTEMS)
def test_bounds_are_in_order(name):
    system = SYSTEMS[name]
    seen = sampled(system)
    greedy = greedy_bound(system)
    layer = optimised_bound(system, layerwise=True)
    neuron = optimised_bound(system, start=layer)
    assert seen <= neuron.upper * (1 + 1e-9)
    assert neuron.upper <= layer.upper <= greedy.upper
    # The joint recursion uses less than firm nonexpansiveness; it never exceeds the triangle.
    assert seen <= joint_bound(system).upper <= triangle_bound(system).upper * (1 + 1e-12)
    assert seen <= averaged_bound(system).upper
    for bound in (greedy, layer, neuron):
        checked = certify(system, bound)
        assert checked.certified
        assert bound.upper * (1 - 1e-9) <= checked.upper <= bound.upper * (1 + 1e-5)


def test_no_random_network_exceeds_a_bound():
    worst = 0.0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        system = plain(seed, *rng.integers(1, 5, 2), int(rng.integers(1, 5)), float(rng.uniform(0, 2)))
        bound = certify(system, optimised_bound(system, evaluations=40))
        for other in (triangle_bound(system), joint_bound(system), averaged_bound(system), greedy_bound(system)):
            assert sampled(system, 30, seed) <= other.upper * (1 + 1e-9)
        worst = max(worst, sampled(system, 100, seed) / bound.upper)
    assert 0.9 < worst <= 1.0


def test_a_bound_without_the_injection_is_false():
    """Dropping W_1 after the first layer, as a chain would, is exceeded: the test above can fail."""
    system = plain(0, depth=3, scale=0.1)
    chain = System.of_matrices(
        [system.layers[0].injection.mid, np.zeros((6, 4)), np.zeros((6, 4))],
        [layer.preactivation.mid for layer in system.layers],
        [layer.activation for layer in system.layers],
    )
    assert sampled(system) > triangle_bound(chain).upper


def test_silent_network():
    silent = System.of_matrices([np.zeros((2, 2))], [np.zeros((2, 2))], [Relu(2)])
    for method in (greedy_bound, optimised_bound, triangle_bound, joint_bound, averaged_bound):
        assert method(silent).upper < 1e-6
