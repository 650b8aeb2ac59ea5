r"""Unfolded forward-backward layers are averaged: $T=P\circ(\mathrm{Id}-\eta\nabla f)$, $f=\frac12\|A\cdot-u\|^2$.

With $c=\eta\|A\|^2\in(0,2)$ and P firmly nonexpansive, T is $2/(4-c)$-averaged in x.
"""

import random
from fractions import Fraction

import sympy as sp

d, w, t, c = sp.symbols("d w t c", real=True)


def check_layer_is_averaged():
    r"""$\|Tx-Tx'\|^2+\frac{1-\alpha}\alpha\|(x-Tx)-(x'-Tx')\|^2\le\|x-x'\|^2$, $\alpha=2/(4-c)$.

    On the chain of a singular value with $t=\eta\sigma^2\in[0,c]$, $z=(1-t)d$, $w=\Delta Tx$:
    $d^2-w^2-(1-\frac c2)(d-w)^2-2w(z-w)=\frac c2(d^2+w^2)-(c-2t)dw\ge0$, because $|c-2t|\le c$; and
    $\sum2w(z-w)\ge0$ over all chains.
    """
    alpha = 2 / (4 - c)
    assert sp.simplify((1 - alpha) / alpha - (1 - c / 2)) == 0
    form = d**2 - w**2 - (1 - c / 2) * (d - w) ** 2 - 2 * w * ((1 - t) * d - w)
    rest = c / 2 * (d**2 + w**2) - (c - 2 * t) * d * w
    assert sp.expand(form - rest) == 0
    # c/2 (d^2 + w^2) - (c - 2t) d w = (c - t)/2 (d - w)^2 + t/2 (d + w)^2.
    assert sp.expand(rest - ((c - t) / 2 * (d - w) ** 2 + t / 2 * (d + w) ** 2)) == 0


def check_a_smaller_averagedness_constant_is_refuted():
    r"""$c=1$: $\alpha=2/3$ survives 4,000 exact instances on the chains $t=1$ and $t=0$; $\alpha=3/5$ does not."""
    worst = Fraction(0)
    draw = random.Random(1)
    for _ in range(4000):
        first, second = (Fraction(draw.randint(-8, 8), 4) for _ in range(2))
        s = Fraction(draw.randint(-8, 8), 4)
        cos, sin = (1 - s * s) / (1 + s * s), 2 * s / (1 + s * s)
        z = (Fraction(0), second)
        q = (cos * z[0] - sin * z[1], sin * z[0] + cos * z[1])
        out = tuple((a + b) / 2 for a, b in zip(z, q, strict=True))
        size = first**2 + second**2
        kept = sum(x * x for x in out)
        rest = (first - out[0]) ** 2 + (second - out[1]) ** 2
        assert kept + Fraction(1, 2) * rest <= size
        if size:
            worst = max(worst, (kept + Fraction(2, 3) * rest) / size)  # (1 - alpha)/alpha = 2/3 at alpha = 3/5
    assert worst > 1


def check_layers_do_not_expand_the_start():
    r"""Averaged layers are nonexpansive, and so is their composition: $\|x^K-x'^K\|\le\|x^0-x'^0\|$ for one input u. At
    $c=2$ only nonexpansiveness is left ($\alpha=1$), and beyond it a chain expands: $|1-t|>1$."""
    assert (2 / (4 - c)).subs(c, 2) == 1
    assert abs(1 - Fraction(5, 2)) > 1
