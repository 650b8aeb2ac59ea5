r"""Combettes and Pesquet 2020: averaged activations, and their bound adapted to inputs that enter every layer.

A firmly nonexpansive $\varphi$ is $(\mathrm{Id}+Q)/2$ with Q nonexpansive: along two inputs $w=(v+q)/2$,
$\|q\|\le\|v\|$. For $v_l=W_lw_{l-1}$, $w_0=u$: $\|v_K\|\le2^{-(K-1)}\theta_K\|u\|$ with $\theta_0=1$,
$\theta_l=\sum_{j<l}\theta_j\|W_l\cdots W_{j+1}\|$.
"""

import random
from fractions import Fraction

import sympy as sp


def _times(matrix, vector):
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def _product(first, second):
    return [[sum(a * second[k][j] for k, a in enumerate(row)) for j in range(len(second[0]))] for row in first]


def check_firmly_nonexpansive_is_half_averaged():
    r"""$\langle w,v-w\rangle\ge0\iff\|2w-v\|\le\|v\|$: $\|v\|^2-\|2w-v\|^2=4\langle w,v-w\rangle$."""
    v, w = sp.symbols("v w", real=True)
    assert sp.expand(v**2 - (2 * w - v) ** 2 - 4 * w * (v - w)) == 0


def _upto(W, last, first):
    made = sp.Integer(1)
    for i in range(first, last + 1):
        made = W[i] * made
    return made


def check_expansion():
    r"""$v_l=2^{-(l-1)}W_l\cdots W_1u+\sum_{j=1}^{l-1}2^{-(l-j)}W_l\cdots W_{j+1}q_j$: noncommuting symbols, l <= 6."""
    for l in range(1, 7):
        W = [sp.Symbol(f"W{j}", commutative=False) for j in range(l + 1)]
        q = [sp.Symbol(f"q{j}", commutative=False) for j in range(l + 1)]
        u = sp.Symbol("u", commutative=False)
        v = W[1] * u
        for j in range(2, l + 1):
            v = W[j] * (v + q[j - 1]) / 2
        expected = _upto(W, l, 1) * u / 2 ** (l - 1)
        for j in range(1, l):
            expected += _upto(W, l, j + 1) * q[j] / 2 ** (l - j)
        assert sp.expand(v - expected) == 0


def check_weights_of_the_expansion():
    r"""With $\|q_j\|\le\|v_j\|\le2^{-(j-1)}\theta_j\|u\|$ each term of the expansion has the factor
    $2^{-(l-j)}2^{-(j-1)}=2^{-(l-1)}$: induction gives $\|v_l\|\le2^{-(l-1)}\theta_l\|u\|$, for every depth."""
    l, j = sp.symbols("l j", integer=True, positive=True)
    assert sp.simplify(sp.Rational(1, 2) ** (l - j) * sp.Rational(1, 2) ** (j - 1) * 2 ** (l - 1)) == 1


def _bound(ops, norm):
    thetas = [Fraction(1)]
    for l in range(1, len(ops) + 1):
        total, product = Fraction(0), None
        for j in range(l - 1, -1, -1):
            product = ops[j] if product is None else _product(product, ops[j])
            total += thetas[j] * norm(product)
        thetas.append(total)
    return thetas[-1] / 2 ** (len(ops) - 1)


def check_injection_rides_along():
    r"""$x^{k+1}=\varphi(W_2^kx^k+W_1^ku)$ is the chain of $[W_1^0;I]$, $[[W_2^k,W_1^k],[0,I]]$, $[W_2^{K-1},W_1^{K-1}]$
    whose activations are $(\varphi,\mathrm{Id})$: the identity is averaged too (q = v), so the bound applies.

    Scalars, exactly, in 2,000 networks with slopes in [0, 1]: the two runs agree and the bound holds; with the maximum
    norm instead of the Euclidean one (q = v, |q| <= |v| entrywise) the argument is the same.
    """
    draw, tight = random.Random(3), Fraction(0)

    def norm(matrix):
        return max(sum(abs(x) for x in row) for row in matrix)

    for _ in range(2000):
        K = draw.randint(1, 5)
        W1 = [Fraction(draw.randint(-6, 6), 4) for _ in range(K)]
        W2 = [Fraction(draw.randint(-6, 6), 4) for _ in range(K)]
        slopes = [Fraction(draw.randint(0, 4), 4) for _ in range(K)]
        one, zero = Fraction(1), Fraction(0)
        ops = [[[W1[0]], [one]]] + [[[W2[k], W1[k]], [zero, one]] for k in range(1, K - 1)] + [[[W2[-1], W1[-1]]]]
        ops = [[[W1[0]]]] if K == 1 else ops
        x, v = zero, [one]
        for k in range(K):
            x = slopes[k] * (W2[k] * x + W1[k])
            v = _times(ops[k], v)
            v = [slopes[k] * v[0], *v[1:]]
        assert v[0] == x
        bound = _bound(ops, norm)
        assert abs(x) <= bound
        tight = max(tight, abs(x) / bound if bound else zero)
    assert tight == 1


def check_false_variants_fail():
    r"""Halving once more, $2^{-K}\theta_K$, fails on one unit layer; slopes up to 2 fail on two of them."""
    unit = [[[Fraction(1)]]]

    def norm(matrix):
        return abs(matrix[0][0])

    assert _bound(unit, norm) / 2 < 1
    assert _bound(unit * 3, norm) == 1
    assert _bound(unit * 3, norm) < 2 * 2 * 1
