r"""Abbaszadehpeivasti, de Klerk and Zamani 2022: the decrease of one step on smooth functions, $0<h\le\sqrt3$.

With L = 1 and curvature in [-1, 1], $a=g_k$, $b=g_{k+1}$, $x_{k+1}=x_k-ha$. Both interpolation inequalities of
consecutive iterates are used for $h>1$; all terms are combinations of $\|a\|^2$, $\|b\|^2$, $\langle a,b\rangle$.
"""

from itertools import product

import sympy as sp

A, B, C, h = sp.symbols("A B C h", real=True)


def lower(step):
    """The least f_k - f_{k+1}, from the pair (k, k+1)."""
    return step * C + (A - 2 * C + B) / 2 - ((step - 1) ** 2 * A + 2 * (step - 1) * C + B) / 4


def upper(step):
    """The largest f_k - f_{k+1}, from the pair (k+1, k)."""
    return step * A - (A - 2 * C + B) / 2 + ((1 - step) ** 2 * A - 2 * (1 - step) * C + B) / 4


def check_the_pairs_are_those_of_the_class():
    r"""$f_i\ge f_j+\langle g_j,x_i-x_j\rangle+\frac12\|g_i-g_j\|^2-\frac14\|x_i-x_j-(g_i-g_j)\|^2$, in one dimension,
    is $f_i\ge f_j+\langle g_j,d\rangle+\frac14(\|e\|^2-\|d\|^2+2\langle e,d\rangle)$, $d=x_i-x_j$, $e=g_i-g_j$."""
    d, e = sp.symbols("d e", real=True)
    assert sp.expand(e**2 / 2 - (d - e) ** 2 / 4 - (e**2 - d**2 + 2 * e * d) / 4) == 0
    a, b = sp.symbols("a b", real=True)
    values = {A: a**2, B: b**2, C: a * b}
    # (k, k+1): x_k - x_{k+1} = h a.
    first = b * h * a + (a - b) ** 2 / 2 - (h * a - (a - b)) ** 2 / 4
    assert sp.expand(first - lower(h).subs(values)) == 0
    # (k+1, k): f_{k+1} >= f_k - h a^2 + ..., so that f_k - f_{k+1} is at most the negative of the rest.
    second = -(a * (-h * a) + (b - a) ** 2 / 2 - (-h * a - (b - a)) ** 2 / 4)
    assert sp.expand(second - upper(h).subs(values)) == 0


def check_short_steps():
    r"""$h\le1$: $f_k-f_{k+1}\ge(\ldots)\|a\|^2+\frac h4\|b\|^2$ with weights that add up to $h-h^2/4$."""
    certified = (sp.Rational(1, 2) - (1 - h) * (2 - h) / 4) * A + h / 4 * B
    rest = sp.expand(lower(h) - certified)
    assert sp.expand(rest - (1 - h) / 4 * (A - 2 * C + B)) == 0
    assert sp.expand(certified.subs({A: 1, B: 1}) - (h - h**2 / 4)) == 0
    weight = sp.Rational(1, 2) - (1 - h) * (2 - h) / 4
    assert sp.expand(weight - h * (3 - h) / 4) == 0


def check_long_steps():
    r"""$1\le h\le\sqrt3$: $(1+\alpha)\,$lower$\,-\alpha\,$upper with $\alpha=(h-1)/2$ has weights that add up to
    $h-h^3/4$, without a mixed term."""
    alpha = (h - 1) / 2
    combined = sp.expand((1 + alpha) * lower(h) - alpha * upper(h))
    assert sp.expand(combined.coeff(C)) == 0
    assert sp.expand(combined.coeff(B) - h / 4) == 0
    weight = sp.expand(combined.coeff(A))
    assert sp.expand(weight + h / 4 - (h - h**3 / 4)) == 0
    # The weight of |a|^2, h (3 - h^2) / 4, is nonnegative up to sqrt 3 and not beyond.
    assert sp.expand(weight - h * (3 - h**2) / 4) == 0
    assert weight.subs(h, sp.sqrt(3)) == 0
    assert weight.subs(h, sp.Rational(18, 10)) < 0


def check_the_smaller_of_both_is_the_right_one():
    r"""$\min(4h-h^2,4h-h^3)$ is the first for $h\le1$, the second beyond."""
    difference = sp.factor((4 * h - h**3) - (4 * h - h**2))
    assert sp.expand(difference - h**2 * (1 - h)) == 0


def check_both_inequalities_can_be_tight():
    r"""$h=3/2$: with $\|a\|=\|b\|$ and $\langle a,b\rangle=c$ both pairs are equalities for one $c\in[-1,1]$, and the
    decrease is then $h-h^3/4$: the rate of one step cannot be improved, and $h-h^2/4$ is false for long steps."""
    step = sp.Rational(3, 2)
    values = {A: 1, B: 1}
    (c,) = sp.solve(lower(step).subs(values) - upper(step).subs(values), C)
    assert -1 <= c <= 1
    lost = lower(step).subs(values | {C: c})
    assert lost == step - step**3 / 4
    assert lost < step - step**2 / 4


def check_random_instances_in_exact_arithmetic():
    """All gradients on a grid of the plane: no pair that both inequalities allow decreases by less."""
    grid = [sp.Rational(i, 4) for i in range(-4, 5)]
    for step in (sp.Rational(1, 2), sp.Integer(1), sp.Rational(3, 2), sp.Rational(17, 10)):
        least = step - max(step**2, step**3) / 4
        for x, y in product(grid, grid):
            values = {A: 1, B: x**2 + y**2, C: x}
            low, high = lower(step).subs(values), upper(step).subs(values)
            if low <= high:
                assert low >= least * min(1, values[B]) - sp.Rational(0)
