r"""Le, Repetti and Pustelnik 2023 measure robustness by Jacobian norms over data: what such a measure says.

$\chi=\max_i\|J(u_i)\|$ over a data set. For piecewise affine networks it is below the constant, attained by small
pairs, and no upper bound.
"""

import random
from fractions import Fraction


def _soft(z, theta):
    return z - theta if z > theta else z + theta if z < -theta else Fraction(0)


def _run(layers, u):
    """Value, slope and distance to the nearest kink (in units of the preactivations' slopes) of a chain."""
    x, slope, room = Fraction(0), Fraction(0), None
    for second, first, theta in layers:
        z, rise = second * x + first * u, second * slope + first
        if rise:
            near = min(abs(z - theta), abs(z + theta)) / abs(rise)
            room = near if room is None else min(room, near)
        on = abs(z) > theta
        x, slope = _soft(z, theta), rise if on else Fraction(0)
    return x, slope, room


def _layers(draw):
    return [
        (Fraction(draw.randint(-8, 8), 4), Fraction(draw.randint(-8, 8), 4), Fraction(draw.randint(1, 8), 4))
        for _ in range(draw.randint(1, 5))
    ]


def check_jacobian_is_attained_by_a_pair():
    """1,000 exact networks: within the region of a point the network is affine, and the quotient is the slope."""
    draw, seen = random.Random(1), 0
    while seen < 1000:
        layers, u = _layers(draw), Fraction(draw.randint(-99, 99), 10)
        value, slope, room = _run(layers, u)
        if not room:
            continue
        seen += 1
        other = _run(layers, u + room / 2)[0]
        assert other - value == slope * room / 2


def check_measure_is_below_every_bound():
    r"""$\chi\le L\le\sum_j|W_1^j|\prod_{i>j}|W_2^i|$ in all of them."""
    draw = random.Random(2)
    for _ in range(1000):
        layers, bound = _layers(draw), Fraction(0)
        for second, first, _ in layers:
            bound = abs(second) * bound + abs(first)
        assert max(abs(_run(layers, Fraction(j, 3))[1]) for j in range(-30, 31)) <= bound


def check_measure_is_no_bound():
    r"""False variant: $\|\Delta x\|\le\chi\|\Delta u\|$ off the data. One layer $\eta_1(2u)$: on data below 1/2 in
    absolute value $\chi=0$, yet the constant is 2."""
    layers = [(Fraction(0), Fraction(2), Fraction(1))]
    data = [Fraction(j, 10) for j in range(-4, 5)]
    assert max(abs(_run(layers, u)[1]) for u in data) == 0
    assert _run(layers, Fraction(3))[0] - _run(layers, Fraction(2))[0] == 2
