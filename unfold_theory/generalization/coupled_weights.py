r"""LISTA-CP around a reference weight: one learned matrix for all layers, or one for each, and a threshold a layer.

The class: $x^0=0$, $x^{l+1}=\eta_{\theta_l}(x^l+W_l^T(y-Ax^l))$, $\|W_l-W_0\|_2\le r$, one $\theta_l\in[0,1]$ a
layer, no support selection (a selected entry jumps: no Lipschitz bound covers it), output projected on the unit ball;
$A$, $W_0$ fixed before the data, $\|x\|\le1$, $\|y\|\le B_y$ almost surely, loss $\frac12\|h-x\|\in[0,1]$. Derived
(``proofs_checks/check_unfoldtheory2026_capacity.py``); the network is that of Chen et al. (2018).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from unfold_theory.enclosure import Enclosure, stack
from unfold_theory.enclosure.rounding import Numbers
from unfold_theory.errors import InputError
from unfold_theory.generalization.covering import single_scale_gap
from unfold_theory.verified import spectral_norm_squared


@dataclass(frozen=True)
class CoupledClass:
    r"""The class of this module, by the numbers that its bounds read.

    Attributes:
        size: n.
        inputs: m.
        depth: L.
        tied: Whether all layers share W.
        dictionary: $\|A\|_2$, shape ().
        weights: $\|W_0\|_2+r$, shape ().
        expansion: $\rho=\|I-W_0^TA\|_2+r\|A\|_2$, shape ().
        radius: r, shape ().
        measurement: $B_y$, shape ().
    """

    size: int
    inputs: int
    depth: int
    tied: bool
    dictionary: Enclosure
    weights: Enclosure
    expansion: Enclosure
    radius: Enclosure
    measurement: Enclosure

    @classmethod
    def of(
        cls,
        dictionary: Float64[np.ndarray, "m n"],
        reference: Float64[np.ndarray, "m n"],
        depth: int,
        *,
        radius: float | int,
        measurement: float | int | Enclosure,
        tied: bool = True,
    ) -> CoupledClass:
        """The class around a reference.

        Raises:
            InputError: The depth is below 1, or the radius is not positive.
        """
        if depth < 1 or not radius > 0:
            raise InputError("A class of no layers or no radius", "Pass a positive depth and radius")
        inputs, size = dictionary.shape
        norm, r = spectral_norm_squared(dictionary).sqrt(), Enclosure.exact(radius)
        step = np.eye(size) - Enclosure.exact(reference.T) @ dictionary
        return cls(
            size=size,
            inputs=inputs,
            depth=depth,
            tied=tied,
            dictionary=norm,
            weights=spectral_norm_squared(reference).sqrt() + r,
            expansion=spectral_norm_squared(step).sqrt() + r * norm,
            radius=r,
            measurement=Enclosure.of(measurement),
        )

    def at_depth(self, depth: int) -> CoupledClass:
        """The same layers, another number of them."""
        return replace(self, depth=depth)


def sensitivities(c: CoupledClass) -> tuple[Enclosure, Enclosure]:
    r"""How far the output moves per $r$ of $W_l$ and per unit of $\theta_l$, each of shape (L,).

    $r\rho^{L-1-l}(\|A\|R_l+B_y)$ and $\rho^{L-1-l}\sqrt n$, with $\|x^l\|\le R_l$, $R_0=0$,
    $R_{l+1}=\rho R_l+(\|W_0\|+r)B_y$. *Proof.* As for ALISTA: $\Delta W_l^T(y-Ax^l)$ is what changes. $\square$
    """
    radius, states = Enclosure.exact(0.0), []
    for _ in range(c.depth):
        states.append(radius)
        radius = c.expansion * radius + c.weights * c.measurement
    later = c.expansion ** np.arange(c.depth)[::-1]
    weights = later * c.radius * (c.dictionary * stack(states) + c.measurement)
    return weights, later * Enclosure.exact(float(c.size)).sqrt()


def log_covering(c: CoupledClass, scale: Enclosure) -> Enclosure:
    r"""$nm\ln(1+4\sum_lK_l/\varepsilon)+\sum_l\ln(1+Ls_l/\varepsilon)$ for a shared W,
    $nm\sum_l\ln(1+4LK_l/\varepsilon)$ in the place of the first term for own ones; shape of ``scale``.

    $K_l$, $s_l$ of :func:`sensitivities`; half of $\varepsilon$ goes to the weights, half to the thresholds.
    """
    weights, thresholds = sensitivities(c)
    epsilon = scale.reshape(1, -1)
    if c.tied:
        matrices = (4.0 * weights.sum() / epsilon + 1.0).log().sum(0)
    else:
        matrices = (4.0 * c.depth * weights[:, None] / epsilon + 1.0).log().sum(0)
    numbers = (float(c.depth) * thresholds[:, None] / epsilon + 1.0).log().sum(0)
    return (matrices * float(c.size * c.inputs) + numbers).reshape(*scale.shape)


def single_scale(c: CoupledClass, samples: Numbers, *, delta: float | int) -> Enclosure:
    r"""$R-\hat R\le\min_\varepsilon\{\varepsilon+\sqrt{(\ln\mathcal N(\varepsilon)+\ln(1/\delta))/(2N)}\}$.

    For the whole class at once with probability $1-\delta$; shape of ``samples``.
    """
    return single_scale_gap(lambda scale: log_covering(c, scale), samples, delta=delta)
