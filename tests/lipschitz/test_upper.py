"""Upper bounds: true, in the order that theory gives them, and equal to closed forms where these exist."""

import numpy as np
import pytest

from tests.lipschitz.nets import gradient_steps
from tests.lipschitz.test_certify import random_system
from unfold_theory.enclosure import Basis, Enclosure
from unfold_theory.errors import InputError
from unfold_theory.lipschitz import certify
from unfold_theory.lipschitz.averaged import averaged_bound
from unfold_theory.lipschitz.by_depth import METHODS, upper_bounds_by_depth
from unfold_theory.lipschitz.greedy import greedy_bound
from unfold_theory.lipschitz.joint import joint_bound
from unfold_theory.lipschitz.lower import scattered
from unfold_theory.lipschitz.multipliers import optimised_bound
from unfold_theory.lipschitz.recursion import Recursion, recursion_bound
from unfold_theory.lipschitz.triangle import triangle_bound
from unfold_theory.networks import build
from unfold_theory.networks.activations import SoftThreshold
from unfold_theory.networks.system import System
from unfold_theory.problems import BernoulliGaussian, SparseRecovery


def seen(system, seed=0, count=300):
    """Largest Jacobian norm over scattered inputs and over all-pass patterns: no bound may be below it."""
    u = scattered(system, count, np.random.default_rng(seed))
    return max(np.linalg.norm(system.jacobian(row), 2) for row in u)


@pytest.mark.parametrize("kind", ["plain", "memory", "groups"])
@pytest.mark.parametrize("seed", range(4))
def test_no_jacobian_exceeds_any_bound(kind, seed):
    system = random_system(np.random.default_rng(seed), kind)
    least = seen(system, seed)
    for method in METHODS:
        bounds = upper_bounds_by_depth(system, method)
        assert len(bounds) == system.depth
        assert all(bound.certified for bound in bounds)
        assert bounds[-1].upper >= least * (1 - 1e-12), method


@pytest.mark.parametrize("seed", range(4))
def test_order_of_the_bounds(seed):
    system = gradient_steps(5, 9, 4, seed=seed, perturb=0.1 * seed)
    triangle, joint, greedy = (bound(system).upper for bound in (triangle_bound, joint_bound, greedy_bound))
    layer, neuron = optimised_bound(system, layerwise=True), optimised_bound(system)
    assert joint <= triangle * (1 + 1e-12)
    assert layer.upper <= greedy * (1 + 1e-9)
    assert neuron.upper <= layer.upper * (1 + 1e-3)
    assert certify(system, neuron).upper == pytest.approx(neuron.upper, rel=1e-6)


@pytest.mark.parametrize("depth", [1, 2, 5, 12])
def test_closed_forms_of_gradient_steps(depth):
    # n > rank A and eta ||A||^2 = 1: the forms of the square-root-of-depth law are attained by the simple recursions.
    system = gradient_steps(5, 9, depth, seed=3)
    eta = np.linalg.norm(system.layers[0].injection.mid, 2) ** 2
    assert greedy_bound(system).upper == pytest.approx(np.sqrt(eta * (depth + 1) / 2), rel=1e-6)
    assert triangle_bound(system).upper == pytest.approx(depth * np.sqrt(eta), rel=1e-9)
    assert joint_bound(system).upper == pytest.approx(np.sqrt(depth * eta), rel=2e-4)


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_averaged_is_the_published_recursion_on_augmented_maps(depth):
    m, n = 4, 7
    system = gradient_steps(m, n, depth, seed=4, perturb=0.2)
    maps = []
    for k, layer in enumerate(system.layers):
        first, second = layer.injection.mid, layer.preactivation.mid
        row = first if k == 0 else np.hstack([second, first])
        keep = np.eye(m) if k == 0 else np.hstack([np.zeros((m, n)), np.eye(m)])
        maps.append(row if k == depth - 1 else np.vstack([row, keep]))
    theta = [1.0]
    for j in range(1, depth + 1):
        total, product = 0.0, np.eye(len(maps[j - 1]))
        for i in range(j - 1, -1, -1):
            product = product @ maps[i]
            total += theta[i] * np.linalg.norm(product, 2)
        theta.append(total)
    assert averaged_bound(system).upper == pytest.approx(theta[-1] / 2 ** (depth - 1), rel=1e-9)


def test_one_layer_is_exact_for_every_method():
    W = np.random.default_rng(5).standard_normal((6, 4))
    system = System.of_matrices([W], [np.zeros((6, 6))], [SoftThreshold(np.zeros(6))])
    norm = np.linalg.norm(W, 2)
    for method in METHODS:
        assert upper_bounds_by_depth(system, method)[0].upper == pytest.approx(norm, rel=1e-6), method


def test_layers_that_reach_nothing_cost_nothing():
    rng = np.random.default_rng(6)
    first, second = rng.standard_normal((3, 4, 3)), rng.standard_normal((3, 4, 4))
    second[2] = 0.0
    system = System.of_matrices(list(first), list(second), [SoftThreshold(np.full(4, 0.1))] * 3)
    bound = greedy_bound(system)
    assert bound.upper == pytest.approx(np.linalg.norm(first[2], 2), rel=1e-6)
    assert certify(system, bound).upper == pytest.approx(bound.upper, rel=1e-6)


def test_recursion_is_the_least_that_multipliers_prove():
    # M(rho, Lambda) of the whole network is singular at the value, positive definite above and indefinite below.
    system = gradient_steps(3, 5, 3, seed=1, perturb=0.2)
    bound = optimised_bound(system, evaluations=40)
    m, n, K = 3, 5, 3
    rho = recursion_bound(system, bound.multipliers).upper ** 2

    def whole(level):
        M = np.zeros((m + n * K, m + n * K))
        M[:m, :m] = level * np.eye(m)
        for k, (layer, given) in enumerate(zip(system.layers, bound.multipliers, strict=True)):
            at = slice(m + k * n, m + (k + 1) * n)
            M[at, at] = 2 * np.diag(given) - (np.eye(n) if k == K - 1 else 0)
            M[at, :m] = -given[:, None] * layer.injection.mid
            M[:m, at] = M[at, :m].T
            if k:
                before = slice(m + (k - 1) * n, m + k * n)
                M[at, before] = -given[:, None] * layer.preactivation.mid
                M[before, at] = M[at, before].T
        return np.linalg.eigvalsh(M)[0]

    assert whole(rho) == pytest.approx(0.0, abs=1e-9)
    assert whole(1.01 * rho) > 0
    assert whole(0.99 * rho) < 0


def test_gradient_is_that_of_differences():
    system = random_system(np.random.default_rng(7), "memory")
    bound = greedy_bound(system)
    recursion = Recursion(system)
    spread = [1.3 * part for part in bound.multipliers]
    form, steps = recursion.form(spread)
    values, vectors = np.linalg.eigh(form)
    gradient = recursion.gradient(steps, vectors[:, -1:], np.ones(1))
    for k in range(system.depth):
        for i in range(len(spread[k])):
            ends = []
            for sign in (1, -1):
                moved = [part.copy() for part in spread]
                moved[k][i] *= 1 + sign * 1e-6
                ends.append(np.linalg.eigvalsh(recursion.form(moved)[0])[-1])
            quotient = (ends[0] - ends[1]) / (2e-6 * spread[k][i])
            assert gradient[k][i] == pytest.approx(quotient, rel=1e-4, abs=1e-6 * values[-1])


@pytest.mark.parametrize("name", ["ista", "lista", "lista-cp", "alista", "fista", "lista-momentum", "admm"])
def test_networks_by_depth(name):
    problem = SparseRecovery.gaussian(8, 14, law=BernoulliGaussian(0.2), seed=2)
    options = {"percent": 0.0} if name in ("alista", "lista-momentum") else {}
    system = build(name, problem, 5, **options).as_system()
    bounds = upper_bounds_by_depth(system)
    for depth, bound in enumerate(bounds, 1):
        assert bound.upper >= seen(system.truncated(depth), depth, 60) * (1 - 1e-12)
        assert bound.upper <= upper_bounds_by_depth(system, "triangle")[depth - 1].upper * (1 + 1e-9)


def test_initial_point_as_the_input():
    system = gradient_steps(5, 9, 6, seed=3).from_initial_state()
    # Nonexpansive layers: a Lasso iteration never drives two starts apart.
    assert certify(system, greedy_bound(system)).upper <= 1 + 1e-6


def test_basis_is_that_of_what_was_computed():
    system = gradient_steps(3, 5, 2)
    assert greedy_bound(system).value.basis == Basis.NUMERICAL
    assert triangle_bound(system).value.basis == Basis.CERTIFIED


def test_refusals():
    system = gradient_steps(3, 5, 2)
    with pytest.raises(InputError, match="no method"):
        upper_bounds_by_depth(system, "network")
    with pytest.raises(InputError, match="evaluations"):
        optimised_bound(system, evaluations=0)
    with pytest.raises(InputError, match="prove no bound"):
        recursion_bound(system, tuple(np.full(5, 0.1) for _ in range(2)))
    with pytest.raises(InputError, match="no multipliers"):
        optimised_bound(system, start=triangle_bound(system))
    assert Enclosure.exact(1.0).hi == 1.0
