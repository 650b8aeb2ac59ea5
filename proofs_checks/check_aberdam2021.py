r"""Aberdam, Golts and Elad 2021: perturbed dictionaries, and the weight of least norm; all derived here.

$\tilde D=D+E$, $\tilde G=\tilde D^TW^T\tilde D$, $\mu=\max_{i\ne j}|d_i^TW^Td_j|$, $d_i^TW^Td_i=1$.

1. $\tilde G_{ij}-d_i^TW^Td_j=E_i^TW^Td_j+d_i^TW^TE_j+E_i^TW^TE_j$; Cauchy-Schwarz on $E_i\cdot(W^Td_j)$,
   $(Wd_i)\cdot E_j$ and the norm of W give $\delta$. For a weight that stays, $w_i^T\tilde d_j-w_i^Td_j=w_i^TE_j$.
2. Hence $|\tilde G_{ij}|\le\mu+\delta$ off the diagonal and $|1-\tilde G_{ii}|\le\delta$ on it.
3. With supp x in S and e = x - x*: $v-x^*=(I-\tilde G)e$, so that $|v_i|\le(\mu+\delta)\|e\|_1\le\theta$ off S: no
   false entry; and $\|e^+\|_1\le(\delta+(s-1)(\mu+\delta))\|e\|_1+s\theta$, which is
   $((2s-1)(\mu+\delta)+\delta)\|e\|_1$ at $\theta=(\mu+\delta)\|e\|_1$.
"""

import random
from fractions import Fraction

import sympy as sp


def _vector(draw, size):
    return sp.Matrix([sp.Rational(draw.randint(-5, 5), draw.randint(1, 4)) for _ in range(size)])


def check_products_move_by_delta():
    """Step 1: the identity symbolically, the three bounds in exact rationals (squared), 300 draws."""
    d, e, g, h = (sp.Matrix(sp.symbols(f"{name}0:3")) for name in "degh")
    weight = sp.Matrix(3, 3, sp.symbols("w0:9"))
    moved = ((d + e).T * weight.T * (g + h))[0] - (d.T * weight.T * g)[0]
    parts = (e.T * weight.T * g)[0] + (d.T * weight.T * h)[0] + (e.T * weight.T * h)[0]
    assert sp.expand(moved - parts) == 0
    draw = random.Random(0)
    for _ in range(300):
        own, shift, other, more = (_vector(draw, 3) for _ in range(4))
        matrix = sp.Matrix(3, 3, lambda *_: sp.Rational(draw.randint(-5, 5), 3))
        # (Wd).E and not (W^T d).E: the sides of the products matter.
        assert (own.T * matrix.T * more)[0] == (matrix * own).dot(more)
        assert (own.T * matrix.T * more)[0] ** 2 <= (matrix * own).dot(matrix * own) * more.dot(more)
        assert (shift.T * matrix.T * other)[0] ** 2 <= shift.dot(shift) * (matrix.T * other).dot(matrix.T * other)
        frobenius = (matrix.T * matrix).trace()
        assert (shift.T * matrix.T * more)[0] ** 2 <= shift.dot(shift) * frobenius * more.dot(more)


def check_sides_cannot_be_exchanged():
    """False variant: ||W^T d_i|| ||E_j|| in the place of ||W d_i|| ||E_j|| is no bound when W is not symmetric."""
    matrix = sp.Matrix([[0, 1], [0, 0]])
    own, shift = sp.Matrix([0, 1]), sp.Matrix([1, 0])
    product = (own.T * matrix.T * shift)[0]
    assert product == 1
    assert (matrix.T * own).norm() * shift.norm() == 0
    assert (matrix * own).norm() * shift.norm() == 1


def check_rate():
    r"""Step 3: at the law of the thresholds the factor is $(2s-1)(\mu+\delta)+\delta$."""
    s, mu, delta, size = sp.symbols("s mu delta E", positive=True)
    theta = (mu + delta) * size
    layer = (delta + (s - 1) * (mu + delta)) * size + s * theta
    assert sp.expand(layer - ((2 * s - 1) * (mu + delta) + delta) * size) == 0
    # delta = 0 is the theorem without perturbation.
    assert sp.expand(layer.subs(delta, 0) - (2 * s - 1) * mu * size) == 0


def check_layer_in_exact_arithmetic():
    """Steps 2 and 3 on 2,000 random products within mu + delta and delta: no false entry, and the bound; exact."""
    draw = random.Random(1)
    attained = Fraction(0)
    for trial in range(2000):
        n, s = draw.randint(2, 6), draw.randint(1, 3)
        s = min(s, n)
        mu, delta = Fraction(draw.randint(0, 6), 40), Fraction(draw.randint(0, 6), 40)
        worst = trial % 2

        def within(radius, extreme=worst):
            return radius * (draw.choice((-1, 1)) if extreme else Fraction(draw.randint(-4, 4), 4))

        gram = [[1 + within(delta) if i == j else within(mu + delta) for j in range(n)] for i in range(n)]
        truth, code = [Fraction(0)] * n, [Fraction(0)] * n
        for i in draw.sample(range(n), s):
            truth[i], code[i] = Fraction(draw.randint(-5, 5)), Fraction(draw.randint(-5, 5), 2) * (trial % 3 > 0)
        support = {i for i in range(n) if truth[i] or code[i]}
        error = [a - b for a, b in zip(code, truth, strict=True)]
        size = sum((abs(a) for a in error), Fraction(0))
        theta = (mu + delta) * size
        v = [code[i] - sum((gram[i][j] * error[j] for j in range(n)), Fraction(0)) for i in range(n)]
        after = [(1 if a > 0 else -1) * max(abs(a) - theta, Fraction(0)) for a in v]
        assert all(after[i] == 0 for i in range(n) if i not in support)
        new = sum((abs(a - b) for a, b in zip(after, truth, strict=True)), Fraction(0))
        count = len(support)
        rate = (2 * count - 1) * (mu + delta) + delta
        assert new <= rate * size
        if rate * size > 0:
            attained = max(attained, new / (rate * size))
    # Attained: the constant cannot be lowered, so that delta can be neither dropped nor halved.
    assert attained == 1


def check_dropping_delta_fails():
    """False variants: D = W = I, s = 1, E = -eps I: one layer leaves 2 delta of the error, which q = delta is not."""
    eps = sp.symbols("epsilon", positive=True)
    # A weight that stays: w_1 . (d_1 + E_1) = 1 - eps, delta = eps, theta = eps: v - theta = 1 - 2 eps.
    left = 1 - ((1 - eps) - eps)
    assert sp.expand(left - 2 * eps) == 0
    # Ada-LISTA: (1 - eps)^2, delta = 2 eps + eps^2, theta = delta: 4 eps of 4 eps + 2 eps^2 are left.
    delta = 2 * eps + eps**2
    left = 1 - ((1 - eps) ** 2 - delta)
    assert sp.expand(left - 4 * eps) == 0
    assert sp.limit(left / (2 * delta), eps, 0) == 1
    half = 2 * (delta / 2)
    assert (left - half).subs(eps, sp.Rational(1, 10)) > 0


def check_symmetric_frobenius_weight():
    r"""The closed form is feasible and orthogonal to all feasible directions, hence optimal; exact rationals.

    $\|D^TMD\|_F^2$, $M=W^T$, is a convex quadratic form; at $M=G^{-1}D\,\mathrm{diag}(\nu)D^TG^{-1}$ its derivative in
    the direction H is $2\sum_i\nu_id_i^THd_i$, which vanishes for every H with $d_i^THd_i=0$.
    """
    draw = random.Random(3)
    tried = 0
    for _ in range(20):
        matrix = sp.Matrix(3, 4, lambda *_: sp.Rational(draw.randint(-4, 4), draw.randint(1, 3)))
        gram = sp.Matrix(matrix * matrix.T)
        if gram.det() == 0:
            continue
        half = sp.Matrix(gram.inv() * matrix)
        kernel = sp.Matrix(matrix.T * half)
        square = sp.Matrix(sp.HadamardProduct(kernel, kernel).doit())
        if square.det() == 0:
            continue
        tried += 1
        nu = sp.Matrix(square.inv() * sp.ones(4, 1))
        weight = sp.Matrix(half * sp.diag(*nu) * half.T)
        products = sp.Matrix(matrix.T * weight * matrix)
        assert all(products[i, i] == 1 for i in range(4))
        direction = sp.Matrix(3, 3, lambda *_: sp.Rational(draw.randint(-3, 3)))
        image = sp.Matrix(matrix.T * direction * matrix)
        inner = sp.Matrix(products.T * image).trace()
        assert inner == sp.Matrix(sp.diag(*nu) * image).trace()
    assert tried >= 8
