"""The instance bound: equal to the signal certificate where both speak, right term by term, and sound under attack."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError
from unfold_theory.networks import Alista, InstanceLayer, ListaCpss
from unfold_theory.rates.instance_bound import instance_bound
from unfold_theory.rates.master_lemma import sample_bound

M, N = 12, 16


def drawn(seed, batch=40, depth=4, *, gated=True, noisy=False, momentum=True):
    """Random instance layers with lawful thresholds, and the iterates they make from a sparse batch."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((M, N))
    A /= np.linalg.norm(A, axis=0)
    W = np.linalg.solve(A @ A.T, A)
    W /= (W * A).sum(axis=0)
    codes = np.zeros((batch, N))
    for row in codes:
        chosen = rng.choice(N, 2, replace=False)
        row[chosen] = rng.choice([-1, 1], 2) * rng.choice([0.05, 1, 10], 2) * rng.uniform(0.5, 1, 2)
    noise = 0.01 * rng.standard_normal((batch, M)) * noisy
    y = codes @ A.T + noise
    layers, iterates = [], [np.zeros((batch, N)), np.zeros((batch, N))]
    for _ in range(depth):
        x, before = iterates[-1], iterates[-2]
        gain, beta = rng.uniform(0.7, 1.2, batch), rng.uniform(-0.2, 0.4, batch) * momentum
        made = InstanceLayer(W, gain, np.zeros((batch, N)), beta, rng.integers(0, 3, batch), gated)
        error = np.abs(x - codes).sum(axis=1)
        off = np.abs(gain[:, None]) * (np.abs(W.T @ A - np.eye(N)).max() * error[:, None] + np.abs(noise @ W))
        theta = np.repeat(off.max(axis=1, keepdims=True) + 1e-12, N, axis=1)
        layers.append(InstanceLayer(W, gain, theta, beta, made.selected, gated))
        v = x + gain[:, None] * ((y - x @ A.T) @ W) + beta[:, None] * (x - before)
        after = np.sign(v) * np.maximum(np.abs(v) - theta, 0)
        for row, value, p, threshold in zip(after, v, made.selected, theta[:, 0], strict=True):
            top = np.argsort(-np.abs(value), kind="stable")[:p]
            keep = top[np.abs(value[top]) > threshold] if gated else top
            row[keep] = value[keep]
        iterates.append(after)
    return A, codes, noise, layers, np.stack(iterates[1:])


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("gated", [True, False])
def test_no_signal_beats_its_bound(gated, noisy):
    """An attack: 3,200 cells per case with random gains, momentum and selection; thresholds at their law."""
    largest, cells, bypassed = 0.0, 0, 0
    for seed in range(20):
        A, codes, noise, layers, iterates = drawn(seed, gated=gated, noisy=noisy)
        measured = np.abs(iterates - codes).sum(axis=2)
        found = instance_bound(layers, A, codes, noise, errors=Enclosure.exact(measured[:-1]))
        met = (found.required <= found.available).holds & (found.unsafe == 0)
        met = np.logical_and.accumulate(met, axis=0)
        assert (np.where(codes == 0, iterates[1:], 0)[met] == 0).all()
        ratio = measured[1:] / np.maximum(found.bound.hi, 1e-300)
        largest, cells = max(largest, ratio[met].max()), cells + met.sum()
        bypassed += (found.bypassing * met).sum()
    assert largest <= 1 + 1e-12
    assert largest > 0.8
    assert cells > 500
    assert bypassed > 20


def test_it_is_the_signal_certificate_without_momentum():
    A, codes, noise, *_ = drawn(0, noisy=True)
    W = Alista.for_problem(_Problem(A), 1).weights.numpy()
    for network in (
        Alista(A, 3, weights=W, gains=[1.0, 0.9, 1.1], thresholds=[0.8, 0.4, 0.2]),
        ListaCpss(A, 3, weights=W, thresholds=[0.8, 0.4, 0.2], selected=[1, 1, 2]),
    ):
        layers = network.instance_layers(torch.tensor(codes @ A.T + noise))
        found, known = instance_bound(layers, A, codes, noise), sample_bound(network, A, codes, noise)
        for name in ("bound", "required", "available"):
            assert getattr(found, name).mid == pytest.approx(getattr(known, name).mid, rel=1e-9)


def test_two_layers_by_hand():
    r"""A = W = I: $\|(1+\beta-\gamma)I\|=0.5$; entry 5 bypasses, entry 0.1 pays."""
    eye, codes = np.eye(3), np.array([[5.0, 0.1, 0.0]])
    layers = [
        InstanceLayer(eye, np.array([1.0]), np.full((1, 3), 0.2), np.array([7.0]), np.array([1])),
        InstanceLayer(eye, np.array([1.0]), np.full((1, 3), 0.2), np.array([0.5]), np.array([1])),
    ]
    found = instance_bound(layers, eye, codes, np.zeros((1, 3)))
    # At rest the momentum of the first layer does nothing: E_1 = 0 * 5.1 + 0.2.
    assert found.initial.mid == pytest.approx([5.1])
    # Then E_2 = 0.5 E_1 + 0.5 E_0 + (s - q) theta; 5 > 0.2 + 0.5 * 0.2 + 0.5 * 5.1 bypasses.
    assert found.bound.mid[:, 0] == pytest.approx([0.2, 0.1 + 2.55 + 0.2])
    assert (found.bypassing == 1).all()
    # With the measured errors 5.1 and 0.1 nothing changes but the gate's margin.
    narrow = instance_bound(layers, eye, codes, np.zeros((1, 3)), errors=Enclosure.exact([[5.1], [0.1]]))
    assert narrow.bound.mid == pytest.approx(found.bound.mid)


def test_ungated_selection_is_safe_only_for_entries_that_stand_out():
    eye, codes = np.eye(3), np.array([[5.0, 4.0, 0.0], [5.0, 0.0, 0.0]])
    layer = InstanceLayer(eye, np.ones(2), np.full((2, 3), 0.2), np.zeros(2), np.array([2, 2]), gated=False)
    found = instance_bound([layer], eye, codes, np.zeros((2, 3)))
    assert found.unsafe.tolist() == [[0, 1]]
    assert found.bound.mid[0] == pytest.approx([0.0, 0.2], abs=1e-12)


def test_rounding_enters_law_and_bound():
    A, codes, noise, layers, _ = drawn(1)
    free = instance_bound(layers, A, codes, noise)
    rough = instance_bound(layers, A, codes, noise, rounding=np.full((4, len(codes)), 1e-3))
    assert (rough.required.lo[0] >= free.required.hi[0] + 0.999e-3).all()
    assert (rough.bound.lo[0] >= free.bound.hi[0] + 1.999e-3).all()


def test_bad_input_is_named():
    A, codes, noise, layers, _ = drawn(2)
    broken = replace(layers[0], weight=np.full_like(layers[0].weight, np.nan))
    with pytest.raises(InputError, match="not finite"):
        instance_bound([broken], A, codes, noise)
    with pytest.raises(InputError, match="shape"):
        instance_bound(layers, np.vstack([A, A]), codes, np.hstack([noise, noise]))
    with pytest.raises(InputError, match="acted on thresholds"):
        instance_bound(layers, A, codes[:-1], noise[:-1])


class _Problem:
    def __init__(self, dictionary):
        self.dictionary = dictionary
        self.lipschitz = Enclosure.exact(np.linalg.norm(dictionary, 2) ** 2)
