r"""Hadou et al. 2024: from descent with exceptions, layer by layer, to the last layer."""

from fractions import Fraction

import sympy as sp

eps, share = sp.symbols("epsilon p", positive=True)


def check_a_layer_with_exceptions():
    r"""$E r_l\le(1-\epsilon)E r_{l-1}+p_l$ for $r\in[0,1]$, since $r_l\le(1-\epsilon)r_{l-1}+1\{\text{no descent}\}$:
    exactly, over all outcomes of a law on a grid.
    """
    grid = [Fraction(k, 8) for k in range(9)]
    factor = Fraction(9, 10)
    for before in grid:
        for after in grid:
            fails = after > factor * before
            assert after <= factor * before + (1 if fails else 0)
    # Without the indicator it is false, and with ratios above 1 the indicator is not enough.
    assert not Fraction(1) <= factor * Fraction(1, 2)
    assert not Fraction(2) <= factor * Fraction(1, 2) + 1


def check_the_recursion_sums_up():
    r"""$r_k\le(1-\epsilon)^k+\sum_l(1-\epsilon)^{k-l}p_l$, and at most $(1-\epsilon)^k+p/\epsilon$ for $p_l\le p$."""
    for depth in (1, 2, 5):
        parts = sp.symbols(f"p1:{depth + 1}", positive=True)
        bound = sp.Integer(1)
        for p in parts:
            bound = (1 - eps) * bound + p
        closed = (1 - eps) ** depth + sum((1 - eps) ** (depth - l) * p for l, p in enumerate(parts, 1))
        assert sp.expand(bound - closed) == 0
        equal = closed.subs(dict.fromkeys(parts, share))
        geometric = (1 - eps) ** depth + share * (1 - (1 - eps) ** depth) / eps
        assert sp.simplify(sp.expand(equal) - sp.expand(sp.simplify(geometric))) == 0
    # p alone, without the division by epsilon, is false for two layers.
    two = (1 - eps) * ((1 - eps) + share) + share
    assert (two - (1 - eps) ** 2 - share).subs({eps: Fraction(1, 10), share: Fraction(1, 10)}) > 0


def check_it_is_attained():
    r"""No exceptions, equality in every layer: gradient descent with step $\epsilon$ on $A=I$."""
    x, y = sp.Integer(0), sp.Rational(7, 3)
    step = sp.Rational(1, 10)
    for k in range(1, 6):
        x = x + step * (y - x)
        assert (y - x) / y == (1 - step) ** k


def check_confidences_add_up():
    r"""$K\cdot\frac\delta{2K}$ for the shares, $K\cdot\frac\delta{2K}$ for the means: $\delta$ in all."""
    depth, delta = sp.symbols("K delta", positive=True)
    assert sp.simplify(depth * delta / (2 * depth) + depth * delta / (2 * depth) - delta) == 0
