r"""Chen, Liu, Wang, Yin 2018: recursion, constants and the finite-depth form of theorem 1; false variants refuted."""

import random
from fractions import Fraction
from itertools import combinations, product

import sympy as sp

s, mu, sigma, weight, size, bound, n = sp.symbols("s mu sigma C_W E B n", positive=True)


def check_threshold_law_gives_the_rate():
    r"""$(s-1)\mu E+s\theta+sC_W\sigma$ with $\theta=\mu E+C_W\sigma$ is $(2s-1)\mu E+2sC_W\sigma$."""
    theta = mu * size + weight * sigma
    layer = (s - 1) * mu * size + s * theta + s * weight * sigma
    assert sp.expand(layer - ((2 * s - 1) * mu * size + 2 * s * weight * sigma)) == 0
    assert sp.expand(layer - ((2 * s - 2) * mu * size + 2 * s * weight * sigma)) != 0


def check_closed_form():
    r"""$E_k=sBq^k+C\sigma(1-q^k)$, $C=2sC_W/(1+\mu-2\mu s)$, hence $E_k\le sBe^{-ck}+C\sigma$."""
    q = (2 * s - 1) * mu
    constant = 2 * s * weight / (1 + mu - 2 * mu * s)
    assert sp.simplify(constant - 2 * s * weight / (1 - q)) == 0
    power = sp.symbols("P", positive=True)  # q^k
    now = s * bound * power + constant * sigma * (1 - power)
    following = s * bound * power * q + constant * sigma * (1 - power * q)
    assert sp.simplify(q * now + 2 * s * weight * sigma - following) == 0


def check_contraction_condition():
    r"""$(2s-1)\mu<1\iff s<(1+1/\mu)/2$."""
    assert sp.simplify((1 + 1 / mu) / 2 - s - (1 - (2 * s - 1) * mu) / (2 * mu)) == 0


def check_finite_depth_necessity():
    r"""On matched signs $g(x)=e^+_S-(W_2e)_S=(Dx)_S-\theta$, so $\|(Dx)_S\|\le2(r+r')$ and $\|\theta\|\le r+2r'$.

    $x^+_S=(W_2x^k+W_1Ax^*)_S-\theta\,\mathrm{sgn}$ and $D=W_2-I+W_1A$; halving the signal halves $Dx$ only.
    """
    W2, W1A, code, truth, theta = sp.symbols("W2 M x w theta", real=True)
    D = W2 - 1 + W1A
    after = W2 * code + W1A * truth - theta
    g = (after - truth) - W2 * (code - truth)
    assert sp.expand(g - (D * truth - theta)) == 0
    half = D * truth / 2 - theta
    assert sp.expand(2 * (D * truth - theta - half) - D * truth) == 0
    assert sp.expand((D * truth - theta) - 2 * half - theta) == 0
    # The constants are attained: D x = 4 theta / 3 gives g = theta/3, g' = -theta/3, so 2 (|g| + |g'|) = D x.
    worst = sp.Rational(4, 3)
    assert 2 * (abs(worst - 1) + abs(worst / 2 - 1)) == worst


def _identity_and_hadamard(order: int) -> list[list[Fraction]]:
    """Gram matrix of [I, H / sqrt(order)], order 4 or 16: coherence 1 / sqrt(order), in rationals."""
    sign = [[(-1) ** bin(i & j).count("1") for j in range(order)] for i in range(order)]
    scale = Fraction(1, {4: 2, 16: 4}[order])
    size = 2 * order

    def entry(i: int, j: int) -> Fraction:
        if (i < order) == (j < order):
            return Fraction(int(i == j))
        return scale * sign[i % order][j % order]

    return [[entry(i, j) for j in range(size)] for i in range(size)]


def _layers(gram, truth, sparsity, coherence, depth, *, scale=Fraction(1), selected=0):
    """LISTA-CP(SS) with W = A, B = 1 at the law, run exactly: per layer (error, class bound, e, literal e, false)."""
    support = [i for i, w in enumerate(truth) if w]
    code = [Fraction(0)] * len(truth)
    bound = own = literal = Fraction(sparsity)
    for _ in range(depth):
        theta = scale * coherence * bound
        wrong = [j for j in range(len(code)) if truth[j] != code[j]]
        v = [code[i] + sum(gram[i][j] * (truth[j] - code[j]) for j in wrong) for i in range(len(code))]
        top = sorted(range(len(v)), key=lambda i: (-abs(v[i]), i))[:selected]
        code = [
            v[i] if i in top and abs(v[i]) > theta else max(abs(v[i]) - theta, 0) * (1 if v[i] > 0 else -1)
            for i in range(len(v))
        ]
        passing = sum(abs(truth[i]) > theta + coherence * own for i in support)
        literally = sum(abs(truth[i]) > 2 * coherence * literal for i in support)
        own = (sparsity - 1) * coherence * own + (sparsity - min(passing, selected)) * theta
        literal = ((sparsity - 1) + sparsity - min(literally, selected)) * coherence * literal
        bound = (2 * sparsity - 1) * coherence * bound
        error = sum(abs(c - w) for c, w in zip(code, truth, strict=True))
        yield error, bound, own, literal, any(c and not w for c, w in zip(code, truth, strict=True))


def _signal(size, places, values):
    truth = [Fraction(0)] * size
    for place, value in zip(places, values, strict=True):
        truth[place] = Fraction(value)
    return truth


def check_theorem_2_exhaustively():
    """All +-1 signals with one nonzero (4 x 8) and with two (16 x 32), W = A, in rationals: no violation.

    The bound is attained in the first layer, so that every smaller rate and every smaller threshold is refuted.
    """
    for order, sparsity, depth in ((4, 1, 5), (16, 2, 3)):
        gram = _identity_and_hadamard(order)
        coherence = Fraction(1, {4: 2, 16: 4}[order])
        attained = missed = False
        for places in combinations(range(2 * order), sparsity):
            for signs in product((1, -1), repeat=sparsity):
                truth = _signal(2 * order, places, signs)
                history = list(_layers(gram, truth, sparsity, coherence, depth))
                assert all(error <= bound and not false for error, bound, _, _, false in history)
                attained |= history[0][0] == history[0][1]
                if not missed:
                    missed = next(_layers(gram, truth, sparsity, coherence, 1, scale=Fraction(9, 10)))[4]
        assert attained
        assert missed


def check_support_selection_in_exact_arithmetic():
    r"""$e_{k+1}=(s-1)\mu e_k+(s-q_k)\theta^k$ with $\theta^k=\mu E_k$ of theorem 2: no violation in 600 exact runs.

    False variant: $e_{k+1}=((s-1)+n_k)\mu e_k$, which puts the signal's own bound into the threshold as well, is
    violated: thresholds belong to the class and do not shrink with one lucky signal.
    """
    gram, draw = _identity_and_hadamard(16), random.Random(3)
    refuted = gained = False
    for trial in range(600):
        places = draw.sample(range(32), 2)
        values = [draw.choice((1, -1)) * Fraction(draw.choice((1, 4, 7, 8)), 8) for _ in places]
        for error, bound, own, literal, false in _layers(
            gram, _signal(32, places, values), 2, Fraction(1, 4), 6, selected=1 + trial % 2
        ):
            assert error <= own <= bound
            assert not false
            refuted |= error > literal
            gained |= own < bound / 2
    assert refuted
    assert gained
