r"""From covering numbers to bounds on the gap: one scale, and all scales chained (Dudley).

A class with losses in [0, 1] is covered at scale $\varepsilon$ if every member is within $\varepsilon$ of a member of a
finite net, in the supremum over signals of the Euclidean norm of the output. $\ln\mathcal N(\varepsilon)$ is the net's
log-cardinality. Nets are fixed before the data: everything that they depend on is.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from unfold_theory.enclosure import Basis, Enclosure, maximum
from unfold_theory.enclosure.rounding import Numbers
from unfold_theory.errors import InputError

LogCovering = Callable[[Enclosure], Enclosure]

SCALES: NDArray[np.float64] = np.logspace(-6, 0, 241)
"""Scales at which nets are tried."""

_MESH = 4096
_LEAST = 1e-12


def log_inverse(delta: float | int) -> Enclosure:
    r"""$\ln(1/\delta)$.

    Raises:
        InputError: $\delta$ is outside (0, 1).
    """
    if not 0 < delta < 1:
        raise InputError(f"A failure probability of {delta!r}", "Choose delta in (0, 1), such as 0.01")
    return -Enclosure.exact(delta).log()


def sample_sizes(samples: Numbers) -> Enclosure:
    """Sample sizes N as exact numbers.

    Raises:
        InputError: One is below 1, or no number.
    """
    sizes = np.asarray(samples, dtype=np.float64)
    if not (np.isfinite(sizes).all() and (sizes >= 1).all()):
        raise InputError(f"A sample size of {samples!r}", "Pass at least one training signal")
    return Enclosure.exact(sizes)


def with_confidence(bound: Enclosure, delta: float | int) -> Enclosure:
    """The value of a bound that may fail with probability ``delta``."""
    return Enclosure(bound.lo, bound.hi, min(bound.basis, Basis.CONFIDENCE), delta)


def deviation(samples: Numbers, *, delta: float | int) -> Enclosure:
    r"""$\sqrt{\ln(1/\delta)/(2N)}$: Hoeffding's and McDiarmid's term for losses in [0, 1]; shape of ``samples``."""
    return (log_inverse(delta) / (2.0 * sample_sizes(samples))).sqrt()


def single_scale_gap(
    log_covering: LogCovering,
    samples: Numbers,
    *,
    delta: float | int,
    lipschitz: float | int = 0.5,
    scales: NDArray[np.float64] = SCALES,
) -> Enclosure:
    r"""$R-\hat R\le\min_\varepsilon\{2c\varepsilon+\sqrt{(\ln\mathcal N(\varepsilon)+\ln(1/\delta))/(2N)}\}$.

    With probability at least $1-\delta$, for every member of the class. *Proof.* Hoeffding and a union bound over the
    net; moving from a member to the net changes $R$ and $\hat R$ by at most $c\varepsilon$ each. $\square$

    The minimum needs no union over the scales: no term depends on the data, so that the best scale is known before
    them. (Where the scale is chosen by looking at $\hat R$, as in a bound by kl, $\delta$ must be shared.)

    Args:
        log_covering: $\ln\mathcal N$ of scales, shape (scale,), for losses in [0, 1] or a net inside the class.
        samples: N, any shape.
        delta: Probability of failure.
        lipschitz: c, the loss's Lipschitz constant in the output: 1/2 for $\frac12\|h-x\|$.
        scales: Positive scales that are tried.

    Returns:
        The bound, shape of ``samples``; basis ``confidence``.

    Raises:
        InputError: A scale, N or $\delta$ is out of range.
    """
    if not (np.isfinite(scales).all() and (scales > 0).all()):
        raise InputError("A scale is not positive", "Pass positive scales, such as numpy.logspace(-6, 0, 241)")
    epsilon = Enclosure.exact(scales)
    size = sample_sizes(samples).reshape(*np.shape(samples), 1)
    complexity = log_covering(epsilon) + log_inverse(delta)
    bound = epsilon * (2.0 * lipschitz) + (complexity / (2.0 * size)).sqrt()
    return with_confidence(bound.min(axis=-1), delta)


def entropy_integral(
    upper: float | int, dimension: float | int, ratio: Enclosure, constant: float | int | Enclosure
) -> Enclosure:
    r"""$\int_0^a\sqrt{P\ln(1+b/u)+c}\,du$, enclosed.

    The integrand $f$ is convex in $u$: with $G=f^2$, $2GG''-G'^2\ge0$ since $\ln(1+x)\ge 2x/(2+x)$. By Hermite and
    Hadamard the midpoint rule is below the integral and the trapezoidal rule above it on every piece of a geometric
    mesh. The first piece is at least $u_0f(u_0)$ and, by Cauchy and Schwarz, at most
    $\sqrt{u_0\int_0^{u_0}f^2}\le u_0\sqrt{P(1+\ln(1+b/u_0))+c}$.

    Args:
        upper: a > 0.
        dimension: P >= 0.
        ratio: b > 0, shape ().
        constant: c >= 0, shape ().

    Raises:
        InputError: An argument is out of range.
    """
    if not (upper > 0 and dimension >= 0 and ratio.lo > 0 and Enclosure.of(constant).lo >= 0):
        raise InputError("An entropy integral of such arguments", "Pass a, b > 0 and P, c >= 0")
    mesh = upper * np.geomspace(_LEAST, 1.0, _MESH)
    mesh[-1] = upper

    def integrand(at: Enclosure, more: float = 0.0) -> Enclosure:
        return (((ratio / at + 1.0).log() + more) * dimension + constant).sqrt()

    nodes = Enclosure.exact(mesh)
    pieces = nodes[1:] - nodes[:-1]
    values, first = integrand(nodes), nodes[0]
    above = ((values[1:] + values[:-1]) * 0.5 * pieces).sum() + first * integrand(first, 1.0)
    # The integrand falls: a point just right of the middle is on the safe side.
    middle = Enclosure.exact(((nodes[1:] + nodes[:-1]) * 0.5).hi)
    below = (integrand(middle) * pieces).sum() + first * values[0]
    return Enclosure.certified(below.lo, above.hi)


def dudley_gap(
    integral: Enclosure,
    samples: Numbers,
    *,
    delta: float | int,
) -> Enclosure:
    r"""$R-\hat R\le\frac{8\sqrt2}{\sqrt N}\int_0^{1/4}\sqrt{\ln\mathcal N_\ell(u)}\,du+\sqrt{\ln(1/\delta)/(2N)}$.

    $\mathcal N_\ell(u)$ covers the losses in the supremum norm. By symmetrisation, McDiarmid and Dudley's inequality
    (Foucart and Rauhut, 2013, theorem 8.23: $E\sup X\le4\sqrt2\int_0^{\Delta/2}\sqrt{\ln\mathcal N}$,
    $\Delta=\sup_t(EX_t^2)^{1/2}$) for the process $\sum_i\epsilon_i(\ell_i-\frac12)$, whose radius is $\sqrt N/2$.

    Args:
        integral: $\int_0^{1/4}\sqrt{\ln\mathcal N_\ell(u)}\,du$, shape ().
        samples: N, any shape.
        delta: Probability of failure.

    Returns:
        The bound, shape of ``samples``; basis ``confidence``.
    """
    root = sample_sizes(samples).sqrt()
    return with_confidence(integral * Enclosure.exact(128.0).sqrt() / root + deviation(samples, delta=delta), delta)


def chained_rademacher(
    entropy: Enclosure, additional: Enclosure, samples: Numbers, *, smallest: float | None = None
) -> Enclosure:
    r"""$\mathcal R_S\le\frac{4\alpha}{\sqrt N}+\frac{12}{N}\int_\alpha^{\sqrt N}\sqrt{\ln\mathcal N(u)}\,du$ for
    $\sqrt{\ln\mathcal N(u)}\le q\sqrt N/u+r$: at most
    $(4\alpha+12q\ln(\sqrt N/\alpha)+12r(1-\alpha/\sqrt N))/\sqrt N$.

    Losses in [0, 1], covered in the Euclidean norm over the sample (Bartlett, Foster and Telgarsky, 2017, lemma A.5).

    Args:
        entropy: q, shape ().
        additional: r, shape ().
        samples: N, any shape.
        smallest: $\alpha$; by default the best one, $\min(3q,\sqrt N)$.

    Returns:
        The bound on the empirical Rademacher complexity, shape of ``samples``.
    """
    size = sample_sizes(samples)
    root = size.sqrt()
    alpha = np.minimum(3 * entropy.mid, root.lo) if smallest is None else np.minimum(smallest, root.lo)
    alpha = Enclosure.exact(np.maximum(alpha, np.finfo(float).tiny))
    left = maximum(1.0 - alpha / root, 0.0)
    return (4.0 * alpha + 12.0 * entropy * (root / alpha).log() + 12.0 * additional * left) / root


def smallest_sample_size(
    bound: Callable[[float], Enclosure], threshold: float | int = 1.0, *, largest: float = 1e18
) -> float:
    """The smallest N at which a bound that falls with N is certainly below a threshold; infinity if none up to
    ``largest`` is.

    Integers up to $2^{53}$ are found exactly; beyond, floats.
    """
    if not bound(largest).hi < threshold:
        return math.inf
    low, high = 0.0, 1.0
    while not bound(high).hi < threshold:
        low, high = high, 2 * high
    while high - low > max(1.0, np.spacing(high)):
        middle = math.floor((low + high) / 2)
        low, high = (low, float(middle)) if bound(float(middle)).hi < threshold else (float(middle), high)
    return high
