r"""Gradient steps on one quadratic: closed forms in depth, and the best layer multipliers by the spectrum.

All for $x^{k+1}=\varphi_k(\eta_kA^Tu+(I-\eta_kA^TA)x^k)$ from $x^0$ independent of u, output $x^K$, one A in all
layers, no momentum, $\varphi_k$ independent of u.

**Spectral decoupling.** With layer multipliers $\lambda_kI$ the matrix inequality is block diagonal in the singular
vectors of A, so that the bound is $\max_\sigma r_\sigma(\lambda)$ over the singular values, and $\sigma=0$ iff
rank A < n, with the scalar recursion $q=1,s=r=0$, then for k = K-1, ..., 0, $N=2\lambda_k-q>0$:
$$r\leftarrow r+\frac{(s+\lambda_k\eta_k\sigma)^2}N,\quad s\leftarrow\frac{(s+\lambda_k\eta_k\sigma)\lambda_ka_k}N,\quad
  q\leftarrow\frac{(\lambda_ka_k)^2}N,\qquad a_k=1-\eta_k\sigma^2.$$
*Proof.* $A=U\Sigma V^T$; $V^T\delta^k$ and $U^Tu$ decouple coordinate by coordinate. A direction of V outside the row
space has $\sigma=0$ and no input: $r=0$, but $N>0$ is needed. $\square$

**Square root of depth.** Let every $\varphi_k$ be firmly nonexpansive, $0<\eta_k\|A\|^2<2$ and
$\hat\eta_k=\min(\eta_k,2/\|A\|^2-\eta_k)$. Then
$$L_K^2\le\frac{\eta_{K-1}^2}{\hat\eta_{K-1}}+\sum_{k<K-1}\frac{\eta_k^2}{\hat\eta_k+\hat\eta_{k+1}},$$
which for one step $\eta\le1/\|A\|^2$ is $\eta(K+1)/2$.
*Proof.* Take $\lambda_k=1$. At $\sigma$ the bound is $h^TT^{-1}h$, $h_k=\eta_k\sigma$, T tridiagonal with diagonal
(2, ..., 2, 1) and off-diagonal $-a_1,\dots,-a_{K-1}$. From $-2axy\ge-|a|(x^2+y^2)$,
$T\succeq\mathrm{diag}(1+b_1,b_1+b_2,\dots,b_{K-1})$, $b_k=1-|a_k|$. On $0\le\sigma^2\le\|A\|^2$,
$b_k=\min(\eta_k\sigma^2,2-\eta_k\sigma^2)\ge\hat\eta_k\sigma^2$, and $1\ge b_0$. $\square$

**Nonexpansive activations** only: $L_K^2\le\sum_k\eta_k/(2-\eta_k\|A\|^2)$.
*Proof.* With $r=A\delta-u$, $\|\delta-\eta A^Tr\|^2=\|\delta\|^2-2\eta\langle A\delta,r\rangle+\eta^2\|A^Tr\|^2
\le\|\delta\|^2-\eta(2-c)\|r\|^2-2\eta\langle u,r\rangle\le\|\delta\|^2+\eta\|u\|^2/(2-c)$. $\square$
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from unfold_theory.enclosure import Enclosure, minimum
from unfold_theory.errors import InputError
from unfold_theory.lipschitz.bound import UpperBound
from unfold_theory.verified import spectral_norm_squared

_GAP, _NEWTON = 1e-6, 60


def _checked(
    dictionary: Float64[np.ndarray, "m n"], steps: Float64[np.ndarray, " depth"]
) -> tuple[Enclosure, Enclosure]:
    r"""$\|A\|^2$ and the steps, which are certainly in $(0,2/\|A\|^2)$."""
    norm = spectral_norm_squared(dictionary)
    if not len(steps) or not ((steps > 0) & ((Enclosure.exact(np.nan_to_num(steps)) * norm).hi < 2)).all():
        raise InputError(
            f"Steps {np.array2string(steps, precision=4)} and a squared norm of {float(norm.mid):.6g}",
            "Pass at least one step, every step positive and below 2 / ||A||^2",
        )
    return norm, Enclosure.exact(steps)


def square_root_bound(
    dictionary: Float64[np.ndarray, "m n"], steps: Float64[np.ndarray, " depth"], *, firm: bool = True
) -> UpperBound:
    r"""The closed form of this module, ``certified``.

    Args:
        dictionary: A.
        steps: $\eta_k$ of each layer.
        firm: Whether activations are known to be firmly nonexpansive (soft thresholds, proximal maps), or only
            nonexpansive.

    Raises:
        InputError: There is no step, or one is not certainly positive and below $2/\|A\|^2$.
    """
    norm, eta = _checked(dictionary, steps)
    if not firm:
        return UpperBound((eta / (2.0 - eta * norm)).sum().sqrt(), "square root of depth, nonexpansive")
    kept = minimum(eta, 2.0 / norm - eta)
    square = eta[-1] ** 2 / kept[-1]
    if len(steps) > 1:
        square = square + (eta[:-1] ** 2 / (kept[:-1] + kept[1:])).sum()
    return UpperBound(square.sqrt(), "square root of depth")


def spectral_bound(dictionary: Float64[np.ndarray, "m n"], steps: Float64[np.ndarray, " depth"]) -> UpperBound:
    r"""The best layer multipliers for firmly nonexpansive separable activations, in seconds at any size.

    Args:
        dictionary: A, of m x n.
        steps: $\eta_k$ of each layer.

    Returns:
        The bound with its multipliers (one number for each of n neurons), ``numerical``: :func:`certify` on the
        network's own system confirms it.

    Raises:
        InputError: There is no step, or one is not certainly positive and below $2/\|A\|^2$.
    """
    _checked(dictionary, steps)
    m, n = dictionary.shape
    sigma = np.linalg.svd(dictionary, compute_uv=False)
    deficient = m < n or sigma[-1] <= sigma[0] * max(m, n) * np.finfo(float).eps
    sigma = np.append(sigma, 0.0) if deficient else sigma
    top, levels = _least_maximum(sigma, steps)
    multipliers = tuple(np.full(n, level) for level in levels)
    return UpperBound(Enclosure.numerical(np.sqrt(top)), "spectral layer multipliers", multipliers)


def _least_maximum(
    sigma: Float64[np.ndarray, " values"], steps: Float64[np.ndarray, " depth"]
) -> tuple[float, Float64[np.ndarray, " depth"]]:
    r"""$\min_\lambda\max_\sigma r_\sigma(\lambda)$ by a log-determinant barrier on all blocks at once.

    A block over $(u,\delta^1,\dots,\delta^K)$ is $\rho E_{00}-E_{KK}+\sum_k\lambda_kT_k$. Newton's method in K + 1
    variables, from multipliers 1: T of the square-root-of-depth law is definite for $\sigma>0$, and N = 1 at 0.
    """
    depth, count = len(steps), len(sigma)
    parts = np.zeros((count, depth + 1, depth + 1, depth + 1))
    parts[:, 0, 0, 0] = 1.0
    for k, eta in enumerate(steps):
        parts[:, k + 1, k + 1, k + 1] = 2.0
        parts[:, k + 1, 0, k + 1] = parts[:, k + 1, k + 1, 0] = -eta * sigma
        if k:
            parts[:, k + 1, k, k + 1] = parts[:, k + 1, k + 1, k] = eta * sigma**2 - 1
    fixed = np.zeros((depth + 1, depth + 1))
    fixed[depth, depth] = -1.0
    found = _scalar_recursion(sigma, steps, np.ones(depth))
    assert found is not None
    best, levels = float(found.max()), np.ones(depth)
    point = np.append(1.5 * best, levels)

    def factored(x: np.ndarray) -> np.ndarray | None:
        blocks = np.tensordot(x, parts, axes=(0, 1)) + fixed
        try:
            return np.linalg.cholesky(blocks)
        except np.linalg.LinAlgError:
            return None

    degree = count * (depth + 1)
    weight = degree / best
    identity, factor = np.eye(depth + 1), factored(point)
    while degree / weight > _GAP * best and factor is not None:
        weight *= 4.0
        for _ in range(_NEWTON):
            half = np.linalg.solve(factor, np.broadcast_to(identity, factor.shape))[:, None]
            # L^{-1} M_i L^{-T} is symmetric: the Hessian is a Gram matrix, and stays accurate near the boundary.
            scaled = half @ parts @ half.transpose(0, 1, 3, 2)
            slope = -np.trace(scaled, axis1=2, axis2=3).sum(0)
            slope[0] += weight
            flat = scaled.reshape(count, depth + 1, -1).transpose(1, 0, 2).reshape(depth + 1, -1)
            hessian = flat @ flat.T
            unit = 1 / np.sqrt(np.diagonal(hessian))
            step = -unit * np.linalg.lstsq(hessian * unit * unit[:, None], unit * slope, rcond=1e-15)[0]
            decrement = -float(slope @ step)
            length, trial = 1.0 if decrement < 0.06 else 1 / (1 + np.sqrt(max(decrement, 0.0))), None
            while trial is None and length > 1e-8:
                trial = factored(point + length * step)
                length = length / 2 if trial is None else length
            if trial is None:
                break
            point, factor = point + length * step, trial
            if decrement < 1e-2:
                break
        found = _scalar_recursion(sigma, steps, point[1:])
        if found is not None and found.max() < best:
            best, levels = float(found.max()), point[1:]
    return best, levels


def _scalar_recursion(
    sigma: Float64[np.ndarray, " values"], steps: Float64[np.ndarray, " depth"], levels: Float64[np.ndarray, " depth"]
) -> Float64[np.ndarray, " values"] | None:
    r"""$r_\sigma$ ; None where some N is not positive."""
    q, s, r = np.ones_like(sigma), np.zeros_like(sigma), np.zeros_like(sigma)
    for eta, level in zip(steps[::-1], levels[::-1], strict=True):
        N = 2 * level - q
        if not (N > 0).all():
            return None
        g, h = s + level * eta * sigma, level * (1 - eta * sigma**2)
        q, s, r = h * h / N, g * h / N, r + g * g / N
    return r
