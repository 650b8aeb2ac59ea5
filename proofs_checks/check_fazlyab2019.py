r"""Fazlyab et al. 2019: slope restriction, S-procedure and the matrix inequality, with the input entering every layer.

The paper bounds chains. For $x^{k+1}=\varphi_k(W_2^kx^k+W_1^ku)$, $x^0=0$, output $x^K$, put $\beta=\Delta u$,
$w_k=\Delta x^{k+1}$, $z_k=W_2^kw_{k-1}+W_1^k\beta$, $w_{-1}=0$. With $\Lambda_k\ge0$ diagonal
$$\rho\|\beta\|^2-\|w_{K-1}\|^2-2\sum_kw_k^T\Lambda_k(z_k-w_k)\ge0\ \text{ for all }(\beta,w)\implies L^2\le\rho.$$
"""

import random
from fractions import Fraction
from itertools import product
from typing import Any

import sympy as sp
from flint import fmpq, fmpq_mat


def soft(z, theta):
    """The soft threshold, exactly."""
    return z - theta if z > theta else z + theta if z < -theta else type(z)(0)


def _random(draw, rows, columns, largest=6):
    entries = [fmpq(draw.randint(-largest, largest), draw.randint(1, 4)) for _ in range(rows * columns)]
    return fmpq_mat(rows, columns, entries)


def _diagonal(values):
    size = len(values)
    return fmpq_mat(size, size, [values[i] if i == j else fmpq(0) for i in range(size) for j in range(size)])


def _entries(matrix):
    return [[matrix[i, j] for j in range(matrix.ncols())] for i in range(matrix.nrows())]


def _blocks(rows):
    """A matrix of its blocks; None is zero."""
    heights = [next(b for b in row if b is not None).nrows() for row in rows]
    widths = [next(row[j] for row in rows if row[j] is not None).ncols() for j in range(len(rows[0]))]
    flat = []
    for row, height in zip(rows, heights, strict=True):
        for i in range(height):
            for block, width in zip(row, widths, strict=True):
                flat += [fmpq(0)] * width if block is None else [block[i, j] for j in range(width)]
    return fmpq_mat(sum(heights), sum(widths), flat)


def inequality(W1, W2, weights, rho):
    r"""$M(\rho,\Lambda)$ over $(\beta,w_0,\dots,w_{K-1})$."""
    K, n, m = len(W1), W1[0].nrows(), W1[0].ncols()
    rows: list[list[Any]] = [[None] * (K + 1) for _ in range(K + 1)]
    rows[0][0] = _diagonal([rho] * m)
    for k in range(K):
        scaled = _diagonal(weights[k])
        rows[k + 1][k + 1] = 2 * scaled - (_diagonal([fmpq(1)] * n) if k == K - 1 else fmpq_mat(n, n))
        rows[k + 1][0] = -1 * scaled * W1[k]
        rows[0][k + 1] = rows[k + 1][0].transpose()
        if k:
            rows[k + 1][k] = -1 * scaled * W2[k]
            rows[k][k + 1] = rows[k + 1][k].transpose()
    return _blocks(rows)


def minors(matrix):
    """Leading principal minors."""
    size = matrix.nrows()
    rows = _entries(matrix)
    return [fmpq_mat(k, k, [rows[i][j] for i in range(k) for j in range(k)]).det() for k in range(1, size + 1)]


def is_definite(matrix):
    """Sylvester's criterion, exactly."""
    return all(minor > 0 for minor in minors(matrix))


def _instance(draw):
    K, n, m = draw.randint(1, 4), draw.randint(1, 3), draw.randint(1, 2)
    W1 = [_random(draw, n, m) for _ in range(K)]
    W2 = [_random(draw, n, n, 3) for _ in range(K)]
    return K, n, m, W1, W2


def _multipliers(draw, K, n):
    """Large towards the first layer, as later ones ask of earlier ones."""
    return [[fmpq(40) ** (K - 1 - k) * fmpq(draw.randint(4, 9), 4) for _ in range(n)] for k in range(K)]


# -- slopes ------------------------------------------------------------------------------------------------------------
def check_soft_threshold_is_slope_restricted():
    r"""$\delta(z-z'-\delta)\ge0$, $\delta=\eta_\theta(z)-\eta_\theta(z')$, $\theta\ge0$: all branches, symbolically,
    and exactly on a grid.

    Between kinks the slope is 0 or 1; a monotone function that is a sum of such pieces has
    $0\le\delta(z-z')$ and $|\delta|\le|z-z'|$ with the sign of $z-z'$, which is the inequality.
    """
    grid = [Fraction(j, 4) for j in range(-16, 17)]
    for theta in (Fraction(0), Fraction(1, 2), Fraction(2)):
        for first, second in product(grid, grid):
            delta = soft(first, theta) - soft(second, theta)
            assert delta * (first - second - delta) >= 0
    # Branches z > theta, |z'| <= theta: delta = z - theta, rest = theta - z' >= 0.
    z, other, theta = sp.symbols("z z' theta", real=True)
    assert sp.expand((z - theta) * (z - other - (z - theta)) - (z - theta) * (theta - other)) == 0
    # z > theta, z' < -theta: delta = z - z' - 2 theta >= 0, rest = 2 theta.
    assert sp.expand((z - other) - (z - theta - (other + theta)) - 2 * theta) == 0
    # False variants: theta < 0 (sign(z) (|z| - theta)_+ jumps), and a hard threshold.
    jump = Fraction(1, 10) + Fraction(1, 2) + Fraction(1, 10) + Fraction(1, 2)
    assert jump * (Fraction(1, 5) - jump) < 0
    assert Fraction(11, 10) * (Fraction(2, 10) - Fraction(11, 10)) < 0


def check_s_procedure():
    r"""$M(\rho,\Lambda)\succ0$ bounds every pair of inputs: 60 networks with exact multipliers, 40 pairs each.

    $\rho$ is the least integer multiple of 1/4 for which M is positive definite: found by bisection, checked by
    Sylvester's criterion.
    """
    draw, tightest = random.Random(5), Fraction(0)
    proved = 0
    while proved < 60:
        K, n, m, W1, W2 = _instance(draw)
        weights = _multipliers(draw, K, n)
        low, high = 0, 4 * 10**12
        if not is_definite(inequality(W1, W2, weights, fmpq(high, 4))):
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if is_definite(inequality(W1, W2, weights, fmpq(middle, 4))) else (middle, high)
        rho, proved = fmpq(high, 4), proved + 1
        thetas = [[fmpq(draw.randint(0, 8), 4) for _ in range(n)] for _ in range(K)]
        for _ in range(40):
            pair = [[fmpq(draw.randint(-30, 30), 2) for _ in range(m)] for _ in range(2)]
            if pair[0] == pair[1]:
                continue
            out = [_run(W1, W2, thetas, u) for u in pair]
            moved = sum((a - b) ** 2 for a, b in zip(*out, strict=True))
            apart = sum((a - b) ** 2 for a, b in zip(*pair, strict=True))
            assert moved <= rho * apart
            ratio = moved / (rho * apart)
            tightest = max(tightest, Fraction(int(ratio.p), int(ratio.q)))
    assert tightest > Fraction(1, 5)


def _run(W1, W2, thetas, u):
    n = W1[0].nrows()
    x = fmpq_mat(n, 1)
    for first, second, theta in zip(W1, W2, thetas, strict=True):
        z = second * x + first * fmpq_mat(len(u), 1, u)
        x = fmpq_mat(n, 1, [soft(z[i, 0], theta[i]) for i in range(n)])
    return [x[i, 0] for i in range(n)]


def check_a_smaller_value_is_refuted():
    """One layer, W = 1: the least rho is 1 with Lambda = 1; 99/100 has no proof and is false (theta = 0)."""
    one = [fmpq_mat(1, 1, [fmpq(1)])]
    assert is_definite(inequality(one, one, [[fmpq(1)]], fmpq(1001, 1000)))
    for weight in (fmpq(j, 10) for j in range(6, 30)):
        assert not is_definite(inequality(one, one, [[weight]], fmpq(99, 100)))
    # M over (beta, w): rho (2 c - 1) >= c^2 is rho >= c^2/(2c - 1) >= 1, with equality at c = 1 only.
    c = sp.Symbol("c", positive=True)
    assert sp.factor(c**2 - (2 * c - 1)) == (c - 1) ** 2


# -- the coupled multipliers -------------------------------------------------------------------------------------------
def check_network_multipliers_are_refuted():
    r"""Coupled multipliers $T=\sum\lambda_{ij}(e_i-e_j)(e_i-e_j)^T$ between neurons ("Network" in the published
    code) are no consequence of slopes: ReLU, neuron 1 from 1 to 2, neuron 2 from -2 to -1.

    Then $\Delta v_1=\Delta v_2=1$ and $\Delta w=(1,0)$: the term $(\Delta w_1-\Delta w_2)(\Delta v_1-\Delta v_2-\Delta
    w_1+\Delta w_2)=-1$. Neuron and layer multipliers hold there.
    """
    first, second = (1, -2), (2, -1)
    v = [b - a for a, b in zip(first, second, strict=True)]
    w = [max(b, 0) - max(a, 0) for a, b in zip(first, second, strict=True)]
    assert v == [1, 1]
    assert w == [1, 0]
    assert (w[0] - w[1]) * ((v[0] - v[1]) - (w[0] - w[1])) == -1
    assert all(a * (b - a) >= 0 for a, b in zip(w, v, strict=True))


def check_network_multipliers_prove_what_is_false():
    r"""The output $w_1-w_2$ of those two neurons on inputs $v_1=v_2+3$: its true constant is 1, and the coupled
    multiplier 1 would prove 0.

    $\rho\,\beta^2-(w_1-w_2)^2-2t(w_1-w_2)(0-(w_1-w_2))=(2t-1)(w_1-w_2)^2+\rho\beta^2\ge0$ for t = 1/2, $\rho=0$.
    """
    t, rho, beta, w1, w2 = sp.symbols("t rho beta w1 w2", real=True)
    form = rho * beta**2 - (w1 - w2) ** 2 - 2 * t * (w1 - w2) * ((beta - beta) - (w1 - w2))
    assert sp.expand(form.subs({t: sp.Rational(1, 2), rho: 0})) == 0
    assert max(2, 0) - max(-1, 0) - (max(1, 0) - max(-2, 0)) == 1


# -- chordal form ------------------------------------------------------------------------------------------------------
def check_chordal_form_is_lossless():
    r"""For K >= 2: $M\succ0$ iff it is a sum of K - 1 positive definite blocks on the cliques $(\beta,w_{k-1},w_k)$.

    Eliminating $w_{K-1}$, then $w_{K-2}$, ... never joins blocks that were not joined: M is the sum of
    $S_k^TN_k^{-1}S_k$, supported on $(\beta,w_{k-1},w_k)$, and a remainder on $(\beta,w_0)$ that the first clique
    takes. Exact on 40 instances; conversely a sum of positive semidefinite blocks is one.
    """
    draw, seen = random.Random(7), 0
    while seen < 40:
        K, n, m, W1, W2 = _instance(draw)
        if K < 2:
            continue
        M = inequality(W1, W2, _multipliers(draw, K, n), fmpq(10) ** 9)
        if not is_definite(M):
            continue
        seen += 1
        size, rest = M.nrows(), M
        total = fmpq_mat(size, size)
        for k in range(K - 1, 0, -1):
            own = list(range(m + k * n, m + (k + 1) * n))
            clique = {*range(m), *range(m + (k - 1) * n, m + (k + 1) * n)}
            N = fmpq_mat(n, n, [rest[i, j] for i in own for j in own])
            S = fmpq_mat(n, size, [rest[i, j] for i in own for j in range(size)])
            assert is_definite(N)
            assert all(S[i, j] == 0 for i in range(n) for j in range(size) if j not in clique)
            term = S.transpose() * N.inv() * S
            total, rest = total + term, rest - term
        first = set(range(m + n))
        assert all(rest[i, j] == 0 for i in range(size) for j in range(size) if not {i, j} <= first)
        corner = fmpq_mat(m + n, m + n, [rest[i, j] for i in range(m + n) for j in range(m + n)])
        assert is_definite(corner)
        assert total + rest == M
