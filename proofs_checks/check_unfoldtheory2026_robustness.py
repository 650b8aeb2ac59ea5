r"""Where stability ends: jumps of negative thresholds, the Lasso and its unfolding, encodings by ReLU pairs, depth."""

import random
from fractions import Fraction
from itertools import combinations, pairwise, product

import sympy as sp


def shrink(z, theta):
    """sign(z) (|z| - theta)_+, as networks compute it whatever the sign of theta; sign(0) = 0."""
    size = max(abs(z) - theta, Fraction(0))
    return size if z > 0 else -size if z < 0 else Fraction(0)


# -- negative thresholds ---------------------------------------------------------------------------------------------
def check_negative_thresholds_jump():
    r"""$\theta<0$: from $z=-h/2$ to $h/2$ the value moves by $2|\theta|+h$. The quotient exceeds every bound."""
    for theta, h in product((Fraction(-1, 10), Fraction(-3)), (Fraction(1, 10**k) for k in range(1, 8))):
        assert shrink(h / 2, theta) - shrink(-h / 2, theta) == 2 * abs(theta) + h


def check_a_later_layer_can_hide_the_jump():
    r"""It makes L infinite only if it reaches the output: $x_2=\eta_1(x_1/2)$, $x_1=\eta_{-1/10}(b)$, is continuous.

    Below $|x_1|=2$ the second layer is 0, and the jump goes from -1/10 to 1/10. So a claim must name
    the layer's own output.
    """
    values = [shrink(shrink(Fraction(j, 1000), Fraction(-1, 10)) / 2, Fraction(1)) for j in range(-50, 51)]
    assert set(values) == {0}
    moved = [shrink(shrink(Fraction(j, 10), Fraction(-1, 10)) / 2, Fraction(1)) for j in range(-60, 61)]
    assert max(abs(b - a) for a, b in pairwise(moved)) <= Fraction(1, 10)


# -- pairs of ReLUs ----------------------------------------------------------------------------------------------------
def check_pair_encoding_admits_slope_two():
    r"""$\eta_\theta(z)=(z-\theta)_+-(-z-\theta)_+$. A relaxation that gives each ReLU a slope in [0, 1] of its own
    admits both slopes 1: the pair then has slope 2 in every layer, though no two inputs realise it.

    So whatever it certifies is at least $g_K$, $g_{k+1}=2(1-\eta\sigma^2)g_k+2\eta\sigma$, $g_0=0$, for every $\sigma$;
    with $c=\eta\sigma^2\le\frac14$: $g_K\ge2\eta\sigma\sum_{j<K}(\frac32)^j=4\sqrt{\eta c}((\frac32)^K-1)$.
    """
    for z, theta in product((Fraction(j, 4) for j in range(-12, 13)), (Fraction(0), Fraction(1))):
        pair = max(z - theta, Fraction(0)) - max(-z - theta, Fraction(0))
        assert pair == shrink(z, theta)
    # Slopes (1, 1) satisfy both sector conditions: v = dz and v = -dz, outputs dz and -dz; the pair moves by 2 dz.
    dz = sp.Symbol("dz", real=True)
    for v, w in ((dz, dz), (-dz, -dz)):
        assert w * (v - w) == 0
    c, r = sp.symbols("c r", positive=True)
    assert sp.simplify(2 * (1 - sp.Rational(1, 4)) - sp.Rational(3, 2)) == 0
    for K in range(1, 9):
        total = sum(r**j for j in range(K))
        assert sp.simplify((total - (r**K - 1) / (r - 1)).subs(r, sp.Rational(3, 2))) == 0
        eta, s = Fraction(1), Fraction(1, 2)  # c = 1/4: equality
        g = Fraction(0)
        for _ in range(K):
            g = 2 * (1 - eta * s * s) * g + 2 * eta * s
        assert g == 4 * s * (Fraction(3, 2) ** K - 1)
    # Realised slopes never add up to 2: one of z - theta > 0 and -z - theta > 0 fails for theta >= 0.
    assert not any(z > t and -z > t for z in range(-3, 4) for t in range(4))
    # False variant: for c > 1/4 the growth is slower than 3/2: c = 9/25 gives 32/25.
    assert 2 * (1 - Fraction(9, 25)) < Fraction(3, 2)
    assert c.is_positive


# -- infinite depth ----------------------------------------------------------------------------------------------------
def check_support_stays_within_its_margin():
    r"""$|d|<||z|-\theta|$ leaves z + d on its side of the threshold; at the margin itself it need not, nor beyond.

    With $|z_i-z_i'|\le\|W_{1,i}\|\|\Delta y\|+\|W_{2,i}\|L\|\Delta y\|$ (Cauchy-Schwarz, by Lagrange's identity)
    this is the radius of the support.
    """
    grid = [Fraction(j, 8) for j in range(-24, 25)]
    for z, theta in product(grid, (Fraction(0), Fraction(1, 2), Fraction(1))):
        margin = abs(abs(z) - theta)
        assert all((abs(z + d) > theta) == (abs(z) > theta) for d in grid if abs(d) < margin)
    at_margin = [abs(z + 1 - abs(z)) > 1 for z in (Fraction(3, 2),)]
    assert at_margin == [False]  # z = 3/2, theta = 1, d = -1/2: the entry leaves the support
    assert not abs(Fraction(1, 2) + 2 * Fraction(1, 2)) <= 1  # twice the margin: z = 1/2 enters it
    a, b = sp.symbols("a0:3", real=True), sp.symbols("b0:3", real=True)
    lagrange = sum((a[i] * b[j] - a[j] * b[i]) ** 2 for i, j in combinations(range(3), 2))
    inner = sum(x * y for x, y in zip(a, b, strict=True))
    assert sp.expand(sum(x**2 for x in a) * sum(y**2 for y in b) - inner**2 - lagrange) == 0


def check_attack_gain_is_the_triangle_inequality():
    r"""$\|x(y')-x^*\|\le\|x(y)-x^*\|+L\|\Delta y\|_2$ and $\|\Delta y\|_2\le\sqrt m\|\Delta y\|_\infty$.

    $m\max_id_i^2-\sum_id_i^2$ is a sum of nonnegative terms. Equality for constant signs; without $\sqrt m$ it fails.
    """
    m = 4
    d = sp.symbols("d1:5", nonnegative=True)
    gaps = sp.symbols("g1:5", nonnegative=True)  # max^2 - d_i^2
    top = sp.Symbol("t", nonnegative=True)
    excess = (m * top - sum(x**2 for x in d)).subs({x: sp.sqrt(top - g) for x, g in zip(d, gaps, strict=True)})
    assert sp.expand(excess - sum(gaps)) == 0
    # One linear layer of gain L = 1, x* = 0 and a clean error of 0: the attacked error is sqrt(m) times the step.
    step = [Fraction(1)] * m
    assert sum(e**2 for e in step) == m * max(step) ** 2
    assert sum(e**2 for e in step) > max(step) ** 2


def check_contraction_is_sufficient():
    r"""$\ell_{k+1}\le q\ell_k+p$, $\ell_0=0$: $\ell_k\le p(1-q^k)/(1-q)<p/(1-q)$."""
    q, p = sp.symbols("q p", positive=True)
    k = sp.Symbol("k", integer=True, nonnegative=True)
    value = p * (1 - q**k) / (1 - q)
    assert sp.simplify(q * value + p - value.subs(k, k + 1)) == 0
    assert value.subs(k, 0) == 0


def check_contraction_is_not_necessary():
    r"""One symmetric $W_2$, $W_1=I$: all pass gives $\sum_{j<k}\lambda^j$, bounded iff $-1\le\lambda<1$: so a finite
    constant at all depths needs that, and at $\lambda=-1$ it is met without a contraction.

    $\lambda=-1$: $w_{k+1}=d(\beta-w_k)$ with $d\in[0,1]$ keeps $w\in[0,\beta]$: constant 1 at every depth. ISTA
    on a wide A has $\lambda=1$ on the kernel of A, where $W_1=\eta A^T$ never acts by itself: its all-pass gain stays
    below $1/\sigma_{\min}$.
    """
    draw, w = random.Random(1), Fraction(0)
    for _ in range(500):
        w = Fraction(draw.randint(0, 8), 8) * (1 - w)
        assert 0 <= w <= 1
    sums = {lam: sum(lam**j for j in range(200)) for lam in (Fraction(1), Fraction(-1), Fraction(-11, 10))}
    assert sums[Fraction(1)] == 200  # grows: false variant "lambda <= 1"
    assert sums[Fraction(-1)] in (0, 1)
    assert abs(sums[Fraction(-11, 10)]) > 10**6  # grows: false variant "lambda < 1"
    s = sp.Symbol("s", positive=True)
    K = sp.Symbol("K", integer=True, positive=True)
    gain = (1 - (1 - s**2) ** K) / s
    assert sp.limit(gain.subs(s, sp.Rational(1, 2)), K, sp.oo) == 2


# -- the Lasso and its unfolding ---------------------------------------------------------------------------------------
A_TINY = ((3, 2, 0), (0, 1, 3))
"""2 x 3: columns (3, 0), (2, 1), (0, 3)."""


def _column(j):
    return [Fraction(row[j]) for row in A_TINY]


def check_lasso_map_on_a_region():
    r"""Where support S and signs s of the minimiser stay, $x_S=(A_S^TA_S)^{-1}(A_S^Ty-\lambda s)$: the map moves by at
    most $\|\Delta y\|/\sigma_{\min}(A_S)$; continuous and piecewise affine, so its constant is the largest of these
    over the S that occur with an open set of y.

    $(A_S^TA_S)^{-1}A_S^T$ has norm $1/\sigma_{\min}(A_S)$: its product with its transpose is $(A_S^TA_S)^{-1}$.
    """
    B = sp.Matrix([[3, 2], [0, 1], [1, 5]])
    gram = B.T * B
    pseudo = gram.inv() * B.T
    assert (pseudo * pseudo.T - gram.inv()).applyfunc(sp.simplify) == sp.zeros(2)
    # KKT: A_S^T (y - A_S x_S) = lambda s, exactly.
    y, s, lam = sp.Matrix([4, -1, 2]), sp.Matrix([1, -1]), sp.Rational(1, 3)
    x = gram.inv() * (B.T * y - lam * s)
    assert (B.T * (y - B * x) - lam * s).applyfunc(sp.simplify) == sp.zeros(2, 1)


def _realisable(S, signs):
    """Whether A_S^T r = s has a solution with |A_j^T r| <= 1 elsewhere; S has two of the three columns."""
    first, second = (_column(j) for j in S)
    det = first[0] * second[1] - first[1] * second[0]
    r = [(signs[0] * second[1] - signs[1] * first[1]) / det, (first[0] * signs[1] - second[0] * signs[0]) / det]
    rest = [j for j in range(3) if j not in S]
    return all(abs(sum(a * b for a, b in zip(_column(j), r, strict=True))) <= 1 for j in rest)


def _inverse_gram_norm(S):
    columns = sp.Matrix([[_as_rational(x) for x in _column(j)] for j in S])
    return max((columns * columns.T).inv().eigenvals(), key=lambda value: float(sp.re(value)))


def _as_rational(value):
    return sp.Rational(value.numerator, value.denominator)


def check_lasso_constant_of_a_tiny_dictionary():
    r"""All supports and signs of the 2 x 3 dictionary: which two columns can be active together, by exact KKT.

    A single column gives $1/\|a_j\|$. This is the enumeration by which figures and studies find the Lasso's constant.
    """
    active = {S for S in combinations(range(3), 2) for signs in product((1, -1), repeat=2) if _realisable(S, signs)}
    assert active
    found = max(float(sp.re(_inverse_gram_norm(S))) for S in active) ** 0.5
    singles = max(float(1 / sum(x * x for x in _column(j))) for j in range(3)) ** 0.5
    assert found >= singles
