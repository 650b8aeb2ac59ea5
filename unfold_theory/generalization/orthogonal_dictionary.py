r"""Unfolded ISTA with a learned orthogonal dictionary: depth enters its bounds through a logarithm only.

The class: $h_\Phi(y)=\sigma(\Phi z^L)$, $z^0=0$, $z^{l+1}=\eta_{\tau\lambda}(z^l-\tau B^T(Bz^l-y))$, $B=A\Phi$,
$\Phi\in O(n)$; $A$, $\lambda\ge0$ and $0<\tau\le1/\|A\|^2$ fixed before the data, $\sigma$ the projection on the unit
ball. Signals have $\|x\|\le1$ and measurements $\|y\|\le B_y$, almost surely (clip y under Gaussian noise); the loss is
$\frac12\|h-x\|\in[0,1]$. The setting is that of Behboodi, Rauhut and Schnoor (2022); statements and constants here are
derived (``proofs_checks/check_unfoldtheory2026_capacity.py``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from unfold_theory.enclosure import Enclosure, minimum
from unfold_theory.enclosure.rounding import Numbers
from unfold_theory.errors import InputError
from unfold_theory.generalization.covering import (
    deviation,
    dudley_gap,
    entropy_integral,
    sample_sizes,
    single_scale_gap,
    with_confidence,
)

# The float math.pi is below pi.
PI = Enclosure.certified(math.pi, np.nextafter(math.pi, 4))


@dataclass(frozen=True)
class OrthogonalClass:
    r"""The class of this module, by the numbers that its bounds read.

    Attributes:
        size: n.
        depth: L.
        norm: $\|A\|_2$, shape ().
        measurement: $B_y$, shape (); or one for each signal, for statements about signals.
        weight: $\lambda$, shape (); at 0 states are bounded by their number of layers alone.
        step: $\tau$, shape (); by default $1/\|A\|^2$.
    """

    size: int
    depth: int
    norm: Enclosure
    measurement: Enclosure
    weight: Enclosure
    step: Enclosure | None = None

    def __post_init__(self) -> None:
        if self.size < 1 or self.depth < 1:
            raise InputError(f"A class of size {self.size} and depth {self.depth}", "Ask for at least 1 of each")
        if not (self.norm.lo > 0 and (self.measurement.lo >= 0).all() and self.weight.lo >= 0):
            raise InputError("A norm, bound or weight of the class is negative", "Pass nonnegative numbers, |A| > 0")
        if self.step is not None and not self.step.lo > 0:
            raise InputError("A step that is not positive", "Take the lower end of 1/||A||^2")

    @property
    def gain(self) -> Enclosure:
        r"""$\tau\|A\|$."""
        return 1.0 / self.norm if self.step is None else self.step * self.norm

    @property
    def dimension(self) -> int:
        r"""$n(n-1)/2$, the dimension of $O(n)$."""
        return self.size * (self.size - 1) // 2


def state_bounds(c: OrthogonalClass) -> Enclosure:
    r"""$\|z^l\|_2\le\min(l\tau\|A\|B_y,\ B_y^2/(2\lambda))$ for l = 0, ..., L; shape (L + 1, ...), with
    the axes of $B_y$ last.

    *Proof.* $F(z)=\frac12\|Bz-y\|^2+\lambda\|z\|_1$ does not increase along ISTA with $\tau\|B\|^2\le1$, and
    $F(0)\le B_y^2/2$, so that $\|z^l\|_2\le\|z^l\|_1\le B_y^2/(2\lambda)$; and $\eta$ and $I-\tau B^TB$ are
    nonexpansive, so that one step adds at most $\tau\|A\|B_y$. $\square$
    """
    layers = np.arange(c.depth + 1.0).reshape(-1, *[1] * c.measurement.ndim)
    steps = Enclosure.exact(layers) * c.gain * c.measurement
    if c.weight.lo == 0:
        return steps
    return minimum(steps, (c.measurement**2 / (2.0 * c.weight)).broadcast_to(steps.shape))


def sensitivities(c: OrthogonalClass) -> Enclosure:
    r"""$K_l$ with $\|h_\Phi(y)-h_\Psi(y)\|_2\le K_l\|\Phi-\Psi\|_2$ at depth l = 1, ..., L; shape (L, ...).

    $$K_l=Z_l+\tau\|A\|\sum_{j<l}(B_y+\|A\|Z_j),$$
    $Z_j$ the bounds of :func:`state_bounds`. *Proof.* With $g_\Phi(z)=\Phi^TA^T(A\Phi z-y)$,
    $g_\Phi(z)-g_\Psi(z)=(\Phi-\Psi)^TA^T(A\Psi z-y)+\Phi^TA^TA(\Phi-\Psi)z$ at $z=z_\Psi^j$, where $\|A\Psi z-y\|\le
    B_y$; $\eta$, $I-\tau B^TB$ and $\sigma$ are nonexpansive. $\square$
    """
    states = state_bounds(c)
    added = c.gain * (c.measurement + c.norm * states[:-1])
    return states[1:] + added.cumsum()


def uniform_sensitivity(c: OrthogonalClass) -> Enclosure:
    r"""$K_L=Z_L+L\tau\|A\|(B_y+\|A\|Z_L)$: the coarser closed form, shape ()."""
    last = state_bounds(c)[-1]
    return last + (c.gain * (c.measurement + c.norm * last)) * float(c.depth)


def log_covering(size: int, scale: Enclosure) -> Enclosure:
    r"""$\ln\mathcal N(O(n),\|\cdot\|_2,\eta)\le\ln2+\frac{n(n-1)}2\ln(1+2\pi/\eta)$; shape of ``scale``.

    Half of the exponent $n^2$ of a ball of matrices. *Proof.* $O(n)$ is two copies of
    $SO(n)=\exp\{X:X^T=-X,\|X\|\le\pi\}$, and exp is 1-Lipschitz on skew matrices:
    $e^X-e^Y=\int_0^1e^{tX}(X-Y)e^{(1-t)Y}dt$ with orthogonal factors. A maximal $\eta$-separated set of a ball of
    radius $\pi$ in dimension $n(n-1)/2$ has at most $(1+2\pi/\eta)^{n(n-1)/2}$ members, and covers it from
    inside. $\square$
    """
    dimension = size * (size - 1) / 2
    return (2.0 * PI / scale + 1.0).log() * dimension + Enclosure.exact(2.0).log()


def single_scale(
    c: OrthogonalClass, samples: Numbers, *, delta: float | int, sensitivity: Enclosure | None = None
) -> Enclosure:
    r"""$R-\hat R\le\min_\varepsilon\{\varepsilon+\sqrt{(\ln\mathcal N(O(n),\varepsilon/K_L)+\ln(1/\delta))/(2N)}\}$.

    Args:
        c: The class.
        samples: N, any shape.
        delta: Probability of failure.
        sensitivity: Another $K_L$ than that of :func:`sensitivities`.

    Returns:
        Shape of ``samples``; with probability at least $1-\delta$, for all $\Phi\in O(n)$ at once.

    Raises:
        InputError: The class's step may exceed $1/\|A\|^2$: then nothing here is proved.
    """
    k = _sensitivity(c, sensitivity)
    return single_scale_gap(lambda scale: log_covering(c.size, scale / k), samples, delta=delta)


def dudley(
    c: OrthogonalClass, samples: Numbers, *, delta: float | int, sensitivity: Enclosure | None = None
) -> Enclosure:
    r"""$\frac{8\sqrt2}{\sqrt N}\int_0^{1/4}\sqrt{\frac{n(n-1)}2\ln(1+\pi K_L/u)+\ln2}\,du+\sqrt{\ln(1/\delta)/(2N)}$.

    Arguments and result as in :func:`single_scale`.
    """
    k = _sensitivity(c, sensitivity)
    integral = entropy_integral(0.25, c.dimension, PI * k, Enclosure.exact(2.0).log())
    return dudley_gap(integral, samples, delta=delta)


def _sensitivity(c: OrthogonalClass, given: Enclosure | None) -> Enclosure:
    if c.step is not None and not (c.step * c.norm**2 <= 1.0).holds.all():
        raise InputError("A class with steps above 1/||A||^2", "Take the lower end of 1/||A||^2 as the step")
    return sensitivities(c)[-1] if given is None else given


def logarithmic(c: OrthogonalClass, samples: Numbers, *, delta: float | int) -> Enclosure:
    r"""$2n\sqrt{\ln(e(1+4\pi K_L))/N}+2\sqrt{2\ln(2)/N}+\sqrt{\ln(1/\delta)/(2N)}$: Dudley's bound in closed form.

    By Cauchy and Schwarz $\int_0^a\sqrt{\ln(1+b/u)}\,du\le a\sqrt{\ln(e(1+b/a))}$, here with $a=1/4$, $b=\pi K_L$.
    Depth enters through $\ln K_L$ alone, as in Behboodi, Rauhut and Schnoor (2022).

    Arguments and result as in :func:`single_scale`.
    """
    k, size = _sensitivity(c, None), sample_sizes(samples)
    inside = (4.0 * PI * k + 1.0).log() + 1.0
    main = 2.0 * c.size * (inside / size).sqrt() + 2.0 * (2.0 * Enclosure.exact(2.0).log() / size).sqrt()
    return with_confidence(main + deviation(samples, delta=delta), delta)
