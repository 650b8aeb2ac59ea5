r"""The square-root-of-depth law of gradient-step networks, and what surrounds it: exact algebra, for every depth.

For two inputs with difference $\beta$ the states of $x^{k+1}=P_k(x^k+\eta_kA^T(u-Ax^k))$, $x^0=0$, differ by
$w_k=\Delta x^{k+1}$, $z_k=(I-\eta_kA^TA)w_{k-1}+\eta_kA^T\beta$, $w_{-1}=0$. $P_k$ is firmly nonexpansive (any
proximal operator is): $\langle w_k,z_k-w_k\rangle\ge0$. In the singular vectors of A everything decouples into scalar
chains, one for each singular value $\sigma$ (and $\sigma=0$ for what A does not see):
$z_k=a_kw_{k-1}+\eta_k\sigma\beta$, $a_k=1-\eta_k\sigma^2$. Inner products are the sums over chains, so that an identity
of quadratic forms in $(\beta,w_0,\dots,w_{K-1})$ on every chain is one of the network.
"""

import random
from fractions import Fraction
from itertools import pairwise

import sympy as sp

sigma, beta, rho = sp.symbols("sigma beta rho", real=True)
MOST = 7


def _steps(count):
    return sp.symbols(f"eta0:{count}", positive=True)


def _states(count):
    return sp.symbols(f"w0:{count}", real=True)


def _law(eta):
    r"""$\eta_{K-1}+\sum_{k<K-1}\eta_k^2/(\eta_k+\eta_{k+1})$."""
    return eta[-1] + sum(a**2 / (a + b) for a, b in pairwise(eta))


def _supply(eta, w, weights=None):
    r"""$\sum_k2\lambda_kw_k(a_kw_{k-1}+\eta_k\sigma\beta-w_k)$ on one chain; nonnegative after summing over chains."""
    before = (sp.Integer(0), *w)
    weights = weights or [1] * len(eta)
    return sum(
        2 * c * w[k] * ((1 - eta[k] * sigma**2) * before[k] + eta[k] * sigma * beta - w[k])
        for k, c in enumerate(weights)
    )


def _squares(eta, w):
    """The sum of squares that the form leaves, and the coefficient that must not be negative."""
    K = len(eta)
    slopes = [1 - e * sigma**2 for e in eta]
    total = slopes[0] * w[0] ** 2 + sum(slopes[k] * (w[k - 1] - w[k]) ** 2 for k in range(1, K))
    for k in range(K - 1):
        d = eta[k] + eta[k + 1]
        total += d * (sigma * w[k] - eta[k] / d * beta) ** 2
    return total + eta[-1] * (sigma * w[-1] - beta) ** 2


# -- the law ---------------------------------------------------------------------------------------------------------
def check_square_root_law_is_a_sum_of_squares():
    r"""$\rho_K\beta^2-w_{K-1}^2-2\sum_kw_k(z_k-w_k)=\sum_ka_k(w_{k-1}-w_k)^2+\sum_k(\eta_k+\eta_{k+1})(\sigma w_k-
    \frac{\eta_k}{\eta_k+\eta_{k+1}}\beta)^2+\eta_{K-1}(\sigma w_{K-1}-\beta)^2$, $w_{-1}=0$ in the first term, with
    $\rho_K=\eta_{K-1}+\sum_{k<K-1}\eta_k^2/(\eta_k+\eta_{k+1})$.

    With $\eta_k\|A\|^2\le1$ every $a_k\ge0$, so the right side is nonnegative and $\|w_{K-1}\|^2\le\rho_K\|\beta\|^2$.
    The identity for symbolic steps; for all K by the next check.
    """
    for K in range(1, MOST):
        eta, w = _steps(K), _states(K)
        left = _law(eta) * beta**2 - w[-1] ** 2 - _supply(eta, w)
        assert sp.expand(sp.simplify(left - _squares(eta, w))) == 0


def check_square_root_law_for_every_depth():
    r"""Induction: left and right side of the identity gain the same from K to K + 1.

    Left: $(\rho_{K+1}-\rho_K)\beta^2-w_K^2+w_{K-1}^2-2w_K(z_K-w_K)$. Right: the last square gives way to two others,
    and $a_K(w_{K-1}-w_K)^2$ comes in. Only the last two states and steps occur, whatever K is.
    """
    e, f = sp.symbols("e f", positive=True)  # eta_{K-1}, eta_K
    v, w = sp.symbols("v w", real=True)  # w_{K-1}, w_K
    gain = f + e**2 / (e + f) - e
    slope = 1 - f * sigma**2
    left = gain * beta**2 - w**2 + v**2 - 2 * w * (slope * v + f * sigma * beta - w)
    right = (
        (e + f) * (sigma * v - e / (e + f) * beta) ** 2
        + f * (sigma * w - beta) ** 2
        - e * (sigma * v - beta) ** 2
        + slope * (v - w) ** 2
    )
    assert sp.simplify(left - right) == 0
    # One step for all layers: rho_K = eta (K + 1) / 2.
    K = sp.Symbol("K", positive=True, integer=True)
    assert sp.simplify((e + (K - 1) * e / 2) - e * (K + 1) / 2) == 0


def check_tridiagonal_form_of_the_law():
    r"""$T\succeq\sigma^2\mathrm{diag}(\eta_0+\eta_1,\dots,\eta_{K-2}+\eta_{K-1},\eta_{K-1})$ for T with diagonal
    $(2,\dots,2,1)$, off-diagonal $-a_k$: the difference is $a_0e_0e_0^T+\sum_ka_k(e_{k-1}-e_k)(e_{k-1}-e_k)^T$.

    So $\max_\sigma h^TT^{-1}h$, $h_k=\eta_k\sigma$ (the spectral bound with $\lambda_k=1$) is never above the law.
    """
    for K in range(1, MOST):
        eta = _steps(K)
        slopes = [1 - e * sigma**2 for e in eta]
        T = sp.diag(*([2] * (K - 1) + [1]))
        for k in range(1, K):
            T[k - 1, k] = T[k, k - 1] = -slopes[k]
        D = sp.diag(*[sigma**2 * (a + b) for a, b in pairwise(eta)], sigma**2 * eta[-1])
        rest = slopes[0] * sp.eye(K)[:, 0] * sp.eye(K)[:, 0].T
        for k in range(1, K):
            d = sp.eye(K)[:, k - 1] - sp.eye(K)[:, k]
            rest += slopes[k] * d * d.T
        assert (T - D - rest).applyfunc(sp.expand) == sp.zeros(K)


def check_law_survives_rounded_steps():
    r"""With $\eta_k\|A\|^2\le1+\epsilon$ the law holds with the factor $1/(1-5\epsilon)$ in $L_K^2$.

    Where $a_k\ge-\epsilon$ is negative, $\eta_k\sigma^2>1$, and both weights next to it hold $\eta_k$:
    $a_k(w_{k-1}-w_k)^2\ge-2\epsilon\sigma^2(d_{k-1}w_{k-1}^2+d_kw_k^2)$, $a_0w_0^2\ge-\epsilon\sigma^2d_0w_0^2$, each
    $w_k$ is met twice at most, so that $T\succeq(1-5\epsilon)\sigma^2D$.
    """
    v, w = sp.symbols("v w", real=True)
    assert sp.expand(2 * (v**2 + w**2) - (v - w) ** 2 - (v + w) ** 2) == 0
    eps = sp.Rational(1, 2**40)
    assert 1 / (1 - 5 * eps) < 1 + sp.Rational(1, 2**37)
    T = sp.Matrix([[2, eps, 0], [eps, 2, eps], [0, eps, 1]])  # all a_k = -eps, sigma = 1
    D = (1 + eps) * sp.diag(2, 2, 1)
    assert (T - (1 - 5 * eps) * D).is_positive_semidefinite


# -- exact attacks -----------------------------------------------------------------------------------------------------
def _rotation(draw):
    """An exact rotation of the plane, or a reflection."""
    t = Fraction(draw.randint(-8, 8), draw.randint(1, 8))
    c, s = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
    flip = draw.choice((1, -1))
    return [[c, -s * flip], [s, c * flip]]


def _times(matrix, vector):
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def _chain(draw, eta, sigmas, start, averaged=True):
    """Differences through K layers of random (firmly) nonexpansive maps in the plane of two singular vectors."""
    w = [Fraction(0), Fraction(0)]
    for e in eta:
        z = [(1 - e * s * s) * x + e * s * b for s, x, b in zip(sigmas, w, start, strict=True)]
        q = _times(_rotation(draw), z)
        w = [(a + b) / 2 for a, b in zip(z, q, strict=True)] if averaged else q
    return w


def _square(vector):
    return sum(x * x for x in vector)


def _attack(count, seed, *, longest=10, averaged=True, most=Fraction(1), law=_law):
    r"""Largest $\|w_{K-1}\|^2/(\rho_K\|\beta\|^2)$ over random chains."""
    draw, worst = random.Random(seed), Fraction(0)
    for _ in range(count):
        K = draw.randint(1, longest)
        eta = [most * Fraction(draw.randint(1, 8), 8) for _ in range(K)]
        sigmas = [Fraction(draw.randint(0, 16), 16) for _ in range(2)]
        start = [Fraction(draw.randint(-9, 9)) for _ in range(2)]
        if not any(start):
            continue
        w = _chain(draw, eta, sigmas, start, averaged)
        worst = max(worst, _square(w) / (law(eta) * _square(start)))
    return worst


def check_square_root_law_survives_a_random_attack():
    """4,000 exact networks with random firmly nonexpansive layers, steps and spectra: never above 1."""
    worst = _attack(4000, 1)
    assert Fraction(7, 10) < worst <= 1


def all_pass(eta, s):
    r"""$w_{K-1}/\beta$ where every layer passes on what it gets: $(1-\prod_k(1-\eta_ks^2))/s$."""
    w = Fraction(0)
    for e in eta:
        w = (1 - e * s * s) * w + e * s
    return w


def check_false_laws_are_refuted():
    r"""Each hypothesis and the constant are needed: without one of them the law fails on an exact instance."""
    # A third instead of a half: sqrt(K/3) is below the all-pass gain (0.638 sqrt K in the limit).
    K = 64
    best = max(all_pass([Fraction(1)] * K, Fraction(j, 100)) ** 2 for j in range(5, 40))
    assert Fraction(K, 3) < best < Fraction(K + 1, 2)
    # Steps beyond 1/||A||^2, where the layer expands: eta sigma^2 = 5/2.
    eta = [Fraction(5, 2)] * 6
    assert all_pass(eta, Fraction(1)) ** 2 > _law(eta)
    # Layers that are nonexpansive and not firmly so.
    assert _attack(4000, 2, averaged=False) > 1
    # Another dictionary in each layer: A_0^T = e_1, A_1^T = e_2 give e_1 + e_2, of squared norm 2 > 3/2.
    first = sp.Matrix([1, 0])
    second = sp.Matrix([0, 1])
    out = (sp.eye(2) - second * second.T) * first + second
    assert out.dot(out) == 2 > _law([sp.Integer(1)] * 2)
    # Momentum (heavy ball, 9/10): the constant of a chain with a small singular value leaves the law behind.
    now, before, s = Fraction(0), Fraction(0), Fraction(1, 8)
    for _ in range(24):
        now, before = (1 - s * s) * now + s + Fraction(9, 10) * (now - before), now
    assert now**2 > _law([Fraction(1)] * 24)
    # A readout that doubles: the constant doubles.
    assert (2 * all_pass([Fraction(1)], Fraction(1))) ** 2 > _law([Fraction(1)])
    # Thresholds, or a start, that follow the input add to it: x^0 = u / s on this chain.
    w = 8 * Fraction(1)
    for _ in range(2):
        w = (1 - s * s) * w + s
    assert w**2 > _law([Fraction(1)] * 2)


def check_the_worst_spectrum_lies_between():
    r"""All pass at $\sigma^2=\tau/K$: $\sqrt K(1-(1-\tau/K)^K)/\sqrt\tau\ge\sqrt K(1-e^{-\tau})/\sqrt\tau$, at
    $\tau=5/4$ more than $0.638\sqrt K$; the law says $\sqrt{(K+1)/2}$, $0.708\sqrt K$ in the limit."""
    tau = sp.Rational(5, 4)
    assert (1 - sp.exp(-tau)) / sp.sqrt(tau) > sp.Rational(638, 1000)
    x = sp.Symbol("x", positive=True)
    # log(1 - x) <= -x: equality at 0, and the derivative of the difference, -x/(1 - x), is negative on (0, 1).
    assert sp.simplify(sp.diff(sp.log(1 - x) + x, x) + x / (1 - x)) == 0
    for K in range(2, 65):
        gain = 1 - (1 - Fraction(5, 4 * K)) ** K
        assert gain**2 / Fraction(5, 4) >= Fraction(638, 1000) ** 2


# -- the prox only nonexpansive ----------------------------------------------------------------------------------------
def check_nonexpansive_law():
    r"""$\|w_k\|^2\le\|z_k\|^2\le\|w_{k-1}\|^2+\eta_k\|\beta\|^2/(2-c_k)$, $c_k=\eta_k\|A\|^2\in(0,2)$; hence
    $L_K^2\le\sum_k\eta_k/(2-c_k)$, $\sqrt{K\eta/(2-c)}$ for one step.

    With $r=Aw-\beta$: $\|w-\eta A^Tr\|^2=\|w\|^2-2\eta\langle r+\beta,r\rangle+\eta^2\|A^Tr\|^2$ and
    $\eta\|A^Tr\|^2\le c\|r\|^2$; what is left is a square: $-\eta(2-c)\|r\|^2-2\eta\langle\beta,r\rangle
    =\frac\eta{2-c}\|\beta\|^2-\eta(2-c)\|r+\frac\beta{2-c}\|^2$.
    """
    r, w, eta, c = sp.symbols("r w eta c", real=True)
    value = -eta * (2 - c) * r**2 - 2 * eta * beta * r
    assert sp.simplify(value - (eta * beta**2 / (2 - c) - eta * (2 - c) * (r + beta / (2 - c)) ** 2)) == 0
    chain = (w - eta * sigma * (sigma * w - beta)) ** 2
    residual = sigma * w - beta
    assert sp.expand(chain - (w**2 - 2 * eta * (residual + beta) * residual + eta**2 * sigma**2 * residual**2)) == 0

    def law(eta):
        return sum(e / (2 - e) for e in eta)  # sigma <= 1, so that c = eta covers every chain

    assert Fraction(1, 2) < _attack(4000, 3, averaged=False, most=Fraction(3, 2), law=law) <= 1
    # False variants: 3 - c instead of 2 - c, and steps beyond 2 / ||A||^2.
    assert _attack(4000, 3, averaged=False, most=Fraction(3, 2), law=lambda eta: sum(e / (3 - e) for e in eta)) > 1
    assert all_pass([Fraction(5, 2)] * 8, Fraction(1)) ** 2 > 8 * Fraction(5, 2)


# -- joint recursion ---------------------------------------------------------------------------------------------------
def check_joint_recursion():
    r"""$\|W_2\delta+W_1\beta\|^2\le(p\ell^2+1-p)\lambda_{\max}(W_2W_2^T/p+W_1W_1^T/(1-p))$ for $\|\delta\|\le\ell$,
    $\|\beta\|\le1$, $p\in(0,1)$; it starts at $\ell_1=\|W_1^0\|$, the infimum at $\ell_0=0$ is not attained.

    Proof: $W_2\delta+W_1\beta=[W_2/\sqrt p,\ W_1/\sqrt{1-p}](\sqrt p\,\delta,\sqrt{1-p}\,\beta)$, and the squared norm
    of a product is at most that of the matrix, $\lambda_{\max}(MM^T)$, times that of the vector. For gradient steps
    with $\eta\|A\|^2=1$ and a kernel of A, $p=1/(1+\eta)$ gives $\ell^2+\eta$: $\sqrt{K\eta}$.
    """
    W2, W1, d, b, p, ell = sp.symbols("W2 W1 d b p ell", positive=True)
    matrix, vector = (W2**2 / p + W1**2 / (1 - p)), (p * d**2 + (1 - p) * b**2)
    gap = matrix * vector - (W2 * d + W1 * b) ** 2
    assert sp.simplify(gap - ((1 - p) * W2 * b - p * W1 * d) ** 2 / (p * (1 - p))) == 0
    # One chain of a gradient step: (1 - x)^2/p + eta x/(1 - p), x = eta sigma^2 in {0, 1}: max(1/p, eta/(1 - p)).
    eta = sp.Symbol("eta", positive=True)
    best = 1 / (1 + eta)
    assert sp.simplify(1 / best - eta / (1 - best)) == 0  # both ends equal at p = 1/(1 + eta)
    assert sp.simplify((best * ell**2 + 1 - best) / best - (ell**2 + eta)) == 0
    x = sp.Symbol("x", nonnegative=True)
    # Convex in x, so that no x in (0, 1) exceeds both ends.
    assert sp.diff((1 - x) ** 2 / p + eta * x / (1 - p), x, 2) == 2 / p


# -- all pass ----------------------------------------------------------------------------------------------------------
def _soft(z, theta):
    return z - theta if z > theta else z + theta if z < -theta else Fraction(0)


def check_all_pass_floor():
    r"""$\|x^k(u)-J_I^ku\|\le\alpha_k$, $\alpha_0=0$, $\alpha_{k+1}=\|W_2^k\|\alpha_k+\|\theta^k\|$, for every u, hence
    $\sup\|\Delta x\|/\|\Delta u\|\ge\lim_t\|x^k(tv)-x^k(0)\|/t=\|J_I^kv\|$: thresholds do not lower the constant below
    that of the linear network. $|\eta_\theta(z)-z|\le\theta$, without genericity. Exact, in the maximum norm.
    """
    draw, tight = random.Random(4), Fraction(0)
    for _ in range(300):
        u, x, linear, off = Fraction(draw.randint(-40, 40), 4), [Fraction(0)] * 2, [Fraction(0)] * 2, Fraction(0)
        for _ in range(draw.randint(1, 5)):
            W2 = [[Fraction(draw.randint(-6, 6), 6) for _ in range(2)] for _ in range(2)]
            W1 = [Fraction(draw.randint(-6, 6), 6) for _ in range(2)]
            theta = [Fraction(draw.randint(0, 8), 8) for _ in range(2)]
            x = [_soft(a + b * u, t) for a, b, t in zip(_times(W2, x), W1, theta, strict=True)]
            linear = [a + b * u for a, b in zip(_times(W2, linear), W1, strict=True)]
            off = max(sum(abs(a) for a in row) for row in W2) * off + max(theta)
            seen = max(abs(a - b) for a, b in zip(x, linear, strict=True))
            assert seen <= off
            tight = max(tight, seen / off if off else Fraction(0))
    assert tight == 1
    # False variants: ReLU networks have no such floor, -relu(u) passed through a ReLU is 0 and its J_I is -1; nor has
    # a soft threshold on bounded inputs: below theta everything is 0.
    for u in (Fraction(-3), Fraction(5)):
        assert max(-max(u, Fraction(0)), Fraction(0)) == 0
    assert all(_soft(Fraction(j, 10), Fraction(1)) == 0 for j in range(-10, 11))


# -- spectral decoupling -----------------------------------------------------------------------------------------------
def _spectral_block(eta, s, weights, bound):
    K = len(eta)
    M = sp.zeros(K + 1)
    M[0, 0] = bound
    for k in range(K):
        M[k + 1, k + 1] = 2 * weights[k] - (1 if k == K - 1 else 0)
        M[0, k + 1] = M[k + 1, 0] = -weights[k] * eta[k] * s
        if k:
            M[k, k + 1] = M[k + 1, k] = -weights[k] * (1 - eta[k] * s**2)
    return M


def check_spectral_decoupling():
    r"""With $A=U\Sigma V^T$ and $\Lambda_k=\lambda_kI$, the LMI in the basis $\mathrm{diag}(U,V,\dots,V)$ is a
    direct sum of $(K+1)\times(K+1)$ ones, one for each singular value, and of the K x K block of
    $\sigma=0$ iff rank A < n.

    Exact: A is 2 x 3 with singular values 3/5 and 1/2. Needs C = I.
    """
    half = sp.Rational(1, 2)
    U = sp.Matrix([[3, -4], [4, 3]]) / 5
    V = sp.Matrix([[1, -2, 2], [2, -1, -2], [2, 2, 1]]) / 3
    assert (V.T * V - sp.eye(3)).is_zero_matrix
    values = [sp.Rational(3, 5), half]
    A = U * sp.Matrix([[values[0], 0, 0], [0, values[1], 0]]) * V.T
    eta, weights, bound = [half, sp.Rational(2, 3), 1], [1, sp.Rational(3, 4), sp.Rational(5, 4)], sp.Rational(7, 3)
    K, m, n = 3, 2, 3
    M = sp.zeros(m + K * n)
    M[:m, :m] = bound * sp.eye(m)
    for k in range(K):
        own = slice(m + k * n, m + (k + 1) * n)
        M[own, own] = (2 * weights[k] - (1 if k == K - 1 else 0)) * sp.eye(n)
        M[own, :m] = -weights[k] * eta[k] * A.T
        M[:m, own] = M[own, :m].T
        if k:
            before = slice(m + (k - 1) * n, m + k * n)
            M[own, before] = -weights[k] * (sp.eye(n) - eta[k] * A.T * A)
            M[before, own] = M[own, before].T
    basis = sp.diag(U, *[V] * K)
    turned = basis.T * M * basis
    order = [[i, *[m + k * n + i for k in range(K)]] for i in range(2)] + [[m + k * n + 2 for k in range(K)]]
    for i, places in enumerate(order):
        outside = [j for j in range(m + K * n) if j not in places]
        assert turned.extract(places, outside) == sp.zeros(len(places), len(outside))
        block = turned.extract(places, places)
        expected = _spectral_block(eta, values[i] if i < 2 else 0, weights, bound)
        assert block == (expected if i < 2 else expected[1:, 1:])


def check_what_spectral_decoupling_needs():
    """False variants: without the block of sigma = 0 (rank A < n) multipliers pass that prove nothing."""
    eta, s = [sp.Integer(1)] * 2, sp.Integer(1)
    weights = [sp.Rational(1, 8), sp.Integer(1)]
    seen = _spectral_block(eta, s, weights, sp.Integer(20))
    assert seen.is_positive_definite
    kernel = _spectral_block(eta, sp.Integer(0), weights, sp.Integer(20))[1:, 1:]
    assert not kernel.is_positive_semidefinite
