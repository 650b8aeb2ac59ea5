r"""Foucart and Rauhut 2013, theorem 6.18 on iterative hard thresholding, re-derived with any step.

$v=x+\gamma A^T(y-Ax)$, $y=Ax_S+\varepsilon'$, $|S|\le s$; $T^+$ are the s entries that $x^+=H_s(v)$ keeps; $z=v-x_S$.

1. $z=(I-\gamma A^TA)(x-x_S)+\gamma A^T\varepsilon'$.
2. On $T^+$: $x^+-x_S=z$. On $S\setminus T^+$: $|S\setminus T^+|\le|T^+\setminus S|$ and no entry of v outside $T^+$
   exceeds one inside, so that $\|v_{S\setminus T^+}\|\le\|v_{T^+\setminus S}\|=\|z_{T^+\setminus S}\|$. Hence with
   $p=\|z_{T^+\cap S}\|$, $q=\|z_{T^+\setminus S}\|$, $r=\|z_{S\setminus T^+}\|$:
   $\|x^+-x_S\|^2\le p^2+q^2+(q+r)^2$.
3. $q^2+(q+r)^2\le\varphi^2(q^2+r^2)$, $\varphi^2=(3+\sqrt5)/2$ the larger eigenvalue of ((2,1),(1,1)); the book has
   $2(q^2+r^2)+q^2\le3(q^2+r^2)$. If $T^+\subset S$ (q = 0) or $S\subset T^+$ (nothing is missed), the factor is 1.
   Entries of $T^+$ where v = 0 do not count: z is 0 there unless they lie in S.
4. z on $S\cup T^+$ is at most $\delta\|x-x_S\|+\gamma\|A_{S\cup T^+}\|\|\varepsilon'\|$, as $x-x_S$ has its support in
   $S\cup\mathrm{supp}\,x$: $\delta=\|I-\gamma A_T^TA_T\|$, T the union of all three, $|T|\le3s$; $|S\cup T^+|\le2s$.
"""

import random
from fractions import Fraction

import sympy as sp


def _norm2(vector, where):
    return sum((vector[i] ** 2 for i in where), Fraction(0))


def _kept(v, count):
    return sorted(range(len(v)), key=lambda i: (-abs(v[i]), i))[:count]


def _hard(v, count):
    keep = set(_kept(v, count))
    return [value if i in keep else Fraction(0) for i, value in enumerate(v)]


def _apply(matrix, x):
    return [sum((row[j] * x[j] for j in range(len(x))), Fraction(0)) for row in matrix]


def _transposed(matrix):
    return [list(column) for column in zip(*matrix, strict=True)]


def _draw(draw, count, low=-6, high=6):
    return [Fraction(draw.randint(low, high), draw.randint(1, 3)) for _ in range(count)]


def _instance(draw):
    m, n, s = draw.randint(2, 4), draw.randint(3, 6), draw.randint(1, 2)
    matrix = [[Fraction(draw.randint(-4, 4), 3) for _ in range(n)] for _ in range(m)]
    truth, x = ([Fraction(0)] * n for _ in range(2))
    for i in draw.sample(range(n), draw.randint(0, s)):
        truth[i] = Fraction(draw.randint(-6, 6), draw.randint(1, 3))
    for i in draw.sample(range(n), s):
        x[i] = Fraction(draw.randint(-6, 6), 2)
    noise = [Fraction(draw.randint(-2, 2), 4) for _ in range(m)]
    return matrix, truth, x, noise, Fraction(draw.randint(0, 8), 4), s


def check_residual_form():
    """Step 1 in exact rationals, 200 instances."""
    draw = random.Random(0)
    for _ in range(200):
        matrix, truth, x, noise, gain, _ = _instance(draw)
        y = [a + b for a, b in zip(_apply(matrix, truth), noise, strict=True)]
        back = _transposed(matrix)
        residual = [a - b for a, b in zip(y, _apply(matrix, x), strict=True)]
        v = [a + gain * b for a, b in zip(x, _apply(back, residual), strict=True)]
        e = [a - b for a, b in zip(x, truth, strict=True)]
        other = _apply(back, [a - b for a, b in zip(noise, _apply(matrix, e), strict=True)])
        assert [a - b for a, b in zip(v, truth, strict=True)] == [a + gain * b for a, b in zip(e, other, strict=True)]


def check_hard_threshold_inequality():
    """Steps 2 and 3 in exact rationals on 20,000 vectors, ties and zeros included; false constants are refuted."""
    draw = random.Random(1)
    refuted = dict.fromkeys((1, Fraction(2), Fraction(5, 2)), 0)
    for _ in range(20_000):
        n, s = draw.randint(2, 6), draw.randint(1, 3)
        s = min(s, n)
        truth = [Fraction(0)] * n
        for i in draw.sample(range(n), draw.randint(0, s)):
            truth[i] = Fraction(draw.randint(-4, 4))
        v = [Fraction(draw.randint(-4, 4)) for _ in range(n)]
        z = [a - b for a, b in zip(v, truth, strict=True)]
        after = _hard(v, s)
        support = {i for i in range(n) if truth[i]}
        kept = set(_kept(v, s))
        error = sum(((a - b) ** 2 for a, b in zip(after, truth, strict=True)), Fraction(0))
        p2, q2, r2 = (_norm2(z, part) for part in (kept & support, kept - support, support - kept))
        # error <= p^2 + q^2 + (q + r)^2, squared once more to stay rational.
        left = error - p2 - 2 * q2 - r2
        assert left <= 0 or left**2 <= 4 * q2 * r2
        total = p2 + q2 + r2
        assert error <= 3 * total
        # error <= (3 + sqrt 5)/2 total, i.e. (2 error - 3 total)_+ <= sqrt(5) total
        assert 2 * error <= 3 * total or (2 * error - 3 * total) ** 2 <= 5 * total**2
        met = {i for i in range(n) if after[i]}
        if met <= support or support <= met:
            assert error <= _norm2(z, met | support)
        for constant in refuted:
            refuted[constant] += error > constant * total
    assert all(count > 0 for count in refuted.values())


def check_golden_ratio_is_attained():
    r"""$S=\{1\}$, $T^+=\{2\}$, $v=(1,1)$, $x_S=(\varphi,0)$: the factor is exactly $\varphi^2$, so no less will do."""
    phi = (1 + sp.sqrt(5)) / 2
    truth, v = phi, (1, 1)
    error = truth**2 + v[1] ** 2
    z = (v[0] - truth) ** 2 + v[1] ** 2
    assert sp.simplify(error / z - phi**2) == 0
    block = sp.Matrix([[2, 1], [1, 1]])
    assert sp.simplify(max(block.eigenvals(), key=sp.N) - phi**2) == 0
    assert phi**2 < 3


def check_supports_bound_the_step():
    """Step 4: z on S u T+ is the restricted matrix times e, with everything outside irrelevant; exact, 300 instances.

    And the false variant: with the union of S and supp x alone (2s) the norm is too small in some of them.
    """
    draw = random.Random(2)
    smaller = 0
    for _ in range(300):
        matrix, truth, x, _, gain, s = _instance(draw)
        e = [a - b for a, b in zip(x, truth, strict=True)]
        back = _transposed(matrix)
        image = _apply(back, _apply(matrix, e))
        z = [a - gain * b for a, b in zip(e, image, strict=True)]
        v = [a + b for a, b in zip(z, truth, strict=True)]
        old = {i for i in range(len(x)) if x[i] or truth[i]}
        union = sorted(old | set(_kept(v, s)))
        gram = sp.Matrix([[sum(row[i] * row[j] for row in matrix) for j in union] for i in union])
        block = sp.eye(len(union)) - gain * gram
        part = block * sp.Matrix([e[i] for i in union])
        assert [sp.Rational(z[i].numerator, z[i].denominator) for i in union] == list(part)
        # ||B e||^2 <= ||B||_F^2 ||e||^2 holds with B; with the rows of `old` alone it need not.
        bound = sum(entry**2 for entry in block) * _norm2(e, union)
        assert _norm2(z, union) <= Fraction(int(sp.numer(bound)), int(sp.denom(bound)))
        smaller += _norm2(z, union) > _norm2(z, sorted(old))
    assert smaller > 0


def check_constants_of_the_book():
    r"""$\rho=\sqrt3\,\delta_{3s}<1$ iff $\delta_{3s}<1/\sqrt3$; the sum of the noise terms; $\tau\le2.18/(1-\rho)$."""
    rho, noise = sp.symbols("rho b", positive=True)
    n = sp.symbols("n", integer=True, positive=True)
    # E_{k+1} = rho E_k + b gives E_n = rho^n E_0 + b (1 - rho^n)/(1 - rho) <= rho^n E_0 + b/(1 - rho).
    start = sp.symbols("E", positive=True)
    closed = rho**n * start + noise * (1 - rho**n) / (1 - rho)
    step = sp.simplify(closed.subs(n, n + 1) - (rho * closed + noise))
    assert step == 0
    tau = sp.sqrt(3) * sp.sqrt(1 + 1 / sp.sqrt(3))
    assert sp.Rational(217, 100) < tau < sp.Rational(218, 100)
    # Step gamma: the extreme eigenvalues decide, max over [alpha, beta] of |1 - gamma lambda| is at an end.
    assert sp.sqrt(3) * (1 / sp.sqrt(3)) == 1
