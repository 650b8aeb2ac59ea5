r"""Shultzman, Azar, Rodrigues, Eldar 2023: Rademacher complexities of ISTA networks, layer by layer."""

import itertools
from fractions import Fraction

import sympy as sp


def check_rows_in_an_l1_ball_need_no_factor_two_for_odd_activations():
    # Exact complexities on two samples: soft thresholding is odd, so the class is symmetric; ReLU's is not.
    theta = Fraction(1, 4)

    def soft(v):
        return max(abs(v) - theta, Fraction(0)) * (1 if v > 0 else -1)

    def relu(v):
        return max(v - theta, Fraction(0))

    samples = (Fraction(1), Fraction(-1))

    def complexity(activation):
        members = [tuple(activation(s * z) for z in samples) for s in (1, -1)]
        signed = [tuple(s * v for v in f) for f in members for s in (1, -1)]
        signs = list(itertools.product((1, -1), repeat=2))
        return [
            sum(max(sum(e * v for e, v in zip(eps, f, strict=True)) for f in group) for eps in signs)
            for group in (members, signed)
        ]

    plain, closed = complexity(soft)
    assert plain == closed
    plain, closed = complexity(relu)
    assert plain < closed


def check_geometric_sum_over_layers():
    b, r = sp.symbols("beta r", positive=True)
    for depth in (1, 2, 5, 9):
        total = sp.Integer(0)
        for _ in range(depth):
            total = r + b * total
        assert sp.simplify(total - r * (b**depth - 1) / (b - 1)) == 0


def check_the_supremum_over_an_l1_ball_is_at_its_corners():
    r"""$\sup_{\|w\|_1\le\beta}w^Tg=\beta\|g\|_\infty$: corners reach it and no grid point exceeds it."""
    g = (Fraction(3, 7), Fraction(-5, 4), Fraction(1, 2))
    beta, grid = Fraction(3, 2), [Fraction(k, 4) for k in range(-6, 7)]
    inside = [w for w in itertools.product(grid, repeat=3) if sum(map(abs, w)) <= beta]
    best = max(sum(a * b for a, b in zip(w, g, strict=True)) for w in inside)
    assert best == beta * max(map(abs, g))
    # An l2 ball of that radius is larger.
    assert sum(v * v for v in g) > max(map(abs, g)) ** 2


def check_depth_is_bounded_below_one_and_geometric_above():
    b, r = sp.symbols("beta r", positive=True)
    depth = sp.symbols("L", positive=True, integer=True)
    total = r * (1 - b**depth) / (1 - b)
    assert sp.limit(total.subs(b, sp.Rational(9, 10)), depth, sp.oo) == 10 * r
    # A factor 2 a layer, as for rectifiers, leaves the design rule only to beta below 1/2.
    assert sp.limit(total.subs(b, 2 * sp.Rational(9, 10)).subs(r, 1), depth, sp.oo) == sp.oo


def check_the_vector_loss():
    r"""$2\cdot\sqrt2\cdot\frac12\cdot n\mathcal R=\sqrt2n\mathcal R$."""
    n, complexity = sp.symbols("n R", positive=True)
    assert 2 * sp.sqrt(2) * sp.Rational(1, 2) * n * complexity == sp.sqrt(2) * n * complexity
