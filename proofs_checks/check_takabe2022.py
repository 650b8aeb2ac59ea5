r"""Takabe and Wadayama 2022: gradient steps as a polynomial, Chebyshev steps, and why no steps do better.

With $c=(a+b)/2$, $h=(b-a)/2$, $\sigma=c/h>1$ and $q(\lambda)=T_T((c-\lambda)/h)/T_T(\sigma)$:

1. $e^k=\prod_{j<k}(1-\gamma_jM)\,e^0$, M symmetric: $\|e^k\|\le\max_{\lambda\in\mathrm{spec}}|p_k|\,\|e^0\|$.
2. q is the product of $1-\gamma_j\lambda$ over the Chebyshev steps: both have degree T, the same zeros, the value 1
   at 0. $|T_T|\le1$ on $[-1,1]$, so that $\max_{[a,b]}|q|=1/T_T(\sigma)$.
3. *No steps do better.* Let p have degree at most T, $p(0)=1$, $\max_{[a,b]}|p|<1/T_T(\sigma)$. At
   $\lambda_i=c-h\cos(i\pi/T)$, i = 0..T, q is $\pm1/T_T(\sigma)$ with alternating signs, so that q - p changes its
   sign T times in $[a,b]$: T zeros there and one at 0, too many for degree T. Hence q = p, a contradiction.
4. log|p| is concave between neighbouring zeros: each $\log|1-\gamma\lambda|$ has the second derivative
   $-\gamma^2/(1-\gamma\lambda)^2$. This is what the certified maximum rests on.
"""

import random
from fractions import Fraction

import sympy as sp

lam = sp.symbols("lambda", positive=True)
CENTRE, HALF = Fraction(11, 10), Fraction(1)


def _product(gains):
    result = sp.Integer(1)
    for gain in gains:
        result = result * (1 - gain * lam)
    return sp.expand(result)


def _chebyshev(degree, x):
    before, value = Fraction(1), x
    for _ in range(degree - 1):
        before, value = value, 2 * x * value - before
    return value


def _least(degree, x):
    """q at x in exact rationals."""
    return _chebyshev(degree, (CENTRE - x) / HALF) / _chebyshev(degree, CENTRE / HALF)


def check_steps_multiply_to_the_chebyshev_polynomial():
    r"""$T_T(\cos t)=\cos(Tt)$: zeros at the Chebyshev nodes, $\pm1$ alternating at $i\pi/T$; T = 1..8.

    A polynomial of degree T in lambda with these zeros, and 1 at 0, is $\prod(1-\gamma_j\lambda)$.
    """
    t = sp.symbols("t", real=True)
    for degree in range(1, 9):
        polynomial = sp.Poly(sp.chebyshevt(degree, lam), lam)
        assert polynomial.degree() == degree
        assert sp.expand(sp.expand_trig(sp.cos(degree * t)) - polynomial.as_expr().subs(lam, sp.cos(t))) == 0
        assert all(sp.cos(degree * (2 * j + 1) * sp.pi / (2 * degree)) == 0 for j in range(degree))
        assert all(sp.cos(degree * i * sp.pi / degree) == (-1) ** i for i in range(degree + 1))
        assert _least(degree, Fraction(0)) == 1


def check_layers_are_the_polynomial():
    """e^k = p_k(M) e^0 in exact rationals, with M = A^T A and steps in any order."""
    draw = random.Random(1)
    for _ in range(12):
        matrix = sp.Matrix(4, 3, lambda *_: sp.Rational(draw.randint(-5, 5), draw.randint(1, 4)))
        hessian = sp.Matrix(matrix.T * matrix)
        truth = sp.Matrix([draw.randint(-4, 4) for _ in range(3)])
        gains = [sp.Rational(draw.randint(-3, 9), 7) for _ in range(4)]
        code = sp.zeros(3, 1)
        for gain in gains:
            code = code + gain * matrix.T * (matrix * truth - matrix * code)
        polynomial = sp.Poly(_product(gains), lam)
        error = sp.zeros(3, 1)
        for (power,), coefficient in polynomial.terms():
            error += coefficient * hessian**power * (-truth)
        assert sp.simplify(code - truth - error) == sp.zeros(3, 1)
        draw.shuffle(gains)
        assert sp.Poly(_product(gains), lam) == polynomial


def check_nothing_in_between_is_larger():
    r"""$|q|\le1/T_T(\sigma)$ on [a, b] and more outside, T = 1..9, at 201 rational points each."""
    for degree in range(1, 10):
        top = 1 / _chebyshev(degree, CENTRE / HALF)
        assert top < 1
        for i in range(201):
            assert abs(_least(degree, CENTRE - HALF + Fraction(i, 100) * HALF)) <= top
        assert abs(_least(degree, CENTRE - HALF * Fraction(101, 100))) > top


def check_no_rational_steps_do_better():
    """3,000 random steps, T = 1, 2, 3, exact: at one of the T + 1 extrema |p| >= 1/T_T(sigma), as step 3 says."""
    draw = random.Random(3)
    cosines = {1: (1, -1), 2: (1, 0, -1), 3: (1, Fraction(1, 2), Fraction(-1, 2), -1)}
    for degree, at in cosines.items():
        top, nearest = 1 / _chebyshev(degree, CENTRE / HALF), Fraction(10**9)
        for trial in range(1000):
            gains = [Fraction(draw.randint(1, 400 if trial % 2 else 150), 50) for _ in range(degree)]
            sizes = []
            for value in at:
                size = Fraction(1)
                for gain in gains:
                    size *= abs(1 - gain * (CENTRE - HALF * value))
                sizes.append(size)
            assert max(sizes) >= top
            nearest = min(nearest, max(sizes) / top)
        # False variant: a bound larger by a half is beaten by some of them.
        assert nearest < Fraction(3, 2)


def check_a_higher_degree_is_not_reached():
    """False variant: 1/T_{T+1} is no bound for T steps; and a spectrum of T points is annihilated by T steps."""
    for degree in range(1, 9):
        assert 1 / _chebyshev(degree + 1, CENTRE / HALF) < 1 / _chebyshev(degree, CENTRE / HALF)
    # Why the statement is about intervals: eigenvalues 1/2 and 5/2 alone need two steps.
    assert _product([2, sp.Rational(2, 5)]).subs(lam, sp.Rational(1, 2)) == 0
    assert _product([2, sp.Rational(2, 5)]).subs(lam, sp.Rational(5, 2)) == 0


def check_logarithm_is_concave():
    r"""$\partial_\lambda^2\log|1-\gamma\lambda|=-\gamma^2/(1-\gamma\lambda)^2\le0$ on both sides of the zero."""
    gain = sp.symbols("gamma", real=True)
    for side in (1 - gain * lam, gain * lam - 1):
        second = sp.diff(sp.log(side), lam, 2)
        assert sp.simplify(second + gain**2 / (1 - gain * lam) ** 2) == 0
