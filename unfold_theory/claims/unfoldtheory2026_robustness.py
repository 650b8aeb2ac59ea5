r"""The project's own theorems on attacks: certified error and support under perturbations, and where stability ends."""

from __future__ import annotations

import numpy as np
import torch

from unfold_theory.claim import Setting, claim, hypothesis
from unfold_theory.claims.shared import starts_at_zero
from unfold_theory.claims.stability import SLOPES, affine, pairs, run, slack, system, triangle
from unfold_theory.claims.unfoldtheory2026_stability import (
    GRADIENT,
    gradient_steps,
    law,
    singular_values,
    steps_at_most_inverse_lipschitz,
)
from unfold_theory.enclosure import Enclosure, Inequality, stack
from unfold_theory.errors import MissingStructure

PROOF = "proofs_checks/check_unfoldtheory2026_robustness.py"
ATTACK = 0.05
"""Largest change of one measurement in an attack, relative to the mean of their absolute values."""
ATTACK_STEPS = 10
DEPTHS_READ = 16
INSIDE = 1 - 1e-6
"""A radius is attacked at this part of it."""
BISECTIONS = 200


# -- negative thresholds ---------------------------------------------------------------------------------------------
def jumps(s: Setting) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    r"""$2|\theta_i|$, $|\Delta x_i|$ and $\|\Delta y\|$ of a pair of close measurements, shape (depth,) each.

    In every layer the neuron of the lowest threshold that the batch sees with both signs is followed along the segment
    between two such signals, by bisection down to neighbouring floats. NaN where there is none.
    """
    layers, y = s.cached(affine), s.batch.y
    n = s.problem.dictionary.shape[1]
    gap, chosen = np.full(len(layers), np.nan), []
    for k, layer in enumerate(layers):
        theta = np.broadcast_to(np.asarray(layer.threshold, dtype=np.float64), (n,))
        codes = s.iterates[k + 1]
        both = (codes > 0).any(axis=0) & (codes < 0).any(axis=0) & (theta < 0)
        if both.any():
            i = int(np.argmin(np.where(both, theta, np.inf)))
            gap[k] = 2 * abs(theta[i])
            chosen.append((k, i, int(codes[:, i].argmax()), int(codes[:, i].argmin())))
    seen, near = np.full(len(layers), np.nan), np.full(len(layers), np.nan)
    if not chosen:
        return gap, seen, near
    k, i, above, below = (np.array(column) for column in zip(*chosen, strict=True))
    up, down, rows = y[above].copy(), y[below].copy(), np.arange(len(k))
    for _ in range(BISECTIONS):
        middle = (up + down) / 2
        if ((middle == up) | (middle == down)).all():
            break
        positive = (run(s, middle)[k + 1, rows, i] > 0)[:, None]
        up, down = np.where(positive, middle, up), np.where(positive, down, middle)
    # Where a preactivation is exactly 0 the code is, too, half way between: the other side is a few floats away.
    away = 2.0**-52 * (y[below] - y[above])
    for _ in range(BISECTIONS):
        zero = (run(s, down)[k + 1, rows, i] == 0)[:, None]
        if not zero.any():
            break
        down, away = np.where(zero, down + away, down), 2 * away
    seen[k] = np.abs(run(s, up)[k + 1, rows, i] - run(s, down)[k + 1, rows, i])
    near[k] = np.linalg.norm(up - down, axis=1)
    return gap, seen, near


@hypothesis(scope="cell")
def threshold_negative(s: Setting) -> Inequality:
    r"""$\theta^k_i<0$ for a neuron of this layer."""
    return Enclosure.exact(np.array([[float(np.min(layer.threshold))] for layer in s.cached(affine)])) < 0.0


@hypothesis(scope="cell")
def preactivation_crosses_zero(s: Setting) -> Inequality:
    r"""The batch sees such a neuron with both signs, so that $z_i^k$ vanishes between two measurements."""
    return Enclosure.exact(np.where(np.isnan(s.cached(jumps)[0]), 1.0, 0.0)[:, None]) <= 0.0


@claim(
    source="unfoldtheory2026",
    theorem="negative thresholds (derived)",
    hypotheses=[threshold_negative, preactivation_crosses_zero],
    trivial=lambda s: Enclosure.exact(1e6),
    proof=PROOF,
    bound="lower",
)
def negative_threshold_jumps(s: Setting) -> Inequality:
    r"""$(1-10^{-6})\,2|\theta_i^k|/\|y-y'\|\le|x_i^{k+1}-x_i'^{k+1}|/\|y-y'\|$ for measurements y, y' a few floats
    apart: where $\theta_i^k<0$ and $z_i^k$ crosses 0, layer k + 1 has no Lipschitz constant.

    Of the network cut off there; a later threshold can swallow the jump. Trivial: a constant of $10^6$.
    """
    gap, seen, near = s.cached(jumps)
    gap, seen, near = (np.nan_to_num(part, nan=1.0) for part in (gap, seen, near))
    return Enclosure.exact((1 - 1e-6) * gap / near)[:, None] <= Enclosure.exact(seen / near)[:, None]


# -- the support -------------------------------------------------------------------------------------------------------
def constants(s: Setting) -> Enclosure:
    """The smaller of the triangle recursion and, where its hypotheses hold, the law; at depth 0..K."""
    norms = s.cached(triangle)
    try:
        admitted = np.logical_and.accumulate(steps_at_most_inverse_lipschitz.read(s).holds.ravel())
    except MissingStructure:
        return norms
    better = np.concatenate([[0.0], np.where(admitted, s.cached(law).hi, np.inf)])
    return Enclosure(np.minimum(norms.lo, better), np.minimum(norms.hi, better), norms.basis)


def support_radii(s: Setting) -> np.ndarray:
    r"""$r_k=\min_i\bigl||z_i^k|-\theta_i^k\bigr|/(\|W_{1,i}^k\|+\|W_{2,i}^k\|L_k)$, shape (depth, sample), rounded
    down; 0 where a threshold is met to rounding."""
    values, doubt = s.preactivations
    before = s.cached(constants)
    radii = []
    for k, (layer, declared) in enumerate(zip(s.cached(system).layers, s.cached(affine), strict=True)):
        assert layer.injection is not None
        rate = layer.injection.norm(2) + layer.preactivation.norm(2) * before[k]
        margin = np.abs(np.abs(values[k]) - np.asarray(declared.threshold)) - 4 * doubt[k][:, None]
        with np.errstate(divide="ignore"):
            radii.append((np.maximum(margin, 0.0) * (1 - 1e-12) / rate.hi).min(axis=1))
    return np.stack(radii)


def depths_read(s: Setting) -> np.ndarray:
    """Depths at which perturbed supports are computed: all, or as many evenly."""
    K = s.network.depth
    return np.unique(np.linspace(1, K, min(K, DEPTHS_READ)).round().astype(int))


def support_changes(s: Setting) -> np.ndarray:
    """How many entries of the support change at the radius, shape (depth, sample)."""
    y, away = s.batch.y, s.cached(pairs).second - s.batch.y
    unit = away / np.linalg.norm(away, axis=1, keepdims=True)
    radii, changed = s.cached(support_radii), np.zeros(s.shape)
    for depth in s.cached(depths_read):
        with torch.no_grad():
            given = torch.tensor(y + INSIDE * radii[depth - 1][:, None] * unit)
            code = s.network(given, depth=int(depth)).numpy()
        changed[depth - 1] = ((code != 0) != (s.iterates[depth] != 0)).sum(axis=1)
    return changed


def _no_radius(s: Setting) -> Enclosure:
    """0 where the radius is below 1e-6 of the measurement, so that it says nothing."""
    size = np.linalg.norm(s.batch.y, axis=1)
    return Enclosure.exact(np.where(s.cached(support_radii) > 1e-6 * size, np.inf, 0.0))


@claim(
    source="unfoldtheory2026",
    theorem="radius of the support (derived)",
    hypotheses=[starts_at_zero, *SLOPES],
    trivial=_no_radius,
    proof=PROOF,
)
def support_radius(s: Setting) -> Inequality:
    r"""$\mathrm{supp}\,x^k(y')=\mathrm{supp}\,x^k(y)$ for $\|y-y'\|<r_k$,
    $r_k=\min_i||z_i|-\theta_i|/(\|W_{1,i}\|+\|W_{2,i}\|L_{k-1})$ over the neurons of layer k (entries that change: 0).

    $L_{k-1}$ is the smaller of the triangle recursion and the square-root-of-depth law. Vacuous below $10^{-6}\|y\|$.
    """
    return Enclosure.exact(s.cached(support_changes)) <= 0.0


# -- attacks on the error ----------------------------------------------------------------------------------------------
def attacked(s: Setting) -> tuple[np.ndarray, np.ndarray]:
    r"""Codes at depth 0..K under attack, and $\|y-y'\|_\infty$ of each signal.

    Ten steps of the basic iterative method: $y'\leftarrow\Pi_\epsilon(y'+\frac\epsilon4\mathrm{sgn}\nabla\|x^K(y')-
    x^*\|^2)$, $\epsilon$ five per cent of the mean absolute measurement.
    """
    y, truth = torch.tensor(s.batch.y), torch.tensor(s.truth)
    reach = ATTACK * y.abs().mean(dim=1, keepdim=True)
    given = y.clone()
    for _ in range(ATTACK_STEPS):
        given = given.detach().requires_grad_()
        (pull,) = torch.autograd.grad(((s.network(given) - truth) ** 2).sum(), given)
        # Where the code is 0 nearby there is no gradient: larger measurements wake it.
        pull = torch.where(pull.abs().amax(dim=1, keepdim=True) > 0, pull, y)
        given = torch.minimum(torch.maximum(given + reach / 4 * torch.sign(pull), y - reach), y + reach)
    final = given.detach().numpy()
    return run(s, final), np.abs(final - s.batch.y).max(axis=1)


def clean_error(s: Setting) -> Enclosure:
    r"""$\|x^k(y)-x^*\|$, shape (depth, sample)."""
    return s.error(2)


@claim(
    source="unfoldtheory2026",
    theorem="attack gain (derived)",
    hypotheses=[starts_at_zero, *SLOPES],
    trivial=lambda s: s.cached(clean_error) + 10.0 * Enclosure.exact(s.truth).norm(2),
    proof=PROOF,
)
def attack_gain(s: Setting) -> Inequality:
    r"""$\|x^k(y')-x^*\|\le\|x^k(y)-x^*\|+L_k\sqrt m\,\|y-y'\|_\infty$ for attacks on the final error by ten signed
    gradient steps.

    $L_k$ as for the support's radius. Trivial: the clean error and ten times the signal.
    """
    codes, reach = s.cached(attacked)
    m = s.problem.dictionary.shape[0]
    bound = s.cached(constants)[1:, None] * Enclosure.exact(float(m)).sqrt() * reach
    error = (Enclosure.exact(codes[1:]) - s.truth).norm(2)
    allowance = slack(s.iterates, codes, np.broadcast_to(s.truth, codes.shape))
    return error <= s.cached(clean_error) + bound + allowance


# -- encodings ---------------------------------------------------------------------------------------------------------
@hypothesis(scope="prefix")
def one_step(s: Setting) -> Inequality:
    r"""$\eta_k=\eta_0$ in every layer so far."""
    eta = s.cached(gradient_steps).lo
    return Enclosure.exact(np.abs(eta - eta[0])) <= 0.0


@hypothesis
def a_small_singular_value(s: Setting) -> Inequality:
    r"""$\eta\sigma^2\le\frac14$ for a singular value $\sigma>0$ of A."""
    return s.cached(_small_curvature) <= 0.25


def _small_curvature(s: Setting) -> Enclosure:
    r"""The largest $\eta\sigma^2\le\frac14$, or the smallest positive one."""
    sigma, eta = s.cached(singular_values), s.cached(gradient_steps)[0]
    curved = eta * sigma**2
    positive = np.flatnonzero(sigma.lo > 0)
    small = positive[curved.hi[positive] <= 0.25]
    return curved[small[curved.lo[small].argmax()]] if len(small) else curved[positive[curved.lo[positive].argmin()]]


def pair_floor(s: Setting) -> Enclosure:
    r"""$\max_\sigma g_k(\sigma)$, $g_{k+1}=2(1-\eta\sigma^2)g_k+2\eta\sigma$, shape (depth,)."""
    sigma, eta = s.cached(singular_values), s.cached(gradient_steps)
    g, found = Enclosure.exact(np.zeros(sigma.shape)), []
    for k in range(len(eta)):
        g = 2.0 * (1.0 - eta[k] * sigma**2) * g + 2.0 * eta[k] * sigma
        found.append(abs(g).max())
    return stack(found)


@claim(
    source="unfoldtheory2026",
    theorem="pairs of ReLUs (derived)",
    hypotheses=[a_small_singular_value, one_step, steps_at_most_inverse_lipschitz, *GRADIENT],
    trivial=lambda s: s.cached(law)[:, None],
    proof=PROOF,
    bound="lower",
)
def relu_pairs_are_exponentially_loose(s: Setting) -> Inequality:
    r"""$4\sqrt{\eta c}\,((\tfrac32)^k-1)\le\max_\sigma g_k(\sigma)$, $c=\eta\sigma^2\le\frac14$: what every relaxation
    certifies at least that writes $\eta_\theta(z)=(z-\theta)_+-(-z-\theta)_+$ and gives each half a slope of its own.

    Better than trivial where this is beyond the square-root-of-depth law: the direct bound grows like $\sqrt k$, the
    encoded one exponentially.
    """
    eta, c = s.cached(gradient_steps)[0], s.cached(_small_curvature)
    grown = Enclosure.exact(1.5 ** s.depth.lo[:, 0]) - 1.0
    return ((1 - 2.0**-30) * 4.0 * (eta * c).sqrt() * grown)[:, None] <= s.cached(pair_floor)[:, None]
