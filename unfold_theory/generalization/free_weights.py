r"""LISTA with free weights in every layer: a net over all of its matrices.

The class: $x^0=0$, $x^{l+1}=\eta_{\theta_l}(W_2^lx^l+W_1^ly)$, $\|W_2^l\|_2\le1$, $\|W_1^l\|_2\le a$, one
$\theta_l\in[0,1]$ a layer, output projected on the unit ball; $\|x\|\le1$, $\|y\|\le B_y$ almost surely, loss
$\frac12\|h-x\|\in[0,1]$.
Derived (``proofs_checks/check_schnoor2023.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

from unfold_theory.enclosure import Enclosure
from unfold_theory.enclosure.rounding import Numbers
from unfold_theory.errors import InputError
from unfold_theory.generalization.covering import single_scale_gap


@dataclass(frozen=True)
class FreeClass:
    r"""The class of this module.

    Attributes:
        size: n.
        inputs: m.
        depth: L.
        input_norm: $a$.
        measurement: $B_y$.
    """

    size: int
    inputs: int
    depth: int
    input_norm: Enclosure
    measurement: Enclosure

    def __post_init__(self) -> None:
        if min(self.size, self.inputs, self.depth) < 1 or not self.input_norm.lo > 0:
            raise InputError("A class without layers, entries or input", "Pass positive sizes and norms")


def parameters(c: FreeClass) -> int:
    """$L(n^2+nm+1)$."""
    return c.depth * (c.size**2 + c.size * c.inputs + 1)


def sensitivity(c: FreeClass) -> Enclosure:
    r"""$\|h-h'\|\le K\max_l\max(\|\Delta W_2^l\|,\|\Delta W_1^l\|/a,|\Delta\theta_l|)$, shape ():
    $K=aB_y(L+L(L-1)/2)+L\sqrt n$.

    *Proof.* $\|x^l\|\le laB_y$; layer l adds $\|\Delta W_2\|\|x^l\|+\|\Delta W_1\|B_y+\sqrt n|\Delta\theta|$, and later
    layers are nonexpansive. $\square$
    """
    states = c.depth + c.depth * (c.depth - 1) / 2
    return c.input_norm * c.measurement * states + Enclosure.exact(float(c.size)).sqrt() * float(c.depth)


def log_covering(c: FreeClass, scale: Enclosure) -> Enclosure:
    r"""$L\big((n^2+nm)\ln(1+2/\eta)+\ln(1+1/(2\eta))\big)$, $\eta=\varepsilon/K$; shape of ``scale``.

    Balls of the operator norm have nets of $(1+2/\eta)^{\dim}$ members inside them.
    """
    eta = scale / sensitivity(c)
    matrices = (2.0 / eta + 1.0).log() * float(c.size**2 + c.size * c.inputs)
    return (matrices + (0.5 / eta + 1.0).log()) * float(c.depth)


def single_scale(c: FreeClass, samples: Numbers, *, delta: float | int) -> Enclosure:
    r"""$R-\hat R\le\min_\varepsilon\{\varepsilon+\sqrt{(\ln\mathcal N(\varepsilon)+\ln(1/\delta))/(2N)}\}$.

    For the whole class at once with probability $1-\delta$; shape of ``samples``.
    """
    return single_scale_gap(lambda scale: log_covering(c, scale), samples, delta=delta)
