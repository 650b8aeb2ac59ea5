r"""One layer run L times: few parameters, and depth under a root where the layer expands.

The class: $x^0=0$, $x^{l+1}=\eta_\theta(W_2x^l+W_1y)$ with the same $W_1$, $W_2$, $\theta$ in all layers,
$\|W_2\|_2\le s$, $\|W_1\|_2\le a$, one $\theta\in[0,1]$, output projected on the unit ball; $\|x\|\le1$, $\|y\|\le
B_y$ almost surely, loss $\frac12\|h-x\|\in[0,1]$. Recurrent networks (Joukovsky et al., 2021) and networks that share
one operator (Kouni and Panagakis, 2023) are of this kind. Derived (``proofs_checks/check_kouni2023.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

from unfold_theory.enclosure import Enclosure
from unfold_theory.enclosure.rounding import Numbers
from unfold_theory.errors import InputError
from unfold_theory.generalization.covering import deviation, sample_sizes, single_scale_gap, with_confidence


@dataclass(frozen=True)
class TiedClass:
    r"""The class of this module.

    Attributes:
        size: n.
        inputs: m.
        depth: L.
        state_norm: $s$.
        input_norm: $a$.
        measurement: $B_y$.
    """

    size: int
    inputs: int
    depth: int
    state_norm: Enclosure
    input_norm: Enclosure
    measurement: Enclosure

    def __post_init__(self) -> None:
        if min(self.size, self.inputs, self.depth) < 1 or not (self.input_norm.lo > 0 and self.state_norm.lo > 0):
            raise InputError("A class without layers, entries or input", "Pass positive sizes and norms")


def parameters(c: TiedClass) -> int:
    """$n^2+nm+1$, whatever the depth."""
    return c.size**2 + c.size * c.inputs + 1


def sensitivity(c: TiedClass) -> Enclosure:
    r"""$K_L$ with $\|h-h'\|\le K_L\max(\|\Delta W_2\|/s,\|\Delta W_1\|/a,|\Delta\theta|)$, shape ():
    $K_{l+1}=sK_l+sR_l+aB_y+\sqrt n$, $R_{l+1}=sR_l+aB_y$, both 0 at l = 0.

    It is of the order $L^2$ at $s=1$ and $Ls^L$ beyond.
    """
    root, added = Enclosure.exact(float(c.size)).sqrt(), c.input_norm * c.measurement
    k, radius = Enclosure.exact(0.0), Enclosure.exact(0.0)
    for _ in range(c.depth):
        k = c.state_norm * k + c.state_norm * radius + added + root
        radius = c.state_norm * radius + added
    return k


def log_covering(c: TiedClass, scale: Enclosure) -> Enclosure:
    r"""$(n^2+nm)\ln(1+2/\eta)+\ln(1+1/(2\eta))$, $\eta=\varepsilon/K_L$; shape of ``scale``."""
    eta = scale / sensitivity(c)
    return (2.0 / eta + 1.0).log() * float(parameters(c) - 1) + (0.5 / eta + 1.0).log()


def single_scale(c: TiedClass, samples: Numbers, *, delta: float | int) -> Enclosure:
    r"""$R-\hat R\le\min_\varepsilon\{\varepsilon+\sqrt{(\ln\mathcal N(\varepsilon)+\ln(1/\delta))/(2N)}\}$.

    For the whole class at once with probability $1-\delta$; shape of ``samples``.
    """
    return single_scale_gap(lambda scale: log_covering(c, scale), samples, delta=delta)


def closed_form(c: TiedClass, samples: Numbers, *, delta: float | int) -> Enclosure:
    r"""$2\sqrt2\sqrt{P\ln(e(1+4K_L))/N}+\sqrt{\ln(1/\delta)/(2N)}$, $P=n^2+nm+1$: Dudley's bound in closed form.

    With $K_L$ of the order $s^L$, $s>1$, it grows like $\sqrt L$; with $K_L$ polynomial, like $\sqrt{\ln L}$.

    For the whole class at once with probability $1-\delta$; shape of ``samples``.
    """
    inside = ((4.0 * sensitivity(c) + 1.0).log() + 1.0) * float(parameters(c))
    main = (8.0 * inside / sample_sizes(samples)).sqrt()
    return with_confidence(main + deviation(samples, delta=delta), delta)
