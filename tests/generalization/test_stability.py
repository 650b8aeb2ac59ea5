import itertools

import numpy as np
import pytest

from unfold_theory.errors import InputError
from unfold_theory.generalization.stability import (
    convex_stability,
    nonconvex_stability,
    nonconvex_stability_at,
    replace_one_gap,
)

SUPPORT, PROBABILITIES = np.array([0.0, 0.3, 1.0]), np.array([0.2, 0.5, 0.3])


def learned(sample):
    return np.median(sample)  # symmetric in the sample


def loss(value, z):
    return np.abs(value - z)


def exact_gap(count):
    """E[R - R^] by enumeration of all samples of a law on three points."""
    total = 0.0
    for picks in itertools.product(range(3), repeat=count):
        value = learned(SUPPORT[list(picks)])
        gap = PROBABILITIES @ loss(value, SUPPORT) - loss(value, SUPPORT[list(picks)]).mean()
        total += PROBABILITIES[list(picks)].prod() * gap
    return total


def draws(number, count, rng):
    kept, replaced = np.empty(number), np.empty(number)
    for d in range(number):
        sample = rng.choice(SUPPORT, size=count, p=PROBABILITIES)
        i, other = rng.integers(count), sample.copy()
        other[i] = rng.choice(SUPPORT, p=PROBABILITIES)
        kept[d], replaced[d] = loss(learned(sample), sample[i]), loss(learned(other), sample[i])
    return kept, replaced


def test_replacing_one_signal_estimates_the_expected_gap():
    truth = exact_gap(5)
    assert truth > 0.01
    found = replace_one_gap(*draws(20000, 5, np.random.default_rng(0)), delta=0.01)
    assert found.lo <= truth <= found.hi
    assert found.hi - found.lo < 0.08


def test_the_interval_misses_as_rarely_as_it_says_and_a_wrong_one_is_caught():
    truth, rng, missed, naive = exact_gap(3), np.random.default_rng(1), 0, 0
    for _ in range(200):
        kept, replaced = draws(100, 3, rng)
        found = replace_one_gap(kept, replaced, delta=0.1)
        missed += not found.lo <= truth <= found.hi
        # Looking at the loss of the replacement on its own sample measures no gap.
        wrong = replace_one_gap(kept, kept, delta=0.1)
        width = (wrong.hi - wrong.lo) / 20
        naive += not wrong.mid - width <= truth <= wrong.mid + width
    assert missed <= 20
    assert naive == 200


def test_convex_stability_holds_for_sgd_on_least_absolute_values():
    # Linear losses g w with |g| <= G are convex and smooth with every beta; steps part by 2 alpha G / N in expectation.
    bound = convex_stability(2.0, np.full(30, 0.1), 10)
    assert np.isclose(bound.hi, 2 * 4 * 3 / 10)
    rng, gaps = np.random.default_rng(2), []
    for _ in range(4000):
        z = rng.choice([-2.0, 2.0], 10)
        w = -0.1 * z[rng.integers(10, size=30)].sum()
        gaps.append(0.0 - w * z.mean())  # the population risk of w is 0
    assert 0.3 < np.mean(gaps) / bound.hi <= 1


@pytest.mark.parametrize("size", [20, 100, 1000])
def test_whole_instants_are_above_the_recursion_and_below_the_cited_form(size):
    G, beta, c = 1.5, 3.0, 0.2
    for steps in (size, 10 * size):
        best = 1.0
        for start in range(1, size + 1):
            delta = 0.0
            for t in range(start + 1, steps + 1):
                delta = (1 + (1 - 1 / size) * beta * c / t) * delta + 2 * c * G / (t * size)
            best = min(best, start / size + G * delta)
            if start > 40:
                break
        found = nonconvex_stability_at(G, beta, c, steps, size)
        assert best <= found.hi
        assert found.hi <= max(nonconvex_stability(G, beta, c, steps, size).hi, 1.0) * (1 + 0.3)


def test_bad_input_is_named():
    with pytest.raises(InputError, match="outside"):
        replace_one_gap(np.array([0.5]), np.array([1.5]), delta=0.1)
    with pytest.raises(InputError, match="draws"):
        replace_one_gap(np.array([0.5]), np.array([]), delta=0.1)
    with pytest.raises(InputError, match="NaN"):
        replace_one_gap(np.array([0.5]), np.array([np.nan]), delta=0.1)
    with pytest.raises(InputError, match="Fewer"):
        nonconvex_stability(1.0, 1.0, 1.0, 10, 1)
    with pytest.raises(InputError, match="negative"):
        convex_stability(-1.0, np.ones(3), 10)
