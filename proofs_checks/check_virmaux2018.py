r"""Virmaux and Scaman 2018: AutoLip on a graph with an input at every layer; what greedy maximisation is not."""

import itertools
import random
from fractions import Fraction

import sympy as sp


def check_triangle_recursion():
    r"""$\|\Delta x^{k+1}\|\le\|W_2\|\|\Delta x^k\|+\|W_1\|\|\Delta u\|$: AutoLip's recursion, with a node for u whose
    constant is 1. Solved: $L_K=\sum_j\|W_1^j\|\prod_{i>j}\|W_2^i\|$, by induction."""
    a, b, ell = sp.symbols("a b ell", nonnegative=True)
    for K in range(1, 7):
        first, second = sp.symbols(f"a0:{K}", nonnegative=True), sp.symbols(f"b0:{K}", nonnegative=True)
        value = sp.Integer(0)
        for k in range(K):
            value = second[k] * value + first[k]
        solved = sum(first[j] * sp.prod(second[j + 1 :]) for j in range(K))
        assert sp.expand(value - solved) == 0
    assert sp.expand(b * ell + a - (a + b * ell)) == 0


def _soft(z, theta):
    return z - theta if z > theta else z + theta if z < -theta else Fraction(0)


def check_recursion_survives_a_random_attack():
    """5,000 exact networks of width 2 in the maximum norm, where norms are rational; the bound is attained."""
    draw, tight = random.Random(2), Fraction(0)
    for _ in range(5000):
        x = [[Fraction(0)] * 2 for _ in range(2)]
        u = [Fraction(draw.randint(-40, 40), 4) for _ in range(2)]
        if u[0] == u[1]:
            continue
        bound = Fraction(0)
        for _ in range(draw.randint(1, 5)):
            W2 = [[Fraction(draw.randint(-4, 4), 4) for _ in range(2)] for _ in range(2)]
            W1 = [Fraction(draw.randint(-4, 4), 4) for _ in range(2)]
            theta = [Fraction(draw.randint(0, 8), 8) for _ in range(2)]
            x = [
                [
                    _soft(sum(c * s for c, s in zip(row, state, strict=True)) + w * given, t)
                    for row, w, t in zip(W2, W1, theta, strict=True)
                ]
                for state, given in zip(x, u, strict=True)
            ]
            bound = max(sum(abs(c) for c in row) for row in W2) * bound + max(abs(w) for w in W1)
        moved = max(abs(a - b) for a, b in zip(*x, strict=True))
        assert moved <= bound * abs(u[0] - u[1])
        tight = max(tight, moved / (bound * abs(u[0] - u[1])) if bound else Fraction(0))
    assert tight == 1


def check_the_product_of_state_norms_is_no_bound():
    r"""False variants: without the injection, $\|W_1^0\|\prod\|W_2^k\|$, two layers of W = 1 on u give 2 and not 1; and
    the spectral radius in the place of the norm fails on a shear."""
    assert Fraction(1) + Fraction(1) > 1
    shear = sp.Matrix([[0, 3], [0, 0]])
    assert set(shear.eigenvals()) == {0}
    assert (shear * sp.Matrix([0, 1])).norm() == 3


def check_jacobians_are_below_the_constant():
    r"""Theorem 1 (Rademacher): the constant is the supremum of Jacobian norms; at a point where all preactivations are
    off their kinks a small pair attains the Jacobian exactly. Exact, one neuron chain."""
    u, h = Fraction(3), Fraction(1, 1000)
    values = []
    for given in (u, u + h):
        x = Fraction(0)
        for second, first, theta in ((0, 2, 1), (-1, 3, 1), (2, 1, 2)):
            x = _soft(second * x + first * given, Fraction(theta))
        values.append(x)
    # Signs along the way: 2u - 1 > 0, 3u - (2u - 1) - 1 = u > 0, 2u + u - 2 > 0.
    assert (values[1] - values[0]) / h == 2 * (-1 * 2 + 3) + 1


def check_greedy_maximum_over_patterns_is_no_bound():
    r"""SeqLip maximises $\|W_2\mathrm{diag}(\sigma)W_1\|$ over $\sigma\in[0,1]^n$; flipping one neuron at a time, from
    none, can stop early: then the value is below the supremum and bounds nothing.

    $W_2W_1$ with rows u and columns: all pairs of neurons help together, none alone (exact, rank one terms).
    """
    W1 = [(4, 0), (0, 3), (0, 3)]
    W2 = [(1, 0), (0, 1), (0, 1)]

    def squared_norm(pattern):
        product = sp.zeros(2, 2)
        for on, row, column in zip(pattern, W1, W2, strict=True):
            if on:
                product += sp.Matrix(column) * sp.Matrix([row])
        return max((product.T * product).eigenvals())

    start = (1, 0, 0)
    neighbours = [tuple(s if i != j else 1 - s for j, s in enumerate(start)) for i in range(3)]
    assert all(squared_norm(p) <= squared_norm(start) for p in neighbours)
    assert max(squared_norm(p) for p in itertools.product((0, 1), repeat=3)) == 36 > squared_norm(start) == 16
