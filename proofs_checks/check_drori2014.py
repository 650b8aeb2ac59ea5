r"""Drori and Teboulle 2014: gradient descent with any steps in (0, 1/L] has the rate $LR^2/(4T+2)$, for all N.

With L = 1, $T_k=\sum_{i\le k}h_i$, $T=T_N$, multipliers $\lambda_k=T_k/(2T-T_{k-1})$ on $f_{k-1}\to f_k$ and
$\mu_k=\lambda_{k+1}-\lambda_k$ on $f_*\to f_k$ ($\lambda_0=0$, $\lambda_{N+1}=1$), all inequalities together leave,
with $x_0$ eliminated, the form of a graph Laplacian in the gradients: $\sum_{i<j}w_{ij}\|g_i-g_j\|^2$,
$$w_{ij}=\tfrac12\mu_j((2T+1)\mu_i-h_{i+1})+\tfrac12[j=i+1]\,\lambda_j(1-h_j)\ge0.$$
"""

import random
from dataclasses import replace
from fractions import Fraction

import sympy as sp

from unfold_theory.certificate import WorstCaseRate, check
from unfold_theory.certificate.worst_case import FunctionClass, Statement
from unfold_theory.rates.worst_case.closed_multipliers import closed_form

T, t, a, b = sp.symbols("T t a b", positive=True)  # t = T_{i-1}, a = h_i, b = h_{i+1}
LAM, NEXT = (t + a) / (2 * T - t), (t + a + b) / (2 * T - t - a)  # lambda_i, lambda_{i+1}
MU = NEXT - LAM


def same(left, right):
    return sp.simplify(left - right) == 0


def check_the_multipliers_are_nonnegative():
    r"""$\mu_i(2T-T_i)=h_{i+1}+h_i\lambda_i$, so that $\mu_i>0$; they add up to $\lambda_{N+1}=1$ by telescoping."""
    assert same(MU * (2 * T - t - a), b + a * LAM)


def check_the_weights_are_nonnegative():
    r"""$(2T+1)\mu_i-h_{i+1}=\mu_i(1+T_i)+h_i\lambda_i\ge0$; the other part of $w_{ij}$ needs $h_j\le1$."""
    assert same((2 * T + 1) * MU - b, MU * (1 + t + a) + a * LAM)


def check_the_start_is_eliminated():
    r"""$\tau\|x_0\|^2-\langle x_0,v\rangle+\frac1{4\tau}\|v\|^2$ is a square, $v=\sum\mu_kg_k$, $4\tau=2/(2T+1)$."""
    x, v = sp.symbols("x v", real=True)
    tau = 1 / (4 * T + 2)
    assert same(tau * x**2 - x * v + (2 * T + 1) / 2 * v**2, tau * (x - (2 * T + 1) * v) ** 2)


def check_off_diagonal_entries():
    r"""$\langle g_i,g_j\rangle$, i < j: $\mu_jh_{i+1}-(2T+1)\mu_i\mu_j$, and $\lambda_j(h_j-1)$ where j = i + 1: it is
    $-2w_{ij}$."""
    mu_i, mu_j, step, lam, own = sp.symbols("mu_i mu_j h lambda h_j", positive=True)
    weight = (mu_j * ((2 * T + 1) * mu_i - step) + lam * (1 - own)) / 2
    assert sp.expand(mu_j * step - (2 * T + 1) * mu_i * mu_j + lam * (own - 1) + 2 * weight) == 0


def check_rows_sum_to_zero():
    """Row i of the form, first and last row too: sums of steps are T_i, of mu before i lambda_i, after 1 - lambda."""
    # |g_i|^2: lambda_i / 2 + lambda_{i+1} / 2 + mu_i / 2 - (2T+1) mu_i^2 / 2.
    diagonal = (LAM + NEXT + MU - (2 * T + 1) * MU**2) / 2
    earlier = (MU * (t + a) - (2 * T + 1) * MU * LAM + LAM * (a - 1)) / 2
    later = ((1 - NEXT) * (b - (2 * T + 1) * MU) + NEXT * (b - 1)) / 2
    assert same(diagonal + earlier + later, 0)
    first = b / (2 * T)  # lambda_1 = mu_0
    diagonal = (first + first - (2 * T + 1) * first**2) / 2
    later = ((1 - first) * (b - (2 * T + 1) * first) + first * (b - 1)) / 2
    assert same(diagonal + later, 0)
    last = T / (T + a)  # lambda_N
    diagonal = (last + (1 - last) - (2 * T + 1) * (1 - last) ** 2) / 2
    earlier = ((1 - last) * T - (2 * T + 1) * (1 - last) * last + last * (a - 1)) / 2
    assert same(diagonal + earlier, 0)


def check_constant_steps():
    r"""$h_k=1$: $T=N$, the rate is $LR^2/(4N+2)$, and $\lambda_k=k/(2N+1-k)$."""
    N, k = sp.symbols("N k", positive=True)
    assert same((1 / (4 * T + 2)).subs(T, N), 1 / (4 * N + 2))
    assert same(LAM.subs({T: N, t: k - 1, a: 1}), k / (2 * N + 1 - k))


def theorem(steps, rate=None):
    """The certificate in closed form of gradient descent."""
    classes = {"f": FunctionClass(Fraction(0), Fraction(1))}
    made = closed_form(Statement("gradient descent", {"steps": tuple(steps)}, classes, "distance", "gap", Fraction(1)))
    assert made is not None
    if rate is not None:
        made = WorstCaseRate(replace(made.statement, rate=rate), made.proof)
    return made.certificate()


def check_instances_with_the_certificate_checkers():
    """80 random sequences of steps in (0, 1], some of very different sizes, N up to 30: exact LDL^T."""
    draw = random.Random(1)
    for n in range(80):
        count = draw.choice([1, 2, 4, 7, 12]) if n else 30
        steps = [Fraction(draw.randint(1, 1000), 1000) / draw.choice([1, 1, 100]) for _ in range(count)]
        assert check(theorem(steps), independently=count <= 5).accepted


def check_a_smaller_bound_is_refused_and_false():
    r"""The Huber function with slope $R/(2T+1)$ from R attains the bound: a smaller one is false, and refused."""
    draw = random.Random(2)
    for count in (1, 3, 6):
        steps = [Fraction(draw.randint(1, 100), 100) for _ in range(count)]
        total = sum(steps)
        slope, x = 1 / (2 * total + 1), Fraction(1)
        for step in steps:
            x -= step * min(max(x, -slope), slope)
        assert x >= slope
        assert slope * x - slope**2 / 2 == 1 / (4 * total + 2)
        assert not check(theorem(steps, 1 / (4 * total + 2) * (1 - Fraction(1, 10**12)))).accepted


def check_long_steps_are_another_matter():
    """One step of 19/10 on x^2 / 2: the gap 81/200 exceeds 1 / (4 T + 2), and the certificate is refused."""
    step = Fraction(19, 10)
    assert (1 - step) ** 2 / 2 > 1 / (4 * step + 2)
    assert not check(theorem([step])).accepted
    # Beyond the criterion that all weights are nonnegative the form can still be definite: five steps of 1.6.
    assert check(theorem([Fraction(16, 10)] * 5)).accepted
