r"""Chen, Liu, Wang, Yin 2018: recursion, constants and the finite-depth form of theorem 1; false variants refuted."""

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


def check_support_selection():
    r"""With q entries bypassing: $((s-1)+n)\mu E+(s+n)C_W\sigma$, $n=s-q$; q = 0 gives theorem 2 back."""
    theta = mu * size + weight * sigma
    layer = (s - 1) * mu * size + n * theta + s * weight * sigma
    assert sp.expand(layer - ((s - 1 + n) * mu * size + (s + n) * weight * sigma)) == 0
    assert sp.expand(layer.subs(n, s) - ((2 * s - 1) * mu * size + 2 * s * weight * sigma)) == 0


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


def _soft(v: Fraction, theta: Fraction) -> Fraction:
    return v - theta if v > theta else v + theta if v < -theta else Fraction(0)


# Columns (3, 4)/5-type: unit norm in exact arithmetic.
DICTIONARY = [
    [Fraction(1), Fraction(0), Fraction(3, 5), Fraction(5, 13)],
    [Fraction(0), Fraction(1), Fraction(4, 5), Fraction(-12, 13)],
]


def _network(gram, noise_free_start, theta_scale, sparsity, magnitude, coherence, depth):
    """LISTA-CP with W = A in exact arithmetic: errors per layer and whether a false positive occurred."""
    truth = noise_free_start
    code = [Fraction(0)] * 4
    bound = sparsity * magnitude
    history = []
    for _ in range(depth):
        theta = theta_scale * coherence * bound
        moved = [code[i] + sum(gram[i][j] * (truth[j] - code[j]) for j in range(4)) for i in range(4)]
        code = [_soft(v, theta) for v in moved]
        bound = (2 * sparsity - 1) * coherence * bound
        error = sum(abs(c - w) for c, w in zip(code, truth, strict=True))
        false = any(c != 0 and w == 0 for c, w in zip(code, truth, strict=True))
        history.append((error, bound, false))
    return history


def _gram():
    return [[sum(DICTIONARY[r][i] * DICTIONARY[r][j] for r in range(2)) for j in range(4)] for i in range(4)]


def check_theorem_2_exhaustively():
    """Every signal on a grid of 1-sparse codes, W = A, four layers, rational arithmetic: no violation.

    s = 1 is below (1 + 1/mu)/2 for any coherence below 1. The bound is attained in the first layer, so that every
    smaller rate, and every smaller threshold, is refuted by the same signals.
    """
    gram = _gram()
    coherence = max(abs(gram[i][j]) for i, j in combinations(range(4), 2))
    assert coherence < 1
    grid = [Fraction(a, 4) for a in range(-4, 5) if a]
    attained = smaller_threshold_fails = False
    for place, value in product(range(4), grid):
        truth = [value if i == place else Fraction(0) for i in range(4)]
        for error, bound, false in _network(gram, truth, Fraction(1), 1, Fraction(1), coherence, 4):
            assert error <= bound
            assert not false
        attained |= _network(gram, truth, Fraction(1), 1, Fraction(1), coherence, 1)[0][0] == coherence
        smaller_threshold_fails |= _network(gram, truth, Fraction(9, 10), 1, Fraction(1), coherence, 1)[0][2]
    assert attained
    assert smaller_threshold_fails
