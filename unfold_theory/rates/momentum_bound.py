r"""Heavy ball on an identified support: a bound for every k, not only in the limit.

On the support S, with entries that bypass the threshold, a layer is linear:
$e^{k+1}=((1+\beta)I-\gamma M_{SS})e^k-\beta e^{k-1}+h^k$, $M=W^TA$. Let $K=TM_{SS}T^{-1}=H+E$, T a positive diagonal,
H symmetric, E skew and tiny (zero where W is the closed-form weight and $T^2=\mathrm{diag}\,A^T(AA^T)^{-1}A$), $f=Te$.
In an eigenvector of H with eigenvalue $\lambda$ of $\gamma H$, $\rho=\sqrt\beta$ and $2\rho x=1+\beta-\lambda$:
$f_{j+1}=2\rho xf_j-\rho^2f_{j-1}+h_j$, so that
$$f_j=\rho^j\big((U_j-\rho U_{j-1})(x)f_0+\rho U_{j-1}(x)(f_0-f_{-1})\big)+\sum_{i<j}\rho^{j-1-i}U_{j-1-i}(x)h_i$$
with the Chebyshev polynomials of the second kind. For $|x|\le 1$, that is $(1-\rho)^2\le\lambda\le(1+\rho)^2$,
$|U_j|\le j+1$, and $U_j-\rho U_{j-1}=T_j+(x-\rho)U_{j-1}$ is at most $1+|x-\rho|j$. Hence with $c=\max|x-\rho|$
$$\|f_j\|\le\rho^j\big((1+cj)\|f_0\|+\rho j\|f_0-f_{-1}\|\big)+\sum_{i<j}(j-i)\rho^{j-1-i}\|h_i\|.$$
$\|T^j\|$ of the 2 x 2 block with a double root is of this order: the factor j cannot be dropped
(``proofs_checks/check_chen2021.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from jaxtyping import Float64

from unfold_theory.enclosure import Enclosure, maximum, minimum, stack
from unfold_theory.problems.frobenius import full_rank_dictionary
from unfold_theory.verified import spectral_norm_squared, symmetric_eigenvalues


@dataclass(frozen=True)
class LocalSpectrum:
    r"""$M_{SS}$ of one support, symmetrised: $TM_{SS}T^{-1}=H+E$.

    Attributes:
        support: Indices of S.
        scale: The diagonal of T on S, positive.
        symmetric: H.
        eigenvalues: Of H, ascending, shape (|S|,).
        skew: Bound on $\|E\|_2$, shape ().
    """

    support: np.ndarray
    scale: Float64[np.ndarray, " s"]
    symmetric: Enclosure
    eigenvalues: Enclosure
    skew: Enclosure


def symmetrising_scale(
    weight: Float64[np.ndarray, "m n"], dictionary: Float64[np.ndarray, "m n"]
) -> Float64[np.ndarray, " n"]:
    r"""The diagonal of T with the least asymmetry of $TW^TAT^{-1}$ among two: I, and the root of the leverages
    $a_i^T(AA^T)^{-1}a_i$ which symmetrise the closed-form weight. Any positive T would be valid.
    """
    gram = weight.T @ dictionary
    candidates = [np.ones(dictionary.shape[1])]
    if dictionary.shape[0] <= dictionary.shape[1]:
        q = scipy.linalg.qr(full_rank_dictionary(dictionary).T, mode="economic")[0]
        leverage = np.einsum("ij,ij->i", q, q)
        if (leverage > 0).all():
            candidates.append(np.sqrt(leverage))
    return min(candidates, key=lambda t: np.abs(t[:, None] * gram / t - (t[:, None] * gram / t).T).max())


def local_spectrum(gram: Enclosure, scale: Float64[np.ndarray, " n"], support: np.ndarray) -> LocalSpectrum:
    r"""The symmetrised $M_{SS}$.

    Args:
        gram: $M=W^TA$, shape (n, n).
        scale: Diagonal of T, positive.
        support: Indices of S, at least one.
    """
    t = Enclosure.exact(scale[support])
    similar = gram[np.ix_(support, support)] * t[:, None] / t[None, :]
    symmetric = (similar + similar.T) * 0.5
    # Rounding makes the two triangles differ in the last digit; both contain the truth.
    symmetric = Enclosure(
        np.maximum(symmetric.lo, symmetric.lo.T), np.minimum(symmetric.hi, symmetric.hi.T), symmetric.basis
    )
    half = (similar - similar.T) * 0.5
    off = Enclosure.exact(abs(half).hi) * (1.0 - np.eye(len(support)))
    skew = minimum_norm(off)
    return LocalSpectrum(support, scale[support], symmetric, symmetric_eigenvalues(symmetric), skew)


def minimum_norm(entries: Enclosure) -> Enclosure:
    r"""A bound on $\|E\|_2$ from bounds on its entries: their spectral norm (Perron), or 0."""
    if not entries.hi.any():
        return Enclosure.exact(0.0)
    return Enclosure.exact(spectral_norm_squared(entries.hi).sqrt().hi)


def momentum_law(interval: Enclosure) -> Enclosure:
    r"""$\beta=(1-\sqrt{1-a})^2$, the momentum for a spectrum in $[1-a,1+a]$ at unit gain; its rate is
    $\sqrt\beta=1-\sqrt{1-a}$.
    """
    return (1.0 - (1.0 - interval).sqrt()) ** 2


def spectral_position(spectrum: LocalSpectrum, gain: float, beta: float) -> Enclosure:
    r"""$x=(1+\beta-\gamma\lambda)/(2\sqrt\beta)$ at both ends of the spectrum, shape (2,); within [-1, 1] where every
    mode oscillates.
    """
    ends = spectrum.eigenvalues[np.array([0, -1])]
    return (1.0 + Enclosure.exact(beta) - gain * ends) / (2.0 * Enclosure.exact(beta).sqrt())


def heavy_ball_bound(
    start: Enclosure,
    velocity: Enclosure,
    rate: Enclosure,
    spread: Enclosure,
    skew: Enclosure,
    forcing: Enclosure,
) -> Enclosure:
    r"""The bound of this module on $\|f_j\|_2$, j = 1..J, with $\|h_i\|\le s_i+\delta\|f_i\|$, shape (J,).

    Args:
        start: $\|f_0\|_2$.
        velocity: $\|f_0-f_{-1}\|_2$.
        rate: $\rho$.
        spread: $c=\max|x-\rho|$.
        skew: $\delta=|\gamma|\|E\|_2$.
        forcing: $s_i$, shape (J,).
    """
    steps = forcing.shape[0]
    powers = stack([rate] * (steps + 1)) ** np.arange(steps + 1)
    bounds, pushes = [start], []
    for j in range(1, steps + 1):
        pushes.append(forcing[j - 1] + skew * bounds[-1])
        free = powers[j] * ((1.0 + spread * j) * start + rate * velocity * j)
        pushed = (powers[j - 1 :: -1] * np.arange(j, 0, -1) * stack(pushes)).sum()
        bounds.append(free + pushed)
    return stack(bounds[1:])


def conjugate_gradient_factors(eigenvalues: Enclosure, steps: int) -> Enclosure:
    r"""$\min_{i\le j}2\big((\sqrt{\kappa_i}-1)/(\sqrt{\kappa_i}+1)\big)^{j-i}$ (or 1, or 0 for $j\ge s$), j = 1..J.

    $\kappa_i=\lambda_{s-i}/\lambda_1$ is the condition number without the i largest eigenvalues: the polynomial that
    vanishes at these and is Chebyshev's on the rest has at most this modulus on the spectrum, and conjugate gradients
    are at least as good in their energy norm (Saad, Iterative Methods for Sparse Linear Systems, 6.11). As j grows, i
    may, which is why convergence is superlinear; $i=s$ ends it.

    Args:
        eigenvalues: Ascending, the smallest surely positive, shape (s,).
        steps: J.
    """
    s = eigenvalues.shape[0]
    factors = []
    for j in range(1, steps + 1):
        if j >= s:
            factors.append(Enclosure.exact(0.0))
            continue
        best = Enclosure.exact(1.0)
        for i in range(j):
            root = (eigenvalues[s - 1 - i] / eigenvalues[0]).sqrt()
            quotient = (root - 1.0) / (root + 1.0)
            quotient = maximum(quotient, 0.0)
            candidate = 2.0 * quotient ** (j - i)
            best = minimum(best, candidate)
        factors.append(best)
    return stack(factors)
