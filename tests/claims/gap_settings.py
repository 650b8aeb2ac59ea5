"""Trained networks, their training samples and fresh signals: what bounds on the gap are read on."""

import numpy as np
import torch

from unfold_theory.claim import RiskSetting
from unfold_theory.enclosure import Enclosure
from unfold_theory.generalization import HalfDistance
from unfold_theory.networks import Lista
from unfold_theory.problems import SparseRecovery, UnitNorm
from unfold_theory.verified import spectral_norm_squared

LOSS = HalfDistance()


def where(shape=(10, 16), seed=0):
    return SparseRecovery.gaussian(*shape, law=UnitNorm(3), seed=seed)


def fitted(network, batch, steps, rate, keep=None):
    """Trained on the sample alone; ``keep`` brings the parameters back into a class after each step."""
    x, y = torch.tensor(batch.x), torch.tensor(batch.y)
    optimiser = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=rate)
    for _ in range(steps):
        optimiser.zero_grad()
        torch.linalg.vector_norm(network(y) - x, dim=1).mean().backward()
        optimiser.step()
        if keep is not None:
            with torch.no_grad():
                keep(network)
    return network


def clipped_norms(network, largest_input, margin=1 - 1e-9):
    """Spectral norms at most 1 and ``largest_input``, thresholds in [0, 1]."""
    for matrix, limit in [(m, 1.0) for m in network.state_weights] + [
        (m, largest_input) for m in network.input_weights
    ]:
        u, values, v = torch.linalg.svd(matrix, full_matrices=False)
        matrix.copy_((u * values.clamp(max=limit * margin)) @ v)
    for theta in network.thresholds:
        theta.clamp_(0, 1)


def clipped_rows(network, alpha, beta, margin=1 - 1e-9):
    """Rows with l1 norms at most alpha and beta (scaled down: inside the ball, not projected on it)."""
    for matrix, limit in [(m, beta) for m in network.state_weights] + [(m, alpha) for m in network.input_weights]:
        rows = matrix.abs().sum(dim=1, keepdim=True)
        matrix.mul_((limit * margin / rows).clamp(max=1.0))


def lista(problem, depth, *, theta=0.02, learn_thresholds=True):
    network = Lista.for_problem(problem, depth, theta=theta)
    for threshold in network.thresholds:
        threshold.requires_grad_(learn_thresholds)
    return network


def setting(network, problem, sample, certificate, *, loss=LOSS, held_out=4000):
    fresh = problem.sample(held_out, seed=2)
    return RiskSetting(network, problem, sample, fresh, loss=loss, delta=0.05, certificates=[certificate])


def measurement(problem):
    r"""$B_y=\|A\|$: signals have norm 1 and there is no noise."""
    return spectral_norm_squared(problem.dictionary).sqrt()


def largest_input(problem):
    r"""$\|y\|_\infty\le\max_i\|A_{i,:}\|_2$ for signals of norm 1."""
    return Enclosure.exact(problem.dictionary).norm(2).max()


def ista_reference(problem):
    step = float((1 / problem.lipschitz).lo)
    first = step * np.asarray(problem.dictionary).T
    return first, np.eye(problem.n) - first @ problem.dictionary


def failing(verdict):
    """Names of the hypotheses that are refuted somewhere, where they take cells away."""
    assert verdict.coverage < 1
    return {f.hypothesis.name for f in verdict.hypotheses if f.status == "refuted"}
