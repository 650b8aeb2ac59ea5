r"""How far a perturbed dictionary moves the products of a weight, and the thresholds that allow for it.

Derivations in ``proofs_checks/check_aberdam2021.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from unfold_theory.enclosure import Enclosure, where
from unfold_theory.problems.coherence import coherence, normalisation_error
from unfold_theory.rates.sparse_coding import THRESHOLD_SLACK, WeightConstants, lawful_thresholds
from unfold_theory.verified import spectral_norm_squared


@dataclass(frozen=True)
class Movement:
    r"""What a weight is on its own dictionary, and how far another dictionary moves its products.

    Attributes:
        coherence: $\mu_W$ on its own dictionary.
        normalisation: $\max_i|1-d_i^TW^Td_i|$ there.
        shift: $\delta$.
    """

    coherence: Enclosure
    normalisation: Enclosure
    shift: Enclosure


def adapted_movement(weight: np.ndarray, own: np.ndarray, moved: np.ndarray) -> Movement:
    r"""$\delta=\max_{ij}(\|E_i\|\|W^Td_j\|+\|Wd_i\|\|E_j\|+\|E_i\|\|W\|\|E_j\|)$ of Ada-LISTA, W of shape (m, m)."""
    size = (Enclosure.exact(moved) - own).norm(2, axis=0)
    left, right = ((Enclosure.exact(w) @ own).norm(2, axis=0) for w in (weight, weight.T))
    norm = spectral_norm_squared(weight).sqrt()
    pairs = size[:, None] * right[None, :] + left[:, None] * size[None, :] + size[:, None] * norm * size[None, :]
    products = Enclosure.exact(own.T) @ (Enclosure.exact(weight.T) @ own)
    diagonal = np.eye(own.shape[1], dtype=bool)
    return Movement(
        where(diagonal, 0.0, abs(products)).max(), where(diagonal, abs(products - 1.0), 0.0).max(), pairs.max()
    )


def fixed_movement(weight: np.ndarray, own: np.ndarray, moved: np.ndarray) -> Movement:
    r"""$\delta=\max_{ij}\|w_i\|\|E_j\|$ of a weight of shape (m, n) that stays."""
    size = (Enclosure.exact(moved) - own).norm(2, axis=0).max()
    shift = Enclosure.exact(weight).norm(2, axis=0).max() * size
    return Movement(coherence(weight, own), normalisation_error(weight, own), shift)


def perturbed_thresholds(movement: Movement, depth: int, *, magnitude: Any, sparsity: int) -> Float64[np.ndarray, " K"]:
    r"""$\theta^k=(\mu_W+\delta)E_k$ for noise-free signals of $\mathcal X(B,s,0)$, half of the slack above it.

    Args:
        movement: Of the weight and the dictionaries.
        depth: Number of layers K.
        magnitude: B.
        sparsity: s.
    """
    shape = (depth,)
    unknown = Enclosure(np.full(shape, -np.inf), np.full(shape, np.inf))
    own = WeightConstants(
        (movement.coherence + movement.shift).broadcast_to(shape),
        (movement.normalisation + movement.shift).broadcast_to(shape),
        Enclosure.exact(np.zeros(shape)),
        Enclosure.exact(np.ones(shape)),
        unknown,
        unknown,
    )
    return lawful_thresholds(
        own,
        magnitude=Enclosure.exact(magnitude),
        sparsity=sparsity,
        noise=Enclosure.exact(0.0),
        room=1 + THRESHOLD_SLACK / 2,
    )
