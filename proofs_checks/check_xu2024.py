r"""Xu and Sivaranjani 2024: the matrix inequality layer by layer, as a recursion of Schur complements.

The paper factorises the inequality of a chain from its first layer on. With the input in every layer the elimination
starts at the last state: $Q=I$, $S=0$, $R=0$, then for $k=K-1,\dots,0$, as long as $N_k=2\Lambda_k-Q\succ0$,
$$G=S^T+\Lambda_kW_1^k,\quad R\mathrel{+}=G^TN_k^{-1}G,\quad S=G^TN_k^{-1}\Lambda_kW_2^k,\quad
  Q=W_2^{kT}\Lambda_kN_k^{-1}\Lambda_kW_2^k,$$
and $L^2\le\lambda_{\max}(R)$. Nothing is lost for the given multipliers: $\lambda_{\max}(R)$ is the least $\rho$ with
$M(\rho,\Lambda)\succeq0$.
"""

import random
from fractions import Fraction

import sympy as sp
from flint import fmpq, fmpq_mat


def _random(draw, rows, columns, largest=5):
    return fmpq_mat(rows, columns, [fmpq(draw.randint(-largest, largest), 3) for _ in range(rows * columns)])


def _diagonal(values):
    size = len(values)
    return fmpq_mat(size, size, [values[i] if i == j else fmpq(0) for i in range(size) for j in range(size)])


def _definite(matrix):
    size = matrix.nrows()
    return all(fmpq_mat(k, k, [matrix[i, j] for i in range(k) for j in range(k)]).det() > 0 for k in range(1, size + 1))


def _form(matrix, vector):
    return (vector.transpose() * matrix * vector)[0, 0]


def _dot(first, second):
    return (first.transpose() * second)[0, 0]


def recursion(W1, W2, weights):
    """R and, for each layer, what the elimination left: (N, G, Lambda W2); None where N is not definite."""
    n, m = W1[0].nrows(), W1[0].ncols()
    Q, S, R, steps = _diagonal([fmpq(1)] * n), fmpq_mat(m, n), fmpq_mat(m, m), []
    for k in range(len(W1) - 1, -1, -1):
        scaled = _diagonal(weights[k])
        N = 2 * scaled - Q
        if not _definite(N):
            return None
        G, carried = S.transpose() + scaled * W1[k], scaled * W2[k]
        R = R + G.transpose() * N.inv() * G
        steps.append((N, G, carried))
        S, Q = G.transpose() * N.inv() * carried, carried.transpose() * N.inv() * carried
    return R, steps[::-1]


def _instance(draw):
    K, n, m = draw.randint(1, 5), draw.randint(1, 3), draw.randint(1, 2)
    W1, W2 = [_random(draw, n, m) for _ in range(K)], [_random(draw, n, n, 3) for _ in range(K)]
    weights = [[fmpq(30) ** (K - 1 - k) * fmpq(draw.randint(3, 9), 4) for _ in range(n)] for k in range(K)]
    return W1, W2, weights


def _lhs(W1, W2, weights, beta, w):
    r"""$\|w_{K-1}\|^2+2\sum_kw_k^T\Lambda_k(z_k-w_k)$."""
    total, before = _dot(w[-1], w[-1]), fmpq_mat(w[0].nrows(), 1)
    for k in range(len(W1)):
        z = W2[k] * before + W1[k] * beta
        total += 2 * _dot(w[k], _diagonal(weights[k]) * (z - w[k]))
        before = w[k]
    return total


def check_recursion_completes_the_squares():
    r"""$\beta^TR\beta-\|w_{K-1}\|^2-2\sum_kw_k^T\Lambda_k(z_k-w_k)=\sum_k(w_k-\hat w_k)^TN_k(w_k-\hat w_k)$,
    $\hat w_k=N_k^{-1}(G_k\beta+\Lambda_kW_2^kw_{k-1})$: an identity in $(\beta,w)$, on 60 exact instances.

    So $\|w_{K-1}\|^2\le\beta^TR\beta$ for slopes in [0, 1], and with $w=\hat w$ both sides are equal: no smaller
    $\rho$ than $\lambda_{\max}(R)$ satisfies the inequality with these multipliers.
    """
    draw, seen = random.Random(1), 0
    while seen < 60:
        W1, W2, weights = _instance(draw)
        found = recursion(W1, W2, weights)
        if found is None:
            continue
        seen += 1
        R, steps = found
        n, m = W1[0].nrows(), W1[0].ncols()
        beta, w = _random(draw, m, 1), [_random(draw, n, 1) for _ in W1]
        squares, before = fmpq(0), fmpq_mat(n, 1)
        for k, (N, G, carried) in enumerate(steps):
            off = w[k] - N.inv() * (G * beta + carried * before)
            squares, before = squares + _form(N, off), w[k]
        assert _form(R, beta) - _lhs(W1, W2, weights, beta, w) == squares
        best = []
        for N, G, carried in steps:
            best.append(N.inv() * (G * beta + carried * (best[-1] if best else fmpq_mat(n, 1))))
        assert _form(R, beta) == _lhs(W1, W2, weights, beta, best)


def check_one_step_of_the_recursion_symbolically():
    r"""One layer of scalars: with $V(w)=Qw^2+2Sw\beta+R\beta^2$ the value to go after it,
    $\max_w\{V(w)+2\Lambda w(W_2v+W_1\beta-w)\}$ is the quadratic form of the next $(Q,S,R)$, attained, iff N > 0."""
    Q, S, R, c, W1, W2, v, w, beta = sp.symbols("Q S R Lambda W1 W2 v w beta", real=True)
    N, G = 2 * c - Q, S + c * W1
    value = Q * w**2 + 2 * S * w * beta + R * beta**2 + 2 * c * w * (W2 * v + W1 * beta - w)
    after = (c * W2) ** 2 / N * v**2 + 2 * G * c * W2 / N * v * beta + (R + G**2 / N) * beta**2
    at = (G * beta + c * W2 * v) / N
    assert sp.simplify(after - value - N * (w - at) ** 2) == 0


def check_recursion_without_definiteness_is_no_bound():
    """False variant: with N < 0 the closed form still gives a number, and it is below the truth (K = 1, W = 1)."""
    c = sp.Rational(1, 4)
    N = 2 * c - 1
    assert N < 0
    assert c**2 / N < 1
    # And with N > 0 it is never below 1: c^2/(2c - 1) >= 1.
    x = sp.Symbol("x", positive=True)
    assert sp.factor(x**2 / (2 * x - 1) - 1) == (x - 1) ** 2 / (2 * x - 1)


def check_greedy_multipliers_are_admissible():
    r"""$\Lambda_k=\|Q\|I$ (the closed form of ECLipsE-Fast): $N=2\|Q\|I-Q\succeq\|Q\|I\succ0$ unless $Q=0$, when $S=0$
    as well and no earlier layer matters.

    $Q=X^TX$, $S=Y^TX$ with $X=N^{-1/2}\Lambda W_2$: X = 0 makes both vanish. With it, one layer of unit scalars gives
    1; the same recipe with half the multiplier is singular.
    """
    q, norm = sp.symbols("q norm", nonnegative=True)
    assert sp.expand((2 * norm - q) - norm - (norm - q)) == 0  # eigenvalue q of Q is at most its norm
    draw = random.Random(3)
    for _ in range(40):
        n, m = draw.randint(1, 3), draw.randint(1, 2)
        X, Y = _random(draw, 3, n), _random(draw, 3, m)
        Q, S = X.transpose() * X, Y.transpose() * X
        # |S_ij|^2 <= (Y^T Y)_ii Q_jj: a zero of Q is one of S.
        gram = Y.transpose() * Y
        assert all(S[i, j] ** 2 <= gram[i, i] * Q[j, j] for i in range(m) for j in range(n))
    half = _diagonal([fmpq(1, 2)])
    assert (2 * half - _diagonal([fmpq(1)])).det() == 0


def check_value_is_convex_in_the_multipliers():
    r"""$\beta^TR(\Lambda)\beta=\sup_w\{\|w_{K-1}\|^2+2\sum w_k^T\Lambda_k(z_k-w_k)\}$, a supremum of functions that are
    affine in $\Lambda$: convex, so that local minimisation of $\lambda_{\max}(R)$ is global. Midpoints, exactly."""
    draw, seen = random.Random(8), 0
    while seen < 30:
        W1, W2, weights = _instance(draw)
        other = [[x * fmpq(draw.randint(4, 8), 4) for x in row] for row in weights]
        middle = [[(a + b) / 2 for a, b in zip(p, q, strict=True)] for p, q in zip(weights, other, strict=True)]
        found = [recursion(W1, W2, given) for given in (weights, other, middle)]
        if any(f is None for f in found):
            continue
        seen += 1
        values = [f[0] for f in found if f is not None]
        for _ in range(5):
            beta = _random(draw, W1[0].ncols(), 1)
            assert 2 * _form(values[2], beta) <= _form(values[0], beta) + _form(values[1], beta)


# -- a certificate in K separate inequalities --------------------------------------------------------------------------
def check_dissipation_inequalities_telescope():
    r"""Systems $v=C\xi+Du$, $w=\varphi(v)$, $\xi^+=A\xi+Bw+Eu$, $\xi^0=Fu$, output $G\xi^K$: symmetric $P_k$ on
    $(\xi,u)$ with $P_k(\xi,u)\ge P_{k+1}(A\xi+Bw+Eu,u)+2w^T\Lambda_k(C\xi+Du-w)$ for all $(\xi,u,w)$ and
    $P_K(\xi,u)=\|G\xi\|^2$ give $\|\Delta G\xi^K\|^2\le P_0(F\Delta u,\Delta u)$.

    Proof: along differences the last term is nonnegative, so $P_{k+1}\le P_k$ on the trajectory: the sum telescopes.
    The recursion's $(Q,S,R)$ before layer k is such a $P_k$, with equality at $w=\hat w$: K checks of the size of one
    layer are as strong as the large one. Exact, on networks with memory (state, neurons and input of size 2, 1, 1).
    """
    draw, seen, tight = random.Random(12), 0, Fraction(0)
    shapes = {"C": (1, 2), "D": (1, 1), "A": (2, 2), "B": (2, 1), "E": (2, 1)}
    while seen < 40:
        layers = [{name: _random(draw, *shape, 2) for name, shape in shapes.items()} for _ in range(draw.randint(1, 4))]
        forms = _storage(draw, layers)
        if forms is None:
            continue
        seen, start = seen + 1, _random(draw, 2, 1, 2)
        for _ in range(30):
            u = fmpq(draw.randint(1, 9))
            xi = start * u
            first = value = _form(forms[0], _stacked(xi, u))
            for layer, after in zip(layers, forms[1:], strict=True):
                v = (layer["C"] * xi + layer["D"] * u)[0, 0]
                w = fmpq(draw.randint(0, 4), 4) * v  # a slope in [0, 1]
                xi = layer["A"] * xi + layer["B"] * w + layer["E"] * u
                next_value = _form(after, _stacked(xi, u))
                assert next_value <= value
                value = next_value
            assert _dot(xi, xi) == value <= first
            if first > 0:
                ratio = value / first
                tight = max(tight, Fraction(int(ratio.p), int(ratio.q)))
    assert tight > Fraction(1, 2)
    # False variant: with a slope of 2 the supply is negative, and the value may rise.
    assert 2 * (1 - 2) < 0


def _stacked(xi, u):
    return fmpq_mat(3, 1, [xi[0, 0], xi[1, 0], u])


def _storage(draw, layers):
    r"""$P_0,\dots,P_K$ with multipliers for which every elimination is possible; None if one is not."""
    P = _diagonal([fmpq(1), fmpq(1), fmpq(0)])
    forms = [P]
    for layer in reversed(layers):
        A, B, C, D, E = (layer[name] for name in "ABCDE")
        rows = [[A[i, 0], A[i, 1], E[i, 0], B[i, 0]] for i in range(2)] + [[fmpq(0), fmpq(0), fmpq(1), fmpq(0)]]
        after = fmpq_mat(3, 4, [x for row in rows for x in row])
        form = after.transpose() * P * after
        weight = abs(form[3, 3]) + fmpq(draw.randint(1, 6), 2)
        given = [weight * C[0, 0], weight * C[0, 1], weight * D[0, 0]]
        supply = fmpq_mat(4, 4, [fmpq(0)] * 16)
        for i in range(3):
            supply[i, 3] = supply[3, i] = given[i]
        supply[3, 3] = -2 * weight
        form = form + supply
        if form[3, 3] >= 0:
            return None
        # max over w of the form: equality in the inequality at the maximiser.
        flat = [form[i, j] - form[i, 3] * form[3, j] / form[3, 3] for i in range(3) for j in range(3)]
        P = fmpq_mat(3, 3, flat)
        forms.append(P)
    return forms[::-1]
