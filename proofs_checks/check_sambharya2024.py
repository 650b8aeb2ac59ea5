r"""The sample convergence bound exactly, and an audit of how such bounds are evaluated in released code.

Audited: an inverse of kl from a conic solver (up to 1e-5 below the exact one), bounds for many tolerances and steps at
one $\delta$, a learned prior variance whose union term is set to zero, and a weight normalised by rows.
"""

from fractions import Fraction
from itertools import product
from math import comb, exp, log

import sympy as sp

from unfold_theory.generalization import kl_upper


def law(k: int, n: int, p: Fraction) -> Fraction:
    return comb(n, k) * p**k * (1 - p) ** (n - k)


def failure(n: int, p: Fraction, level: float) -> Fraction:
    r"""$P(\mathrm{kl}^{-1}(k/N|c)<p)$, exactly over k."""
    bounds = [float(kl_upper(k / n, level)) for k in range(n + 1)]
    return sum((law(k, n, p) for k in range(n + 1) if bounds[k] < float(p)), Fraction(0))


def check_sample_convergence_bound():
    r"""It fails with at most $\delta/2$ at $\ln(2/\delta)/N$, and with at most $\delta$ at $\ln(1/\delta)/N$."""
    largest = Fraction(0)
    for n, p, d in product(
        (5, 20, 60), (Fraction(1, 50), Fraction(1, 5), Fraction(1, 2), Fraction(9, 10)), (2, 10, 100)
    ):
        delta = Fraction(1, d)
        assert failure(n, p, log(2 * d) / n) <= delta / 2
        assert failure(n, p, log(d) / n) <= delta
        largest = max(largest, failure(n, p, log(d) / n) / delta)
    # Not far from attained; false variant: a quarter of the level.
    assert largest > Fraction(1, 3)
    assert any(failure(n, p, log(10) / n / 4) > Fraction(1, 10) for n, p in product((20, 60), (Fraction(1, 5),)))


def check_an_inverse_that_is_optimistic_fails():
    r"""At $\hat R=0$ the inverse is $1-\delta^{1/N}$, which fails with exactly $\delta$; 1e-5 below it fails with more.

    $P(\hat R=0)=(1-R)^N$: for R just above $1-\delta^{1/N}-10^{-5}$ it exceeds $\delta$ by the factor
    $(1+10^{-5}\delta^{-1/N})^N\approx e^{N10^{-5}}$, 2.7 at N = 100,000.
    """
    N, delta = sp.symbols("N delta", positive=True)
    exact = 1 - delta ** (1 / N)
    assert sp.simplify((1 - exact) ** N - delta) == 0
    for n in (10_000, 50_000, 100_000):
        found = float(kl_upper(0.0, log(1e5) / n))
        assert abs(found - (1 - 1e-5 ** (1 / n))) < 1e-12
        ratio = (1 + 1e-5 * 1e-5 ** (-1 / n)) ** n
        assert ratio > exp(n * 1e-5) * (1 - 1e-9)
    assert ratio > 2.7


def check_tolerances_need_a_union():
    """Losses above 1/5 of all and above 1/2: each of two bounds keeps its delta, both together do not."""
    n, low, high = 30, Fraction(1, 5), Fraction(1, 2)
    delta = Fraction(1, 4)
    at_most = log(float(1 / delta)) / n
    limit = [float(kl_upper(k / n, at_most)) for k in range(n + 1)]
    either = single_low = single_high = Fraction(0)
    for a in range(n + 1):
        for b in range(n + 1 - a):
            # a losses above the larger tolerance, b between both: risks 1/5 and 1/2.
            mass = comb(n, a) * comb(n - a, b) * low**a * (high - low) ** b * (1 - high) ** (n - a - b)
            fails = limit[a] < float(low), limit[a + b] < float(high)
            single_low += mass * fails[0]
            single_high += mass * fails[1]
            either += mass * (fails[0] or fails[1])
    assert max(single_low, single_high) <= delta
    assert either > max(single_low, single_high) * Fraction(13, 10)
    # With delta/2 each, as a union asks for, both hold together.
    assert single_low + single_high >= either


def check_prior_grid_needs_its_union():
    r"""Variances $ce^{-j/b}$ with masses $\frac6{\pi^2j^2}$ sum to 1; without their logarithm each has mass 1."""
    j = sp.symbols("j", integer=True, positive=True)
    assert sp.summation(6 / (sp.pi**2 * j**2), (j, 1, sp.oo)) == 1
    # b = 100, c = 100 at a variance of 1: j = 461, and the term left out is worth 12.8 nats a group of weights.
    left_out = float(sp.log(sp.pi**2 * 461**2 / 6))
    assert 12 < left_out < 13
    # In the penalty, N = 50,000 and two groups, it is small, but it is what makes the statement true.
    assert 2 * left_out / 50_000 > 5e-4


def check_rows_are_not_columns():
    r"""$W_{i,:}D_{i,:}^T=1$ for every row is another constraint than $W_{:,j}^TD_{:,j}=1$ for every column."""
    D = sp.Matrix([[sp.Rational(3, 5), 0, 1], [sp.Rational(4, 5), 1, 0]])
    assert all(D.col(j).dot(D.col(j)) == 1 for j in range(3))
    rows = sp.Matrix.vstack(*[sp.Matrix(D.row(i) / D.row(i).dot(D.row(i))) for i in range(2)])
    assert all(rows.row(i).dot(D.row(i)) == 1 for i in range(2))
    diagonal = [rows.col(j).dot(D.col(j)) for j in range(3)]
    assert all(value != 1 for value in diagonal)
    # The m row constraints fix the trace of W^T D to m, the n column constraints to n > m.
    assert sum(diagonal) == 2 == D.rows < D.cols
