r"""Giselsson and Boyd 2017, for least squares: the reflection, ADMM as Douglas-Rachford, changes of penalty."""

import random

import sympy as sp

rho, mu, L, a, delta = sp.symbols("rho mu L a delta", positive=True)


def shrink(v, theta):
    return sp.sign(v) * max(abs(v) - theta, 0)


def check_reflection_of_a_quadratic():
    r"""$R_{f/\rho}=2\rho(A^TA+\rho)^{-1}-I$ has eigenvalues $(\rho-g)/(\rho+g)$, falling in g: ends at $\mu$ and L."""
    g = sp.symbols("g", nonnegative=True)
    eigenvalue = 2 * rho / (rho + g) - 1
    assert sp.simplify(eigenvalue - (rho - g) / (rho + g)) == 0
    assert sp.simplify(sp.diff(eigenvalue, g) + 2 * rho / (rho + g) ** 2) == 0
    # Without curvature the factor is 1: no contraction.
    assert eigenvalue.subs(g, 0) == 1


def check_best_penalty():
    r"""At $\rho=\sqrt{\mu L}$ both ends agree, $\delta=(\sqrt\kappa-1)/(\sqrt\kappa+1)$; elsewhere the larger grows."""
    first, second = (L - rho) / (L + rho), (rho - mu) / (rho + mu)
    best = sp.sqrt(mu * L)
    kappa = L / mu
    for end in (first, second):
        difference = end.subs(rho, best) - (sp.sqrt(kappa) - 1) / (sp.sqrt(kappa) + 1)
        assert sp.simplify(difference.subs({mu: 4, L: 25})) == 0
        assert sp.simplify(difference.subs({mu: sp.Rational(1, 9), L: 3})) == 0
    assert sp.simplify(sp.diff(first, rho) + 2 * L / (L + rho) ** 2) == 0  # falls in rho
    assert sp.simplify(sp.diff(second, rho) - 2 * mu / (rho + mu) ** 2) == 0  # rises in rho


def check_admm_is_douglas_rachford():
    r"""$v^+=(1-\frac\alpha2)v+\frac\alpha2R_fR_gv$ for $v=z+w/\rho$: exact rationals, soft thresholds included.

    With relaxation $\alpha$ in the place of $\alpha/2$ (the paper's letter read as ADMM's) it is false.
    """
    draw = random.Random(2)
    for _ in range(12):
        A = sp.Matrix(3, 2, lambda *_: sp.Rational(draw.randint(-9, 9), 4))
        y = sp.Matrix([draw.randint(-9, 9) for _ in range(3)])
        penalty, alpha, lam = sp.Rational(draw.randint(1, 9), 4), sp.Rational(draw.randint(1, 7), 4), sp.Rational(1, 2)
        inverse = sp.Matrix((A.T * A + penalty * sp.eye(2)).inv())
        v = sp.Matrix([sp.Rational(draw.randint(-20, 20), 5) for _ in range(2)])
        z = v.applyfunc(lambda entry, theta=lam / penalty: shrink(entry, theta))
        w = penalty * (v - z)
        x = sp.Matrix(inverse * (A.T * y + penalty * z - w))
        following = alpha * x + (1 - alpha) * z + w / penalty
        reflected = 2 * z - v
        twice = 2 * sp.Matrix(inverse * (A.T * y + penalty * reflected)) - reflected
        assert following == (1 - alpha / 2) * v + alpha / 2 * twice
        assert following != (1 - alpha) * v + alpha * twice or twice == v


def check_relaxed_contraction():
    r"""$\|(1-a)e+aN e\|\le(|1-a|+a\delta)\|e\|$; attained by $f=\frac\mu2x^2$, g = 0; $\delta$ alone is false."""
    # g = 0: v+ = ((1 - a) + a (rho - mu)/(rho + mu)) v.
    factor = (1 - a) + a * (rho - mu) / (rho + mu)
    assert sp.simplify(factor.subs(a, sp.Rational(1, 2)) - rho / (rho + mu)) == 0
    assert sp.simplify(rho / (rho + mu) - (rho - mu) / (rho + mu) - mu / (rho + mu)) == 0  # 1/2 + delta/2 > delta


def check_change_of_penalty():
    r"""$\|dz+\tau'dw\|\le\max(1,\tau'/\tau)\|dz+\tau dw\|$ where $dz^Tdw\ge0$ ($\tau=1/\rho$, w a subgradient)."""
    z2, w2, zw, tau, grown = sp.symbols("z2 w2 zw tau g", nonnegative=True)  # |dz|^2, |dw|^2, dz.dw; tau' = tau + g
    square = z2 + 2 * tau * zw + tau**2 * w2
    larger = square.subs(tau, tau + grown)
    ratio = (tau + grown) / tau
    # tau' >= tau: the ratio's square times the old one is larger, term by term.
    spare = sp.expand(ratio**2 * square - larger)
    assert sp.simplify(spare - (ratio**2 - 1) * z2 - 2 * zw * (tau + grown) * (ratio - 1)) == 0
    # tau' <= tau: the square falls with tau, as its derivative has no negative term.
    assert sp.expand(sp.diff(square, tau) - 2 * zw - 2 * tau * w2) == 0
    # Without monotonicity it is false: dz = 1, dw = -1, tau = 1, tau' = 1/2.
    assert (1 - sp.Rational(1, 2)) ** 2 > (1 - 1) ** 2


def check_sum_of_residuals():
    r"""$\|Tv-v^\star\|^2=(1-a)\|e\|^2+a\|Ne\|^2-a(1-a)\|e-Ne\|^2$: with $\|Ne\|\le\|e\|$, $v-Tv=a(e-Ne)$,
    $\frac{1-a}a\sum_k\|v^k-v^{k+1}\|^2\le\|v^0-v^\star\|^2$; residuals do not grow, hence $\frac a{(1-a)k}$.
    """
    e, reflected = sp.symbols("e N", real=True)
    moved = (1 - a) * e + a * reflected
    assert sp.expand(moved**2 - ((1 - a) * e**2 + a * reflected**2 - a * (1 - a) * (e - reflected) ** 2)) == 0
    assert sp.simplify(a * (1 - a) * (e - reflected) ** 2 - (1 - a) / a * (e - moved) ** 2) == 0
    # In ADMM's relaxation: a / (1 - a) = alpha / (2 - alpha).
    alpha = sp.symbols("alpha", positive=True)
    assert sp.simplify((a / (1 - a)).subs(a, alpha / 2) - alpha / (2 - alpha)) == 0
