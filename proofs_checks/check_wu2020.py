r"""Wu, Guo, Li, Zhang 2020: underestimation, the gap, and what gain gates may do; false variants refuted.

Proof. $v-x^*=(I-W^TA)(z-x^*)+W^T\varepsilon$ for whatever code z enters, so that
$|v_i-x_i^*|\le(\mu+\delta)\|z-x^*\|_1+|W_i^T\varepsilon|\le\theta$. With $\sigma=\mathrm{sgn}(x_i^*)$, $t=|x_i^*|$ and
$\sigma v_i\in[t-\theta,t+\theta]$ the soft threshold gives $\sigma x_i^+\in[\max(t-2\theta,0),t]$, as it is
nondecreasing and $t-\theta\ge-\theta$ is mapped to 0 or more. A gate that adds between 0 and $2\theta$ ends in
$[t-2\theta,t+2\theta]$.
"""

import random
from fractions import Fraction
from itertools import combinations, product

import sympy as sp

MU = Fraction(1, 4)


def check_gap_arithmetic():
    r"""Above the threshold $\sigma x^+=\sigma v-\theta$, which $|v-x^*|\le\theta$ puts between $t-2\theta$ and t."""
    t, theta, u = sp.symbols("t theta u", nonnegative=True)
    above = t + u - theta
    assert sp.simplify(above.subs(u, theta) - t) == 0
    assert sp.simplify(above.subs(u, -theta) - (t - 2 * theta)) == 0
    x = sp.symbols("x", positive=True)
    assert sp.simplify((1 + 2 * theta / x) * x - (x + 2 * theta)) == 0


def check_gated_thresholds_follow_their_own_law():
    r"""$\|z^{k+1}-x^*\|_1\le2s\theta^k$, so $\theta^{k+1}=\mu\cdot2s\theta^k$ covers the next error: rate $2s\mu$.

    This is what makes gates within the range harmless over all layers.
    """
    s, mu, theta = sp.symbols("s mu theta", positive=True)
    assert sp.simplify(mu * (s * 2 * theta) - (2 * s * mu) * theta) == 0
    # One relu gate a (1 - |x|)_+ adds at most a/4 to an entry: a = 8 theta stays in the range.
    x, a = sp.symbols("x a", positive=True)
    added = a * x * (1 - x)
    peak = sp.solve(sp.diff(added, x), x)
    assert peak == [sp.Rational(1, 2)]
    assert sp.simplify(added.subs(x, peak[0]) - a / 4) == 0


def _gram():
    """Identity and Hadamard of order 16: W = A, coherence 1/4, in rationals."""
    sign = [[(-1) ** bin(i & j).count("1") for j in range(16)] for i in range(16)]

    def entry(i, j):
        return Fraction(int(i == j)) if (i < 16) == (j < 16) else MU * sign[i % 16][j % 16]

    return [[entry(i, j) for j in range(32)] for i in range(32)]


def _soft(value, theta):
    return max(abs(value) - theta, Fraction(0)) * (1 if value > 0 else -1)


def _layer(gram, truth, z, theta, *, gain=Fraction(1), bypass=0):
    """The next code from a gated code z; entries that bypass are the largest."""
    wrong = [(j, truth[j] - z[j]) for j in range(len(z)) if truth[j] != z[j]]
    v = [z[i] + gain * sum(gram[i][j] * e for j, e in wrong) for i in range(len(z))]
    top = sorted(range(len(v)), key=lambda i: (-abs(v[i]), i))[:bypass]
    return [v[i] if i in top and abs(v[i]) > theta else _soft(v[i], theta) for i in range(len(v))]


def _size(code, truth):
    return sum(abs(a - b) for a, b in zip(code, truth, strict=True))


def _held(code, truth, theta):
    """Whether no support entry is too large or of the wrong sign, and whether all gaps are at most 2 theta."""
    signed = [(abs(w), c * (1 if w > 0 else -1)) for c, w in zip(code, truth, strict=True) if w]
    return all(0 <= c <= w for w, c in signed), all(w - c <= 2 * theta for w, c in signed)


def check_all_signs_on_the_smallest_dictionaries():
    r"""Every $\pm1$ signal with two nonzeros (16 x 32), three layers at $\theta=\mu\|e\|_1$: both hold.

    1,984 signals, 5,952 layers. The gap is not attained: $|u_i|\le\mu|e_j|$ with $j\ne i$ leaves room.
    """
    gram, attained, layers = _gram(), False, 0
    for places in combinations(range(32), 2):
        for signs in product((1, -1), repeat=2):
            truth = [Fraction(0)] * 32
            for place, sign in zip(places, signs, strict=True):
                truth[place] = Fraction(sign)
            code = [Fraction(0)] * 32
            for _ in range(3):
                theta = MU * _size(code, truth)
                code = _layer(gram, truth, code, theta)
                under, near = _held(code, truth, theta)
                assert under
                assert near
                attained |= any(abs(w) - abs(c) == 2 * theta > 0 for c, w in zip(code, truth, strict=True) if w)
                layers += 1
    assert layers == 5952
    assert (
        not attained
    )  # |u_i| <= mu |e_j| with j != i: with two nonzeros theta = mu (|e_i| + |e_j|) has room to spare.


def _random_layer(draw, *, room=Fraction(1), reach=Fraction(1), gain=Fraction(1), bypass=0, gate=True):
    """A layer from a random gated code with false entries; (underestimates, gap held, gated held, gap / 2 theta)."""
    size = 5
    gram = [[Fraction(draw.randint(-6, 6), 12) for _ in range(size)] for _ in range(size)]
    for i in range(size):
        gram[i][i] = Fraction(1) + Fraction(draw.randint(-1, 1), 50)
    mu = max(abs(gram[i][j]) for i in range(size) for j in range(size) if i != j)
    delta = max(abs(1 - gram[i][i]) for i in range(size))
    support = draw.sample(range(size), draw.randint(1, 3))
    truth = [
        Fraction(draw.choice((-1, 1)) * draw.randint(1, 30), 4) if i in support else Fraction(0) for i in range(size)
    ]
    near = draw.choice((Fraction(1, 8), Fraction(1), Fraction(4)))
    z = [t + near * Fraction(draw.randint(-6, 6), 6) * draw.choice((0, 1)) for t in truth]
    noise = [Fraction(draw.randint(-4, 4), 40) for _ in range(size)]
    theta = room * ((mu + delta) * _size(z, truth) + max(abs(noise[i]) for i in support))
    wrong = [truth[j] - z[j] for j in range(size)]
    v = [z[i] + gain * (sum(gram[i][j] * wrong[j] for j in range(size)) + noise[i]) for i in range(size)]
    top = sorted(range(size), key=lambda i: (-abs(v[i]), i))[:bypass]
    code = [v[i] if i in top and abs(v[i]) > theta else _soft(v[i], theta) for i in range(size)]
    under, close = _held(code, truth, theta)
    added = [reach * 2 * theta * Fraction(draw.randint(0, 4), 4) * gate for _ in range(size)]
    gated = [c + (a if c > 0 else -a if c < 0 else 0) for c, a in zip(code, added, strict=True)]
    kept = all(abs(gated[i] - truth[i]) <= 2 * theta for i in support)
    ratio = max((abs(truth[i]) - abs(code[i])) / (2 * theta) for i in support) if theta else Fraction(0)
    return under, close, kept, ratio


def check_random_attack():
    """20,000 exact layers: entering codes with false entries, weights off their normalisation, noise, gates."""
    draw, ratios = random.Random(2020), []
    for _ in range(20_000):
        under, close, kept, ratio = _random_layer(draw)
        assert under
        assert close
        assert kept
        ratios.append(ratio)
    assert max(ratios) == 1


def check_false_variants_fail():
    """Short thresholds, a gain of 3/2, support selection, and gates a quarter too large each fail."""
    draw = random.Random(5)
    assert not all(_random_layer(draw, room=Fraction(9, 10))[0] for _ in range(4000))
    assert not all(_random_layer(draw, gain=Fraction(3, 2))[0] for _ in range(2000))
    assert not all(_random_layer(draw, bypass=1)[0] for _ in range(2000))
    assert not all(_random_layer(draw, reach=Fraction(5, 4))[2] for _ in range(2000))
    assert not all(_random_layer(draw, room=Fraction(9, 10))[1] for _ in range(4000))
