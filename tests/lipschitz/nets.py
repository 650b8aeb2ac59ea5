"""Networks of the note on Lipschitz constants: gradient steps, perturbed or not, as systems."""

import numpy as np

from unfold_theory.networks.activations import SoftThreshold
from unfold_theory.networks.system import System


def gradient_steps(m: int, n: int, depth: int, *, seed: int = 0, perturb: float = 0.0) -> System:
    """ISTA on a Gaussian dictionary of unit columns, with Gaussian noise added to both weights."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((m, n))
    A /= np.linalg.norm(A, axis=0)
    norm = np.linalg.norm(A, 2)
    eta = 1 / norm**2
    first, second = [], []
    for _ in range(depth):
        first.append(eta * A.T + perturb * rng.standard_normal((n, m)) / np.sqrt(n) * eta * norm)
        second.append(np.eye(n) - eta * A.T @ A + perturb * rng.standard_normal((n, n)) / np.sqrt(n))
    return System.of_matrices(first, second, [SoftThreshold(np.full(n, 0.1 * eta))] * depth)
