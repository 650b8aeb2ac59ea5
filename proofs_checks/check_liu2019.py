r"""Liu, Chen, Wang, Yin 2019: theorem 1, its range of gains; theorem 2; the Frobenius weight, also of convolutions."""

import random
from itertools import pairwise

import sympy as sp

a, gain, s, mu, size = sp.symbols("a gamma s mu E", positive=True)


def check_threshold_law_gives_the_rate():
    r"""$(|1-\gamma|+(s-1)\gamma\mu)E+s\gamma\mu E=(|1-\gamma|+(2s-1)\gamma\mu)E$."""
    off = sp.Abs(1 - gain)
    layer = (off + (s - 1) * gain * mu) * size + s * gain * mu * size
    assert sp.simplify(layer - (off + (2 * s - 1) * gain * mu) * size) == 0


def check_range_of_gains():
    r"""With $a=(2s-1)\mu<1$: $a\gamma+|1-\gamma|<1\iff 0<\gamma<2/(1+a)$, and $\gamma=1$ is best."""
    # gamma <= 1: the rate is 1 - (1 - a) gamma, below 1 for every gamma > 0 and falling.
    assert sp.expand(a * gain + (1 - gain) - (1 - (1 - a) * gain)) == 0
    # gamma >= 1: the rate is (1 + a) gamma - 1, rising, and 1 exactly at 2 / (1 + a).
    assert sp.simplify(((1 + a) * gain - 1).subs(gain, 2 / (1 + a)) - 1) == 0
    # False variant: 2 / (2 s mu) as the end of the range admits gains without contraction.
    too_wide = (a * gain + gain - 1).subs({a: sp.Rational(1, 2), gain: sp.Rational(3, 2)})
    assert sp.Rational(3, 2) < 2 / sp.Rational(1, 2)
    assert too_wide > 1


def _column(matrix: sp.Matrix, i: int) -> sp.Matrix:
    return sp.Matrix([matrix[r, i] for r in range(matrix.rows)])


def _form(u: sp.Matrix, kernel: sp.MatrixBase, v: sp.Matrix) -> sp.Expr:
    return u.dot(sp.Matrix(kernel * v))


def check_frobenius_weight_is_optimal():
    r"""$\min w^TGw$ s.t. $a^Tw=1$ with $G=AA^T\succ0$: $w=G^{-1}a/d$, value $1/d$, $d=a^TG^{-1}a$; exact rationals.

    For any feasible $w+h$ ($a^Th=0$): $(w+h)^TG(w+h)=1/d+h^TGh$, since $h^TGw=h^Ta/d=0$. With $a^Tw=c$ the value is
    $c^2/d$, so that a diagonal within $\delta$ of 1 costs at least $(1-\delta)^2/d$.
    """
    draw = random.Random(7)
    tried = 0
    for _ in range(20):
        matrix = sp.Matrix(3, 5, lambda *_: sp.Rational(draw.randint(-9, 9), draw.randint(1, 5)))
        gram = sp.Matrix(matrix * matrix.T)
        if gram.det() == 0 or any(_column(matrix, i).is_zero_matrix for i in range(5)):
            continue
        tried += 1
        inverse = gram.inv()
        total, trace = sp.Integer(0), sp.Integer(0)
        for i in range(5):
            column = _column(matrix, i)
            d = _form(column, inverse, column)
            w = sp.Matrix(inverse * column / d)
            assert column.dot(w) == 1
            assert _form(w, gram, w) == 1 / d
            free = sp.Matrix([draw.randint(-5, 5) for _ in range(3)])
            free = sp.Matrix(free - column * column.dot(free) / column.dot(column))
            other, scale = sp.Matrix(w + free), sp.Rational(draw.randint(1, 9), 7)
            assert column.dot(other) == 1
            assert _form(other, gram, other) - 1 / d == _form(free, gram, free)
            assert _form(w * scale, gram, w * scale) == scale**2 / d
            total, trace = total + 1 / d, trace + d
        assert trace == 3  # a projector's trace: sum d_i = m
        assert total >= sp.Rational(25, 3)  # harmonic mean: sum 1/d_i >= n^2 / m
    assert tried >= 10


def check_the_dictionary_itself_is_not_optimal():
    """False variant: W = A, normalised, costs strictly more than the closed form on a coherent dictionary."""
    matrix = sp.Matrix([[1, 0, sp.Rational(3, 5)], [0, 1, sp.Rational(4, 5)]])
    gram = sp.Matrix(matrix * matrix.T)
    columns = [_column(matrix, i) for i in range(3)]
    own = sum(_form(a, gram, a) for a in columns)
    best = sum(1 / _form(a, gram.inv(), a) for a in columns)
    assert own > best


# -- theorem 2: the lower bound --------------------------------------------------------------------------------------
def check_lower_bound_counting():
    r"""$P(\|e^K\|<\rho\prod_k3^{-q}\sigma_k)\le3f\rho$ for each support of size q, entries of density at most f.

    Proof. On S a layer gives $e_i^{k+1}=-x_i^*$ where it zeroes entry i, else $(M_ke^k)_i-\theta_ih_i$ with
    $h_i\in\{-1,0,1\}$ (0: support selection), $M_k=I-\gamma^kW_S^TA_S$, as long as no entry off S is nonzero in its
    input. Let k be the last layer that zeroes an entry of S, 0 if none does. Backwards from K to k there are $3^q$
    patterns a layer; for each, $e^k$ lies within $\rho3^{-qK}\prod_{t<k}\sigma_t\le\rho3^{-qK}$ of a point that does
    not depend on $x^*$, and one entry of $e^k$ is $-x_i^*$. Such an interval has probability at most
    $2f\rho3^{-qK}$. Patterns times entries: $q3^{q(K-k)}$ for k > 0; one entry is enough for k = 0, where
    $e^0=-x^*$. Sum: $2f\rho(1+q\sum_{k\ge1}3^{-qk})=2f\rho(1+q/(3^q-1))\le3f\rho$.
    """
    q, r = sp.symbols("q r", positive=True)
    # sum_{k>=1} r^k = r / (1 - r) with r = 3^{-q}.
    assert sp.simplify((r / (1 - r)).subs(r, 3**-q) - 1 / (3**q - 1)) == 0
    # q / (3^q - 1) is 1/2 at q = 1 and falls: 3^{q+1} - 1 >= 3 (3^q - 1) while q + 1 <= 2 q < 3 q.
    assert sp.Rational(1, 3**1 - 1) == sp.Rational(1, 2)
    assert sp.expand((3 * 3**q - 1) - 3 * (3**q - 1)) == 2
    assert all(sp.Rational(k, 3**k - 1) <= sp.Rational(1, 2) for k in range(1, 40))
    # The paper's probability follows: rho = eps sqrt(s) B and f = 1/(2B) give (3/2) eps sqrt(s) <= eps s^{3/2}.
    assert sp.Rational(3, 2) <= 2


def _pieces(factors, thetas, size):
    """Exact pieces (left, right, slope, value at left) of x* -> e^K on [-B, B] for one entry, S = {i}."""
    pieces = [(-size, size, sp.Integer(-1), size)]  # e^0 = -x*
    for factor, theta in zip(factors, thetas, strict=True):
        after = []
        for left, right, slope, value in pieces:
            # v = x* + factor e; x+ = soft(v, theta).
            rise, base = 1 + factor * slope, left + factor * value
            cuts = {left, right}
            for level in (-theta, theta):
                if rise != 0 and left < (at := left + (level - base) / rise) < right:
                    cuts.add(at)
            ends = sorted(cuts)
            for a, b in pairwise(ends):
                middle = base + rise * ((a + b) / 2 - left)
                if abs(middle) <= theta:
                    after.append((a, b, sp.Integer(-1), -a))
                else:
                    shift = theta if middle > 0 else -theta
                    after.append((a, b, factor * slope, factor * (value + slope * (a - left)) - shift))
        pieces = after
    return pieces


def _share_below(pieces, radius, size):
    """Exact probability of |e^K| < radius for x* uniform on [-B, B]."""
    total = sp.Integer(0)
    for left, right, slope, value in pieces:
        if slope == 0:
            total += right - left if abs(value) < radius else 0
            continue
        ends = sorted(left + (level - value) / slope for level in (-radius, radius))
        total += max(min(right, ends[1]) - max(left, ends[0]), 0)
    return total / (2 * size)


def check_lower_bound_survives_a_random_attack():
    """Exact piecewise-linear networks with one entry: 300 draws; the constant 3^{-q} cannot be dropped."""
    draw = random.Random(2)
    size, worst, without = sp.Integer(4), sp.Integer(0), sp.Integer(0)
    for _ in range(300):
        depth = draw.randint(1, 4)
        factors = [sp.Rational(draw.choice((-1, 1)) * draw.randint(1, 8), 8) for _ in range(depth)]
        thetas = [sp.Rational(draw.randint(0, 24), 8) for _ in range(depth)]
        pieces, product = _pieces(factors, thetas, size), sp.prod([abs(factor) for factor in factors])
        for rho in (sp.Rational(1, 16), sp.Rational(1, 2)):
            density = 1 / (2 * size)
            share = _share_below(pieces, rho * product / 3**depth, size)
            assert share <= 3 * density * rho
            worst = max(worst, share / (3 * density * rho))
            without = max(without, _share_below(pieces, rho * product, size) / (3 * density * rho))
    assert worst > sp.Rational(1, 10)
    # False variant: e^{-ck} without the 3^{-s} of the patterns fails.
    assert without > 1


# -- theorem 3: convolutional dictionaries -------------------------------------------------------------------------
def _circulant(filters, size):
    columns = []
    for d in filters:
        padded = [*d, *([0] * (size - len(d)))]
        columns += [[padded[(r - j) % size] for r in range(size)] for j in range(size)]
    return sp.Matrix(columns).T


def _objective(weights, filters, size):
    product = _circulant(weights, size).T * _circulant(filters, size)
    return sum(entry**2 for entry in product)


def _toeplitz(filters):
    """Q with w^T Q w the sum over all lags and filters of squared correlations of w with them."""
    D = len(filters[0])
    lags = [sum(d[a] * d[a + t] for d in filters for a in range(D - t)) for t in range(D)]
    return sp.Matrix(D, D, lambda a, b: lags[abs(a - b)])


def check_circular_objective_does_not_depend_on_the_length():
    r"""$\|W^TD\|_F^2=N\sum_mw_m^TQw_m$ for all $N\ge2D-1$, with Q the Toeplitz matrix of summed autocorrelations.

    Correlations of filters of length D live on lags |t| < D, which do not wrap around for $N\ge2D-1$; there are N
    shifts of each. So the minimiser over w with $w_m^Td_m=1$ is the same for every such N, that of $N=2D-1$, and it is
    $w_m=Q^{-1}d_m/(d_m^TQ^{-1}d_m)$ where Q is positive definite, as a filter with $d\ne0$ makes it.
    """
    draw = random.Random(11)
    D = 3
    for _ in range(3):
        filters = [[sp.Rational(draw.randint(-4, 4), draw.randint(1, 3)) for _ in range(D)] for _ in range(2)]
        if any(not any(d) for d in filters):
            continue
        weights = [[sp.Rational(draw.randint(-4, 4)) for _ in range(D)] for _ in range(2)]
        Q = _toeplitz(filters)
        form = sum(sp.Matrix(w).dot(Q * sp.Matrix(w)) for w in weights)
        for size in (2 * D - 1, 2 * D, 2 * D + 1):
            assert _objective(weights, filters, size) == size * form
        # False variant: at N = 2D - 2 the ends of the correlations wrap around onto each other.
        assert _objective(weights, filters, 2 * D - 2) != (2 * D - 2) * form
        best = sum(1 / sp.Matrix(d).dot(Q.inv() * sp.Matrix(d)) for d in filters)
        own = [Q.inv() * sp.Matrix(d) / sp.Matrix(d).dot(Q.inv() * sp.Matrix(d)) for d in filters]
        assert all(w.dot(sp.Matrix(d)) == 1 for w, d in zip(own, filters, strict=True))
        assert sum(w.dot(Q * w) for w in own) == best


def check_correlation_matrix_is_positive_definite():
    r"""$w^TQw=\sum_m\|w\star d_m\|^2$ vanishes only for w = 0: the product of nonzero polynomials is not zero."""
    z = sp.Symbol("z")
    a, b = sp.symbols("a b", nonzero=True)
    # Leading coefficients multiply, so that a product of nonzero polynomials has a nonzero one.
    product = sp.Poly((a * z**2 + 3) * (b * z + 1), z)
    assert product.LC() == a * b
    assert (_toeplitz([[1, 0], [0, 0]])).det() == 1
    # False variant: without a nonzero filter Q is singular.
    assert _toeplitz([[0, 0]]).det() == 0
