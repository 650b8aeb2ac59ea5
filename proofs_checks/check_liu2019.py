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


def check_frobenius_weight_is_optimal():
    r"""$\min w^TGw$ s.t. $a^Tw=1$ with $G=AA^T\succ0$: $w=G^{-1}a/d$, value $1/d$, $d=a^TG^{-1}a$; exact rationals.

    For any feasible $w+h$ ($a^Th=0$): $(w+h)^TG(w+h)=1/d+h^TGh$, since $h^TGw=h^Ta/d=0$.
    """
    draw = random.Random(7)
    for _ in range(20):
        matrix = sp.Matrix(3, 5, lambda *_: sp.Rational(draw.randint(-9, 9), draw.randint(1, 5)))
        gram = matrix * matrix.T
        if gram.det() == 0:
            continue
        inverse = gram.inv()
        total, trace = sp.Integer(0), sp.Integer(0)
        for i in range(5):
            column = matrix[:, i]
            d = (column.T * inverse * column)[0]
            if d == 0:
                continue
            w = inverse * column / d
            assert (column.T * w)[0] == 1
            assert (w.T * gram * w)[0] == 1 / d
            free = sp.Matrix([draw.randint(-5, 5) for _ in range(3)])
            free = free - column * (column.T * free)[0] / (column.T * column)[0]
            other = w + free
            assert (column.T * other)[0] == 1
            assert (other.T * gram * other)[0] - 1 / d == (free.T * gram * free)[0]
            total, trace = total + 1 / d, trace + d
        assert trace == 3  # a projector's trace: sum d_i = m
        assert total >= sp.Rational(25, 3)  # harmonic mean: sum 1/d_i >= n^2 / m


def check_the_dictionary_itself_is_not_optimal():
    """False variant: W = A, normalised, costs strictly more than the closed form on a coherent dictionary."""
    matrix = sp.Matrix([[1, 0, sp.Rational(3, 5)], [0, 1, sp.Rational(4, 5)]])
    gram = matrix * matrix.T
    inverse = gram.inv()
    own = sum((matrix[:, i].T * gram * matrix[:, i])[0] for i in range(3))
    best = sum(1 / (matrix[:, i].T * inverse * matrix[:, i])[0] for i in range(3))
    assert own > best
