r"""PAC-Bayes-kl: change of measure, the moment $\xi(N)\le2\sqrt N$ for every N, from [0, 1] to {0, 1}, Gaussians.

Proof. For fixed h, $E\,e^{N\mathrm{kl}(\hat R(h)\|R(h))}\le\xi(N)$ (``check_moment_does_not_depend_on_the_risk``,
``check_losses_in_an_interval``), so by Markov $E_\pi e^{N\mathrm{kl}}\le\xi(N)/\delta$ with probability $1-\delta$. By
Jensen, kl being jointly convex, and the change of measure,
$N\mathrm{kl}(\rho\hat R\|\rho R)\le E_\rho N\mathrm{kl}\le\mathrm{KL}+\ln\frac{\xi(N)}\delta$ for all $\rho$ at once.
"""

from fractions import Fraction
from itertools import product
from math import comb

import sympy as sp

EXACT_UP_TO = 60


def moment(n: int) -> Fraction:
    r"""$\xi(N)=\sum_k\binom Nk(\frac kN)^k(1-\frac kN)^{N-k}$."""
    return sum((comb(n, k) * Fraction(k, n) ** k * Fraction(n - k, n) ** (n - k) for k in range(n + 1)), Fraction(0))


def check_moment_does_not_depend_on_the_risk():
    r"""$\sum_k\binom Nkp^k(1-p)^{N-k}e^{N\mathrm{kl}(k/N\|p)}=\xi(N)$ for every p: the powers of p cancel."""
    for n, p in product((1, 4, 9), (Fraction(1, 3), Fraction(9, 10))):
        total = Fraction(0)
        for k in range(n + 1):
            q = Fraction(k, n)
            likelihood = (q / p) ** k * ((1 - q) / (1 - p)) ** (n - k)  # exp(N kl)
            total += comb(n, k) * p**k * (1 - p) ** (n - k) * likelihood
        assert total == moment(n)


def check_moment_is_at_most_twice_the_root():
    r"""Exactly for N up to 60; beyond by Stirling: $\xi(N)\le2+e^{1/12N}\sqrt{\pi N/2}\le2\sqrt N$ from N = 8 on."""
    for n in range(1, EXACT_UP_TO + 1):
        assert moment(n) ** 2 <= 4 * n
    # Stirling: binom(N,k)(k/N)^k(1-k/N)^{N-k} <= e^{1/12N} sqrt(N / (2 pi k (N-k))). The function 1/sqrt(x(N-x)) falls
    # to N/2 and rises after it: the sum over k is at most its integral, which is pi.
    x, N = sp.symbols("x N", positive=True)
    assert sp.integrate(1 / sp.sqrt(x * (1 - x)), (x, 0, 1)) == sp.pi
    upper = 2 + sp.exp(1 / (12 * N)) * sp.sqrt(sp.pi * N / 2)
    assert sp.N(upper.subs(N, 8)) < sp.N(2 * sp.sqrt(8))
    # (upper - 2) / sqrt(N) falls in N and 2 / sqrt(N) falls: once below, the ratio to sqrt(N) stays below 2.
    assert sp.simplify(sp.diff(sp.exp(1 / (12 * N)), N)).could_extract_minus_sign()
    for n in (8, 20, 60):
        assert float(moment(n)) <= float(sp.N(upper.subs(N, n)))
    # False variants: without the moment (xi = 1), or with the root of N alone.
    assert moment(2) > 1
    assert moment(3) ** 2 > 3


def check_losses_in_an_interval():
    r"""A convex f of each loss lies below its chord on [0, 1]: replacing losses by coins of their mean raises E f.

    Checked exactly for $f=e^{N\mathrm{kl}}$ with N = 2 and losses on {0, 1/2, 1}.
    """
    p = Fraction(2, 5)
    law = {Fraction(0): Fraction(2, 5), Fraction(1, 2): Fraction(2, 5), Fraction(1): Fraction(1, 5)}
    assert sum(v * m for v, m in law.items()) == p

    def weight(mean: Fraction) -> sp.Expr:
        q = sp.Rational(mean.numerator, mean.denominator)
        r = sp.Rational(p.numerator, p.denominator)
        return (q / r) ** (2 * q) * ((1 - q) / (1 - r)) ** (2 * (1 - q))

    total = sp.Integer(0)
    for (a, ma), (b, mb) in product(law.items(), repeat=2):
        mass = ma * mb
        total += sp.Rational(mass.numerator, mass.denominator) * weight((a + b) / 2)
    assert sp.N(total) <= float(moment(2))


def check_change_of_measure():
    r"""$\mathrm{KL}(\rho\|\pi)+\ln E_\pi e^\varphi-E_\rho\varphi=\mathrm{KL}(\rho\|\pi_\varphi)\ge0$."""
    r, p = sp.symbols("r1:4", positive=True), sp.symbols("p1:4", positive=True)
    f = sp.symbols("f1:4", real=True)
    z = sum(a * sp.exp(b) for a, b in zip(p, f, strict=True))
    divergence = sum(a * sp.log(a / b) for a, b in zip(r, p, strict=True))
    tilted = sum(a * sp.log(a * z / (b * sp.exp(c))) for a, b, c in zip(r, p, f, strict=True))
    mean = sum(a * c for a, c in zip(r, f, strict=True))
    mass = sum(r)
    difference = sp.expand_log(divergence + sp.log(z) * mass - mean - tilted, force=True)
    assert sp.simplify(difference) == 0


def check_kl_is_jointly_convex():
    """Its Hessian has a positive corner and a determinant of at least 0: positive semidefinite."""
    q, p = sp.symbols("q p", positive=True)
    kl = q * sp.log(q / p) + (1 - q) * sp.log((1 - q) / (1 - p))
    hessian = sp.hessian(kl, (q, p))
    assert sp.simplify(hessian[0, 0] - 1 / (q * (1 - q))) == 0
    determinant = sp.factor(sp.simplify(hessian.det()))
    expected = (p - q) ** 2 / (p**2 * q * (1 - p) ** 2 * (1 - q))
    assert sp.simplify(determinant - expected) == 0


def check_divergence_of_gaussians():
    r"""$\mathrm{KL}(N(u,\sigma^2)\|N(0,s^2))=\frac12((u^2+\sigma^2)/s^2-1+\ln(s^2/\sigma^2))$, by integration."""
    x, u = sp.symbols("x u", real=True)
    sigma, s = sp.symbols("sigma s", positive=True)
    density = sp.exp(-((x - u) ** 2) / (2 * sigma**2)) / (sigma * sp.sqrt(2 * sp.pi))
    ratio = sp.log(s / sigma) - (x - u) ** 2 / (2 * sigma**2) + x**2 / (2 * s**2)
    found = sp.integrate(sp.expand(density * ratio), (x, -sp.oo, sp.oo))
    claimed = sp.Rational(1, 2) * ((u**2 + sigma**2) / s**2 - 1 + sp.log(s**2 / sigma**2))
    assert sp.simplify(sp.expand_log(found - claimed, force=True)) == 0
    # False variant: without the -1 the prior itself would have a divergence.
    assert claimed.subs({u: 0, sigma: s}) == 0


def check_pairs_are_coins_of_the_gibbs_risk():
    r"""A pair drawn from $\rho\times$ the sample has mean loss $\rho\hat R$; one network for all signals is no coin."""
    rho = [Fraction(1, 4), Fraction(3, 4)]
    losses = [[1, 0, 0], [0, 1, 1]]
    gibbs = sum((w * Fraction(sum(row), 3) for w, row in zip(rho, losses, strict=True)), Fraction(0))
    assert gibbs == Fraction(7, 12)
    # Two pairs: independent coins. One network on two signals: the products differ, so that limits for coins fail.
    both_pairs = gibbs**2
    both_shared = sum((w * Fraction(sum(row), 3) ** 2 for w, row in zip(rho, losses, strict=True)), Fraction(0))
    assert both_shared != both_pairs
