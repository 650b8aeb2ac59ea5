r"""Kouni and Panagakis 2023: one shared operator, an expansive layer, and depth under a root."""

import random

import sympy as sp

s, a, b, root, depth = sp.symbols("s a B r L", positive=True)


def check_the_recursion_of_the_sensitivity():
    r"""$x_{l+1}-x'_{l+1}=W_2'(x_l-x_l')+(W_2-W_2')x_l+(W_1-W_1')y$ before the threshold: at most
    $sK_lD+sD\,R_l+aD\,B_y+D\sqrt n$ for $\|\Delta W_2\|\le sD$, $\|\Delta W_1\|\le aD$, $|\Delta\theta|\le D$.
    """
    draw = random.Random(4)

    def matrix(rows, columns):
        return sp.Matrix(rows, columns, lambda *_: sp.Rational(draw.randint(-9, 9), 4))

    w2, v2, w1, v1 = matrix(2, 2), matrix(2, 2), matrix(2, 3), matrix(2, 3)
    x, other, y = matrix(2, 1), matrix(2, 1), matrix(3, 1)
    assert w2 * x + w1 * y - v2 * other - v1 * y == v2 * (x - other) + (w2 - v2) * x + (w1 - v1) * y
    # In dimension one with equal signs it is attained by the derivative along (s, a): x_2 = s a y + a y.
    y1 = sp.symbols("y", positive=True)
    t = sp.symbols("t", positive=True)
    two = (s * t) * (a * t * y1) + a * t * y1
    k, radius = sp.Integer(0), sp.Integer(0)
    for _ in range(2):
        k, radius = s * k + s * radius + a * y1, s * radius + a * y1
    assert sp.expand(sp.diff(two, t).subs(t, 1) - k) == 0
    # Forgetting that the weights are shared (one layer's change only) is false.
    assert sp.expand(sp.diff(two, t).subs(t, 1) - (s * a * y1 + a * y1)) != 0


def check_order_of_the_sensitivity():
    r"""At $s=1$: $K_L=aB\,L(L+1)/2+L\sqrt n$; at $s>1$: of the order $Ls^L$."""
    for steps in (1, 3, 6):
        k, radius = sp.Integer(0), sp.Integer(0)
        for _ in range(steps):
            k, radius = k + radius + a * b + root, radius + a * b
        assert sp.expand(k - a * b * sp.Rational(steps * (steps + 1), 2) - steps * root) == 0
    k, radius, values = sp.Integer(0), sp.Integer(0), []
    for _ in range(40):
        k, radius = 2 * k + 2 * radius + 1, 2 * radius + 1
        values.append(k)
    ratios = [sp.Rational(v, (j + 1) * 2 ** (j + 1)) for j, v in enumerate(values)]
    assert abs(float(ratios[-1]) - 1) < 0.1
    assert float(values[-1]) > 2.0**40  # 2^L alone, without the factor L, is too small


def check_depth_is_under_a_root():
    r"""$\sqrt{\ln(e(1+4s^L))}\sim\sqrt{L\ln s}$: twice the layers, $\sqrt2$ times the bound."""
    form = sp.log(sp.E * (1 + 4 * 3**depth))
    assert sp.limit(form / (depth * sp.log(3)), depth, sp.oo) == 1
    ratio = float(sp.N(form.subs(depth, 20000))) / float(sp.N(form.subs(depth, 10000)))
    assert abs(ratio**0.5 - 2**0.5) < 1e-3
    polynomial = sp.log(sp.E * (1 + 4 * depth**2))
    assert float(sp.N(polynomial.subs(depth, 20000))) / float(sp.N(polynomial.subs(depth, 10000))) < 1.1


def check_the_constant_of_the_closed_form():
    r"""$\frac{8\sqrt2}{\sqrt N}\cdot\frac14\sqrt P=2\sqrt2\sqrt{P/N}$, and $\ln\mathcal N_\ell(u)\le P\ln(1+K/u)$ for a
    half-Lipschitz loss: $\eta=2u/K$ in $\ln(1+2/\eta)$, which is above the threshold's $\ln(1+1/(2\eta))$.
    """
    n, p, u, k = sp.symbols("N P u K", positive=True)
    assert sp.simplify(8 * sp.sqrt(2) / sp.sqrt(n) / 4 * sp.sqrt(p) - sp.sqrt(8 * p / n)) == 0
    assert sp.simplify((1 + 2 / (2 * u / k)) - (1 + k / u)) == 0
    assert sp.simplify((1 + 2 / (2 * u / k)) - (1 + 1 / (2 * (2 * u / k))) - 3 * k / (4 * u)) == 0
