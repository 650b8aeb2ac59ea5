r"""Taylor, Hendrickx and Glineur 2018: contraction of proximal gradient by $\max(|1-t\mu|,|1-tL|)$ in every step.

For two points $d=x-y$ and $e=\nabla f(x)-\nabla f(y)$; $f-\frac\mu2\|\cdot\|^2$ is convex with an $(L-\mu)$-Lipschitz
gradient, so that $\langle d,u\rangle\ge\|u\|^2/(L-\mu)$ for $u=e-\mu d$, and for $u=Ld-e$.
"""

import random
from fractions import Fraction

import sympy as sp

D, C, U, t, mu, L = sp.symbols("D C U t mu L", real=True)  # |d|^2, <d, u>, |u|^2


def check_short_steps():
    r"""$t\le2/(L+\mu)$: $(1-t\mu)^2\|d\|^2-\|d-te\|^2=2t(1-t\mu)\langle d,u\rangle-t^2\|u\|^2\ge
    \frac{t(2-t(L+\mu))}{L-\mu}\|u\|^2$, $u=e-\mu d$."""
    after = (1 - t * mu) ** 2 * D - 2 * t * (1 - t * mu) * C + t**2 * U  # |d - t (u + mu d)|^2
    rest = sp.expand((1 - t * mu) ** 2 * D - after)
    assert sp.expand(rest - (2 * t * (1 - t * mu) * C - t**2 * U)) == 0
    # t mu <= 2 mu / (L + mu) < 1, so that <d, u> enters with a nonnegative factor.
    assert sp.simplify(rest.subs(C, U / (L - mu)) - t * (2 - t * (L + mu)) / (L - mu) * U) == 0


def check_long_steps():
    r"""$t\ge2/(L+\mu)$: $(tL-1)^2\|d\|^2-\|d-te\|^2=2t(tL-1)\langle d,u\rangle-t^2\|u\|^2\ge
    \frac{t(t(L+\mu)-2)}{L-\mu}\|u\|^2$, $u=Ld-e$."""
    after = (1 - t * L) ** 2 * D + 2 * t * (1 - t * L) * C + t**2 * U  # |d - t (L d - u)|^2
    rest = sp.expand((t * L - 1) ** 2 * D - after)
    assert sp.expand(rest - (2 * t * (t * L - 1) * C - t**2 * U)) == 0
    assert sp.simplify(rest.subs(C, U / (L - mu)) - t * (t * (L + mu) - 2) / (L - mu) * U) == 0
    # The factor of <d, u>: t L - 1 >= (L - mu) / (L + mu) >= 0.
    assert sp.simplify((t * L - 1).subs(t, 2 / (L + mu)) - (L - mu) / (L + mu)) == 0


def check_the_larger_of_both():
    r"""$(1-t\mu)^2-(1-tL)^2=t(L-\mu)(2-t(L+\mu))$: which of the two is larger changes at $2/(L+\mu)$."""
    assert sp.expand((1 - t * mu) ** 2 - (1 - t * L) ** 2 - t * (L - mu) * (2 - t * (L + mu))) == 0


def check_the_proximal_map_is_nonexpansive():
    r"""$p=\mathrm{prox}(z)$, $p'=\mathrm{prox}(z')$: $\|z-z'\|^2-\|p-p'\|^2=\|r-r'\|^2+2\langle p-p',r-r'\rangle$ with
    $r=z-p\in t\,\partial g(p)$, and $\partial g$ is monotone. A minimiser is a fixed point of the step."""
    p, r = sp.symbols("p r", real=True)
    assert sp.expand((p + r) ** 2 - p**2 - (r**2 + 2 * p * r)) == 0


def check_one_side_is_attained_and_less_is_false():
    r"""$\frac c2x^2$ with $c=\mu$ or $c=L$ contracts by exactly $\prod|1-t_kc|$: attained if all steps lie on one side
    of $2/(L+\mu)$, and any smaller product is false there."""
    draw = random.Random(0)
    low, high = Fraction(1, 10), Fraction(1)
    for _ in range(50):
        short = draw.random() < 0.5
        border = 2 / (low + high)
        steps = [
            border * Fraction(draw.randint(1, 99), 100) if short else border * Fraction(draw.randint(100, 180), 100)
            for _ in range(draw.randint(1, 6))
        ]
        x, bound = Fraction(1), Fraction(1)
        for step in steps:
            x *= 1 - step * (low if short else high)
            bound *= max(abs(1 - step * low), abs(1 - step * high))
        assert abs(x) == bound
        assert not abs(x) <= bound * (1 - Fraction(1, 10**9))


def check_steps_on_both_sides_are_not_attained_by_quadratics():
    """mu = 1/10, steps 1/2 and 5/2: no eigenvalue contracts by as little as the product says (a grid of 1,000)."""
    low, high, steps = Fraction(1, 10), Fraction(1), (Fraction(1, 2), Fraction(5, 2))
    bound = Fraction(1)
    for step in steps:
        bound *= max(abs(1 - step * low), abs(1 - step * high))
    worst = max(
        abs((1 - steps[0] * c) * (1 - steps[1] * c))
        for c in (low + (high - low) * Fraction(i, 1000) for i in range(1001))
    )
    assert worst < bound * Fraction(3, 4)
