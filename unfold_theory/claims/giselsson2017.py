r"""Giselsson and Boyd 2017: linear convergence of Douglas-Rachford splitting and ADMM under strong convexity.

The paper's iteration is $v^+=((1-a)I+aR_{\gamma f}R_{\gamma g})v$ with reflections $R=2\,\mathrm{prox}-I$. ADMM with
penalty $\rho$ and relaxation $\alpha$ is this with $\gamma=1/\rho$, $a=\alpha/2$ and $v$ the argument of the soft
threshold: $v=z+w/\rho$ (``proofs_checks/check_giselsson2017.py``). Each layer contracts in the variable of its own
penalty, so that learned penalties may change from layer to layer; what a change of variable costs is bounded as well.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float64

from unfold_theory.claim import Setting, claim, hypothesis
from unfold_theory.claims.lasso import REGULAR, minimizers
from unfold_theory.enclosure import Basis, Enclosure, Inequality, maximum, stack
from unfold_theory.errors import MissingStructure
from unfold_theory.verified import smallest_singular_value_squared

PROOF = "proofs_checks/check_giselsson2017.py"
# What the linear systems and products of one layer may lose, relative to the size of its variable.
LAYER_RESIDUAL = 2.0**-36


def splitting(s: Setting) -> tuple[Float64[np.ndarray, " depth"], Float64[np.ndarray, " depth"]]:
    r"""$\rho_k$ and $\alpha_k$ of layers that are ADMM on the setting's Lasso.

    Raises:
        MissingStructure: They are not.
    """
    read = getattr(s.network, "splitting", None)
    if read is None:
        raise MissingStructure(s.network.title, "a theorem on ADMM", "splitting(lam) and multipliers(y)", "Use Admm")
    return read(s.lasso.lam)


def multipliers(s: Setting) -> Float64[np.ndarray, "iterate sample n"]:
    """w at depth 0..K."""
    s.cached(splitting)  # says what is lacking
    return s.network.multipliers(torch.tensor(s.batch.y)).numpy()  # pyright: ignore[reportCallIssue]


def _variables(s: Setting, first: int) -> Enclosure:
    r"""$v-v^\star$ at the inputs (``first`` = 0) or outputs (1) of the layers, each in its own penalty."""
    rho, found = s.cached(splitting)[0], s.cached(minimizers)
    rows = []
    for k, penalty in enumerate(rho):
        inverse = 1.0 / Enclosure.exact(float(penalty))
        w = Enclosure.exact(s.cached(multipliers)[k + first]) - found.correlation
        rows.append(Enclosure.exact(s.iterates[k + first]) - found.code + w * inverse)
    return stack(rows)


def inputs(s: Setting) -> Enclosure:
    r"""$\|v^k-v^\star\|_2$ before each layer, shape (depth, sample)."""
    return _variables(s, 0).norm(2)


def outputs(s: Setting) -> Enclosure:
    r"""$\|v^{k+1}-v^\star\|_2$ after each layer, in the penalty of that layer."""
    return _variables(s, 1).norm(2)


def least_curvature(s: Setting) -> Enclosure:
    r"""$\mu=\lambda_{\min}(A^TA)$: 0 for more columns than rows."""
    m, n = s.problem.dictionary.shape
    return Enclosure.exact(0.0) if m < n else smallest_singular_value_squared(s.problem.dictionary)


def reflection_factors(s: Setting) -> Enclosure:
    r"""$\delta=\max(\frac{L-\rho}{L+\rho},\frac{\rho-\mu}{\rho+\mu})$ per layer: what $R_{\gamma f}$ contracts by."""
    rho = Enclosure.exact(s.cached(splitting)[0])
    L, mu = s.lipschitz, s.cached(least_curvature)
    delta = maximum((L - rho) / (L + rho), (rho - mu) / (rho + mu))
    return Enclosure(np.maximum(delta.lo, 0.0), np.minimum(np.maximum(delta.hi, 0.0), 1.0), delta.basis)


def factors(s: Setting) -> Enclosure:
    r"""$|1-\alpha/2|+\frac\alpha2\delta$ per layer, shape (depth,)."""
    half = Enclosure.exact(s.cached(splitting)[1] / 2)
    return abs(1.0 - half) + half * s.cached(reflection_factors)


def rounding(s: Setting) -> Enclosure:
    """What float64 may change in one layer's variable, and the width of the minimiser, shape (depth, sample)."""
    rho, found = s.cached(splitting)[0], s.cached(minimizers)
    width = np.linalg.norm(found.code.width, axis=-1) + np.linalg.norm(found.correlation.width, axis=-1) / rho[:, None]
    size = np.linalg.norm(s.batch.y @ s.problem.dictionary, axis=-1) / rho[:, None]
    size = size + np.linalg.norm(s.iterates[:-1], axis=-1) + np.linalg.norm(s.iterates[1:], axis=-1)
    allowed = LAYER_RESIDUAL * size + 2 * np.where(found.known, width, 0.0)
    return Enclosure.exact(allowed).with_basis(Basis.NUMERICAL)


# -- hypotheses ----------------------------------------------------------------------------------------------------
@hypothesis
def layers_are_admm(s: Setting) -> Inequality:
    r"""Every layer is an ADMM iteration with the $\rho_k$, $\alpha_k$ that the network declares, up to rounding."""
    A, lam, w = s.problem.dictionary, s.lasso.lam, s.cached(multipliers)
    off = []
    for k, (rho, alpha) in enumerate(zip(*s.cached(splitting), strict=True)):
        z = s.iterates[k]
        right = s.batch.y @ A + rho * z - w[k]
        x = np.linalg.solve(A.T @ A + rho * np.eye(A.shape[1]), right.T).T
        v = alpha * x + (1 - alpha) * z + w[k] / rho
        shrunk = np.sign(v) * np.maximum(np.abs(v) - lam / rho, 0.0)
        wrong = np.abs(s.iterates[k + 1] - shrunk) + np.abs(w[k + 1] - rho * (v - shrunk)) / rho
        off.append(np.linalg.norm(wrong, axis=-1))
    return Enclosure.exact(np.stack(off)) <= s.cached(rounding)


@hypothesis
def penalties_and_relaxations_positive(s: Setting) -> Inequality:
    r"""$\rho_k>0$ and $\alpha_k>0$ in every layer."""
    rho, alpha = s.cached(splitting)
    return Enclosure.exact(np.minimum(rho, alpha)) > 0.0


@hypothesis
def full_column_rank(s: Setting) -> Inequality:
    r"""$\mu=\lambda_{\min}(A^TA)>0$: $\frac12\|Ax-y\|^2$ is strongly convex (never for more columns than rows)."""
    return Enclosure.exact(0.0) < s.cached(least_curvature)


@hypothesis(scope="prefix")
def constant_parameters(s: Setting) -> Inequality:
    r"""$\rho_k=\rho_0$ and $\alpha_k=\alpha_0$ in every layer so far."""
    rho, alpha = s.cached(splitting)
    return Enclosure.exact(np.maximum(np.abs(rho - rho[0]), np.abs(alpha - alpha[0]))) <= 0.0


@hypothesis
def relaxation_below_two(s: Setting) -> Inequality:
    r"""$\alpha_k<2$ in every layer."""
    return Enclosure.exact(s.cached(splitting)[1]) < 2.0


ADMM_LAYERS = [layers_are_admm, penalties_and_relaxations_positive]


@claim(
    source="giselsson2017",
    theorem="linear rate, layer by layer (derived)",
    hypotheses=[*ADMM_LAYERS, full_column_rank, *REGULAR],
    trivial=lambda s: s.cached(inputs),
    proof=PROOF,
)
def contraction(s: Setting) -> Inequality:
    r"""$\|v^{k+1}-v^\star\|_2\le(|1-\frac\alpha2|+\frac\alpha2\delta)\|v^k-v^\star\|_2$ with $v=z+w/\rho_k$,
    $v^\star=x^\star+A^T(y-Ax^\star)/\rho_k$, $\delta=\max(\frac{L-\rho}{L+\rho},\frac{\rho-\mu}{\rho+\mu})$.

    The paper's rate $|1-a|+a\delta$ with $a=\alpha/2$ and $\gamma=1/\rho$; best at $\rho=\sqrt{\mu L}$, where
    $\delta=(\sqrt\kappa-1)/(\sqrt\kappa+1)$. Trivial: the distance before the layer.
    """
    return s.cached(outputs) <= s.cached(factors)[:, None] * s.cached(inputs) + s.cached(rounding)


def accumulated(s: Setting) -> Enclosure:
    r"""$E_k$ with $E_0=\|v^0-v^\star\|$, $E_{k+1}=f_k\max(1,\rho_{k-1}/\rho_k)E_k$, rounding included."""
    rho, found = s.cached(splitting)[0], s.cached(factors)
    size, rows = s.cached(inputs)[0], []
    for k in range(len(rho)):
        if k:
            size = size * maximum(1.0, Enclosure.exact(rho[k - 1]) / Enclosure.exact(rho[k]))
        size = found[k] * size + s.cached(rounding)[k]
        rows.append(size)
    return stack(rows)


@claim(
    source="giselsson2017",
    theorem="linear rate, penalties that change (derived)",
    hypotheses=[*ADMM_LAYERS, full_column_rank, *REGULAR],
    trivial=lambda s: s.cached(minimizers).code.norm(2),
    proof=PROOF,
)
def linear_rate(s: Setting) -> Inequality:
    r"""$\|z^k-x^\star\|_2\le\|v^0-v^\star\|_2\prod_{j<k}(|1-\frac{\alpha_j}2|+\frac{\alpha_j}2\delta_j)
    \max(1,\rho_{j-1}/\rho_j)$.

    With one penalty and relaxation this is the paper's rate. Trivial: $\|x^\star\|_2$, the error of the zero code.
    """
    error = (Enclosure.exact(s.iterates[1:]) - s.cached(minimizers).code).norm(2)
    return error <= s.cached(accumulated) + s.cached(rounding)


@claim(
    source="giselsson2017",
    theorem="without strong convexity: O(1/k) (derived)",
    hypotheses=[*ADMM_LAYERS, constant_parameters, relaxation_below_two, *REGULAR],
    trivial=lambda s: residuals(s)[0],
    proof=PROOF,
)
def residual_rate(s: Setting) -> Inequality:
    r"""$\|v^{k}-v^{k-1}\|_2^2\le\frac{\alpha}{(2-\alpha)k}\|v^0-v^\star\|_2^2$ for all k >= 1, with any dictionary.

    What remains where $A^TA$ is singular: reflections are nonexpansive only. Trivial: the first residual.
    """
    # Relaxations of 2 and more are refuted above; there the bound is infinite.
    half = Enclosure.exact(np.clip(s.cached(splitting)[1][:, None], 0.0, 2.0) / 2)
    worst = (half / maximum(1.0 - half, 0.0) / s.depth).sqrt() * s.cached(inputs)[0]
    drift = s.cached(rounding).cumsum() * 2.0
    return residuals(s) <= worst + Enclosure(drift.hi, drift.hi, drift.basis)


def residuals(s: Setting) -> Enclosure:
    r"""$\|v^{k+1}-v^k\|_2$ in the penalty of each layer, shape (depth, sample)."""
    rho, w = s.cached(splitting)[0], s.cached(multipliers)
    moved = Enclosure.exact(s.iterates[1:]) - s.iterates[:-1]
    turned = (Enclosure.exact(w[1:]) - w[:-1]) / Enclosure.exact(rho[:, None, None])
    return (moved + turned).norm(2)
