r"""Schnoor, Behboodi, Rauhut 2023: without weight sharing, the log-covering is parameters times a logarithm."""

import random
from itertools import pairwise

import sympy as sp


def check_free_weights_add_layer_by_layer():
    a, b, n = sp.symbols("a B n", positive=True)
    for depth in (1, 3, 8):
        total = sum(layer * a * b + a * b + sp.sqrt(n) for layer in range(depth))
        closed = a * b * (depth + sp.Rational(depth * (depth - 1), 2)) + depth * sp.sqrt(n)
        assert sp.expand(total - closed) == 0


def check_one_layer_moves_by_its_three_parts():
    r"""$W_2x+W_1y-W_2'x'-W_1'y=W_2'(x-x')+(W_2-W_2')x+(W_1-W_1')y$, and thresholds are 1-Lipschitz."""
    draw = random.Random(2)

    def matrix(rows, columns):
        return sp.Matrix(rows, columns, lambda *_: sp.Rational(draw.randint(-9, 9), 4))

    for _ in range(5):
        w2, v2, w1, v1 = matrix(2, 2), matrix(2, 2), matrix(2, 3), matrix(2, 3)
        x, other, y = matrix(2, 1), matrix(2, 1), matrix(3, 1)
        whole = w2 * x + w1 * y - v2 * other - v1 * y
        assert whole == v2 * (x - other) + (w2 - v2) * x + (w1 - v1) * y
        assert whole != (w2 - v2) * x + (w1 - v1) * y

    def shrunk(v, theta):
        return sp.sign(v) * sp.Max(abs(v) - theta, 0)

    grid = [sp.Rational(k, 4) for k in range(-8, 9)]
    for v in grid:
        for theta in grid[8:]:
            for other in grid[8:]:
                assert abs(shrunk(v, theta) - shrunk(v, other)) <= abs(theta - other)


def check_a_separated_set_in_a_ball_is_counted_by_volume():
    r"""Balls of radius $\eta/2$ around $\eta$-separated points of a ball of radius r are disjoint in one of radius
    $r+\eta/2$: at most $(1+2r/\eta)^{\dim}$ of them.
    """
    r, eta = sp.symbols("r eta", positive=True)
    assert sp.simplify(((r + eta / 2) / (eta / 2)) - (1 + 2 * r / eta)) == 0
    # In one dimension: r = 1, eta = 1/2 packs 5 points, exactly 1 + 2 r / eta; without the 1 it would be too few.
    points = [sp.Rational(k, 2) - 1 for k in range(5)]
    assert min(b - a for a, b in pairwise(points)) >= sp.Rational(1, 2)
    assert len(points) == 1 + 2 / sp.Rational(1, 2)
    assert len(points) > 2 / sp.Rational(1, 2)


def check_signals_grow_linearly_with_parameters_and_depth():
    r"""At one scale $\ln\mathcal N=LP\ln(1+2K_L/\varepsilon)$, $K_L$ polynomial in L: linear up to the logarithm."""
    depth, size = sp.symbols("L P", positive=True)
    log_covering = depth * size * sp.log(1 + 20 * depth**2)
    assert sp.limit(log_covering.subs(size, 2 * depth) / log_covering.subs(size, depth), depth, sp.oo) == 2
    ratio = log_covering.subs(depth, 2 * depth) / log_covering
    assert sp.limit(ratio, depth, sp.oo) == 2
