"""Settings on which the theorems' hypotheses are met, and tight or broken ones for their false variants."""

import numpy as np
import scipy.linalg

from unfold_theory.claim import Setting
from unfold_theory.networks import Ista, Lista
from unfold_theory.problems import Batch, KSparse, SparseRecovery, WorstCase
from unfold_theory.rates.theory_networks import alista_of_theory, lista_cp_of_theory

HADAMARD = np.hstack([np.eye(64), scipy.linalg.hadamard(64) / 8])
"""Identity and Hadamard: coherence exactly 1/8 in floating point with W = A, so that s = 4 is sparse enough."""


def problem(sparsity, magnitude=1.0, law=None):
    return SparseRecovery(HADAMARD, law or WorstCase(sparsity, magnitude))


def given(signals, noise=None, matrix=HADAMARD):
    """A batch of given codes (a fixed recipe: these tests replay in memory)."""
    noise = np.zeros((len(signals), len(matrix))) if noise is None else noise
    return Batch(x=signals, y=signals @ matrix.T + noise, noise=noise, recipe={"count": len(signals), "seed": None})


def cp_setting(sparsity=3, *, count=64, noise=0.0, selected=None, scale=1.0, depth=8, network=None, seed=0, law=None):
    """LISTA-CP (CPSS if selected) with the theorem's thresholds times ``scale`` on +-1 signals."""
    where = problem(sparsity, law=law)
    batch = where.sample(count, seed=seed)
    if noise:
        drawn = np.random.default_rng(seed).standard_normal(batch.noise.shape)
        drawn *= noise / np.abs(drawn).sum(axis=1, keepdims=True)
        batch = given(batch.x, drawn * (1 - 1e-12))
    magnitude = float(np.abs(batch.x).max())
    sigma = float(np.abs(batch.noise).sum(axis=1).max() * (1 + 1e-12)) if noise else 0.0
    network = network or lista_cp_of_theory(
        where, HADAMARD, depth=depth, magnitude=magnitude, sparsity=sparsity, noise=sigma, selected=selected
    )
    scaled(network, scale)
    return Setting(network, where, batch, lam=0.05)


def scaled(network, scale):
    for threshold in network.thresholds:
        threshold.data.mul_(scale)


def alista_setting(sparsity=2, *, gains=None, scale=1.0, depth=8, count=64, seed=0):
    where = problem(sparsity)
    network = alista_of_theory(where, HADAMARD, depth=depth, magnitude=1.0, sparsity=sparsity, gains=gains)
    scaled(network, scale)
    return Setting(network, where, where.sample(count, seed=seed), lam=0.05)


def tight_lista(excess=4 / 3, theta=0.25):
    r"""LISTA on A = I: the first layer returns x*, the second has $D=d\theta I$: theorem 1 is attained at d = 4/3."""
    eye = np.eye(8)
    where = SparseRecovery(eye, WorstCase(3, 1.0))
    network = Lista(
        eye,
        2,
        input_weights=np.stack([eye, 0 * eye]),
        state_weights=np.stack([0 * eye, (1 + excess * theta) * eye]),
        thresholds=np.array([0.0, theta]),
    )
    return Setting(network, where, where.sample(16, seed=1))


def slow_quadratic(network=Ista, depth=16, **options):
    """One direction of curvature a^2 = L / (2K + 1): the slowest quadratic for K steps."""
    a = 1 / np.sqrt(2 * depth + 1)
    matrix = np.diag([1.0, a])
    where = SparseRecovery(matrix, KSparse(1))
    batch = given(np.array([[0.0, 1.0]]), matrix=matrix)
    return Setting(network.for_problem(where, depth, lam=1e-7, **options), where, batch, lam=1e-7)
