r"""Chen, Liu, Wang, Yin 2021: heavy ball for every k, its law and coherence form, conjugate gradients, selection.

Conjugate gradients. Let $H\succ0$ and $E(x)=\langle x-x^*,H(x-x^*)\rangle$. The minimiser $x_j$ of E over $x_0+K_j$,
$K_j=\mathrm{span}\{r_0,Hr_0,\dots,H^{j-1}r_0\}$, has $x_{j+1}-x_j\in\mathrm{span}\{r_j,x_j-x_{j-1}\}$ (the two-term
recurrence of conjugate gradients), and that plane lies in $K_{j+1}$: so the minimiser over $x_j+$ plane is $x_{j+1}$.
By induction the locally optimal scalars give all of them; $K_s$ is the whole space at the latest. Any p with p(0) = 1
and degree at most j gives $E(x_j)\le\max_\lambda p(\lambda)^2E(x_0)$, over the spectrum.
"""

import random
from fractions import Fraction

import numpy as np
import sympy as sp

x, rho, a, f0, fm = sp.symbols("x rho a f_0 f_m", real=True)


def _u(j):
    return sp.Integer(0) if j < 0 else sp.chebyshevu(j, x)


def check_solution_of_the_recurrence():
    r"""$f_{j+1}=2\rho xf_j-\rho^2f_{j-1}+h_j$ is solved by the formula of ``rates/momentum_bound.py``, j = 1..6."""
    h = sp.symbols("h_0:6")
    before, now = fm, f0
    for j in range(1, 7):
        before, now = now, sp.expand(2 * rho * x * now - rho**2 * before + h[j - 1])
        formula = rho**j * ((_u(j) - rho * _u(j - 1)) * f0 + rho * _u(j - 1) * (f0 - fm))
        formula += sum(rho ** (j - 1 - i) * _u(j - 1 - i) * h[i] for i in range(j))
        assert sp.expand(formula - now) == 0


def check_chebyshev_bounds():
    r"""$U_j=\sum_{i\le j}T_{|j-2i|}$, hence $|U_j|\le j+1$ on [-1, 1]; $U_j-\rho U_{j-1}=T_j+(x-\rho)U_{j-1}$."""
    for j in range(1, 12):
        total = sum(sp.chebyshevt(abs(j - 2 * i), x) for i in range(j + 1))
        assert sp.expand(_u(j) - total) == 0
        assert sp.expand(_u(j) - rho * _u(j - 1) - sp.chebyshevt(j, x) - (x - rho) * _u(j - 1)) == 0
        assert _u(j).subs(x, 1) == j + 1  # attained at the double root


def check_law_of_momentum():
    r"""With $\rho=1-\sqrt{1-a}$ all $\lambda\in[1-a,1+a]$ are in the oscillating range, the lower end at its border."""
    r = sp.symbols("r", positive=True)  # sqrt(1 - a)
    law, interval = 1 - r, 1 - r**2
    assert sp.expand((1 - law) ** 2 - (1 - interval)) == 0
    assert sp.expand((1 + law) ** 2 - (1 + interval) - 2 * (1 - r) ** 2) == 0
    # At rest the slowest mode starts with a = rho (2 - rho): the transient 1 + j (1 - rho) is attained, rho^j is not.
    assert sp.expand(interval - law * (1 + (1 - law))) == 0
    assert sp.simplify((interval - law).subs(r, sp.Rational(1, 2))) > 0
    # Less momentum leaves the range: the larger root exceeds rho.
    low = sp.Rational(9, 10) * sp.Rational(1, 2)
    middle = (1 + low**2 - sp.Rational(1, 4)) / 2
    assert middle**2 > low**2
    assert middle + sp.sqrt(middle**2 - low**2) > sp.Rational(1, 2)


def check_coherence_form():
    r"""$1-\sqrt{1-a}\ge a/2$: at $a=(2s-1)\mu$ the paper's rate is at least $(s-\frac12)\mu$.

    Below $(2s-1)\mu$, the rate of thresholds that are paid, but above $(s-1)\mu$, the rate without momentum once all
    entries bypass: on the coherence bounds alone momentum does not pay there. On the spectrum it does: at $a=(s-1)\mu$
    the law gives $1-\sqrt{1-a}<a$.
    """
    assert sp.expand((1 - a / 2) ** 2 - (1 - a) - a**2 / 4) == 0  # so sqrt(1 - a) <= 1 - a/2
    s, mu = sp.symbols("s mu", positive=True)
    assert sp.simplify((2 * s - 1) * mu / 2 - (s - 1) * mu - mu / 2) == 0
    # 1 - sqrt(1 - a) < a iff 1 - a < sqrt(1 - a) iff a in (0, 1).
    assert sp.expand((1 - a) - (1 - a) ** 2 - a * (1 - a)) == 0


def check_bound_survives_a_random_attack():
    """20,000 exact steps, forcing of either sign, from any start: no violation, and the bound is attained."""
    draw = random.Random(2021)
    largest = Fraction(0)
    for trial in range(2000):
        rate = Fraction(draw.randint(1, 99), 100)
        low, high = (1 - rate) ** 2, (1 + rate) ** 2
        share = draw.choice((Fraction(0), Fraction(1), Fraction(draw.randint(0, 100), 100)))
        mode = low + share * (high - low)
        position = (1 + rate**2 - mode) / (2 * rate)
        spread = abs(position - rate)
        now = start = Fraction(draw.randint(-9, 9) or 1)
        before = now if trial % 2 else Fraction(draw.randint(-9, 9))
        velocity = abs(now - before)
        pushes = []
        for j in range(1, 11):
            size = Fraction(draw.randint(0, 3), 10) if trial % 3 else Fraction(0)
            before, now = now, (1 + rate**2 - mode) * now - rate**2 * before + draw.choice((-1, 1)) * size
            pushes.append(size)
            bound = rate**j * ((1 + spread * j) * abs(start) + rate * j * velocity)
            bound += sum((j - i) * rate ** (j - 1 - i) * push for i, push in enumerate(pushes))
            assert abs(now) <= bound
            largest = max(largest, abs(now) / bound)
    assert largest == 1


def check_false_variants_fail():
    """Without the transient, with half of it, or beyond the range, the bound breaks."""
    rate = Fraction(1, 2)
    slowest, now, before = (1 - rate) ** 2, Fraction(1), Fraction(1)
    broken = {"none": False, "half": False}
    for j in range(1, 8):
        before, now = now, (1 + rate**2 - slowest) * now - rate**2 * before
        broken["none"] |= now > rate**j
        broken["half"] |= now > rate**j * (1 + (1 - rate) * j / 2)
    assert all(broken.values())
    now = before = Fraction(1)
    for _ in range(8):
        before, now = now, (1 + rate**2 - slowest / 2) * now - rate**2 * before
    assert now > rate**8 * (1 + 2 * 8)


def _solve_plane(h, r, moved):
    """Minimise over r and moved exactly: returns gain and momentum."""
    hr, hm = h * r, h * moved
    p, q, w = (r.T * hr)[0], (r.T * hm)[0], (moved.T * hm)[0]
    right, other = (r.T * r)[0], (moved.T * r)[0]
    if w == 0 or p * w == q * q:
        return right / p, sp.Integer(0)
    det = p * w - q * q
    return (right * w - other * q) / det, (other * p - right * q) / det


def check_conjugate_gradients():
    """Exact 4 x 4 systems: locally optimal scalars are optimal over the Krylov space, end in 4 steps, and obey the
    deflated Chebyshev bound."""
    draw = random.Random(5)
    largest = 0.0
    for _ in range(6):
        root = sp.Matrix(4, 4, lambda *_: sp.Rational(draw.randint(-3, 3)))
        h = sp.Matrix(root * root.T + sp.eye(4))
        error = sp.Matrix([draw.randint(-5, 5) or 1 for _ in range(4)])
        r0 = -h * error
        krylov = sp.Matrix.hstack(*[h**i * r0 for i in range(4)])
        values = np.linalg.eigvalsh(np.array(h.tolist(), dtype=float))
        moved = sp.zeros(4, 1)
        start = energy = (error.T * h * error)[0]
        first = error
        for j in range(1, 5):
            gain, beta = _solve_plane(h, -h * error, moved)
            moved = gain * (-h * error) + beta * moved
            error = sp.Matrix(error + moved)
            energy = (error.T * h * error)[0]
            space = krylov[:, :j]
            best = first - space * (space.T * h * space).LUsolve(space.T * h * first)
            assert sp.simplify((best.T * h * best)[0] - energy) == 0
            for i in range(min(j, 4)):
                kappa = (values[3 - i] / values[0]) ** 0.5
                factor = 2 * ((kappa - 1) / (kappa + 1)) ** (j - i)
                assert float(energy / start) ** 0.5 <= factor * (1 + 1e-9) + 1e-15
                largest = max(largest, float(energy / start) ** 0.5 / factor) if factor else largest
        assert energy == 0
    assert largest > 0.3


def check_steepest_descent_does_not_end():
    """False variant: the best gain without momentum neither ends in s steps nor obeys the deflated bound."""
    h, error = sp.diag(1, 4), sp.Matrix([4, 1])
    start = (error.T * h * error)[0]
    for _ in range(2):
        gain, _ = _solve_plane(h, -h * error, sp.zeros(2, 1))
        error = error - gain * h * error
    assert (error.T * h * error)[0] > start / 10


def check_symmetrised_frobenius_weight():
    r"""$M=D^{-1}P$ of the closed-form W: $d_iM_{ij}=d_jM_{ji}$, exactly."""
    draw = random.Random(3)
    for _ in range(5):
        matrix = sp.Matrix(2, 4, lambda *_: sp.Rational(draw.randint(-5, 5) or 1))
        gram = sp.Matrix(matrix * matrix.T)
        if gram.det() == 0:
            continue
        projector = matrix.T * gram.inv() * matrix
        weights = [gram.inv() * matrix[:, i] / projector[i, i] for i in range(4)]
        product = sp.Matrix(sp.Matrix.hstack(*weights).T * matrix)
        for i in range(4):
            assert product[i, i] == 1
            for j in range(4):
                assert projector[i, i] * product[i, j] == projector[j, j] * product[j, i]


def check_symmetric_weight():
    r"""$X=PXP$ has $\langle X,P\,\mathrm{diag}(\nu)P\rangle=\sum\nu_iX_{ii}$, so the closed form has the least norm."""
    draw = random.Random(8)
    matrix = sp.Matrix([[1, 2, 0, 1], [0, 1, 3, -1], [2, 0, 1, 1]])
    inverse = sp.Matrix(matrix * matrix.T).inv()
    projector = sp.Matrix(matrix.T * inverse * matrix)
    square = projector.multiply_elementwise(projector)
    nu = square.LUsolve(sp.ones(4, 1))
    best = projector * sp.diag(*nu) * projector
    assert [best[i, i] for i in range(4)] == [1] * 4
    for _ in range(10):
        free = sp.Matrix(3, 3, lambda *_: sp.Rational(draw.randint(-4, 4)))
        other = matrix.T * (free + free.T) * matrix
        inner = sum(best[i, j] * other[i, j] for i in range(4) for j in range(4))
        assert inner == sum(nu[i] * other[i, i] for i in range(4))


def check_coherence_of_a_layer():
    r"""$\|((1+\beta)I-\gamma M)_{SS}\|_{1\to1}\le|1+\beta-\gamma|+|\gamma|(\delta+(s-1)\mu)$: 500 exact matrices."""
    draw = random.Random(4)
    attained = False
    for trial in range(500):
        size = draw.randint(1, 4)
        mu, delta = Fraction(draw.randint(0, 9), 10), Fraction(trial % 2, 50)
        gain, beta = Fraction(draw.randint(1, 20), 10), Fraction(draw.randint(-5, 5), 10)
        extreme = draw.choice((True, False))
        gram = [
            [
                1 + delta * draw.choice((-1, 1))
                if i == j
                else mu * (1 if extreme else Fraction(draw.randint(-9, 9), 9))
                for j in range(size)
            ]
            for i in range(size)
        ]
        state = [[(1 + beta) * (i == j) - gain * gram[i][j] for j in range(size)] for i in range(size)]
        norm = max(sum(abs(state[i][j]) for i in range(size)) for j in range(size))
        bound = abs(1 + beta - gain) + gain * (delta + (size - 1) * mu)
        assert norm <= bound
        attained |= norm == bound
    assert attained
