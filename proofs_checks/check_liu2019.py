r"""Liu, Chen, Wang, Yin 2019: rate and range of gains of theorem 1; the Frobenius weight in closed form."""

import random

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
