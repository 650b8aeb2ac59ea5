"""Gradient steps: the square-root-of-depth law and the best layer multipliers by the spectrum."""

import cvxpy as cp
import numpy as np
import pytest

from unfold_theory.errors import InputError
from unfold_theory.lipschitz import certify, greedy_bound, optimised_bound
from unfold_theory.lipschitz.spectral import spectral_bound, square_root_bound
from unfold_theory.networks.activations import SoftThreshold
from unfold_theory.networks.system import System


def made(m, n, depth, seed=0, steps=None):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((m, n))
    A /= np.linalg.norm(A, axis=0)
    eta = (np.ones(depth) if steps is None else np.asarray(steps)) / np.linalg.norm(A, 2) ** 2
    system = System.of_matrices(
        [step * A.T for step in eta],
        [np.eye(n) - step * A.T @ A for step in eta],
        [SoftThreshold(np.full(n, 0.05))] * depth,
    )
    return A, eta, system


def layer_value(system):
    """The matrix inequality with one multiplier a layer, written plainly."""
    depth, n, m = system.depth, system.layers[0].sizes[1], system.inputs
    rho, levels = cp.Variable(), cp.Variable(depth)
    size = m + n * depth
    M = rho * np.diag(np.arange(size) < m).astype(float)
    for k, layer in enumerate(system.layers):
        T = np.zeros((size, size))
        at = slice(m + k * n, m + (k + 1) * n)
        T[at, at] = 2 * np.eye(n)
        T[at, :m] = -layer.injection.mid
        T[:m, at] = -layer.injection.mid.T
        if k:
            T[at, at.start - n : at.start] = -layer.preactivation.mid
            T[at.start - n : at.start, at] = -layer.preactivation.mid.T
        M = M + levels[k] * T
    M = M - np.diag(np.arange(size) >= size - n).astype(float)
    problem = cp.Problem(cp.Minimize(rho), [M >> 0])
    problem.solve(solver=cp.CLARABEL)
    return np.sqrt(float(rho.value))


@pytest.mark.parametrize(("m", "n"), [(3, 5), (5, 5), (6, 4)])
@pytest.mark.parametrize("steps", [None, [0.5, 1.0, 0.7], [1.6, 0.9, 1.2]])
def test_spectral_bound_is_the_best_of_layer_multipliers(m, n, steps):
    A, eta, system = made(m, n, 3, steps=steps)
    bound = spectral_bound(A, eta)
    assert bound.upper == pytest.approx(layer_value(system), rel=2e-6)
    assert certify(system, bound).upper == pytest.approx(bound.upper, rel=1e-6)


def test_zero_belongs_to_the_spectrum_only_where_the_rank_is_deficient():
    # Without 0 the value of the wide dictionary would be lower, and no bound that the multipliers prove.
    A, eta, system = made(6, 4, 4)
    tall = spectral_bound(A, eta)
    padded = spectral_bound(np.hstack([A, np.zeros((6, 1))]), eta)
    assert tall.upper < padded.upper
    assert tall.upper == pytest.approx(optimised_bound(system, layerwise=True).upper, rel=2e-3)


@pytest.mark.parametrize("depth", [1, 2, 3, 8, 16, 32, 64])
def test_law_is_never_below_the_matrix_inequality(depth):
    for seed, steps in enumerate([None, np.linspace(0.3, 1, depth), np.linspace(1.9, 0.4, depth)]):
        A, eta, system = made(4, 7, depth, seed, steps)
        law = square_root_bound(A, eta)
        assert law.certified
        bound = spectral_bound(A, eta)
        assert certify(system, bound).upper <= law.upper * (1 + 1e-6)
        if steps is None:
            assert law.upper == pytest.approx(np.sqrt(eta[0] * (depth + 1) / 2), rel=1e-9)
            assert law.upper == pytest.approx(greedy_bound(system).upper, rel=1e-6)
        assert np.linalg.norm(system.jacobian(1e6 * np.ones(4)), 2) <= bound.upper * (1 + 1e-9)


def test_nonexpansive_activations_need_more():
    # A sign flip is nonexpansive and not firmly so: two layers exceed the law of firm ones, and not the other.
    worst = 0.0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        A, eta, system = made(2, 3, 2, seed)
        J = np.zeros((3, 2))
        for layer in system.layers:
            J = rng.choice([-1.0, 1.0], 3)[:, None] * (layer.injection.mid + layer.preactivation.mid @ J)
        worst = max(worst, np.linalg.norm(J, 2) / square_root_bound(A, eta).upper)
        assert np.linalg.norm(J, 2) <= square_root_bound(A, eta, firm=False).upper * (1 + 1e-12)
    assert worst > 1.0


def test_attacks_on_the_law():
    rng = np.random.default_rng(1)
    for seed in range(300):
        depth = int(rng.integers(1, 8))
        A, eta, system = made(*rng.integers(1, 5, 2), depth, seed, rng.uniform(0.05, 1.95, depth))
        J = np.zeros((A.shape[1], A.shape[0]))
        for layer in system.layers:
            J = rng.integers(0, 2, len(J))[:, None] * (layer.injection.mid + layer.preactivation.mid @ J)
        assert np.linalg.norm(J, 2) <= square_root_bound(A, eta).upper * (1 + 1e-12)


@pytest.mark.parametrize("steps", [[], [0.0], [2.0], [-0.1], [np.nan]])
def test_refuses_steps(steps):
    A, _, _ = made(3, 5, 1)
    steps = np.array(steps, dtype=float) / np.linalg.norm(A, 2) ** 2
    for method in (square_root_bound, spectral_bound):
        with pytest.raises(InputError, match="2 / "):
            method(A, steps)
