r"""The master lemma in exact rational arithmetic: attacked at random, attained by example, false variants refuted.

Proof. $v-x^*=W_2x+W_1(Ax^*+\varepsilon)-x^*=W_2e+Dx^*+W_1\varepsilon$ with $D=W_2-I+W_1A$ (checked below).
Off the support $v_i=(W_2e)_i+(Dx^*)_i+(W_1\varepsilon)_i$ and $e$ lives on S, so that $|v_i|$ is at most
$\max_{j\in S}|W_{2,ij}|\|e\|_1+|(Dx^*)_i|+|(W_1\varepsilon)_i|\le\theta_i$: the gated threshold returns 0.
On the support a thresholded entry moves by at most $\theta_i$ and a bypassing one not at all; summing over S and
$\|(W_2e)_S\|_1\le\|W_{2,SS}\|_{1\to1}\|e\|_1$ gives the bound.
"""

import random
from fractions import Fraction

import sympy as sp

M, N = 2, 4


def check_error_identity():
    r"""$W_2x+W_1(Ax^*+\varepsilon)-x^*=W_2e+Dx^*+W_1\varepsilon$, for matrices."""
    W2, W1, A = sp.MatrixSymbol("W2", N, N), sp.MatrixSymbol("W1", N, M), sp.MatrixSymbol("A", M, N)
    code, truth, noise = (sp.MatrixSymbol(name, size, 1) for name, size in (("x", N), ("w", N), ("eps", M)))
    D = W2 - sp.Identity(N) + W1 * A
    left = W2 * code + W1 * (A * truth + noise) - truth
    right = W2 * (code - truth) + D * truth + W1 * noise
    assert sp.Matrix(left - right).expand() == sp.zeros(N, 1)


def _rational(draw: random.Random) -> Fraction:
    return Fraction(draw.randint(-8, 8), draw.choice((1, 2, 3, 5)))


def _apply(matrix, vector):
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def _threshold(v, theta, selected, gated):
    order = sorted(range(N), key=lambda i: (-abs(v[i]), i))[:selected]
    out = []
    for i, value in enumerate(v):
        above = abs(value) > theta[i]
        if i in order and (above or not gated):
            out.append(value)
        else:
            out.append(max(abs(value) - theta[i], Fraction(0)) * (1 if value > 0 else -1))
    return out


def _one_layer(
    draw, *, gated=True, coupled=False, room=Fraction(1), ignore_mismatch=False, count_all=False, coordinates=False
):
    """Draw a layer, a start on the support and a signal; return (bound held, no false positive, ratio to the bound).

    Counts as bypassing what the claim counts: min(p, entries above their deviation plus the threshold).
    """
    A = [[_rational(draw) for _ in range(N)] for _ in range(M)]
    W1 = [[_rational(draw) / 6 for _ in range(M)] for _ in range(N)]
    product = [[sum(W1[i][r] * A[r][j] for r in range(M)) for j in range(N)] for i in range(N)]
    identity = [[Fraction(int(i == j)) for j in range(N)] for i in range(N)]
    W2 = [[identity[i][j] - product[i][j] if coupled else _rational(draw) / 4 for j in range(N)] for i in range(N)]
    D = [[W2[i][j] - identity[i][j] + product[i][j] for j in range(N)] for i in range(N)]
    support = draw.sample(range(N), draw.randint(1, 3))
    scale = draw.choice((1, 1, 20))
    truth = [scale * (_rational(draw) or Fraction(1)) if i in support else Fraction(0) for i in range(N)]
    near = draw.choice((Fraction(1, 10), Fraction(2)))
    code = [truth[i] + near * _rational(draw) if i in support else Fraction(0) for i in range(N)]
    noise = [_rational(draw) / 10 for _ in range(M)]
    error = [c - w for c, w in zip(code, truth, strict=True)]
    size = sum(map(abs, error))
    offset = [abs(a) + abs(b) for a, b in zip(_apply(D, truth), _apply(W1, noise), strict=True)]
    if ignore_mismatch:
        offset = [abs(b) for b in _apply(W1, noise)]
    outside = [i for i in range(N) if i not in support]
    deviation = [max(abs(W2[i][j]) for j in support) * size + offset[i] for i in range(N)]
    if coordinates:
        theta, selected = [room * d for d in deviation], 0
    else:
        theta, selected = [room * max([deviation[i] for i in outside] + [Fraction(0)])] * N, draw.randint(0, 3)

    measured = [y + e for y, e in zip(_apply(A, truth), noise, strict=True)]
    v = [a + b for a, b in zip(_apply(W2, code), _apply(W1, measured), strict=True)]
    after = _threshold(v, theta, selected, gated)
    passing = len(support) if count_all else sum(abs(truth[i]) > deviation[i] + theta[i] for i in support)
    column = max(sum(abs(W2[i][j]) for i in support) for j in support)
    paid = sum(theta[i] for i in support) - min(selected, passing) * theta[0]
    bound = column * size + sum(offset[i] for i in support) + paid
    result = sum(abs(c - w) for c, w in zip(after, truth, strict=True))
    clean = all(after[i] == 0 for i in outside)
    return result <= bound, clean, (result / bound if bound else Fraction(0)), min(selected, passing)


def check_lemma_survives_a_random_attack():
    """4,000 exact layers, coupled and not, with noise, gated selection and coordinate thresholds: no violation."""
    draw = random.Random(2026)
    ratios, bypassed = [], 0
    for trial in range(4000):
        held, clean, ratio, bypassing = _one_layer(draw, coupled=trial % 2 == 0, coordinates=trial % 4 == 3)
        assert held
        assert clean
        ratios.append(ratio)
        bypassed += bypassing
    assert max(ratios) > Fraction(9, 10)
    assert bypassed > 100


def check_false_variants_fail():
    """Ungated selection, short thresholds, a forgotten mismatch D, and counting all entries as bypassing each fail."""
    draw = random.Random(11)
    assert not all(_one_layer(draw, gated=False)[1] for _ in range(500))
    assert not all(_one_layer(draw, room=Fraction(9, 10))[1] for _ in range(3000))
    found = [_one_layer(draw, ignore_mismatch=True) for _ in range(500)]
    assert not all(held and clean for held, clean, *_ in found)
    assert not all(_one_layer(draw, count_all=True)[0] for _ in range(3000))


def check_uniform_column_bound():
    r"""$\max_{|S|\le s}\|B_{SS}\|_{1\to1}$ is a diagonal entry plus the s-1 largest of its column: enumerated."""
    from itertools import combinations

    draw = random.Random(5)
    for _ in range(50):
        B = [[abs(_rational(draw)) for _ in range(5)] for _ in range(5)]
        for size in range(1, 6):
            best = max(max(sum(B[i][j] for i in support) for j in support) for support in combinations(range(5), size))
            formula = max(
                B[j][j] + sum(sorted((B[i][j] for i in range(5) if i != j), reverse=True)[: size - 1]) for j in range(5)
            )
            assert best == formula


def check_momentum_error_identity():
    r"""$v-x^*=((1+\beta)I-\gamma M)e-\beta e^-+\gamma W^T\varepsilon$, $M=W^TA$, for matrices."""
    V, A = sp.MatrixSymbol("V", N, M), sp.MatrixSymbol("A", M, N)  # V = W^T
    gain, beta = sp.symbols("gamma beta")
    code, before, truth, noise = (
        sp.MatrixSymbol(name, size, 1) for name, size in (("x", N), ("p", N), ("w", N), ("eps", M))
    )
    left = code + gain * V * (A * truth + noise - A * code) + beta * (code - before) - truth
    error, error_before = code - truth, before - truth
    right = (1 + beta) * error - gain * V * A * error - beta * error_before + gain * V * noise
    assert sp.Matrix(left - right).expand() == sp.zeros(N, 1)


def _instance_layer(draw, *, gated, at_rest=False, room=Fraction(1), unsafe=False, forget_momentum=False):
    """One exact layer with gain, momentum and selection of its own: (bound held, clean, ratio, counted, kept).

    ``kept`` is whether the lemma speaks of the layer; ungated layers that may select a false entry are left out unless
    ``unsafe``.
    """
    A = [[_rational(draw) for _ in range(N)] for _ in range(M)]
    V = [[_rational(draw) / 6 for _ in range(M)] for _ in range(N)]
    gram = [[sum(V[i][r] * A[r][j] for r in range(M)) for j in range(N)] for i in range(N)]
    gain, beta = draw.choice((Fraction(1), Fraction(3, 4), Fraction(-1, 2), Fraction(2))), _rational(draw) / 10
    support = draw.sample(range(N), draw.randint(1, 3))
    outside = [i for i in range(N) if i not in support]
    scale = draw.choice((1, 20))
    truth = [scale * (_rational(draw) or Fraction(1)) if i in support else Fraction(0) for i in range(N)]
    near = draw.choice((Fraction(1, 10), Fraction(2)))
    code = [truth[i] + near * _rational(draw) if i in support else Fraction(0) for i in range(N)]
    before = [truth[i] + near * _rational(draw) if i in support else Fraction(0) for i in range(N)]
    if at_rest:
        before, beta = list(code), Fraction(0)
    noise = [_rational(draw) / 10 for _ in range(M)]
    rho = Fraction(1, draw.choice((20, 1000)))
    rounding = [rho * Fraction(draw.randint(-4, 4), 4) for _ in range(N)]

    size = sum(abs(c - w) for c, w in zip(code, truth, strict=True))
    size_before = sum(abs(c - w) for c, w in zip(before, truth, strict=True))
    offset = [abs(gain * value) + rho for value in _apply(V, noise)]
    off = [abs(gain) * max(abs(gram[i][j]) for j in support) * size + offset[i] for i in range(N)]
    momentum = abs(beta) * (0 if forget_momentum else size_before)
    state = [[(1 + beta) * (i == j) - gain * gram[i][j] for j in range(N)] for i in range(N)]
    deviation = [max(abs(state[i][j]) for j in support) * size + momentum + offset[i] for i in range(N)]
    theta = [room * max([off[i] for i in outside] + [Fraction(0)])] * N
    selected = draw.randint(0, 3)
    if gated:
        counted, kept = min(selected, sum(abs(truth[i]) > theta[0] + deviation[i] for i in support)), True
    else:
        highest = max([off[i] for i in outside] + [Fraction(0)])
        kept = sum(abs(truth[i]) - deviation[i] > highest for i in support) >= selected
        counted, kept = (selected if kept else 0), kept or unsafe

    measured = [y + e for y, e in zip(_apply(A, truth), noise, strict=True)]
    residual = [y - z for y, z in zip(measured, _apply(A, code), strict=True)]
    step = _apply(V, residual)
    v = [code[i] + gain * step[i] + beta * (code[i] - before[i]) + rounding[i] for i in range(N)]
    after = _threshold(v, theta, selected, gated)
    column = max(sum(abs(state[i][j]) for i in support) for j in support)
    paid = (len(support) - counted) * theta[0]
    bound = column * size + momentum + paid + sum(offset[i] for i in support)
    result = sum(abs(c - w) for c, w in zip(after, truth, strict=True))
    clean = all(after[i] == 0 for i in outside)
    return result <= bound, clean, result / bound, counted, kept


def check_instance_lemma_survives_a_random_attack():
    """6,000 exact layers with momentum, gains of both signs, rounding, gated and safe ungated selection."""
    draw = random.Random(2021)
    ratios, counted, ungated = [], 0, 0
    for trial in range(6000):
        gated = trial % 2 == 0
        held, clean, ratio, bypassing, kept = _instance_layer(draw, gated=gated, at_rest=trial % 3 == 0)
        if not kept:
            continue
        assert held
        assert clean
        ratios.append(ratio)
        counted += bypassing
        ungated += not gated and bypassing > 0
    assert max(ratios) > Fraction(9, 10)
    assert counted > 300
    assert ungated > 100


def check_false_instance_variants_fail():
    """Unsafe ungated selection, thresholds a tenth too short, and a forgotten momentum each fail."""
    draw = random.Random(3)
    assert not all(_instance_layer(draw, gated=False, unsafe=True)[1] for _ in range(500))
    assert not all(_instance_layer(draw, gated=True, room=Fraction(9, 10))[1] for _ in range(3000))
    assert not all(_instance_layer(draw, gated=True, forget_momentum=True)[0] for _ in range(3000))


# -- layers that may let false entries pass ------------------------------------------------------------------------
def check_ungated_selection_escapes_every_threshold():
    r"""Unit columns $(1,0),(0,1),(3/5,4/5)$, $W=A$, $x^*=e_1$, p = 2: entry 3 passes at 3/5, whatever $\theta$ is.

    Neither (1) nor (2) of the master lemma survives: thresholds at its law are useless, and its bound would be 0.
    """
    A = [[Fraction(1), Fraction(0), Fraction(3, 5)], [Fraction(0), Fraction(1), Fraction(4, 5)]]
    v = [sum(A[r][i] * A[r][0] for r in range(2)) for i in range(3)]
    assert v == [1, 0, Fraction(3, 5)]
    theta = Fraction(4, 5)  # mu times ||e||_1, more than any |v_i| off the support
    order = sorted(range(3), key=lambda i: -abs(v[i]))[:2]
    after = [v[i] if i in order else max(abs(v[i]) - theta, 0) for i in range(3)]
    assert after == [1, 0, Fraction(3, 5)]


def _positive(value):
    return max(value, Fraction(0))


def _unconditional_step(gram, layer, truth, offset, now, before, variant=""):
    """One layer of ``unconditional_bound``, from its definition: bounds (entries, inside, outside) and a count."""
    gain, beta, theta, selected, gated = layer
    everyone = range(len(truth))
    S = [i for i in everyone if truth[i]]
    out = [i for i in everyone if not truth[i]]
    B = [[abs((1 + beta) * (i == j) - gain * gram[i][j]) for j in everyone] for i in everyone]
    h, a, b = now
    size = [abs(t) for t in truth]

    def over(values):
        return max(values, default=Fraction(0))

    d = []
    for i in everyone:
        by_norm = over([B[i][j] for j in S]) * a + over([B[i][j] for j in out]) * b
        d.append(min(sum(B[i][j] * h[j] for j in everyone), by_norm) + abs(beta) * before[0][i] + offset[i])
    top = [i for i in S if sum(size[j] + d[j] >= size[i] - d[i] for j in everyone) <= selected]
    ahead = {j: sum(size[i] - d[i] > d[j] for i in everyone) for j in out}
    standing = [i for i in S if size[i] - d[i] > over([d[j] for j in out])]
    surely = [i for i in top if not gated or size[i] - d[i] > theta[i]]
    perhaps = [j for j in out if ahead[j] < selected and (not gated or d[j] > theta[j])]
    f = min(len(perhaps), selected - max(len(top), min(selected, len(standing))))
    if variant == "one false entry less":
        f = max(f - 1, 0)
    if variant == "no false entries":
        perhaps, f = [], 0
    if gated:
        standing = [i for i in standing if size[i] - d[i] > max(theta[j] for j in S)]
    least = min(selected, len(standing))
    price = {i: min(size[i], theta[i]) if theta[i] >= 0 else -theta[i] for i in S}
    if variant == "free thresholds":
        price = dict.fromkeys(S, Fraction(0))
    left = {j: _positive(d[j] - theta[j]) for j in out}
    entries = [Fraction(0)] * len(truth)
    for i in S:
        full = max(d[i], min(size[i], d[i] + theta[i])) if theta[i] >= 0 else d[i] - theta[i]
        entries[i] = d[i] if i in surely or variant == "free thresholds" else full
    for j in out:
        entries[j] = max(d[j], left[j]) if j in perhaps else left[j]
    paying = min(sum(price[i] for i in S if i not in surely), sum(sorted(price.values())[least:]))
    inside = (
        over([sum(B[i][j] for i in S) for j in S]) * a
        + over([sum(B[i][j] for i in S) for j in out]) * b
        + abs(beta) * before[1]
        + sum(offset[i] for i in S)
        + paying
    )

    def largest(values, count):
        return sum(sorted(values, reverse=True)[:count], Fraction(0))

    def column(j, count):
        rest = [B[i][j] for i in everyone if i != j]
        return largest(rest, count) if j in S else max(largest(rest, count), B[j][j] + largest(rest, count - 1))

    passing = Fraction(0)
    if f:
        by_columns = over([column(j, f) for j in S]) * a + over([column(j, f) for j in out]) * b
        by_columns += abs(beta) * before[2] + largest([offset[j] for j in out], f)
        passing = min(largest([_positive(d[j] - left[j]) for j in perhaps], f), by_columns)
    outside = sum(left.values()) + passing
    count = min(len(out), f + sum(value > 0 for value in left.values()))
    return (
        entries,
        min(inside, sum(entries[i] for i in S)),
        min(outside, sum((entries[j] for j in out), Fraction(0))),
    ), count


def _unconditional_run(draw, *, variant="", depth=3):
    """Three exact layers of a random network on a random signal; per layer (bound held, ratio, count held)."""
    A = [[_rational(draw) for _ in range(N)] for _ in range(M)]
    V = [[_rational(draw) / 6 for _ in range(M)] for _ in range(N)]
    gram = [[sum(V[i][r] * A[r][j] for r in range(M)) for j in range(N)] for i in range(N)]
    shrink = draw.choice((Fraction(1, 50), Fraction(1, 5), Fraction(1)))
    V = [[shrink * v for v in row] for row in V]
    gram = [[shrink * g + (1 - shrink) * (i == j) for j, g in enumerate(row)] for i, row in enumerate(gram)]
    support = draw.sample(range(N), draw.randint(1, 3))
    scale = draw.choice((1, 20))
    truth = [scale * (_rational(draw) or Fraction(1)) if i in support else Fraction(0) for i in range(N)]
    noise = [abs(value) for value in _apply(V, [_rational(draw) / 10 for _ in range(M)])]
    code = previous = [Fraction(0)] * N
    start = [abs(t) for t in truth]
    now = before = (start, sum(start), Fraction(0))
    for k in range(depth):
        gain = draw.choice((Fraction(1), Fraction(3, 4), Fraction(-1, 2), Fraction(3, 2)))
        beta = _rational(draw) / 20 if k else Fraction(0)
        theta = [_rational(draw) * draw.choice((Fraction(1, 20), Fraction(1, 4))) for _ in range(N)]
        if draw.random() < 0.7:
            theta = [abs(theta[0])] * N
        layer = (gain, beta, theta, draw.randint(0, N), draw.random() < 0.3)
        rho = Fraction(1, draw.choice((20, 1000)))
        shake = [gain * draw.choice((1, -1)) * e + rho * Fraction(draw.randint(-4, 4), 4) for e in noise]
        error = [c - w for c, w in zip(code, truth, strict=True)]
        v = [
            code[i] - gain * sum(gram[i][j] * error[j] for j in range(N)) + beta * (code[i] - previous[i]) + shake[i]
            for i in range(N)
        ]
        previous, code = code, [Fraction(c) for c in _shrunk(v, theta, layer[3], layer[4])]
        offset = [abs(gain) * e + rho for e in noise]
        before, (now, count) = now, _unconditional_step(gram, layer, truth, offset, now, before, variant)
        off = [abs(c - w) for c, w in zip(code, truth, strict=True)]
        inside, outside = (sum((off[i] for i in range(N) if bool(truth[i]) == on), Fraction(0)) for on in (True, False))
        held = inside <= now[1] and outside <= now[2] and all(e <= h for e, h in zip(off, now[0], strict=True))
        total = now[1] + now[2]
        false = sum(bool(c) and not w for c, w in zip(code, truth, strict=True))
        yield held, (inside + outside) / total if total else Fraction(0), false <= count, false


def _shrunk(v, theta, selected, gated):
    """As ``_threshold``, with thresholds of both signs: 0 stays 0, a negative threshold pushes away."""
    order = sorted(range(N), key=lambda i: (-abs(v[i]), i))[:selected]
    out = []
    for i, value in enumerate(v):
        above = abs(value) > theta[i]
        kept = value if i in order and (above or not gated) else (abs(value) - theta[i]) * (1 if value > 0 else -1)
        out.append(kept if above or (i in order and not gated) else Fraction(0))
    return [Fraction(0) if not value else entry for entry, value in zip(out, v, strict=True)]


def check_unconditional_bound_survives_a_random_attack():
    """9,000 exact layers with false positives, thresholds of both signs, momentum, gated and ungated selection."""
    draw, ratios, wrong = random.Random(1999), [], 0
    for _ in range(3000):
        for held, ratio, counted, false in _unconditional_run(draw):
            assert held
            assert counted
            ratios.append(ratio)
            wrong += false > 0
    assert max(ratios) > Fraction(99, 100)
    assert wrong > 2000


def check_false_unconditional_variants_fail():
    """Without false entries, with one less than may pass, and with thresholds that cost nothing, the bound fails."""
    for variant in ("no false entries", "one false entry less", "free thresholds"):
        draw = random.Random(4)
        found = [r for _ in range(1500) for r in _unconditional_run(draw, variant=variant)]
        assert not all(held and counted for held, _, counted, _ in found), variant
