r"""The Occam bound at every depth: masses that sum to one, the union, exact tails, and what fails without them.

Proof. For one network h and level $\epsilon$, $P(R>U(k,N,\epsilon))\le\epsilon$ where
$U(k,N,\epsilon)=\sup\{p:P(\mathrm{Bin}(N,p)\le k)\ge\epsilon\}$: with F the distribution function of k at p = R, the
event is $F(k)<\epsilon$, whose probability is at most $\epsilon$ (``check_limit_fails_with_its_level``). The words of
depth k have total mass at most 1, so with $\epsilon=\delta\pi_k(h)/K$ all events together have probability at most
$\sum_k\sum_h\delta\pi_k(h)/K\le\delta$. kl in place of U: $P(\hat R\le q)\le e^{-N\mathrm{kl}(q\|R)}$ for q below R and
losses in [0, 1] (``check_chernoff``).
"""

from fractions import Fraction
from itertools import product
from math import comb

import sympy as sp


def tail(k: int, n: int, p: Fraction) -> Fraction:
    return sum((comb(n, j) * p**j * (1 - p) ** (n - j) for j in range(k + 1)), Fraction(0))


def check_geometric_and_heavy_masses_sum_to_one():
    r"""$\sum_{j\ge1}(1-r)r^{j-1}=1$ and $\sum_{j\ge1}\frac1{j(j+1)}=1$, with the tails that the code states."""
    r, J = sp.symbols("r J", positive=True)
    j = sp.symbols("j", integer=True, positive=True)
    # Telescoping: the tails beyond J are r^J and 1/(J+1), with limit 0, and their differences are the masses.
    assert sp.simplify(r**J - r ** (J + 1) - (1 - r) * r**J) == 0
    assert sp.simplify(1 / (J + 1) - 1 / (J + 2) - 1 / ((J + 1) * (J + 2))) == 0
    assert sp.simplify(sp.summation(1 / (j * (j + 1)), (j, 1, sp.oo))) == 1
    # False variant: 1/j^2 has mass pi^2/6 > 1, so that its words cost too little.
    assert sum(Fraction(1, i * i) for i in range(1, 5)) > 1


def check_words_of_a_depth_have_mass_at_most_one():
    """Two groups that are absent (1/2) or name one of 3 choices and an integer: the product sums to 1 in the limit."""
    half, choices = Fraction(1, 2), 3
    for J in (1, 6, 40):
        inside = sum(Fraction(1, 2) / 2 * Fraction(1, j * (j + 1)) for j in range(1, J + 1)) * 2 + Fraction(1, 2)
        group = half + choices * half / choices * inside
        assert group == 1 - half * Fraction(1, 2) / (J + 1)
        assert group**2 < 1
    # False variant: choosing step and law after the data without naming them counts every choice with mass 1.
    assert half + choices * half > 1


def check_limit_fails_with_its_level():
    r"""Exactly: $P(F(k)<\epsilon)\le\epsilon$ for the binomial law, over a grid of N, p and levels."""
    tried = 0
    for n, p, level in product((1, 3, 8, 15), (Fraction(1, 7), Fraction(1, 2), Fraction(9, 10)), (20, 5, 3, 2)):
        epsilon = Fraction(1, level)
        fails = sum(
            (comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1) if tail(k, n, p) < epsilon), Fraction(0)
        )
        assert fails <= epsilon
        tried += 1
    assert tried == 48
    # False variant: the point estimate k/N as an upper limit fails with a probability that no level allows.
    n, p = 15, Fraction(1, 2)
    below = sum((comb(n, k) for k in range(n + 1) if Fraction(k, n) < p), 0) * p**n
    assert below > Fraction(1, 3)


def check_union_over_depths_and_words():
    """Two depths, three words, all wrong with their level: the union is at most delta; without 1/K it is not."""
    delta = Fraction(1, 10)
    masses = [Fraction(1, 2), Fraction(1, 4), Fraction(1, 4)]
    depths = 2
    assert sum(delta / depths * mass for _ in range(depths) for mass in masses) == delta
    assert sum(delta * mass for _ in range(depths) for mass in masses) == 2 * delta
    # Disjoint failures exist: the uniform variable of depth k and word h in its own interval attains the sum.
    assert sum(delta for _ in masses) > delta


def check_chernoff():
    r"""$P(\hat R\le q)\le\inf_t(1-R+Re^{-t})^Ne^{tNq}=e^{-N\mathrm{kl}(q\|R)}$; exact tails never exceed it."""
    q, R, t = sp.symbols("q R t", positive=True)
    exponent = sp.log(1 - R + R * sp.exp(-t)) + t * q
    best = sp.log(R * (1 - q) / (q * (1 - R)))
    assert sp.simplify(sp.diff(exponent, t).subs(t, best)) == 0
    kl = q * sp.log(q / R) + (1 - q) * sp.log((1 - q) / (1 - R))
    values = {q: sp.Rational(1, 5), R: sp.Rational(1, 2)}
    assert abs(sp.N((exponent.subs(t, best) + kl).subs(values), 30)) < 1e-25
    # The chord bounds e^{-tx} on [0, 1], which carries it from {0, 1} to losses in [0, 1]: convex, equal at the ends.
    x = sp.symbols("x", positive=True)
    chord = 1 - x + x * sp.exp(-t) - sp.exp(-t * x)
    assert chord.subs(x, 0) == 0
    assert sp.simplify(chord.subs(x, 1)) == 0
    assert sp.simplify(sp.diff(chord, x, 2) + t**2 * sp.exp(-t * x)) == 0  # concave in x, hence nonnegative
    for n, k, p in ((10, 2, Fraction(1, 2)), (40, 3, Fraction(1, 4)), (25, 0, Fraction(1, 10))):
        share = Fraction(k, n)
        ratio = (p / share) ** k if k else Fraction(1)
        power = ratio * ((1 - p) / (1 - share)) ** (n - k)  # exp(-N kl), exactly
        assert tail(k, n, p) <= power
        # False variant: the square of it (N doubled) is too small.
        assert tail(k, n, p) > power**2
