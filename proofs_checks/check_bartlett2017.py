r"""Bartlett, Foster, Telgarsky 2017: how their covering composes over unfolded layers, and what chaining gives."""

import random
from fractions import Fraction

import sympy as sp


def check_layers_compose_with_an_injected_input():
    r"""$(M_2+D_2)x+(M_1+D_1)y-(M_2+\hat D_2)\hat x-(M_1+\hat D_1)y=(M_2+D_2)(x-\hat x)+(D-\hat D)(\hat x,y)$: the
    member's own $W_2$ multiplies the error, and the cover of $D$ is applied to the cover of x.
    """
    draw = random.Random(1)

    def matrix(rows, columns):
        return sp.Matrix(rows, columns, lambda *_: sp.Rational(draw.randint(-9, 9), 4))

    for _ in range(5):
        m1, m2, d1, d2, e1, e2 = (matrix(2, c) for c in (3, 2, 3, 2, 3, 2))
        x, other, y = matrix(2, 1), matrix(2, 1), matrix(3, 1)
        whole = (m2 + d2) * x + (m1 + d1) * y - (m2 + e2) * other - (m1 + e1) * y
        assert whole == (m2 + d2) * (x - other) + (d2 - e2) * other + (d1 - e1) * y
        assert whole != (m2 + e2) * (x - other) + (d2 - e2) * other + (d1 - e1) * y


def check_the_chain_of_dudleys_integral():
    r"""$\int_\alpha^{\sqrt N}(q\sqrt N/u+r)du=q\sqrt N\ln(\sqrt N/\alpha)+r(\sqrt N-\alpha)$, best at $\alpha=3q$."""
    u, q, r, n, alpha = sp.symbols("u q r N alpha", positive=True)
    integral = sp.integrate(q * sp.sqrt(n) / u + r, (u, alpha, sp.sqrt(n)))
    assert sp.simplify(integral - q * sp.sqrt(n) * sp.log(sp.sqrt(n) / alpha) - r * (sp.sqrt(n) - alpha)) == 0
    whole = 4 * alpha / sp.sqrt(n) + 12 / n * integral.subs(r, 0)
    assert sp.solve(sp.diff(whole, alpha), alpha) == [3 * q]
    assert sp.diff(whole, alpha, 2).subs(alpha, 3 * q).subs({q: 1, n: 100}) > 0
    # Ended at 1 it is the form (4 + 3 Q ln N) / sqrt N for the half-Lipschitz loss, q = Q / 2.
    quoted = (4 + 3 * (2 * q) * sp.log(n)) / sp.sqrt(n)
    assert sp.simplify(sp.expand_log(whole.subs(alpha, 1) - quoted, force=True)) == 0


def check_roots_of_sums():
    r"""$\sqrt{N q^2/u^2+r^2}\le\sqrt N q/u+r$: the ceilings add r to the root."""
    first, second = sp.symbols("a b", positive=True)
    assert sp.expand((first + second) ** 2 - first**2 - second**2) == 2 * first * second


def check_shares_of_the_spectral_covering():
    # min sum c_l^2/e_l^2 with sum a_l e_l = eps is (sum (c_l a_l)^(2/3))^3 / eps^2, at e_l ~ (c_l^2/a_l)^(1/3).
    c1, c2, a1, a2, eps = sp.symbols("c1 c2 a1 a2 epsilon", positive=True)
    third = sp.Rational(1, 3)
    shape = [(c**2 / a) ** third for c, a in ((c1, a1), (c2, a2))]
    scale = eps / (a1 * shape[0] + a2 * shape[1])
    value = sum(c**2 / (scale * s) ** 2 for c, s in zip((c1, c2), shape, strict=True))
    target = ((c1 * a1) ** (2 * third) + (c2 * a2) ** (2 * third)) ** 3 / eps**2
    numbers = {c1: 2, c2: 3, a1: 5, a2: 7, eps: 1}
    assert abs(sp.N((value - target).subs(numbers), 40)) < 1e-30
    equal = sum(c**2 / (eps / (2 * a)) ** 2 for c, a in ((c1, a1), (c2, a2)))
    assert sp.N((equal - target).subs(numbers)) > 0


def check_the_ceiling_costs_one_and_not_nothing():
    for numerator in range(1, 60):
        x = Fraction(numerator, 7)
        ceiling = -((-x.numerator) // x.denominator)
        assert ceiling <= x + 1
        assert x <= 1 or ceiling <= 2 * x
    assert not -((-Fraction(3, 2).numerator) // 2) <= Fraction(3, 2)


def check_clipped_states_give_three_halves_and_free_states_five_halves_in_depth():
    depth = sp.symbols("L", positive=True)
    clipped = (depth * sp.Integer(1) ** sp.Rational(2, 3)) ** sp.Rational(3, 2)
    assert sp.simplify(clipped - depth ** sp.Rational(3, 2)) == 0
    # beta_l ~ l: (sum l^(2/3))^(3/2) ~ (3/5 L^(5/3))^(3/2) = (3/5)^(3/2) L^(5/2).
    x = sp.symbols("x", positive=True)
    integral = sp.integrate(x ** sp.Rational(2, 3), (x, 0, depth))
    free = sp.simplify(integral ** sp.Rational(3, 2))
    assert sp.simplify(free / depth ** sp.Rational(5, 2)) == sp.Rational(3, 5) ** sp.Rational(3, 2)
