r"""Gradient descent on a learned quadratic as a layer (Chen, Zhang, Reisinger and Song, 2020).

$x_k=\varphi\sum_{j<k}(I-\varphi Q)^jb$: k steps from 0 on $\frac12x^TQx-b^Tx$, where the matrix
$\mu I\preceq Q\preceq\lambda I$ is what is learned and $0<\varphi\le1/\lambda$, so that
$\rho=1-\varphi\mu\in[0,1)$. The paper bounds a local Rademacher complexity through *stability* (in Q), *sensitivity*
and *convergence* of the layer; its constants were not re-proved here. The stability of gradient descent is exact.
"""

from __future__ import annotations

import numpy as np

from unfold_theory.enclosure import Enclosure, maximum
from unfold_theory.enclosure.rounding import Numbers
from unfold_theory.errors import InputError
from unfold_theory.generalization.covering import single_scale_gap


def _checked(steps: int, step_size: Enclosure, convexity: Enclosure) -> Enclosure:
    product = step_size * convexity
    if steps < 0 or not (step_size.lo > 0 and convexity.lo > 0 and product.hi <= 1):
        raise InputError(
            "A reasoning layer with step and convexity outside 0 < phi mu <= 1", "Pass phi <= 1/lambda_max and mu > 0"
        )
    return maximum(1.0 - product, 0.0)


def stability(steps: int, step_size: Enclosure, convexity: Enclosure) -> Enclosure:
    r"""$\|x_k(Q)-x_k(Q')\|\le\|b\|\,\mathrm{Stab}(k)\,\|Q-Q'\|$, $\mathrm{Stab}(k)=(1-k\rho^{k-1}+(k-1)\rho^k)/\mu^2$.

    *Proof.* $M^j-M'^j=\sum_{i<j}M^i(M-M')M'^{j-1-i}$ with $\|M\|,\|M'\|\le\rho$ gives
    $\varphi^2\sum_{j<k}j\rho^{j-1}$, which is the closed form. $\square$ It is attained in the limit $Q'\to Q=\mu I$.
    The sum is what is evaluated: all its terms are positive.

    Args:
        steps: k.
        step_size: $\varphi$, shape ().
        convexity: $\mu$, shape ().

    Raises:
        InputError: Not $0<\varphi\mu\le1$.
    """
    rho = _checked(steps, step_size, convexity)
    if steps < 2:
        return Enclosure.exact(0.0)
    j = np.arange(1, steps)
    return (Enclosure.exact(j.astype(float)) * rho ** (j - 1)).sum() * step_size**2


def convergence(steps: int, step_size: Enclosure, convexity: Enclosure) -> Enclosure:
    r"""$\mathrm{Cvg}(k)=\rho^k/\mu$: $\|x_k-Q^{-1}b\|\le\|b\|\,\mathrm{Cvg}(k)$, shape ()."""
    return _checked(steps, step_size, convexity) ** steps / convexity


def single_scale(
    size: int,
    steps: int,
    samples: Numbers,
    *,
    delta: float | int,
    step_size: Enclosure,
    convexity: Enclosure,
    largest: Enclosure,
    data: Enclosure,
) -> Enclosure:
    r"""$\min_\varepsilon\{\varepsilon+\sqrt{(\frac{n(n+1)}2\ln(1+(\lambda-\mu)K/\varepsilon)+\ln\frac1\delta)/(2N)}\}$
    bounds $R-\hat R$, with $K=B\,\mathrm{Stab}(k)$.

    For all Q of the class at once: $\mu I\preceq Q\preceq\lambda I$ is the operator-norm ball of radius
    $(\lambda-\mu)/2$ in the $n(n+1)/2$ symmetric dimensions. Output projected on the unit ball, $\|b\|\le B$,
    loss $\frac12\|x_k-x\|\in[0,1]$.

    Args:
        size: n.
        steps: k.
        samples: N, any shape.
        delta: Probability of failure.
        step_size: $\varphi$.
        convexity: $\mu$.
        largest: $\lambda\le1/\varphi$.
        data: B.
    """
    if not ((largest * step_size) <= 1 + 1e-9).holds.all() or largest.lo < convexity.hi:
        raise InputError("A class with lambda outside [mu, 1/phi]", "Take phi at most 1/lambda")
    k = data * stability(steps, step_size, convexity)
    if k.hi == 0:
        return single_scale_gap(lambda scale: 0.0 * scale, samples, delta=delta)
    dimension = size * (size + 1) / 2
    return single_scale_gap(lambda e: ((largest - convexity) * k / e + 1.0).log() * dimension, samples, delta=delta)
