r"""Behrens, Sauder, Jung 2021, theorem 1 signal by signal: algebra, exact enumeration, false variants refuted.

Proof. With $\mathrm{supp}\,x^k\subset S$, $v-x^*=(I-\gamma W^TA)e$. Off S, $|v_i|\le\gamma\mu\|e\|_1=\theta$: no false
positive. On S, $\sum_S|v_i-x_i^*|\le(|1-\gamma|+\gamma(|S|-1)\mu)\|e\|_1$ and each threshold costs at most $\theta$;
added, $\|e^+\|_1\le(|1-\gamma|+\gamma(2|S|-1)\mu)\|e\|_1$, from $\|e^0\|_1=\|x^*\|_1$.
"""

import random
from fractions import Fraction
from itertools import combinations, product

import sympy as sp


def check_the_law_gives_the_rate():
    r"""$(|1-\gamma|+\gamma(s-1)\mu)E+s\gamma\mu E=(|1-\gamma|+\gamma(2s-1)\mu)E$, and not $2s-2$."""
    s, mu, gain, size, off = sp.symbols("s mu gamma E a", positive=True)  # a = |1 - gamma|
    layer = (off + gain * (s - 1) * mu) * size + s * gain * mu * size
    assert sp.expand(layer - (off + gain * (2 * s - 1) * mu) * size) == 0
    assert sp.expand(layer - (off + gain * (2 * s - 2) * mu) * size) != 0


def check_range_of_gains():
    r"""For $(2s-1)\mu=a<1$: $|1-\gamma|+a\gamma<1$ exactly where $0<\gamma<2/(1+a)$, least at $\gamma=1$."""
    a, gain = sp.symbols("a gamma", positive=True)
    assert sp.simplify((1 - gain + a * gain) - (1 - (1 - a) * gain)) == 0  # below 1: less than 1 for gamma > 0
    assert sp.simplify((gain - 1 + a * gain).subs(gain, 2 / (1 + a)) - 1) == 0
    assert sp.diff(gain - 1 + a * gain, gain) == 1 + a
    for k in range(1, 40):
        value = Fraction(k, 20)
        factor = abs(1 - value) + Fraction(3, 5) * value
        assert (factor < 1) == (value < Fraction(5, 4))
        assert factor >= Fraction(3, 5)


def _gram(order):
    """Identity and Hadamard of order 4 or 16: W = A, coherence 1 / sqrt(order), in rationals."""
    sign = [[(-1) ** bin(i & j).count("1") for j in range(order)] for i in range(order)]
    scale = Fraction(1, {4: 2, 16: 4}[order])

    def entry(i, j):
        return Fraction(int(i == j)) if (i < order) == (j < order) else scale * sign[i % order][j % order]

    return [[entry(i, j) for j in range(2 * order)] for i in range(2 * order)], scale


def _layers(gram, mu, truth, gains, *, room=Fraction(1)):
    """Oracle thresholds, run exactly: per layer (error, error before times the factor, whether a false entry came)."""
    count = sum(bool(w) for w in truth)
    code = [Fraction(0)] * len(truth)
    for gain in gains:
        wrong = [(j, truth[j] - code[j]) for j in range(len(code)) if truth[j] != code[j]]
        size = sum(abs(e) for _, e in wrong)
        theta = room * gain * mu * size
        v = [code[i] + gain * sum(gram[i][j] * e for j, e in wrong) for i in range(len(code))]
        code = [max(abs(w) - theta, Fraction(0)) * (1 if w > 0 else -1) for w in v]
        error = sum(abs(c - w) for c, w in zip(code, truth, strict=True))
        factor = abs(1 - gain) + gain * (2 * count - 1) * mu
        yield error, factor * size, any(c and not w for c, w in zip(code, truth, strict=True))


def _signal(size, places, values):
    truth = [Fraction(0)] * size
    for place, value in zip(places, values, strict=True):
        truth[place] = Fraction(value)
    return truth


def check_theorem_1_exhaustively():
    r"""All $\pm1$ signals with one nonzero (4 x 8) and with two (16 x 32): no violation, and the rate is attained.

    1,984 + 16 signals; a threshold of 9/10 of the law lets false entries through.
    """
    for order, sparsity, depth in ((4, 1, 5), (16, 2, 3)):
        gram, mu = _gram(order)
        attained = missed = False
        for places in combinations(range(2 * order), sparsity):
            for signs in product((1, -1), repeat=sparsity):
                truth = _signal(2 * order, places, signs)
                for error, bound, false in _layers(gram, mu, truth, [Fraction(1)] * depth):
                    assert error <= bound
                    assert not false
                    attained |= error == bound > 0
                if not missed:
                    short = Fraction(9, 10)
                    missed = next(_layers(gram, mu, truth, [Fraction(1)], room=short))[2]
        assert attained
        assert missed


def check_random_attack():
    r"""10,500 exact layers, entries over four orders of magnitude, gains in and beyond the range."""
    gram, mu = _gram(16)
    draw, ratios, layers = random.Random(7), [], 0
    for _ in range(2100):
        count = draw.randint(1, 2)
        values = [
            draw.choice((1, -1)) * draw.choice((1, 3, 40, 1000)) * Fraction(draw.randint(5, 9), 9) for _ in range(count)
        ]
        truth = _signal(32, draw.sample(range(32), count), values)
        gains = [draw.choice((Fraction(1), Fraction(3, 4), Fraction(6, 5), Fraction(1, 2))) for _ in range(5)]
        for error, bound, false in _layers(gram, mu, truth, gains):
            assert error <= bound
            assert not false
            ratios.append(error / bound if bound else Fraction(0))
            layers += 1
    assert layers == 10_500
    assert max(ratios) == 1


def check_false_variants_fail():
    r"""A rate of $(2|S|-2)\mu$, a start from $\|x^*\|_2$ and thresholds above the law are each refuted."""
    gram, mu = _gram(16)
    steeper = excess = euclid = False
    for places in combinations(range(32), 2):
        truth = _signal(32, places, (1, 1))
        # ||x*||_2 = sqrt 2: its square times the factor's square against ||e||_1 squared, to stay rational.
        (error, bound, _), *_ = _layers(gram, mu, truth, [Fraction(1)])
        steeper |= error > 2 * mu * 2
        euclid |= error**2 > 2 * (3 * mu) ** 2
        (large, bound, _), *_ = _layers(gram, mu, truth, [Fraction(1)], room=Fraction(3, 2))
        excess |= large > bound
    assert steeper
    assert euclid
    assert excess
