r"""Capacity of unfolded networks: how far outputs move with what is learned, and the bounds on the gap that follow.

Sensitivities are checked on pairs of networks: random ones and ones found by ascent. A pair is a lower bound on what
the theorem bounds from above; that none exceeds it proves nothing, and one that did would refute it.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from unfold_theory.claim import Setting, claim, hypothesis
from unfold_theory.claims.shared import layers_as_declared, starts_at_zero
from unfold_theory.enclosure import Basis, Enclosure, Inequality, stack
from unfold_theory.errors import MissingStructure
from unfold_theory.generalization import orthogonal_dictionary, scalar_networks
from unfold_theory.networks import OrthogonalDictionary
from unfold_theory.verified import spectral_norm_squared

PROOF = "proofs_checks/check_unfoldtheory2026_capacity.py"
TURNS = (1e-3, 1e-1, 1.0)
"""Sizes of the rotations between two dictionaries."""
DIRECTIONS, ASCENT = 3, 3
ORTHOGONALITY = 1e-9


# -- a learned orthogonal dictionary -------------------------------------------------------------------------------
def dictionary_network(s: Setting) -> OrthogonalDictionary:
    """The network, if it has a learned orthogonal dictionary."""
    if not isinstance(s.network, OrthogonalDictionary):
        raise MissingStructure(s.network.title, "a bound for learned dictionaries", "an orthogonal dictionary")
    return s.network


def _codes(network: OrthogonalDictionary, y: Tensor, basis: Tensor) -> Tensor:
    state, found = (y.new_zeros(len(y), len(basis)), basis), []
    for k in range(network.depth):
        state = network.step(k, state, y)
        found.append(network.readout(state))
    return torch.stack(found)


def _turn(direction: Tensor, size: float) -> Tensor:
    skew = direction - direction.T
    skew = skew * (size / 2 / torch.linalg.matrix_norm(skew, 2))
    eye = torch.eye(len(skew), dtype=skew.dtype)
    return torch.linalg.solve(eye + skew, eye - skew)


def _steepest(network: OrthogonalDictionary, y: Tensor, basis: Tensor, direction: Tensor) -> Tensor:
    """Power iteration on what the output does under small turns of the basis."""
    with torch.no_grad():
        base = _codes(network, y, basis)[-1]
    for _ in range(ASCENT):
        direction = direction.clone().requires_grad_()
        moved = _codes(network, y, basis @ _turn(direction, TURNS[0]))[-1] - base
        (gradient,) = torch.autograd.grad((moved**2).sum(), direction)
        if not bool(gradient.any()):
            return direction.detach()
        direction = gradient
    return direction


def dictionary_ratios(s: Setting) -> Enclosure:
    r"""The largest $\|x_\Phi^k-x_\Psi^k\|/\|\Phi-\Psi\|$ among the pairs tried, shape (depth, sample)."""
    network = dictionary_network(s)
    y, basis, n = torch.tensor(s.batch.y), torch.tensor(network.basis64()), s.problem.n
    draws = torch.Generator().manual_seed(0)
    directions = [torch.randn(n, n, generator=draws, dtype=torch.float64) for _ in range(DIRECTIONS)]
    directions.append(_steepest(network, y, basis, directions[0]))
    worst = np.zeros(s.shape)
    for direction in directions:
        for size in TURNS:
            with torch.no_grad():
                other = basis @ _turn(direction, size)
                distance = float(torch.linalg.matrix_norm(other - basis, 2))
                moved = torch.linalg.vector_norm(_codes(network, y, other) - torch.tensor(s.iterates[1:]), dim=2)
            # What float64 may have added is taken off: the pair must stand above it.
            certain = (moved.numpy() - 2 * s.rounding * np.sqrt(n)) / distance * (1 - 1e-9)
            worst = np.maximum(worst, certain)
    return Enclosure.numerical(worst)


def dictionary_class(s: Setting) -> orthogonal_dictionary.OrthogonalClass:
    r"""The class of the setting's network, with $B_y=\|y\|$ of each signal."""
    network = dictionary_network(s)
    return orthogonal_dictionary.OrthogonalClass(
        size=s.problem.n,
        depth=network.depth,
        norm=s.lipschitz.sqrt(),
        measurement=Enclosure.exact(s.batch.y).norm(2),
        weight=Enclosure.exact(network.lam),
        step=Enclosure.exact(network.step_size),
    )


@hypothesis
def basis_orthogonal(s: Setting) -> Inequality:
    r"""$\|\Phi^T\Phi-I\|_2\le10^{-9}$ (0 in the theorem; float64 leaves its rounding)."""
    basis = Enclosure.exact(dictionary_network(s).basis64())
    return spectral_norm_squared(basis.T @ basis - np.eye(s.problem.n)).sqrt() <= ORTHOGONALITY


@hypothesis
def step_within_norm(s: Setting) -> Inequality:
    r"""$\tau\|A\|^2\le1$."""
    return Enclosure.exact(dictionary_network(s).step_size) * s.lipschitz <= 1.0


@claim(
    source="unfoldtheory2026",
    theorem="learned orthogonal dictionary, sensitivity (derived)",
    hypotheses=[starts_at_zero, basis_orthogonal, step_within_norm],
    proof=PROOF,
)
def dictionary_sensitivity(s: Setting) -> Inequality:
    r"""$\|x_\Phi^k-x_\Psi^k\|_2\le K_k\|\Phi-\Psi\|_2$ for all $\Phi,\Psi\in O(n)$, with
    $K_k=Z_k+\tau\|A\|\sum_{j<k}(\|y\|+\|A\|Z_j)$, $Z_j=\min(j\tau\|A\|\|y\|,\|y\|^2/(2\lambda))$, $\lambda\ge0$.

    $K_k$ grows at most linearly in depth once the Lasso bounds the states, so that a covering of $O(n)$ pays
    $\ln K_k$ only. Measured is the largest ratio over random turns of the network's own dictionary and over turns found
    by ascent.
    """
    return s.cached(dictionary_ratios) <= orthogonal_dictionary.sensitivities(s.cached(dictionary_class))


# -- networks of scalars -------------------------------------------------------------------------------------------
STEPS = (1e-4, 1e-2, 0.5)
"""By how much a gain or a threshold is moved."""


def _scalars(s: Setting) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """W, gains and thresholds, if all layers share one weight and have one threshold each."""
    layers = s.network.affine_layers()
    weight = np.asarray(layers[0].weight)
    if not all(a.coupled and np.array_equal(a.weight, weight) and np.ndim(a.threshold) == 0 for a in layers):
        raise MissingStructure(s.network.title, "a bound for 2L numbers", "one weight, and one threshold a layer")
    return weight, np.array([float(a.gain) for a in layers]), np.array([float(a.threshold) for a in layers])


def scalar_class(s: Setting) -> scalar_networks.ScalarClass:
    r"""The class of the setting's network, with $B_y$ the largest measurement of the batch."""
    longest = Enclosure.exact(s.batch.y).norm(2).max()
    return scalar_networks.ScalarClass.of(s.problem.dictionary, _scalars(s)[0], s.network.depth, measurement=longest)


def _run(s: Setting, weight: np.ndarray, gains: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    x, A, found = np.zeros(s.truth.shape), s.problem.dictionary, []
    for gain, theta in zip(gains, thresholds, strict=True):
        v = x + gain * ((s.batch.y - x @ A.T) @ weight)
        x = np.sign(v) * np.maximum(np.abs(v) - theta, 0.0)
        found.append(x)
    return np.stack(found)


def scalar_ratios(s: Setting) -> Enclosure:
    r"""The largest $\|x^k-x'^k\|$ over what :func:`scalar_sensitivity` allows, shape (depth, sample).

    Each number is moved alone, and all of them together.
    """
    weight, gains, thresholds = _scalars(s)
    made, depth = s.cached(scalar_class), s.network.depth
    draws, base = np.random.default_rng(0), _run(s, weight, gains, thresholds)
    changes = []
    for size in STEPS:
        # Into the class: a number near its upper end moves down.
        moves = [np.where(v + size <= top, size, -size) for v, top in ((gains, 2.0), (thresholds, 1.0))]
        changes += [(moves[0] * one, 0 * thresholds) for one in np.eye(depth)]
        changes += [(0 * gains, moves[1] * one) for one in np.eye(depth)]
        changes.append((moves[0] * draws.random(depth), moves[1] * draws.random(depth)))
    sensitive = [scalar_networks.sensitivities(made.at_depth(k)) for k in range(1, depth + 1)]
    worst = np.zeros(s.shape)
    for change in changes:
        moved = np.linalg.norm(_run(s, weight, gains + change[0], thresholds + change[1]) - base, axis=-1)
        certain = moved * (1 - 1e-9) - 2 * s.rounding * np.sqrt(s.problem.n)
        for k, parts in enumerate(sensitive):
            allowed = sum((part.hi * np.abs(c[: k + 1])).sum() for part, c in zip(parts, change, strict=True))
            if allowed > 0:
                worst[k] = np.maximum(worst[k], certain[k] / allowed)
    return Enclosure.numerical(worst)


def _between(values: np.ndarray, low: float, high: float) -> Inequality:
    """How far the values leave an interval, at most 0."""
    return Enclosure.exact(np.maximum(np.maximum(values - high, low - values), 0.0)) <= 0.0


@hypothesis(scope="prefix")
def gains_in_class(s: Setting) -> Inequality:
    r"""$\gamma_l\in[0,2]$ in every layer so far (what is in excess, at most 0)."""
    return _between(_scalars(s)[1], 0.0, 2.0)


@hypothesis(scope="prefix")
def thresholds_in_class(s: Setting) -> Inequality:
    r"""$\theta_l\in[0,1]$ in every layer so far (what is in excess, at most 0)."""
    return _between(_scalars(s)[2], 0.0, 1.0)


@hypothesis(scope="prefix")
def nothing_selected(s: Setting) -> Inequality:
    r"""No support selection in any layer so far."""
    return Enclosure.exact(np.array([float(a.selected) for a in s.network.affine_layers()])) <= 0.0


@claim(
    source="unfoldtheory2026",
    theorem="2L numbers, sensitivity (derived)",
    hypotheses=[starts_at_zero, layers_as_declared, gains_in_class, thresholds_in_class, nothing_selected],
    proof=PROOF,
)
def scalar_sensitivity(s: Setting) -> Inequality:
    r"""$\|x^k-x'^k\|_2\le\sum_{l<k}\rho^{k-1-l}(\|W\|(\|A\|R_l+B_y)|\gamma_l-\gamma'_l|+\sqrt n|\theta_l-\theta'_l|)$,
    $R_0=0$, $R_{l+1}=\rho R_l+2\|W\|B_y$, $\rho=\max_{\gamma\in[0,2]}\|I-\gamma W^TA\|$, for all gains in [0, 2] and
    thresholds in [0, 1].

    Measured is the largest quotient of the two sides over changes of the network's own numbers, alone and together.
    """
    one = Enclosure.exact(1.0).with_basis(Basis.CERTIFIED)
    return s.cached(scalar_ratios) <= stack([one] * s.shape[0])[:, None]
