r"""Liang, Fadili, Peyre 2014, for the Lasso: radius and price of identification, the factor on the support."""

import itertools
import random

import sympy as sp


def shrink(v, theta):
    return sp.sign(v) * max(abs(v) - theta, 0)


def check_soft_threshold_is_nonexpansive():
    r"""$|\eta_\theta(a)-\eta_\theta(b)|\le|a-b|$ on a grid that meets every pair of pieces."""
    grid = [sp.Rational(i, 3) for i in range(-9, 10)]
    for a, b in itertools.product(grid, grid):
        assert abs(shrink(a, 1) - shrink(b, 1)) <= abs(a - b)
    assert abs(shrink(sp.Integer(3), 1) - shrink(sp.Integer(2), 1)) == 1  # attained: no factor below 1
    # False variant: thresholds below zero, those of steps below zero, are expansive.
    half = sp.Rational(1, 2)
    assert abs(shrink(half, -1) - shrink(-half, -1)) > 1


def check_factor_on_the_support():
    r"""Between codes on S: $\|e^+\|\le\|(I-tA_S^TA_S)e\|\le\max(|1-t\mu|,|1-tL_S|)\|e\|$; with equal signs
    $e^+=(I-tA_S^TA_S)e$ exactly.
    """
    draw = random.Random(5)
    for _ in range(10):
        A = sp.Matrix(3, 2, lambda *_: sp.Rational(draw.randint(-9, 9), 5))
        gram = sp.Matrix(A.T * A)
        if gram.det() == 0:
            continue
        lam, t = sp.Rational(1, 7), sp.Rational(1, 50)
        star, signs = sp.Matrix([3, -4]), sp.Matrix([1, -1])
        # y with A^T (y - A x*) = lam sgn(x*).
        y = sp.Matrix(A * (star + gram.inv() * (lam * signs)))
        code = star + sp.Matrix([sp.Rational(draw.randint(-9, 9), 40), sp.Rational(draw.randint(-9, 9), 40)])
        v = sp.Matrix(code + t * A.T * (y - A * code))
        following = v.applyfunc(lambda entry, theta=lam * t: shrink(entry, theta))
        assert following - star == (sp.eye(2) - t * gram) * (code - star)
    # An eigenvalue g of A_S^T A_S in [mu, L] gives 1 - t g, affine in g: its magnitude is largest at an end.
    t, low, high, share = sp.symbols("t mu L q", positive=True)
    between = low + share * (high - low)
    assert sp.expand((1 - t * between) - ((1 - share) * (1 - t * low) + share * (1 - t * high))) == 0
    # The eigenvector of the least eigenvalue attains 1 - t mu: no smaller factor, (1 - t mu)^2 say, is true.
    assert sp.Rational(3, 4) ** 2 < 1 - sp.Rational(1, 4)


def check_identification_radius():
    r"""$|v_j|\le t|c_j|+\|e\|\le t\lambda$ for $\|e\|\le t(\lambda-|c_j|)$, since $v^\star_j=tc_j$ off S; tight."""
    t, lam, c = sp.symbols("t lambda c", nonnegative=True)
    assert sp.expand((t * c + t * (lam - c)) - t * lam) == 0
    # False variant: with twice the radius an entry passes. A = I: v_j = (1 - t) e_j + t c_j.
    step, weight, product = sp.Rational(1, 10), sp.Integer(1), sp.Rational(1, 2)
    radius = step * (weight - product)
    assert shrink((1 - step) * radius + step * product, weight * step) == 0
    assert shrink((1 - step) * 2 * radius + step * product, weight * step) > 0


def check_price_of_a_wrong_support():
    r"""If $|v_j|>t\lambda$ off S, then $|x^+_j|\le a-b$ with $a=|v_j-tc_j|\ge b=t\omega$, hence
    $(x_j^+)^2\le a^2-b^2$; summed over coordinates the squared distance falls by $(t\omega)^2$ at least.
    """
    a, b = sp.symbols("a b", nonnegative=True)
    assert sp.expand(a**2 - b**2 - (a - b) ** 2 - 2 * b * (a - b)) == 0  # and a >= b, b >= 0
    grid = [sp.Rational(i, 4) for i in range(-12, 13)]
    for v, c in itertools.product(grid, [x for x in grid if abs(x) < 1]):
        if abs(v) > 1:  # t = lambda = 1
            assert shrink(v, 1) ** 2 <= (v - c) ** 2 - (1 - abs(c)) ** 2
    # False variant: twice the price is not paid.
    assert shrink(sp.Rational(5, 4), 1) ** 2 > (sp.Rational(5, 4) - 0) ** 2 - 2


def check_fista_is_slower_locally():
    r"""$e^{k+1}=m((1+a)e^k-ae^{k-1})$: the roots have product $am$ and are complex for $(1+a)^2m<4a$, hence modulus
    $\sqrt{am}$, which exceeds m as soon as $a>m$; at a = 1 it is $\sqrt m$.
    """
    m, a, r = sp.symbols("m a r", positive=True)
    polynomial = sp.Poly(r**2 - (1 + a) * m * r + a * m, r)
    assert sp.simplify(polynomial.coeffs()[-1] - a * m) == 0
    assert sp.factor(sp.discriminant(polynomial.as_expr(), r) - m * ((1 + a) ** 2 * m - 4 * a)) == 0
    assert sp.simplify((a * m - m**2) - m * (a - m)) == 0
    value = {m: sp.Rational(9, 10), a: sp.Rational(99, 100)}
    roots = sp.roots(polynomial.as_expr().subs(value), r)
    assert all(abs(sp.Abs(root).evalf() - sp.sqrt(sp.Rational(891, 1000)).evalf()) < 1e-12 for root in roots)
    assert sp.sqrt(sp.Rational(891, 1000)) > sp.Rational(9, 10)
