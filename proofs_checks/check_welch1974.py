r"""Welch's bound for $M=W^TA$ with any weight, in exact arithmetic: attacked at random, attained by tight frames.

Proof. M has rank at most m. With its singular values $\sigma_1\ge\dots\ge\sigma_m$, $|\mathrm{tr}\,M|\le\sum\sigma_i\le
\sqrt m\,\|M\|_F$ (von Neumann; Cauchy and Schwarz), so that $(\mathrm{tr}\,M)^2\le m\|M\|_F^2$. If
$|M_{ii}-1|\le\delta\le1$: $\mathrm{tr}\,M\ge n(1-\delta)$ and $\|M\|_F^2\le n(1+\delta)^2+n(n-1)\mu^2$, so that
$(n-1)\mu^2\ge n(1-\delta)^2/m-(1+\delta)^2$.
"""

import random

import sympy as sp

m, n, d, mu, s = sp.symbols("m n delta mu s", positive=True)


def _draw(draw: random.Random, rows: int, columns: int) -> sp.Matrix:
    return sp.Matrix(rows, columns, lambda *_: sp.Rational(draw.randint(-9, 9), draw.randint(1, 4)))


def _square_sum(matrix: sp.MatrixBase) -> sp.Expr:
    return sum((entry**2 for entry in matrix), sp.Integer(0))


def check_trace_of_a_matrix_of_low_rank():
    r"""$(\mathrm{tr}\,M)^2\le m\|M\|_F^2$ for 400 products of rank at most m; false with m - 1 in the place of m."""
    draw = random.Random(1974)
    violated = 0
    for _ in range(400):
        rows, columns = draw.randint(2, 3), draw.randint(3, 5)
        product = _draw(draw, rows, columns).T * _draw(draw, rows, columns)
        assert product.trace() ** 2 <= rows * _square_sum(product)
    for _ in range(100):
        rows = draw.randint(2, 3)
        frame = _draw(draw, rows, rows)
        if frame.det() != 0:
            product = sp.Matrix((frame.inv() * frame).T)  # W^T A = I: the bound is attained
            violated += bool(product.trace() ** 2 > (rows - 1) * _square_sum(product))
    assert violated > 50


def check_bound_from_the_trace():
    r"""$n^2(1-\delta)^2/m\le n(1+\delta)^2+n(n-1)\mu^2$ is the stated bound, and Welch's for $\delta=0$."""
    square = (n * (1 - d) ** 2 / m - (1 + d) ** 2) / (n - 1)
    assert sp.simplify(n * (1 + d) ** 2 + n * (n - 1) * square - n**2 * (1 - d) ** 2 / m) == 0
    assert sp.simplify(square.subs(d, 0) - (n - m) / (m * (n - 1))) == 0
    # Falls with delta: a weight that is only nearly normalised may be less coherent, never the reverse.
    slope = sp.simplify(sp.diff(square, d))
    assert all(slope.subs({n: 500, m: 250, d: value}) < 0 for value in (0, sp.Rational(1, 10), sp.Rational(1, 2)))


def check_equiangular_tight_frames_attain_it():
    r"""Simplices (m x (m+1), $\mu=1/m$) and three lines in the plane: equality, so that no larger constant is true."""
    for rows in (2, 3, 4):
        columns = rows + 1
        # Gram matrix of the simplex: 1 on the diagonal, -1/m off it; its rank is m.
        gram = sp.Matrix(columns, columns, lambda i, j: 1 if i == j else -sp.Rational(1, rows))  # noqa: B023
        assert gram.rank() == rows
        assert sp.Rational(1, rows) ** 2 == sp.Rational(columns - rows, rows * (columns - 1))
        assert gram.trace() ** 2 == rows * _square_sum(gram)


def check_random_weights_obey_it():
    r"""300 normalised pairs (W, A), W free: $\mu^2\ge(n-m)/(m(n-1))$; without $W_i^TA_i=1$ it is false."""
    draw = random.Random(3)
    tried = 0
    for _ in range(300):
        rows, columns = draw.randint(1, 3), draw.randint(3, 6)
        matrix, weight = _draw(draw, rows, columns), _draw(draw, rows, columns)
        products: list[list[sp.Rational]] = sp.Matrix(weight.T * matrix).tolist()
        if columns <= rows or any(products[i][i] == 0 for i in range(columns)):
            continue
        tried += 1
        sizes = [abs(products[i][j] / products[i][i]) for i in range(columns) for j in range(columns) if i != j]
        least = sp.Rational(columns - rows, rows * (columns - 1))
        assert max(sizes) ** 2 >= least
        if max(sizes) < 100:
            assert (max(sizes) / 1000) ** 2 < least  # W / 1000 is not normalised
    assert tried > 100


def check_sparsity_out_of_reach():
    r"""$s\ge(1+1/w)/2\iff(2s-1)w\ge1$, then $(2s-1)\mu\ge1$ for $\mu\ge w$; 250 x 500 admits 11 nonzeros, not 12."""
    w = sp.sqrt(sp.Rational(500 - 250, 250 * 499))
    assert (2 * 11 - 1) * w < 1 <= (2 * 12 - 1) * w
    assert sp.simplify((2 * ((1 + 1 / mu) / 2) - 1) * mu) == 1
    assert (2 * 2 - 1) * sp.Rational(1, 3) == 1  # false variant: at w = 1/3, s = 2 is out of reach, s = 1 is not
    assert (2 * 1 - 1) * sp.Rational(1, 3) < 1
