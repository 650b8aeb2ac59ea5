r"""Behboodi, Rauhut, Schnoor 2022: from Dudley's integral to a bound in which depth is inside a logarithm."""

import mpmath
import sympy as sp

a, b, n, big_n, k = sp.symbols("a b n N K", positive=True)


def check_the_integral_of_the_logarithm():
    r"""$\int_0^a\ln(1+b/u)du=a\ln(1+b/a)+b\ln(1+a/b)\le a\ln(e(1+b/a))$, as $\ln(1+x)\le x$."""
    u = sp.symbols("u", positive=True)
    antiderivative = u * sp.log(1 + b / u) + b * sp.log(u + b)
    assert sp.simplify(sp.diff(antiderivative, u) - sp.log(1 + b / u)) == 0
    assert sp.limit(u * sp.log(1 + b / u), u, 0) == 0
    whole = antiderivative.subs(u, a) - b * sp.log(b)
    excess = a * (1 + sp.log(1 + b / a)) - whole
    # a - b ln(1 + a/b) >= 0: zero at a = 0, with derivative a/(a+b).
    assert sp.simplify(sp.diff(excess - (a - b * sp.log((a + b) / b)), a)) == 0
    assert sp.simplify(sp.diff(a - b * sp.log((a + b) / b), a) - a / (a + b)) == 0
    # Without the factor e it is false.
    assert (whole - a * sp.log(1 + b / a)).subs({a: 1, b: 1}).evalf() > 0


def check_cauchy_schwarz_for_the_root():
    r"""$\int_0^a\sqrt f\le\sqrt{a\int_0^af}$: the square root is concave. In numbers, at several ratios."""
    with mpmath.workdps(25):
        for ratio in (0.1, 1, 100, 1e5):
            root = mpmath.quad(lambda u, r=ratio: mpmath.sqrt(mpmath.log(1 + r / u)), [0, 1e-6, 1e-3, 0.05, 0.25])
            bound = mpmath.sqrt(mpmath.log(mpmath.e * (1 + 4 * ratio))) / 4
            assert root <= bound
            assert root > bound * 0.6  # and not far from it


def check_the_constants_of_the_bound():
    r"""$\frac{8\sqrt2}{\sqrt N}\cdot\frac14\cdot\frac n{\sqrt2}=\frac{2n}{\sqrt N}$ with $n(n-1)/2\le n^2/2$."""
    prefactor = 8 * sp.sqrt(2) / sp.sqrt(big_n) / 4
    assert sp.simplify(prefactor * n / sp.sqrt(2) - 2 * n / sp.sqrt(big_n)) == 0
    assert sp.simplify(prefactor * sp.sqrt(sp.log(2)) - 2 * sp.sqrt(2 * sp.log(2) / big_n)) == 0
    assert sp.simplify(n**2 / 2 - n * (n - 1) / 2 - n / 2) == 0
    # A covering of all matrices has the exponent n^2: sqrt 2 times as much.
    assert sp.simplify(prefactor * n - sp.sqrt(2) * 2 * n / sp.sqrt(big_n)) == 0


def check_depth_is_inside_the_logarithm():
    r"""$K_L\le L^2+2L$ for $B_y=\|A\|\tau\|A\|$ units: doubling the depth adds at most $2\ln2$ inside the root."""
    depth = sp.symbols("L", positive=True)
    growth = sp.limit(
        sp.log(1 + 4 * sp.pi * ((2 * depth) ** 2 + 4 * depth)) - sp.log(1 + 4 * sp.pi * (depth**2 + 2 * depth)),
        depth,
        sp.oo,
    )
    assert sp.simplify(growth - 2 * sp.log(2)) == 0
    # A sensitivity C^L would add L ln C instead: a root of depth.
    assert sp.limit(sp.log(1 + 3 ** (2 * depth)) - sp.log(1 + 3**depth), depth, sp.oo) == sp.oo
