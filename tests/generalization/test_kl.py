import time

import flint
import mpmath
import numpy as np
import pytest
from flint import arb

from unfold_theory.enclosure import Basis
from unfold_theory.errors import InputError
from unfold_theory.generalization import binary_kl, kl_lower, kl_upper

TOLERANCE = 1e-12


def grid(count, seed=0):
    """Risks and levels of all sizes, ends included."""
    rng = np.random.default_rng(seed)
    ends = [0.0, 1.0, 5e-324, 1e-300, 1e-16, 0.5, 1 - 2.0**-53, 1 - 1e-9]
    third = (count - len(ends)) // 3
    q = np.concatenate(
        [ends, 10 ** rng.uniform(-20, 0, third), 1 - 10 ** rng.uniform(-16, 0, third), rng.random(third)]
    )
    c = 10 ** rng.uniform(-18, 3, q.size)
    c[: len(ends)] = [1e-16, 1e-16, 1e-16, 1.0, 1e-30, 1e-300, 1e-16, 800.0]
    return q, c


def ball_kl(q, p):
    """kl in ball arithmetic, through differences that are exact."""
    q, p = arb(q), arb(p)
    first = q * (q / p).log() if q > 0 else arb(0)
    return first + ((1 - q) * ((1 - q) / (1 - p)).log() if q < 1 else 0)


def certainly_reaches(q, p, c):
    return p in (0.0, 1.0) or p == q or bool(ball_kl(q, p) >= arb(c))


def test_safe_side_and_accuracy_on_a_grid_of_100000_points():
    q, c = grid(100_000)
    upper, lower = kl_upper(q, c), kl_lower(q, c)
    assert ((lower <= q) & (q <= upper) & (lower >= 0) & (upper <= 1)).all()
    with flint.ctx.workprec(1200):
        for a, level, above, below in zip(*(part.tolist() for part in (q, c, upper, lower)), strict=True):
            assert level == 0 or above > a or a == 1 or above == 1
            assert certainly_reaches(a, above, level), (a, level, above)
            assert certainly_reaches(a, below, level), (a, level, below)
            # A step of the tolerance towards q is inside the ball: the ends are no further off.
            inner, outer = arb(above) - arb(TOLERANCE), arb(below) + arb(TOLERANCE)
            assert inner <= arb(a) or ball_kl(a, inner) <= arb(level), (a, level, above)
            assert outer >= arb(a) or ball_kl(a, outer) <= arb(level), (a, level, below)


def test_against_roots_found_by_mpmath():
    q, c = grid(300, seed=1)
    keep = (q > 1e-9) & (q < 1 - 1e-9) & (c > 1e-12) & (c < 5)
    with mpmath.workdps(60):
        for a, level in zip(q[keep][:60], c[keep][:60], strict=True):
            a_, c_ = mpmath.mpf(float(a)), mpmath.mpf(float(level))

            def excess(p, a_=a_, c_=c_):
                return a_ * mpmath.log(a_ / p) + (1 - a_) * mpmath.log((1 - a_) / (1 - p)) - c_

            inside, outside = a_, mpmath.mpf(1)
            for _ in range(120):
                middle = (inside + outside) / 2
                inside, outside = (middle, outside) if middle < 1 and excess(middle) <= 0 else (inside, middle)
            root = inside
            found = mpmath.mpf(float(kl_upper(a, level)))
            assert 0 <= found - root <= TOLERANCE


def test_closed_forms_and_symmetry():
    c = 10 ** np.linspace(-16, 1, 200)
    np.testing.assert_allclose(kl_upper(0.0, c), -np.expm1(-c), rtol=1e-13)
    np.testing.assert_array_equal(kl_upper(1.0, c), 1.0)
    np.testing.assert_array_equal(kl_lower(0.0, c), 0.0)
    np.testing.assert_allclose(kl_lower(1.0, c), np.exp(-c), atol=1e-14)
    q = np.arange(129) / 128  # 1 - q is exact
    np.testing.assert_allclose(kl_upper(q, 0.1), 1 - kl_lower(1 - q, 0.1), atol=1e-14)
    np.testing.assert_array_equal(kl_upper(q, 0.0), q)
    np.testing.assert_array_equal(kl_lower(q, 0.0), q)
    np.testing.assert_array_equal(kl_upper(q, np.inf), 1.0)
    assert kl_lower(0.5, np.inf) == 0


def test_shapes_broadcast_and_limits_are_monotone():
    q, c = np.linspace(0, 1, 201), 10 ** np.linspace(-12, 2, 141)
    found = kl_upper(q[:, None], c)
    assert found.shape == (201, 141)
    assert (np.diff(found, axis=0) >= -1e-15).all()
    assert (np.diff(found, axis=1) >= -1e-15).all()
    assert kl_upper(0.1, 0.2).shape == ()


def test_a_million_inverses_in_two_seconds():
    rng = np.random.default_rng(2)
    q, c = rng.random(10**6), 10 ** rng.uniform(-6, 1, 10**6)
    best = np.inf
    for _ in range(3):
        started = time.perf_counter()
        kl_upper(q, c)
        best = min(best, time.perf_counter() - started)
    assert best <= 2


def test_divergence_contains_the_true_one():
    q, p = np.random.default_rng(3).random((2, 500))
    q[:4], p[:4] = [0, 1, 0.3, 0], [0.2, 0.4, 0.3, 0]
    found = binary_kl(q, p)
    assert found.basis is Basis.CERTIFIED
    with flint.ctx.workprec(200):
        for a, b, lo, hi in zip(q.tolist(), p.tolist(), found.lo.tolist(), found.hi.tolist(), strict=True):
            if a != b:
                assert arb(lo) <= ball_kl(a, b)
                assert ball_kl(a, b) <= arb(hi)
    assert found.lo[3] == 0
    assert found.width[np.isfinite(found.hi)].max() < 1e-13
    assert np.isposinf(binary_kl(0.5, 0.0).hi)
    assert np.isposinf(binary_kl(0.5, 1.0).hi)


@pytest.mark.parametrize(
    ("q", "c"), [(-0.1, 1.0), (1.1, 1.0), (np.nan, 1.0), (0.5, -1e-9), (0.5, np.nan), ([0.1, np.nan], 1.0)]
)
@pytest.mark.parametrize("inverse", [kl_upper, kl_lower])
def test_bad_input_is_named(inverse, q, c):
    with pytest.raises(InputError):
        inverse(q, c)
