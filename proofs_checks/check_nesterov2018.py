r"""Nesterov 2018: the variable-step bound of gradient descent, $h_k\in(0,2)$; L = 1, $v_k=f(x_k)-f^*$."""

import random
from fractions import Fraction

import sympy as sp

h, v, d, g = sp.symbols("h v d g", positive=True)


def check_the_decrease_of_a_step():
    r"""$f(x-hg)\le f(x)-h\|g\|^2+\frac{h^2}2\|g\|^2=f(x)-\frac{h(2-h)}2\|g\|^2$: a decrease for $0<h<2$ only."""
    assert sp.expand(-h * g**2 + h**2 / 2 * g**2 + h * (2 - h) / 2 * g**2) == 0
    assert (h * (2 - h)).subs(h, 2) == 0


def check_distances_do_not_grow():
    r"""$\|x-hg-x^*\|^2-\|x-x^*\|^2=-2h\langle g,x-x^*\rangle+h^2\|g\|^2\le-h(2-h)\|g\|^2$ by cocoercivity,
    $\langle g,x-x^*\rangle\ge\|g\|^2$. Hence $v\le\langle g,x-x^*\rangle\le\|g\|R$ for all iterates."""
    x = sp.symbols("x", real=True)
    change = sp.expand((x - h * g) ** 2 - x**2)
    assert sp.expand(change + 2 * h * g * x - h**2 * g**2) == 0
    inner = sp.symbols("c", real=True)
    assert sp.expand((-2 * h * inner + h**2 * g**2).subs(inner, g**2) + h * (2 - h) * g**2) == 0


def check_the_reciprocals_telescope():
    r"""$v_+\le v-\omega v^2$, $\omega=h(2-h)/(2R^2)$, gives $1/v_+\ge1/v+\omega$; $v_0\le R^2/2$."""
    omega = sp.symbols("omega", positive=True)
    after = v - omega * v**2
    # 1/after - 1/v - omega = omega^2 v / (1 - omega v) >= 0 where after > 0.
    assert sp.simplify(1 / after - 1 / v - omega - omega**2 * v / (1 - omega * v)) == 0
    budget, R = sp.symbols("B R", positive=True)  # B = sum of h (2 - h)
    assert sp.simplify(1 / (2 / R**2 + budget / (2 * R**2)) - 2 * R**2 / (4 + budget)) == 0


def check_quadratics_and_huber_functions_in_exact_arithmetic():
    """400 random schedules with steps in (0, 2) on a quadratic and a Huber function of one variable: no violation."""
    draw, largest = random.Random(0), Fraction(0)
    for _ in range(400):
        steps = [Fraction(draw.randint(1, 199), 100) for _ in range(draw.randint(1, 8))]
        bound = Fraction(2) / (4 + sum(step * (2 - step) for step in steps))
        curvature = Fraction(draw.randint(1, 100), 100)
        slope, x, y = Fraction(draw.randint(1, 100), 100), Fraction(1), Fraction(1)
        for step in steps:
            x -= step * curvature * x
            y -= step * min(max(y, -slope), slope)
        huber = y**2 / 2 if abs(y) <= slope else slope * abs(y) - slope**2 / 2
        assert curvature * x**2 / 2 <= bound
        assert huber <= bound
        largest = max(largest, curvature * x**2 / 2 / bound, huber / bound)
    assert largest > Fraction(1, 2)


def check_false_variants():
    """A twelfth of the bound, and steps above 2, fail: one step of 1 on a Huber function; one of 5/2 on x^2 / 2."""
    slope = Fraction(1, 3)
    gap = slope * (1 - slope) - slope**2 / 2  # 1/6
    bound = Fraction(2, 5)
    assert gap > bound / 12
    assert gap <= bound
    step = Fraction(5, 2)
    assert 4 + step * (2 - step) > 0
    assert (1 - step) ** 2 / 2 > 2 / (4 + step * (2 - step))
