"""The bound that needs neither thresholds nor gates: sound under attack, attained, never above the instance bound."""

from dataclasses import replace

import numpy as np
import pytest

from tests.rates.test_instance_bound import M, N, drawn
from unfold_theory.errors import InputError
from unfold_theory.networks import InstanceLayer
from unfold_theory.rates.instance_bound import instance_bound
from unfold_theory.rates.unconditional_bound import unconditional_bound

BATCH, DEPTH = 60, 4


def wild(seed, *, gated, noisy):
    """Gains of both signs, thresholds from negative to ample, common or not, up to four selected entries."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((M, N))
    A /= np.linalg.norm(A, axis=0)
    W = np.linalg.solve(A @ A.T, A)
    W /= (W * A).sum(axis=0)
    codes = np.zeros((BATCH, N))
    for row in codes:
        chosen = rng.choice(N, rng.integers(1, 4), replace=False)
        row[chosen] = rng.choice([-1, 1], len(chosen)) * rng.choice([0.05, 1, 10], len(chosen))
        row[chosen] *= rng.uniform(0.5, 1, len(chosen))
    noise = 0.01 * rng.standard_normal((BATCH, M)) * noisy
    y = codes @ A.T + noise
    layers, iterates = [], [np.zeros((BATCH, N))] * 2
    for _ in range(DEPTH):
        x, before = iterates[-1], iterates[-2]
        gain = rng.uniform(0.3, 1.4, BATCH) * rng.choice([1, 1, 1, -1], BATCH)
        beta = rng.uniform(-0.2, 0.4, BATCH) * rng.integers(0, 2, BATCH)
        size = np.abs(x - codes).sum(axis=1)
        theta = np.repeat((rng.choice([0, 0.02, 0.1, 0.3, -0.05], BATCH) * size)[:, None], N, axis=1)
        if rng.random() < 0.5:
            theta = theta * rng.uniform(0.2, 1.5, theta.shape)
        selected = rng.integers(0, 5, BATCH)
        v = x + gain[:, None] * ((y - x @ A.T) @ W) + beta[:, None] * (x - before)
        after = np.where(np.abs(v) > theta, np.sign(v) * (np.abs(v) - theta), 0.0)
        for row, value, p, threshold in zip(after, v, selected, theta, strict=True):
            top = np.argsort(-np.abs(value), kind="stable")[:p]
            keep = top[np.abs(value[top]) > threshold[top]] if gated else top
            row[keep] = value[keep]
        layers.append(InstanceLayer(W, gain, theta, beta, selected, gated))
        iterates.append(after)
    return A, codes, noise, layers, np.stack(iterates[2:])


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("gated", [True, False])
def test_no_signal_beats_its_bound(gated, noisy):
    """An attack: 2,880 cells a case, most with false positives."""
    rounding = np.full((DEPTH, BATCH), 1e-13)
    largest, false, informative = 0.0, 0, 0
    for seed in range(12):
        A, codes, noise, layers, iterates = wild(seed, gated=gated, noisy=noisy)
        found = unconditional_bound(layers, A, codes, noise, rounding=rounding)
        wrong = np.where(codes == 0, np.abs(iterates), 0.0)
        error = np.abs(iterates - codes).sum(axis=2)
        assert (wrong.sum(axis=2) <= found.off_support.hi).all()
        assert ((wrong != 0).sum(axis=2) <= found.false_positives).all()
        largest = max(largest, (error / found.bound.hi).max())
        false += (wrong != 0).any(axis=2).sum()
        informative += (found.bound < found.initial).holds.sum()
    assert 0.99 < largest <= 1
    assert false > 1000
    assert informative > 100


@pytest.mark.parametrize("gated", [True, False])
def test_it_never_exceeds_the_instance_bound(gated):
    cells, better = 0, 0
    for seed in range(10):
        A, codes, noise, layers, _ = drawn(seed, gated=gated, noisy=seed % 2 == 0)
        known, found = instance_bound(layers, A, codes, noise), unconditional_bound(layers, A, codes, noise)
        met = np.logical_and.accumulate((known.required <= known.available).holds & (known.unsafe == 0), axis=0)
        assert (found.bound.hi <= known.bound.hi * (1 + 1e-9))[met].all()
        assert (found.false_positives[met] == 0).all()
        cells, better = cells + met.sum(), better + (found.bound.hi < 0.9 * known.bound.hi)[met].sum()
    assert cells > 100
    assert better > cells / 2


def test_one_layer_by_hand():
    r"""A = W, columns (1,0), (0,1), (3/5,4/5), $x^*=e_1$: entry 3 is off by 3/5 and may pass if two are selected."""
    A = np.array([[1.0, 0.0, 0.6], [0.0, 1.0, 0.8]])
    codes, quiet = np.array([[1.0, 0.0, 0.0]]), np.zeros((1, 2))

    def bound(theta, selected, gated):
        layer = InstanceLayer(A, np.ones(1), np.full((1, 3), theta), np.zeros(1), np.array([selected]), gated)
        return unconditional_bound([layer], A, codes, quiet)

    def values(found):
        return found.bound.hi[0, 0], found.off_support.hi[0, 0], found.false_positives[0, 0]

    # Entry 1 surely is the largest: with one selected nothing false passes, and it pays nothing.
    assert values(bound(0.7, 1, gated=False)) == pytest.approx((0.0, 0.0, 0), abs=1e-12)
    assert values(bound(0.7, 2, gated=False)) == pytest.approx((0.6, 0.6, 1))
    assert values(bound(0.7, 2, gated=True)) == pytest.approx((0.0, 0.0, 0), abs=1e-12)
    # Thresholds of 0.7 cost 0.7, of 5 no more than the entry; of 0.2 they let 0.4 survive.
    assert values(bound(0.7, 0, gated=True)) == pytest.approx((0.7, 0.0, 0))
    assert values(bound(5.0, 0, gated=True)) == pytest.approx((1.0, 0.0, 0))
    assert values(bound(0.2, 0, gated=True)) == pytest.approx((0.2 + 0.4, 0.4, 1))


def test_it_ends_in_infinity_where_layers_blow_up():
    A, codes, noise, layers, _ = drawn(0)
    huge = replace(layers[0], gain=np.full(len(codes), 1e120))
    found = unconditional_bound([huge, huge, huge], A, codes, noise)
    assert np.isfinite(found.bound.hi[0]).all()
    assert np.isinf(found.bound.hi[1:]).all()


def test_bad_input_is_named():
    A, codes, noise, layers, _ = drawn(2)
    with pytest.raises(InputError, match="not finite"):
        unconditional_bound([replace(layers[0], weight=np.full_like(layers[0].weight, np.nan))], A, codes, noise)
    with pytest.raises(InputError, match="acted on thresholds"):
        unconditional_bound(layers, A, codes[:-1], noise[:-1])
