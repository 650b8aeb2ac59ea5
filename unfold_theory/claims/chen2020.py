r"""Chen, Zhang, Reisinger, Song 2020: an algorithm as a reasoning layer, and how stable it is in what was learned.

The layer is k steps of gradient descent from 0 on $\frac12x^TQx-b^Tx$ with a learned $Q$. The paper's generalization
bound combines stability in $Q$, sensitivity and convergence of the layer; its constants were not re-proved and are not
claimed here. What is claimed is the stability itself, with the best constant, and the convergence. A setting is ISTA
with $\lambda=0$, which is gradient descent on $\frac12\|Ax-y\|^2$: $Q=A^TA$, $b=A^Ty$.
"""

from __future__ import annotations

import numpy as np

from unfold_theory.claim import Setting, claim, hypothesis
from unfold_theory.claims.shared import layers_as_declared, starts_at_zero
from unfold_theory.enclosure import Enclosure, Inequality, stack
from unfold_theory.errors import MissingStructure
from unfold_theory.generalization import reasoning_layers
from unfold_theory.verified import smallest_singular_value_squared

PROOF = "proofs_checks/check_chen2020.py"
MOVES = (1e-5, 1e-2, 0.3)
"""Sizes of the changes of Q that are tried, over the largest eigenvalue that the step allows."""
DIRECTIONS = 4


def curvature(s: Setting) -> Enclosure:
    r"""$\mu=\lambda_{\min}(A^TA)$, shape ()."""
    m, n = s.problem.dictionary.shape
    return smallest_singular_value_squared(s.problem.dictionary) if m >= n else Enclosure.exact(0.0)


def step_size(s: Setting) -> float:
    r"""$\varphi$, if all layers take the same step on $\lambda=0$."""
    steps = s.network.proximal_steps(0.0)
    if not np.all(steps == steps[0]):
        raise MissingStructure(s.network.title, "a reasoning layer of gradient descent", "one step size for all layers")
    if s.network.accelerated:
        raise MissingStructure(s.network.title, "a reasoning layer of gradient descent", "steps without momentum")
    return float(steps[0])


def _descend(matrix: np.ndarray, data: np.ndarray, step: float, depth: int) -> np.ndarray:
    x, found = np.zeros_like(data), []
    for _ in range(depth):
        x = x - step * (x @ matrix - data)
        found.append(x)
    return np.stack(found)


def changed(s: Setting) -> list[tuple[np.ndarray, np.ndarray]]:
    r"""Pairs $Q,Q'$ with $\mu I\preceq Q,Q'\preceq I/\varphi$: random directions, and the one of least curvature."""
    A = s.problem.dictionary
    base, step = A.T @ A, step_size(s)
    vectors = np.linalg.eigh(base)[1]
    low, high = float(curvature(s).hi) * (1 + 1e-12), 1 / step
    draws = np.random.default_rng(0)
    directions = [np.outer(vectors[:, 0], vectors[:, 0]), np.eye(len(base))]
    directions += [d + d.T for d in draws.standard_normal((DIRECTIONS, *base.shape))]
    found = []
    for direction in directions:
        for size in MOVES:
            moved = base + size * high * direction / np.linalg.norm(direction, 2)
            inner, frame = np.linalg.eigh(moved)
            moved = (frame * np.clip(inner, low, max(high, low))) @ frame.T
            found.append((base, (moved + moved.T) / 2))
    return found


def ratios(s: Setting) -> Enclosure:
    r"""The largest $\|x_k(Q)-x_k(Q')\|/(\|b\|\|Q-Q'\|)$ among the pairs, shape (depth, sample); 0 where $b=0$."""
    data, step, worst = s.batch.y @ s.problem.dictionary, step_size(s), np.zeros(s.shape)
    size = np.linalg.norm(data, axis=1)
    allowance = 4 * np.sqrt(s.problem.n) * s.rounding
    for base, other in s.cached(changed):
        distance = np.linalg.norm(base - other, 2)
        if distance == 0:
            continue
        runs = [_descend(matrix, data, step, s.network.depth) for matrix in (base, other)]
        certain = np.maximum(np.linalg.norm(runs[0] - runs[1], axis=-1) - allowance, 0.0) * (1 - 1e-9)
        worst = np.maximum(worst, np.divide(certain, size * distance, out=np.zeros_like(certain), where=size > 0))
    return Enclosure.numerical(worst)


@hypothesis
def strongly_convex(s: Setting) -> Inequality:
    r"""$\mu=\lambda_{\min}(Q)>0$."""
    return s.cached(curvature) > 0.0


@hypothesis
def step_within_curvature(s: Setting) -> Inequality:
    r"""$\varphi\lambda_{\max}(Q)\le1$."""
    return Enclosure.exact(step_size(s)) * s.lipschitz <= 1.0


LAYER = [starts_at_zero, layers_as_declared, strongly_convex, step_within_curvature]


def _constants(s: Setting) -> tuple[Enclosure, Enclosure]:
    return Enclosure.exact(step_size(s)), s.cached(curvature)


def _over_depths(s: Setting, bound: object) -> Enclosure:
    step, mu = _constants(s)
    if not (mu.lo > 0 and (step * mu).hi <= 1):
        # Nothing is claimed there; the verdict names the hypothesis.
        return Enclosure.exact(np.full((s.network.depth, 1), np.inf))
    return stack([bound(k, step, mu) for k in range(1, s.network.depth + 1)])[:, None]  # type: ignore[operator]


@claim(
    source="chen2020",
    theorem="stability of gradient descent, with its constant (derived)",
    hypotheses=LAYER,
    trivial=lambda s: 1.0 / s.cached(curvature) ** 2,
    proof=PROOF,
)
def gradient_stability(s: Setting) -> Inequality:
    r"""$\|x_k(Q)-x_k(Q')\|_2\le\frac{1-k\rho^{k-1}+(k-1)\rho^k}{\mu^2}\|b\|_2\|Q-Q'\|_2$ for
    $\mu I\preceq Q,Q'\preceq I/\varphi$, $\rho=1-\varphi\mu$; attained in the limit $Q'\to Q=\mu I$.

    It grows with k and saturates at $1/\mu^2$, the stability of the minimiser itself (the trivial bound): more steps of
    the layer cost generalization less and less.
    """
    return s.cached(ratios) <= _over_depths(s, reasoning_layers.stability)


@claim(
    source="chen2020",
    theorem="convergence of gradient descent, with its constant (derived)",
    hypotheses=LAYER,
    trivial=lambda s: 1.0 / s.cached(curvature),
    proof=PROOF,
)
def gradient_convergence(s: Setting) -> Inequality:
    r"""$\|x_k-Q^{-1}b\|_2\le\frac{\rho^k}\mu\|b\|_2$, as $\|x_k-Q^{-1}b\|/\|b\|\le\rho^k/\mu$ ($b=0$: both sides 0).

    Trivial: $1/\mu$, where the layer stands before its first step.
    """
    A = s.problem.dictionary
    data = s.batch.y @ A
    size = np.linalg.norm(data, axis=1)
    minimiser = np.linalg.lstsq(A, s.batch.y.T, rcond=None)[0].T
    condition = float((s.lipschitz / s.cached(curvature)).hi)
    off = np.linalg.norm(s.iterates[1:] - minimiser, axis=-1)
    slack = np.sqrt(s.problem.n) * s.rounding + 1e-13 * condition * np.linalg.norm(minimiser, axis=-1)
    certain = np.maximum(off - slack, 0.0) * (1 - 1e-9)
    ratio = np.divide(certain, size, out=np.zeros_like(certain), where=size > 0)
    return Enclosure.numerical(ratio) <= _over_depths(s, reasoning_layers.convergence)
