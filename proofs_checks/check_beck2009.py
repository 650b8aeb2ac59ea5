r"""Beck and Teboulle 2009: the algebra of theorems 3.1 (variable steps) and 4.4, with false variants refuted.

Inner products are sums over coordinates, so that an identity between them is checked in one coordinate.
"""

from itertools import pairwise

import sympy as sp
from flint import arb

x, p, z, t, L, gradient = sp.symbols("x p z t L g", real=True)


def check_proximal_gradient_inequality():
    r"""$F(p)-F(z)\le\frac1{2t}(\|x-z\|^2-\|p-z\|^2)-\frac12(\frac1t-L)\|x-p\|^2$ for every z.

    Sum of: descent lemma from x to p, convexity of f at x towards z, subgradient $s=(x-p)/t-\nabla f(x)$ of g at p.
    """
    subgradient = (x - p) / t - gradient
    upper = gradient * (p - x) + L / 2 * (p - x) ** 2  # f(p) - f(x) at most
    lower = gradient * (z - x)  # f(z) - f(x) at least
    regulariser = -subgradient * (z - p)  # g(p) - g(z) at most
    total = upper - lower + regulariser
    claimed = ((x - z) ** 2 - (p - z) ** 2) / (2 * t) - (1 / t - L) / 2 * (x - p) ** 2
    assert sp.simplify(total - claimed) == 0
    # False variant: without the factor 1/2 on the step's room the sum does not close.
    assert sp.simplify(total - (((x - z) ** 2 - (p - z) ** 2) / (2 * t) - (1 / t - L) * (x - p) ** 2)) != 0


def check_variable_steps_telescope():
    r"""$\sum_kt_k(F(x_{k+1})-F^\star)\le\frac12\|x_0-x^\star\|^2$ and monotonicity give theorem 3.1 for $t_k\le1/L$."""
    steps = sp.symbols("t0:4", positive=True)
    distance = sp.symbols("d0:5", nonnegative=True)  # squared distances to the minimiser
    gap = sp.symbols("v1:5", nonnegative=True)
    slack = [(distance[k] - distance[k + 1]) / 2 - steps[k] * gap[k] for k in range(4)]  # each is >= 0
    total = sp.expand(sum(slack))
    assert (
        sp.expand(total - ((distance[0] - distance[4]) / 2 - sum(s * v for s, v in zip(steps, gap, strict=True)))) == 0
    )
    # With z = x the inequality reads F(p) <= F(x) - (1/t - L/2) |x - p|^2: monotone for t <= 2/L.
    own = (((x - z) ** 2 - (p - z) ** 2) / (2 * t) - (1 / t - L) / 2 * (x - p) ** 2).subs(z, x)
    assert sp.simplify(own + (1 / t - L / 2) * (x - p) ** 2) == 0


def check_step_condition_is_needed():
    """For f = L x^2 / 2, g = 0 and a step above 2/L the gap grows: the hypothesis cannot be dropped."""
    step = sp.Rational(21, 10)
    iterate, gaps = sp.Integer(1), []
    for _ in range(5):
        iterate = iterate - step * iterate
        gaps.append(iterate**2 / 2)
    assert gaps[-1] > sp.Rational(1, 2) / (2 * step * 5)
    assert all(b > a for a, b in pairwise(gaps))


def check_a_tenth_of_the_bound_is_violated():
    r"""A tenth of the bound is false: f = a^2 (x - 1)^2 / 2 with a^2 = L / (2K + 1) from 0 has a larger gap."""
    for depth in (1, 4, 16, 64):
        curvature = sp.Rational(1, 2 * depth + 1)
        gap = curvature / 2 * (1 - curvature) ** (2 * depth)
        bound = sp.Rational(1, 2 * depth)
        assert bound / 10 < gap <= bound


def check_fista_potential():
    r"""$\frac2L(t_k^2v_k-t_{k+1}^2v_{k+1})\ge\|u_{k+1}\|^2-\|u_k\|^2$, $u_k=t_kx_k-(t_k-1)x_{k-1}-x^\star$."""
    s, previous, current, following, star, old = sp.symbols("s a b c w s0", real=True)
    y = current + (old - 1) / s * (current - previous)
    weighted = s * (s - 1) * ((y - current) ** 2 - (following - current) ** 2) + s * (
        (y - star) ** 2 - (following - star) ** 2
    )
    before = old * current - (old - 1) * previous - star
    after = s * following - (s - 1) * current - star
    assert sp.simplify(weighted - (before**2 - after**2)) == 0
    # Left side: s(s-1)(v+ - v) + s v+ = s^2 v+ - (s^2 - s) v, and s^2 - s = t_k^2 by the choice of s.
    root = (1 + sp.sqrt(1 + 4 * old**2)) / 2
    assert sp.simplify(root**2 - root - old**2) == 0


def check_fista_weights_grow():
    r"""$t_k\ge(k+1)/2$: the induction step $\frac{1+\sqrt{1+4((k+1)/2)^2}}2\ge\frac{k+2}2$; $t_k\ge k$ is false."""
    k = sp.symbols("k", positive=True)
    # sqrt(1 + (k+1)^2) >= k + 1 after doubling and subtracting 1; both sides are positive, so square.
    assert sp.expand((1 + (k + 1) ** 2) - (k + 1) ** 2) == 1
    weight = arb(1)
    for step in range(1, 200):
        assert weight >= arb(step + 1) / 2  # balls: true for every number in them
        weight = (1 + (1 + 4 * weight**2).sqrt()) / 2
    assert (1 + arb(5).sqrt()) / 2 < 2


def check_fista_allows_nonincreasing_steps():
    r"""$2\tau_{k+1}t_{k+1}^2v_{k+1}+\|u_{k+1}\|^2\le2\tau_kt_k^2v_k+\|u_k\|^2$ needs $\tau_{k+1}\le\tau_k$ only."""
    new, last, weight, v, now, after = sp.symbols("tau1 tau0 t v U0 U1", nonnegative=True)
    next_gap = sp.symbols("V", nonnegative=True)  # t_{k+1}^2 v_{k+1}
    given = now - after - 2 * new * (next_gap - weight**2 * v)  # >= 0, from the potential
    claimed = (2 * last * weight**2 * v + now) - (2 * new * next_gap + after)
    assert sp.expand(claimed - given - 2 * (last - new) * weight**2 * v) == 0
