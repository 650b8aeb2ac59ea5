r"""Grimmer 2024: long patterns decrease every small gap, in exact arithmetic, and what repetition makes of it.

With L = D = 1: for convex 1-smooth f, $\|x_0-x^*\|\le1$, $\delta=f(x_0)-f^*$ and multipliers as in
``rates/worst_case/straightforward.py``,
$T\delta^2\|x_0\|^2+(1-2T\delta)\delta-(f_p-f^*)+\sum\lambda e=\langle S(\delta),G\rangle$ with every $e\le0$. In
$(\delta x_0,g_0,\dots,g_p)$ the matrix S is affine in $\delta$ and so are the multipliers: what holds at 0 and at
$\Delta$ holds between. The left side is then at most $\delta-T\delta^2-(f_p-f^*)$.
"""

from dataclasses import replace
from fractions import Fraction

import sympy as sp

from unfold_theory.errors import InputError
from unfold_theory.rates.worst_case.schedules import LONG_STEPS
from unfold_theory.rates.worst_case.straightforward import prove_straightforward


def check_patterns_are_straightforward():
    r"""The three patterns, for all $\delta\le\Delta$: rational multipliers, two exact decompositions each."""
    for pattern, delta in LONG_STEPS.items():
        proof = prove_straightforward(pattern, delta)
        assert proof.refusal() is None
        assert proof.steps == tuple(Fraction(h) for h in pattern)
        assert proof.delta == Fraction(delta)


def check_the_certificate_again_with_sympy():
    r"""The identity for (2.9, 1.5) built a second time, from the definitions, with $\delta$ as a symbol."""
    proof = prove_straightforward((2.9, 1.5), 2.0**-7)
    d = sp.Symbol("d", positive=True)
    h = [sp.Rational(v.numerator, v.denominator) for v in proof.steps]

    def number(v):
        return sp.Rational(v.numerator, v.denominator)

    x0, f = sp.Symbol("x0"), sp.symbols("f0:3")
    g = sp.symbols("g0:3")  # one dimension is enough for the coefficients of a quadratic form
    x = [x0, x0 - h[0] * g[0], x0 - h[0] * g[0] - h[1] * g[1]]
    T = sum(h)
    total = T * d**2 * x0**2 + (1 - 2 * T * d) * f[0] - f[2]
    for i, j in proof.near:
        weight = number(proof.near[i, j]) + d / number(proof.delta) * (
            number(proof.far[i, j]) - number(proof.near[i, j])
        )
        total += weight * (f[j] - f[i] + g[j] * (x[i] - x[j]) + (g[i] - g[j]) ** 2 / 2)
    for j, m in enumerate(proof.star):
        total += d * number(m) * (f[j] - g[j] * x[j] + g[j] ** 2 / 2)
    total = sp.expand(total)
    assert all(total.coeff(v) == 0 for v in f)
    y = sp.Symbol("y")
    variables = (y, *g)
    matrix = sp.hessian(sp.expand(total.subs(x0, y / d)), variables) / 2
    assert all(sp.Poly(entry, d).degree() <= 1 for entry in matrix)
    for value in (sp.Integer(0), number(proof.delta)):
        # A symmetric matrix is positive semidefinite iff the signs of its characteristic polynomial alternate.
        coefficients = matrix.subs(d, value).charpoly().all_coeffs()
        assert all((-1) ** k * c >= 0 for k, c in enumerate(coefficients))
    assert (matrix.subs(d, 0) * sp.ones(4, 1)).applyfunc(sp.simplify) == sp.zeros(4, 1)


def check_the_rate_of_repetition():
    r"""$\delta'\le\delta-c\delta^2$ gives $1/\delta'\ge1/\delta+c$, hence $\delta_j\le\delta_0/(1+jc\delta_0)$."""
    delta, c, j, first = sp.symbols("delta c j delta0", positive=True)
    # (delta - c delta^2)(1 + c delta) = delta - c^2 delta^3 <= delta.
    assert sp.expand((delta - c * delta**2) * (1 + c * delta) - delta + c**2 * delta**3) == 0
    before = first / (1 + j * c * first)
    assert sp.simplify(before / (1 + c * before) - first / (1 + (j + 1) * c * first)) == 0


def check_scaling():
    r"""From L = D = 1 to any: $\delta/(LD^2)$ decreases by T times its square."""
    delta, T, L, D = sp.symbols("delta T L D", positive=True)
    unit = delta / (L * D**2)
    assert sp.simplify((unit - T * unit**2) * L * D**2 - (delta - T * delta**2 / (L * D**2))) == 0


def check_huber_attains_it_to_second_order():
    r"""Slope $\eta$: the gap is $\delta=\eta-\eta^2/2$ and loses $T\eta^2$, $T\delta^2$ up to $T\eta^3$."""
    eta, T = sp.symbols("eta T", positive=True)
    delta = eta - eta**2 / 2
    assert sp.expand(T * eta**2 - T * delta**2 - (T * eta**3 - T * eta**4 / 4)) == 0


def check_false_variants():
    """Other numbers prove nothing; longer patterns are not straightforward; Huber refutes more than the sum."""
    proof = prove_straightforward((2.9, 1.5), 2.0**-7)
    pair = next(iter(proof.near))
    corrupted = [
        replace(proof, near=proof.near | {pair: proof.near[pair] + Fraction(1, 10**9)}),
        replace(proof, far=proof.far | {pair: -proof.far[pair]}),
        replace(proof, star=(proof.star[0] + 1, *proof.star[1:])),
        replace(proof, steps=(Fraction(3), Fraction(3, 2))),
        replace(proof, delta=2 * proof.delta),
    ]
    assert all(wrong.refusal() for wrong in corrupted)
    for pattern in ((3.1, 1.5), (1.5, 5.1, 1.5), (2.0, 2.0)):
        try:
            prove_straightforward(pattern, 1e-4)
        except InputError:
            continue
        raise AssertionError(pattern)
    eta, T = sp.Rational(1, 1000), sp.Rational(44, 10)
    delta = eta - eta**2 / 2
    assert delta - T * eta**2 > delta - sp.Rational(101, 100) * T * delta**2
