r"""Capacity bounds of unfolded networks: the algebra of every step, exactly, and false variants refuted.

The statements are in ``unfold_theory/generalization``: the docstrings hold the proofs, this file their algebra.
"""

import itertools
from fractions import Fraction

import sympy as sp


def check_one_scale_moves_both_risks():
    # |R(h) - R(g)| <= c eps and |R^(h) - R^(g)| <= c eps: R(h) - R^(h) <= R(g) - R^(g) + 2 c eps, and 2 is needed.
    losses_h, losses_g = (Fraction(0), Fraction(1)), (Fraction(1, 10), Fraction(9, 10))
    c_eps = max(abs(a - b) for a, b in zip(losses_h, losses_g, strict=True))
    gap_h, gap_g = losses_h[1] - losses_h[0], losses_g[1] - losses_g[0]  # risk on one point, training risk on the other
    assert gap_h == gap_g + 2 * c_eps
    assert not gap_h <= gap_g + c_eps


def check_union_bound_and_hoeffding_exponents():
    n, delta, ln_n = sp.symbols("N delta lnN", positive=True)
    t = sp.sqrt((ln_n + sp.log(1 / delta)) / (2 * n))
    # M exp(-2 N t^2) = delta
    assert sp.simplify(sp.expand_log(sp.log(sp.exp(ln_n) * sp.exp(-2 * n * t**2)), force=True) - sp.log(delta)) == 0
    wrong = sp.sqrt((ln_n + sp.log(1 / delta)) / (4 * n))
    assert sp.simplify(sp.expand_log(ln_n - 2 * n * wrong**2 - sp.log(delta), force=True)) != 0


def check_chaining_constant_of_dudley():
    # Tree chaining: links of length e_{j-1} = 2 e_j, at most N(e_j) of them: E max <= 2 e_j sqrt(2 ln N(e_j)), and
    # e_j = 2 (e_j - e_{j+1}), so that the sum is at most 4 sqrt 2 times the integral from 0 to Delta / 2.
    e = sp.symbols("e", positive=True)
    assert sp.simplify(2 * e * sp.sqrt(2) - 4 * sp.sqrt(2) * (e - e / 2)) == 0
    # Normalised: (1/N) 4 sqrt2 int_0^{sqrt N / 4} sqrt(ln N(u / sqrt N)) du = (4 sqrt 2 / sqrt N) int_0^{1/4}, twice.
    n = sp.symbols("N", positive=True)
    assert sp.simplify(2 * 4 * sp.sqrt(2) / n * sp.sqrt(n) - 8 * sp.sqrt(2) / sp.sqrt(n)) == 0


def check_entropy_integrand_is_convex():
    u, b, p, c = sp.symbols("u b P c", positive=True)
    ell = sp.Function("ell")(u)  # ln(1 + b/u)
    slope_of_log = -b / (u * (u + b))
    assert sp.simplify(sp.diff(sp.log(1 + b / u), u) - slope_of_log) == 0
    first, second = p * slope_of_log, p * sp.diff(slope_of_log, u)
    excess = 2 * (p * ell + c) * second - first**2
    # It rises with the logarithm: put its lower bound 2x/(2+x), x = b/u, in its place.
    low = sp.together(excess.subs(ell, 2 * b / (2 * u + b)))
    for part in sp.fraction(sp.cancel(low)):
        assert all(k > 0 for k in sp.Poly(sp.expand(part), u, b, p, c).coeffs())
    # With half of that bound the conclusion would not follow where c = 0.
    assert sp.cancel(sp.together(excess.subs(ell, b / (4 * (2 * u + b))).subs(c, 0))).subs({u: 1, b: 1, p: 1}) < 0
    # ln(1+x) >= 2x/(2+x): equal at 0, derivative x^2 / ((1+x)(2+x)^2).
    x = sp.symbols("x", positive=True)
    slope = sp.diff(sp.log(1 + x) - 2 * x / (2 + x), x)
    assert sp.simplify(slope - x**2 / ((1 + x) * (2 + x) ** 2)) == 0


def check_gradient_difference_of_two_dictionaries():
    # g_Phi(z) - g_Psi(z) with free 2 x 2 entries (orthogonality is not used by the identity).
    a = sp.Matrix(2, 2, sp.symbols("a:4"))
    phi, psi = sp.Matrix(2, 2, sp.symbols("p:4")), sp.Matrix(2, 2, sp.symbols("q:4"))
    z, y = sp.Matrix(sp.symbols("z:2")), sp.Matrix(sp.symbols("y:2"))

    def gradient(d):
        return d.T * a.T * (a * d * z - y)

    split = (phi - psi).T * a.T * (a * psi * z - y) + phi.T * a.T * a * (phi - psi) * z
    assert sp.expand(gradient(phi) - gradient(psi) - split) == sp.zeros(2, 1)
    false = (phi - psi).T * a.T * (a * psi * z - y)
    assert sp.expand(gradient(phi) - gradient(psi) - false) != sp.zeros(2, 1)


def check_recursion_of_the_dictionary_sums_up():
    # Delta_{l+1} <= Delta_l + t (B + A Z_l) D, the output adds Z_L D; the uniform form is larger.
    t, b, a, w = sp.symbols("t b a w", positive=True)
    for depth in (1, 4, 7):
        states = [j * t * b for j in range(depth + 1)]  # before the Lasso's bound is active
        delta = sum(t * (b + a * states[j]) for j in range(depth)) + states[depth]
        uniform = states[depth] + depth * t * (b + a * states[depth])
        assert sp.expand(uniform - delta - t * a * t * b * sp.Rational(depth * (depth + 1), 2)) == 0
    # F(0) = B^2/2 bounds lambda ||z||_1.
    assert sp.solve(sp.Eq(w * sp.Symbol("r"), b**2 / 2), sp.Symbol("r")) == [b**2 / (2 * w)]


def check_ista_decreases_its_objective():
    # Majorisation at t ||B||^2 <= 1 in one dimension with the sign pattern fixed: F(z) - F(z+) >= 0 symbolically.
    z, y, lam, q = sp.symbols("z y lam q", real=True)  # q = b^2 t <= 1
    # b = 1, t = q: z+ = z - q (z - y) - q lam, both positive.
    new = z - q * (z - y) - q * lam

    def objective(v):
        return (v - y) ** 2 / 2 + lam * v

    drop = sp.factor(objective(z) - objective(new))
    assert sp.simplify(drop - q * (2 - q) / 2 * (z - y + lam) ** 2) == 0
    # Beyond 2 it increases: the hypothesis on the step is needed.
    assert sp.Lt(drop.subs({q: 3, z: 1, y: 0, lam: 0}), 0) == True  # noqa: E712


def check_dimension_of_the_orthogonal_group_is_half_that_of_matrices():
    n, eta = sp.symbols("n eta", positive=True)
    half, full = n * (n - 1) / 2 * sp.log(1 + 2 * sp.pi / eta), n**2 * sp.log(1 + 2 / eta)
    assert sp.limit((half / full).subs(n, 10**6), eta, 0) < sp.Rational(1, 2)
    # In the plane, by arcs: O(2) needs 2 ceil(pi / (2 asin(eta/2))) points; one copy of SO(2) would not do.
    for value in (sp.Rational(1, 10), sp.Rational(1, 2), sp.Integer(1)):
        least = 2 * sp.ceiling(sp.pi / (2 * sp.asin(value / 2)))
        assert sp.N(least) <= sp.N(2 * (1 + 2 * sp.pi / value))
        assert sp.N(least) > sp.N(sp.pi / (2 * sp.asin(value / 2)))


def check_exponential_of_skew_matrices_is_nonexpansive_in_the_plane():
    # ||exp(sJ) - exp(tJ)|| = 2 |sin((s - t)/2)| <= |s - t|.
    s, t = sp.symbols("s t", real=True)

    def turn(a):
        return sp.Matrix([[sp.cos(a), -sp.sin(a)], [sp.sin(a), sp.cos(a)]])

    difference = turn(s) - turn(t)
    square = sp.simplify(difference.T * difference)
    assert sp.simplify(square - 4 * sp.sin((s - t) / 2) ** 2 * sp.eye(2)) == sp.zeros(2, 2)


def check_scalar_network_recursion_and_its_grid():
    # In dimension one with w = a = 1 all is exact: x+ = x - g (x - y): dx+/dg = y - x.
    x, y, g = sp.symbols("x y g", real=True)
    assert sp.diff(x - g * (x - y), g) == y - x
    # Grid of radius r on an interval of length s: ceil(s / 2r) <= s/2r + 1 points, for many rationals.
    for s, r in itertools.product((Fraction(1), Fraction(2)), (Fraction(1, 7), Fraction(2, 5), Fraction(3))):
        points = -((-s) // (2 * r))
        assert points <= s / (2 * r) + 1
        assert points * 2 * r >= s
        assert not (points - 1) * 2 * r >= s  # one point fewer does not cover
    # Shares eps/(2L) over 2L numbers add up to eps.
    depth, eps = sp.symbols("L epsilon", positive=True)
    assert sp.simplify(2 * depth * (eps / (2 * depth)) - eps) == 0


def check_expansion_of_a_layer_is_convex_in_its_gain():
    # ||I - g M|| with M = diag(m1, m2): a maximum of |1 - g m|, convex: on [0, 2] at an end.
    g = sp.symbols("g", real=True)
    for m in (sp.Rational(1, 2), sp.Integer(1), sp.Rational(5, 2), sp.Integer(-1)):
        ends = max(abs(1 - 0 * m), abs(1 - 2 * m))
        assert all(abs(1 - v * m) <= ends for v in (sp.Rational(k, 10) for k in range(21)))
        assert sp.diff(1 - g * m, g, 2) == 0
