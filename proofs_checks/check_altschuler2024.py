r"""Altschuler and Parrilo 2024: the schedule symbolically, and exact certificates for its first five lengths.

The theorem for all $N=2^j-1$ is cited, not proved here. What is proved: for the float steps and N = 1, 3, 7, 15, 31 the
interpolation inequalities of all pairs, with rational multipliers, give $f(x_N)-f^*\le(1+10^{-9})LR^2/(4\rho^j-2)$.
"""

from fractions import Fraction

import sympy as sp

from unfold_theory.certificate.rationals import fraction
from unfold_theory.claims.altschuler2024 import CERTIFIED_LENGTHS, SLACK
from unfold_theory.methods import GradientDescent
from unfold_theory.rates.worst_case import smooth_convex
from unfold_theory.rates.worst_case.certify import certify
from unfold_theory.rates.worst_case.schedules import silver_enclosure, silver_steps, valuation

RHO = 1 + sp.sqrt(2)


def step(i):
    """The i-th silver step, exactly."""
    return 1 + RHO ** (valuation(i) - 1)


def check_sum_of_the_steps():
    r"""$\sum_{i<2^j}(1+\rho^{\nu(i)-1})=\rho^j-1$: doubling adds a step, $2(\rho^j-1)+1+\rho^{j-1}=\rho^{j+1}-1$."""
    j = sp.Symbol("j", integer=True, positive=True)
    gap = (2 * (RHO**j - 1) + 1 + RHO ** (j - 1)) - (RHO ** (j + 1) - 1)
    assert sp.simplify(sp.expand(gap / RHO ** (j - 1))) == 0
    for length in (1, 3, 7, 15, 31):
        total = sum(step(i) for i in range(1, length + 1))
        assert sp.simplify(total - RHO ** ((length + 1).bit_length() - 1) + 1) == 0


def check_the_schedule_doubles():
    """A schedule of twice the length is the schedule, one long step, and the schedule again."""
    for j in range(1, 6):
        half = 2**j
        assert all(valuation(i) == valuation(half + i) for i in range(1, half))
        assert valuation(half) == j


def check_floats_are_the_schedule():
    """The float steps are the irrational ones up to half an ulp, and inside what encloses them."""
    floats, exact = silver_steps(63), silver_enclosure(63)
    for i in range(1, 64):
        true = sp.N(step(i), 40)
        assert abs(sp.Float(float(floats[i - 1]), 40) - true) <= true * sp.Rational(1, 2**53)
        assert float(exact.lo[i - 1]) < true < float(exact.hi[i - 1])


def check_certificates():
    """The checkers accept (both up to 15 steps), within 1e-9 of the Huber value and at most 0.72 of the theorem's."""
    for length in CERTIFIED_LENGTHS:
        method = GradientDescent(silver_steps(length))
        proved = certify(method, smooth_convex(1.0), form="full", independently=length <= 15)
        assert proved.finding.accepted
        assert "FLINT" in proved.finding.checkers
        rate = fraction(proved.certificate.statement["rate"], "rate")
        power = (length + 1).bit_length() - 1
        huber = 1 / (4 * RHO**power - 2)
        assert rate <= Fraction(str(sp.N(huber, 30))) * (1 + Fraction(SLACK))
        theorem = 1 / (1 + sp.sqrt(4 * RHO ** (2 * power) - 3))
        assert float(rate) < 0.72 * float(theorem)


def check_huber_attains_it():
    """Gradients stay at the slope r when the start is far enough: f(x_N) - f* = 1/(4T + 2) at r = 1/(2T + 1)."""
    T, r = sp.symbols("T r", positive=True)
    value = r * (1 - T * r) - r**2 / 2
    assert sp.simplify(value.subs(r, 1 / (2 * T + 1)) - 1 / (4 * T + 2)) == 0


def check_false_variants():
    """One per mille less is refuted by the Huber function; an unfinished schedule by the parabola."""
    T = RHO**3 - 1
    assert 0.999 / (4 * RHO**3 - 2) < 1 / (4 * T + 2)
    unfinished = sp.prod([(1 - step(i)) ** 2 for i in range(1, 5)]) / 2  # N = 4 ends with its longest step
    assert unfinished > 1 / (1 + sp.sqrt(4 * RHO**4 - 3))
