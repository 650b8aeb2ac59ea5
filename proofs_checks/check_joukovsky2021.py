r"""Joukovsky et al. 2021: sharing one layer over all times, counted; the recursion is in ``check_kouni2023.py``."""

import sympy as sp

n, m, depth, scale, k = sp.symbols("n m L epsilon K", positive=True)


def check_parameters_do_not_multiply():
    r"""Tied: $n^2+nm+1$; untied: L times as many. The log-coverings at one K differ by the factor L."""
    tied = (n**2 + n * m) * sp.log(1 + 2 * k / scale) + sp.log(1 + k / (2 * scale))
    untied = depth * tied
    assert sp.simplify(untied / tied) == depth


def check_the_radii_of_the_three_parts():
    r"""$\eta=\varepsilon/K$: balls in units of their radii, and an interval of length 1 by a grid of radius $\eta$."""
    eta = scale / k
    assert sp.simplify(1 + 2 / eta - (1 + 2 * k / scale)) == 0
    assert sp.simplify(1 / (2 * eta) + 1 - (1 + k / (2 * scale))) == 0
    # Half the grid does not cover: its points are 4 eta apart.
    assert sp.simplify(1 / (4 * eta) * 2 * eta - sp.Rational(1, 2)) == 0


def check_the_change_of_a_shared_weight_is_seen_by_every_run():
    r"""$x_L=(1+s+\dots+s^{L-1})ay$ in dimension one: the derivative in s sums over all runs, and is the recursion's."""
    s, a, y = sp.symbols("s a y", positive=True)
    for steps in (1, 2, 4, 6):
        x = sum(s**j for j in range(steps)) * a * y
        derivative, radius = sp.Integer(0), sp.Integer(0)
        for _ in range(steps):
            derivative, radius = s * derivative + s * radius, s * radius + a * y
        assert sp.expand(s * sp.diff(x, s) - derivative) == 0
    # One run's share alone is too small.
    assert sp.expand(s * sp.diff(1 + s + s**2, s) - s * s) != 0
