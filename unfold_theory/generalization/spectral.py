r"""Free unfolded networks around a reference, by the covering of Bartlett, Foster and Telgarsky (2017).

The class: $x^0=0$, $x^{l+1}=\Pi_{Z_{l+1}}\eta_{\theta_l}(W_2^lx^l+W_1^ly)$ with $[W_1^l\ W_2^l]=M^l+D^l$,
$\sum_i\|D^l_{i,:}\|_2\le b_l$, $\|W_2^l\|_2\le s$; the references $M^l$, thresholds $\theta_l$ and radii $Z_l$ are
fixed before the data. $\Pi_Z$ projects on the ball of radius $Z$: the clipping is part of the network. Without it
(:func:`unclipped_radii`) states grow with depth and the bound with them, as $L^{5/2}$ at $s=1$ instead of $L^{3/2}$.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from unfold_theory.enclosure import Enclosure, stack
from unfold_theory.enclosure.rounding import Numbers
from unfold_theory.errors import InputError
from unfold_theory.generalization.covering import chained_rademacher
from unfold_theory.generalization.rademacher import expected_gap


@dataclass(frozen=True)
class SpectralClass:
    r"""The class of this module.

    Attributes:
        outputs: n.
        inputs: m.
        radii: Bounds $Z_l$ on $\|x^l\|_2$, l = 0, ..., L-1, shape (L,).
        deviations: $b_l$, shape (L,).
        state_norm: $s$.
        measurement: $B_y$.
    """

    outputs: int
    inputs: int
    radii: Enclosure
    deviations: Float64[np.ndarray, " depth"]
    state_norm: Enclosure
    measurement: Enclosure

    def __post_init__(self) -> None:
        if self.radii.shape != self.deviations.shape or self.radii.ndim != 1:
            raise InputError("Radii and deviations of different depths", "Pass one of each for every layer")
        if not ((self.deviations >= 0).all() and (self.radii.lo >= 0).all() and self.state_norm.lo > 0):
            raise InputError("A radius, deviation or norm of the class is negative", "Pass nonnegative numbers")


def unclipped_radii(depth: int, state_norm: Enclosure, added: Enclosure) -> Enclosure:
    r"""$Z_0=0$, $Z_{l+1}=sZ_l+\|W_1\|B_y$: what states can reach without clipping; shape (L,).

    Args:
        depth: L.
        state_norm: $s$.
        added: $\|W_1\|_2B_y$ over the class, at most $(\|M_1\|+b)B_y$.
    """
    radius = [Enclosure.exact(0.0)]
    for _ in range(depth - 1):
        radius.append(state_norm * radius[-1] + added)
    return stack(radius)


def entropy(c: SpectralClass) -> Enclosure:
    r"""$Q=\big(\sum_l(b_l\beta_ls^{L-1-l})^{2/3}\big)^{3/2}\sqrt{\ln(2n(n+m))}$, $\beta_l=\sqrt{Z_l^2+B_y^2}$.

    $\ln\mathcal N(\varepsilon)\le NQ^2/\varepsilon^2+L\ln(2n(n+m))$ for the outputs in the Euclidean norm over the
    sample. *Proof.* Lemma 3.2 of the paper covers $\{DX\}$ at scale $\varepsilon_l$ with
    $\lceil b_l^2\beta_l^2N/\varepsilon_l^2\rceil\ln(2n(n+m))$; the error of layer l reaches the output times
    $s^{L-1-l}$; shares of $\varepsilon$ by Lagrange. The second term is the price of the ceilings. $\square$
    """
    depth = len(c.deviations)
    beta = (c.radii**2 + c.measurement**2).sqrt()
    terms = Enclosure.exact(c.deviations) * beta * (c.state_norm ** np.arange(depth)[::-1])
    live = terms[np.flatnonzero(terms.hi > 0)]
    if not len(live):
        return Enclosure.exact(0.0)
    power = (live.log() * 2.0 / 3.0).exp().sum()
    return power * power.sqrt() * _log_directions(c).sqrt()


def _log_directions(c: SpectralClass) -> Enclosure:
    return Enclosure.exact(2.0 * c.outputs * (c.outputs + c.inputs)).log()


def rademacher(
    c: SpectralClass, samples: Numbers, *, smallest: float | None = None, ceilings: bool = True
) -> Enclosure:
    r"""$\mathcal R_S$ of the loss $\frac12\|h-x\|$ over any sample, by chaining; shape of ``samples``.

    Args:
        c: The class.
        samples: N.
        smallest: Where the chain ends; by default at the best scale.
        ceilings: Whether the ceilings of the covering lemma are paid for; without, the value is that of the formula
            $(4+3Q\ln N)/\sqrt N$ as it is often quoted, and no bound.
    """
    rest = (_log_directions(c) * float(len(c.deviations))).sqrt() if ceilings else Enclosure.exact(0.0)
    return chained_rademacher(entropy(c) * 0.5, rest, samples, smallest=smallest)


def gap(c: SpectralClass, samples: Numbers, *, delta: float | int) -> Enclosure:
    r"""$R-\hat R\le2\mathcal R+\sqrt{\ln(1/\delta)/(2N)}$ with probability $1-\delta$; see :func:`rademacher`.

    Losses $\frac12\|h-x\|$ in [0, 1]: outputs and signals in the unit ball.
    """
    return expected_gap(rademacher(c, samples), samples, delta=delta)
