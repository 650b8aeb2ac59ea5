r"""Rotaru, Glineur and Patrinos 2024, short steps: the decrease of one step, and who attains it.

Interpolation by functions with curvature in $[-\rho,L]$ (L = 1, $\rho=r$): for all pairs,
$f_i\ge f_j+\langle g_j,x_i-x_j\rangle+\frac{1}{2(1+r)}\left(\|g_i-g_j\|^2-r\|x_i-x_j\|^2
+2r\langle g_j-g_i,x_j-x_i\rangle\right)$ (Taylor, Hendrickx and Glineur 2017, with $\mu=-r$). With $a=g_k$,
$b=g_{k+1}$, $x_{k+1}=x_k-ha$ every term is a combination of $\|a\|^2$, $\|b\|^2$, $\langle a,b\rangle$.
"""

from fractions import Fraction

import sympy as sp

A, B, C, h, r = sp.symbols("A B C h r", real=True)  # |a|^2, |b|^2, <a, b>


def decrease(step, rho):
    """The least f(x_k) - f(x_{k+1}) that the pair (k, k+1) allows."""
    difference = A - 2 * C + B
    moved = step**2 * A
    along = -step * (C - A)  # <g_{k+1} - g_k, x_{k+1} - x_k>
    return step * C + (difference - rho * moved + 2 * rho * along) / (2 * (1 + rho))


def check_decrease_of_one_step():
    r"""$f_k-f_{k+1}\ge\frac{h(1+2r-rh)}{2(1+r)}\|a\|^2+\frac{h}{2(1+r)}\|b\|^2$ for $0<h\le1$, $r\ge0$."""
    certified = h * (1 + 2 * r - r * h) / (2 * (1 + r)) * A + h / (2 * (1 + r)) * B
    rest = sp.simplify(decrease(h, r) - certified)
    # What is left is (1 - h) / (2 (1 + r)) |a - b|^2, nonnegative for h <= 1.
    assert sp.simplify(rest - (1 - h) / (2 * (1 + r)) * (A - 2 * C + B)) == 0
    # Both weights are nonnegative for h <= 1: 1 + 2 r - r h >= 1 + r.
    assert sp.simplify((1 + 2 * r - r * h) - (1 + r) - r * (1 - h)) == 0
    total = sp.simplify(certified.subs({A: 1, B: 1}) - (h - r * h**2 / (2 * (1 + r))))
    assert total == 0


def check_the_rate_telescopes():
    r"""N decreases and $f_N-f^\star\ge\|g_N\|^2/2$ give $\gamma^2(1+\sum(2h-\frac{r}{1+r}h^2))\le2(f_0-f^\star)$."""
    steps = sp.symbols("h0:5", positive=True)
    least = sp.Symbol("gamma2", nonnegative=True)
    budget = sum(least * (s - r * s**2 / (2 * (1 + r))) for s in steps) + least / 2
    claimed = least * (1 + sum(2 * s - r / (1 + r) * s**2 for s in steps))
    assert sp.simplify(2 * budget - claimed) == 0


def check_the_final_gap():
    r"""$f_N-f^\star\ge\|g_N\|^2/(2L)$: a gradient step of length 1/L from $x_N$ cannot go below $f^\star$."""
    t, g, L = sp.symbols("t g L", positive=True)
    after = -t * g**2 + L / 2 * t**2 * g**2  # descent lemma, relative to f_N
    assert sp.simplify(after.subs(t, 1 / L) + g**2 / (2 * L)) == 0


def check_it_is_attained():
    r"""In exact arithmetic: the gradient dips between equal values, with slopes L and $-\rho$, and loses just this."""
    for rho in (Fraction(0), Fraction(1, 3), Fraction(1)):
        for step in (Fraction(1, 4), Fraction(1, 2), Fraction(1)):
            falling = step * rho / (1 + rho)  # the gradient falls by slope 1 over this length, rises by slope rho
            assert falling == rho * (step - falling)
            lost = step - step * falling / 2  # area under a triangle of height ``falling``
            assert lost == step - rho * step**2 / (2 * (1 + rho))


def check_false_variants():
    """Nothing better holds, and longer steps are not covered."""
    # A decrease of the convex case for a nonconvex function is refuted by the dip above.
    assert Fraction(1) - Fraction(1, 4) < Fraction(1)
    # For h > 1 the remainder (1 - h)|a - b|^2 / (2 (1 + r)) is negative: this proof ends at h = 1.
    assert decrease(sp.Rational(3, 2), sp.Integer(1)).subs({A: 1, B: 1, C: -1}) < sp.Rational(3, 2) - sp.Rational(9, 16)
