r"""Hardt, Recht, Singer 2016: stability of gradient steps, with and without convexity; the replace-one identity."""

import itertools
from fractions import Fraction

import sympy as sp

beta, c, big_g, n, t, t0, big_t, alpha = sp.symbols("beta c G N t t_0 T alpha", positive=True)


def check_replace_one_identity_by_enumeration():
    r"""All samples of 3 signals from a law on 3 points, the algorithm their median: an equality of rationals."""
    support, weight = (Fraction(0), Fraction(3, 10), Fraction(1)), (Fraction(1, 5), Fraction(1, 2), Fraction(3, 10))

    def learned(sample):
        return sorted(sample)[1]

    def loss(w, z):
        return abs(w - z)

    gap, difference, without = Fraction(0), Fraction(0), Fraction(0)
    for picks in itertools.product(range(3), repeat=3):
        sample = [support[p] for p in picks]
        chance = weight[picks[0]] * weight[picks[1]] * weight[picks[2]]
        risk = sum(q * loss(learned(sample), z) for q, z in zip(weight, support, strict=True))
        gap += chance * (risk - sum(loss(learned(sample), z) for z in sample) / 3)
        for i, (q, other) in itertools.product(range(3), zip(weight, support, strict=True)):
            changed = [*sample[:i], other, *sample[i + 1 :]]
            difference += chance * q * (loss(learned(changed), sample[i]) - loss(learned(sample), sample[i])) / 3
            # False: the loss of the new signal, which the changed sample has seen.
            without += chance * q * (loss(learned(changed), other) - loss(learned(sample), sample[i])) / 3
    assert gap == difference
    assert gap > 0
    assert without == 0 != gap


def check_an_order_that_is_not_symmetric_needs_a_uniform_index():
    r"""The algorithm that returns its first signal: with i = 1 always, the identity overstates the gap N-fold."""
    support, size = (Fraction(0), Fraction(1)), 3
    gap, first = Fraction(0), Fraction(0)
    for sample in itertools.product(support, repeat=size):
        risk = sum(abs(sample[0] - z) for z in support) / 2
        gap += (risk - sum(abs(sample[0] - z) for z in sample) / size) / 2**size
        first += sum(abs(other - sample[0]) for other in support) / 2 / 2**size
    assert first == size * gap


def check_convex_steps_are_nonexpansive():
    r"""For curvature $h\in[0,\beta]$: $|1-\alpha h|\le1$ for $\alpha\le2/\beta$, and not beyond."""
    for h in (0, sp.Rational(1, 2), 1):
        assert abs(1 - sp.Rational(2) * h) <= 1  # beta = 1, alpha = 2
    assert abs(1 - sp.Rational(9, 4) * 1) > 1
    # E parts by at most (1/N) 2 alpha G a step; the loss by G times that.
    assert sp.simplify(big_g * sum(2 * alpha * big_g / n for _ in range(5)) - 2 * big_g**2 / n * 5 * alpha) == 0


def check_the_recursion_without_convexity():
    r"""A step in expectation: the same signal with probability $1-1/N$, else parting by $2\alpha G$; then the sum."""
    delta = sp.symbols("Delta", positive=True)
    left = (1 - 1 / n) * (1 + alpha * beta) * delta + (delta + 2 * alpha * big_g) / n
    assert sp.expand(left - (1 + (1 - 1 / n) * alpha * beta) * delta - 2 * alpha * big_g / n) == 0
    # The sum over t of (T/t)^q 2cG/(tN) is below the integral from t_0: 2cG/(qN) (T/t_0)^q, q = beta c (1 - 1/N).
    q = sp.symbols("q", positive=True)
    integral = sp.integrate(t ** (-q - 1), (t, t0, sp.oo), conds="none")
    assert sp.simplify(integral - t0 ** (-q) / q) == 0
    constant = (2 * c * big_g / (q * n)).subs(q, beta * c * (1 - 1 / n))
    assert sp.simplify(constant - 2 * big_g / (beta * (n - 1))) == 0


def check_the_recursion_in_numbers():
    r"""Run in rationals, it stays below $\frac{2G}{\beta(N-1)}(T/t_0)^{\beta c}$; with half of that it does not."""
    size, smooth, rate, gradient = 20, Fraction(2), Fraction(1, 2), Fraction(1)
    ratios = []
    for start in (1, 3, 10):
        delta = Fraction(0)
        for step in range(start + 1, 61):
            a = rate / step
            delta = (1 + (1 - Fraction(1, size)) * a * smooth) * delta + 2 * a * gradient / size
            bound = 2 * gradient / (smooth * (size - 1)) * Fraction(step, start)  # beta c = 1
            assert delta <= bound
            ratios.append(delta / bound)
    assert max(ratios) > Fraction(1, 2)


def check_the_best_instant_gives_the_closed_form():
    r"""At $t_0^{q+1}=2cG^2T^q$, $q=\beta c$, both terms add up to at most $(1+1/q)\,t_0/(N-1)$."""
    q = beta * c
    best = (2 * c * big_g**2 * big_t**q) ** (1 / (q + 1))
    numbers = {beta: sp.Rational(3), c: sp.Rational(1, 5), big_g: 2, big_t: 5000, n: 1000}
    term = 2 * big_g**2 / (beta * (n - 1)) * (big_t / best) ** q
    assert abs(sp.N((term - best / (q * (n - 1))).subs(numbers), 30)) < 1e-20
    closed = (1 + 1 / q) / (n - 1) * (2 * c * big_g**2) ** (1 / (q + 1)) * big_t ** (q / (q + 1))
    assert sp.N((closed - (best / n + term)).subs(numbers)) > 0
    assert sp.N((closed - (best / (n - 1) + term)).subs(numbers), 30) < 1e-15
