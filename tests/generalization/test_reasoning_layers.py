import numpy as np
import pytest

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError
from unfold_theory.generalization.reasoning_layers import convergence, single_scale, stability

RNG = np.random.default_rng(11)


def descend(Q, b, phi, k):
    x = np.zeros_like(b)
    for _ in range(k):
        x = x - phi * (Q @ x - b)
    return x


def symmetric(n, low, high):
    U = np.linalg.qr(RNG.standard_normal((n, n)))[0]
    return (U * RNG.uniform(low, high, n)) @ U.T


def test_stability_holds_on_random_pairs_and_is_attained():
    phi, mu, worst = 0.5, 0.3, 0.0
    for trial in range(1500):
        n, k = 1 + trial % 4, int(RNG.integers(0, 60))
        Q, other = symmetric(n, mu, 2.0), symmetric(n, mu, 2.0)
        other = Q + float(RNG.choice([1e-3, 0.1, 1.0])) * (other - Q)
        b = RNG.standard_normal(n)
        allowed = stability(k, Enclosure.exact(phi), Enclosure.exact(mu)).hi * np.linalg.norm(b)
        moved = np.linalg.norm(descend(Q, b, phi, k) - descend(other, b, phi, k))
        distance = np.linalg.norm(Q - other, 2)
        assert moved <= allowed * distance * (1 + 1e-9) + 1e-12
        worst = max(worst, moved / (allowed * distance)) if allowed * distance else worst
    assert worst > 0.5
    for k in (2, 5, 40, 400):  # at the least curvature, in the limit of near matrices
        h = 1e-6
        moved = abs(descend(np.array([[mu]]), np.ones(1), phi, k) - descend(np.array([[mu + h]]), np.ones(1), phi, k))
        assert np.isclose(moved[0] / h, stability(k, Enclosure.exact(phi), Enclosure.exact(mu)).hi, rtol=1e-4)


def test_the_sum_is_the_closed_form():
    phi, mu = 0.5, 0.3
    rho = 1 - phi * mu
    for k in range(2, 80):
        found = stability(k, Enclosure.exact(phi), Enclosure.exact(mu))
        closed = (1 - k * rho ** (k - 1) + (k - 1) * rho**k) / mu**2
        assert np.isclose(found.mid, closed, rtol=1e-9)
    assert stability(1000, Enclosure.exact(phi), Enclosure.exact(mu)).hi <= 1 / mu**2 * (1 + 1e-9)


def test_convergence_is_the_distance_to_the_minimiser():
    Q, b = symmetric(4, 0.3, 2.0), RNG.standard_normal(4)
    for k in (0, 1, 10):
        off = np.linalg.norm(descend(Q, b, 0.5, k) - np.linalg.solve(Q, b))
        assert off <= convergence(k, Enclosure.exact(0.5), Enclosure.exact(0.3)).hi * np.linalg.norm(b) * (1 + 1e-12)


def test_the_bound_saturates_in_depth():
    numbers = {"step_size": Enclosure.exact(0.5), "convexity": Enclosure.exact(0.3), "largest": Enclosure.exact(2.0)}
    found = [
        single_scale(10, k, 1e4, delta=0.01, data=Enclosure.exact(1.0), **numbers).hi for k in (1, 2, 10, 100, 1000)
    ]
    assert np.all(np.diff(found[:4]) > 0)
    assert np.isclose(found[3], found[4], rtol=1e-6)
    assert found[0] < found[1] / 2  # one step from 0 does not see Q
    with pytest.raises(InputError, match="lambda"):
        single_scale(10, 3, 100, delta=0.1, data=Enclosure.exact(1.0), **(numbers | {"largest": Enclosure.exact(3.0)}))
    with pytest.raises(InputError, match="phi"):
        stability(3, Enclosure.exact(4.0), Enclosure.exact(0.3))
