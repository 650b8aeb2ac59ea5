r"""ALISTA learns 2L numbers: a bound that says something at a few hundred signals, whatever the dimensions.

The class: $x^0=0$, $x^{l+1}=\eta_{\theta_l}(x^l-\gamma_lW^T(Ax^l-y))$, $\gamma_l\in[0,2]$, one $\theta_l\in[0,1]$ a
layer, no support selection, output projected on the unit ball; $A$, $W$ fixed before the data, $\|x\|\le1$,
$\|y\|\le B_y$ almost surely, loss $\frac12\|h-x\|\in[0,1]$.
Derived (``proofs_checks/check_unfoldtheory2026_capacity.py``); the network is that of Liu et al. (2019).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from unfold_theory.enclosure import Basis, Enclosure, maximum, stack
from unfold_theory.enclosure.rounding import Numbers
from unfold_theory.errors import InputError
from unfold_theory.generalization.covering import single_scale_gap
from unfold_theory.verified import spectral_norm_squared


@dataclass(frozen=True)
class ScalarClass:
    r"""The class of this module, by the numbers that its bounds read.

    Attributes:
        size: n.
        depth: L.
        dictionary: $\|A\|_2$, shape ().
        weights: $\|W\|_2$, shape ().
        expansion: $\rho=\max_{\gamma\in[0,g]}\|I-\gamma W^TA\|_2$, shape ().
        measurement: $B_y$, shape ().
        largest_gain: g, the gains' upper end.
        largest_threshold: The thresholds' upper end.
    """

    size: int
    depth: int
    dictionary: Enclosure
    weights: Enclosure
    expansion: Enclosure
    measurement: Enclosure
    largest_gain: float = 2.0
    largest_threshold: float = 1.0

    @classmethod
    def of(
        cls,
        dictionary: Float64[np.ndarray, "m n"],
        weights: Float64[np.ndarray, "m n"],
        depth: int,
        *,
        measurement: float | int | Enclosure,
        largest_gain: float | int = 2.0,
        largest_threshold: float | int = 1.0,
    ) -> ScalarClass:
        r"""The class of a dictionary and a weight.

        $\rho$ is attained at an end of $[0,g]$, where it is 1 or $\|I-gW^TA\|$: norms are convex in $\gamma$.

        Raises:
            InputError: The depth is below 1, or the ranges are empty.
        """
        if depth < 1 or not (largest_gain > 0 and largest_threshold > 0):
            raise InputError("A class of no layers, gains or thresholds", "Pass a positive depth and positive ranges")
        size = dictionary.shape[1]
        step = np.eye(size) - (Enclosure.exact(weights.T) @ dictionary) * float(largest_gain)
        return cls(
            size=size,
            depth=depth,
            dictionary=spectral_norm_squared(dictionary).sqrt(),
            weights=spectral_norm_squared(weights).sqrt(),
            expansion=maximum(1.0, spectral_norm_squared(step).sqrt()),
            measurement=Enclosure.of(measurement),
            largest_gain=float(largest_gain),
            largest_threshold=float(largest_threshold),
        )

    def at_depth(self, depth: int) -> ScalarClass:
        """The same layers, another number of them."""
        return replace(self, depth=depth)


def state_bounds(c: ScalarClass) -> Enclosure:
    r"""$\|x^l\|_2\le R_l$, $R_0=0$, $R_{l+1}=\rho R_l+g\|W\|B_y$ for l = 0, ..., L; shape (L + 1,)."""
    radius = [Enclosure.exact(0.0).with_basis(Basis.CERTIFIED)]
    for _ in range(c.depth):
        radius.append(c.expansion * radius[-1] + c.largest_gain * c.weights * c.measurement)
    return stack(radius)


def sensitivities(c: ScalarClass) -> tuple[Enclosure, Enclosure]:
    r"""How far the output moves per unit of $\gamma_l$ and of $\theta_l$, each of shape (L,).

    $\rho^{L-1-l}\|W\|(\|A\|R_l+B_y)$ and $\rho^{L-1-l}\sqrt n$. *Proof.* Changing one number of layer l moves its
    output by at most the last factors, since $|\eta_\theta(v)-\eta_{\theta'}(v)|\le|\theta-\theta'|$ and $\eta$ is
    nonexpansive; each later layer expands by at most $\rho$. $\square$
    """
    later = c.expansion ** np.arange(c.depth)[::-1]
    gains = later * c.weights * (c.dictionary * state_bounds(c)[:-1] + c.measurement)
    return gains, later * Enclosure.exact(float(c.size)).sqrt()


def log_covering(c: ScalarClass, scale: Enclosure) -> Enclosure:
    r"""$\sum_p\ln(\mathrm{range}_p/(2r_p)+1)$, $r_p=\varepsilon/(2L\,\mathrm{sens}_p)$; shape of ``scale``.

    A grid of radius $r_p$ in each of the 2L numbers has at most $\mathrm{range}_p/(2r_p)+1$ points and moves the
    output by at most $\varepsilon/(2L)$ each.
    """
    total = Enclosure.exact(0.0)
    for sensitivity, span in zip(sensitivities(c), (c.largest_gain, c.largest_threshold), strict=True):
        count = sensitivity[:, None] * (span * c.depth) / scale.reshape(1, -1) + 1.0
        total = total + count.log().sum(0)
    return total.reshape(*scale.shape)


def single_scale(c: ScalarClass, samples: Numbers, *, delta: float | int) -> Enclosure:
    r"""$R-\hat R\le\min_\varepsilon\{\varepsilon+\sqrt{(\ln\mathcal N(\varepsilon)+\ln(1/\delta))/(2N)}\}$.

    Args:
        c: The class.
        samples: N, any shape.
        delta: Probability of failure.

    Returns:
        Shape of ``samples``; with probability at least $1-\delta$, for all gains and thresholds of the class at once.
    """
    return single_scale_gap(lambda scale: log_covering(c, scale), samples, delta=delta)
