r"""Algorithmic stability: what replacing one training signal does to the loss, and what bounds it for SGD.

$S^{(i)}$ is the sample $S$ with $z_i$ replaced by an independent draw; the algorithm is symmetric in its sample, or
$i$ is uniform.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float64

from unfold_theory.enclosure import Enclosure, minimum
from unfold_theory.enclosure.rounding import Numbers
from unfold_theory.errors import InputError
from unfold_theory.generalization.covering import log_inverse, sample_sizes


def replace_one_gap(
    kept: Float64[np.ndarray, " draws"], replaced: Float64[np.ndarray, " others"], *, delta: float | int
) -> Enclosure:
    r"""$E[R(A(S))-\hat R(A(S))]=E[\ell(A(S^{(i)});z_i)-\ell(A(S);z_i)]$, estimated from independent draws.

    The identity is exact: $z_i$ is fresh for $A(S^{(i)})$, whose law is that of $A(S)$. Both losses are in [0, 1], so
    that Hoeffding's interval for the mean of D differences has half-width $\sqrt{2\ln(2/\delta)/D}$.

    Args:
        kept: $\ell(A(S);z_i)$ in D independent draws of $(S, i, z_i')$ and of the algorithm's randomness.
        replaced: $\ell(A(S^{(i)});z_i)$ in the same draws.
        delta: Probability that the interval misses the expectation.

    Returns:
        Shape (), basis ``confidence``.

    Raises:
        InputError: The draws differ in number, there are none, or a loss is outside [0, 1].
    """
    if kept.shape != replaced.shape or not len(kept):
        raise InputError(f"{len(kept)} and {len(replaced)} draws", "Pass two losses for each draw")
    for losses in (kept, replaced):
        if not ((losses >= 0) & (losses <= 1)).all():
            raise InputError("A loss is NaN or outside [0, 1]", "Bound the loss: clip or rescale it before training")
    count = sample_sizes(len(kept))
    mean = (Enclosure.exact(replaced) - kept).sum() / count
    half = ((log_inverse(delta) + Enclosure.exact(2.0).log()) * 2.0 / count).sqrt()
    return Enclosure.confidence((mean - half).lo, (mean + half).hi, delta=delta)


def convex_stability(gradient: float | int, steps: Float64[np.ndarray, " step"], samples: Numbers) -> Enclosure:
    r"""$E[R-\hat R]\le\frac{2G^2}N\sum_t\alpha_t$ (Hardt, Recht and Singer, 2016, theorem 3.8).

    For losses that are convex, G-Lipschitz and $\beta$-smooth in the weights, $\alpha_t\le2/\beta$, one signal a step
    drawn uniformly; in expectation over sample and algorithm. *Proof.* Paths on $S$ and $S^{(i)}$ coincide until the
    replaced signal is drawn; with probability $1-1/N$ a step is the same nonexpansive map on both, else they part by at
    most $2\alpha_tG$; the loss is G-Lipschitz. $\square$

    Args:
        gradient: G.
        steps: $\alpha_t$.
        samples: N, any shape.

    Raises:
        InputError: G or a step is negative.
    """
    if gradient < 0 or (steps < 0).any():
        raise InputError("A negative Lipschitz constant or step", "Pass nonnegative numbers")
    return 2.0 * Enclosure.exact(gradient) ** 2 * Enclosure.exact(steps).sum() / sample_sizes(samples)


def nonconvex_stability(
    gradient: float | int, smoothness: float | int, rate: float | int, steps: Numbers, samples: Numbers
) -> Enclosure:
    r"""$\frac{1+1/q}{N-1}(2cG^2)^{1/(q+1)}T^{q/(q+1)}$, $q=\beta c$ (Hardt, Recht and Singer, 2016, theorem 3.12).

    For losses in [0, 1], G-Lipschitz and $\beta$-smooth in the weights (soft thresholds are not smooth), nonincreasing
    $\alpha_t\le c/t$, T steps, one signal a step; in expectation. The source minimises over an instant $t_0$ that it
    treats as real; :func:`nonconvex_stability_at` is the bound for whole instants.

    Args:
        gradient: G.
        smoothness: $\beta$.
        rate: c.
        steps: T; broadcasts against ``samples``.
        samples: N, at least 2.

    Raises:
        InputError: An argument is not positive.
    """
    size, q, total = _nonconvex(gradient, smoothness, rate, steps, samples)
    power = (2.0 * rate * Enclosure.exact(gradient) ** 2).log() / (q + 1.0) + total.log() * (q / (q + 1.0))
    return (1.0 + 1.0 / q) / (size - 1.0) * power.exp()


def nonconvex_stability_at(
    gradient: float | int, smoothness: float | int, rate: float | int, steps: Numbers, samples: Numbers
) -> Enclosure:
    r"""$\min\big\{1,\frac{t_0}N+\frac{2G^2}{\beta(N-1)}(T/t_0)^{\beta c}\big\}$ for the best whole $1\le t_0\le N$.

    Arguments as in :func:`nonconvex_stability`. *Proof.* The replaced signal is first drawn before step $t_0+1$ with
    probability at most $t_0/N$, and then the losses differ by at most 1. Else $\Delta_{t_0}=0$ and
    $\Delta_{t+1}\le(1+(1-\frac1N)\frac{\beta c}t)\Delta_t+\frac{2cG}{tN}$, so that
    $\Delta_T\le\frac{2G}{\beta(N-1)}(T/t_0)^{\beta c}$ (``proofs_checks/check_hardt2016.py``). $\square$
    """
    size, q, total = _nonconvex(gradient, smoothness, rate, steps, samples)
    centre = ((2.0 * rate * gradient**2) ** (1 / (1 + q.mid))) * total.lo ** (q.mid / (1 + q.mid))
    found = Enclosure.exact(np.ones(np.broadcast_shapes(size.shape, total.shape)))
    for instant in (np.floor(centre), np.ceil(centre)):
        start = Enclosure.exact(np.clip(instant, 1.0, np.minimum(size.lo, total.lo)))
        grown = ((total / start).log() * q).exp()
        later = 2.0 * Enclosure.exact(gradient) ** 2 / (smoothness * (size - 1.0)) * grown
        found = minimum(found, start / size + later)
    return found


def _nonconvex(
    gradient: float | int, smoothness: float | int, rate: float | int, steps: Numbers, samples: Numbers
) -> tuple[Enclosure, Enclosure, Enclosure]:
    if not all(math.isfinite(v) and v > 0 for v in (gradient, smoothness, rate)):
        raise InputError("A Lipschitz constant, smoothness or rate is not positive", "Pass positive numbers")
    size = sample_sizes(samples)
    if (size.lo < 2).any() or not (np.asarray(steps) >= 1).all():
        raise InputError("Fewer than 2 samples or 1 step", "Pass N >= 2 and T >= 1")
    return size, Enclosure.exact(smoothness) * rate, Enclosure.exact(steps)
